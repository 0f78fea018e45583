-- The command auth_token:explain() of Prosody's shell, from 13.0 on; before, nobody looks for commands.
-- It asks the running server, so the ledger "memory" too.
--
-- Returns a function that offers it, given explain(typed, user, token) -> good, sentence.

local prepare = module:require "token_address".prepare;

local usage = "Usage: auth_token:explain(\"user@host\", \"TOKEN\")";

return function (explain)
	module:add_item("shell-command", {
		section = "auth_token";
		section_desc = "One-time tokens";
		name = "explain";
		desc = "Say whether a token would be accepted and if not, why. Spends nothing";
		args = { { name = "jid", type = "string" }, { name = "token", type = "string" } };
		host_selector = "jid";
		handler = function (_, typed, ...)
			local user = prepare(typed);
			if not user or not ... then
				return nil, usage;
			end
			-- Unquoted, a token is two words.
			return explain(typed, user, table.concat({ ... }, " "));
		end;
	});
end
