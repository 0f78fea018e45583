-- The command auth_token:explain() of Prosody's shell, from 13.0 on; before, nobody looks for commands.
-- It asks the running server, so the ledger "memory" too.
--
-- Returns a function that offers it, given explain(typed, user, token) -> good, sentence, and returns
-- one that takes it back: Prosody's shell keeps the first command of a name for ever, and what that
-- refers to, which must not be the module and its keys. For the same reason it uses no globals.

local concat = table.concat;
local prepare = module:require "token_address".prepare;

local usage = "Usage: auth_token:explain(\"user@host\", \"TOKEN\")";

return function (explain)
	local offered = { explain = explain };
	module:add_item("shell-command", {
		section = "auth_token";
		section_desc = "One-time tokens";
		name = "explain";
		desc = "Say whether a token would be accepted and if not, why. Spends nothing";
		args = { { name = "jid", type = "string" }, { name = "token", type = "string" } };
		host_selector = "jid";
		handler = function (_, typed, ...)
			local user = prepare(typed);
			if not offered.explain then
				return nil, "The module was unloaded";
			elseif not user or not ... then
				return nil, usage;
			end
			-- Unquoted, a token is two words.
			return offered.explain(typed, user, concat({ ... }, " "));
		end;
	});
	return function ()
		offered.explain = nil;
	end;
end
