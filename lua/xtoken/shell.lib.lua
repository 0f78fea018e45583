-- Offers commands in Prosody's shell: xtoken:explain() and xtoken:keys().
--
-- They ask the running server, so they know its keys, and the ledger "memory" too.
--
--   offer(commands) -> withdraw: a function that takes the commands of this host back
--       commands.explain(typed, user, token) -> whether the token would be accepted, sentence
--       commands.keys() -> a sentence
--
-- The commands are put into the tables of mod_admin_shell. Its items "shell-command" are not used:
-- Prosody 0.12 has none, and 13.0 keeps the one of a host for ever and warns at each reload. The
-- section is named "xtoken", because `help` takes no name with an underscore. It has all hosts of
-- this server, and uses no globals: those would keep an unloaded module in memory.

local array = require "util.array";
local nameprep = require "util.encodings".stringprep.nameprep;
local prepare = module:require "xtoken/jid".prepare;
local internals = module:require "xtoken/prosody_internals";
local state = module:require "xtoken/state";

local concat, next, pairs, select, sort, type =
	table.concat, next, pairs, select, table.sort, type;
local hosts = state.shell;
local not_here = "xtoken verifies no tokens of that host";

local section = {};

function section.explain(_, typed, ...)
	local user, host = prepare(typed);
	if not user or select("#", ...) == 0 then
		return nil, "Usage: xtoken:explain(\"user@host\", \"TOKEN\")";
	elseif not hosts[host] then
		return nil, not_here;
	end
	-- Unquoted, a token is two words.
	return hosts[host].explain(typed, user, concat({ ... }, " "));
end

function section.keys(_, typed)
	local host = type(typed) == "string" and nameprep(typed);
	if host then
		if not hosts[host] then
			return nil, not_here;
		end
		return true, hosts[host].keys();
	end
	local sentences = {};
	for _, commands in pairs(hosts) do
		sentences[#sentences + 1] = commands.keys();
	end
	sort(sentences);
	return true, concat(sentences, "\n");
end

-- What Prosody 13 shows for `help xtoken`.
local help = {
	desc = "One-time tokens";
	commands = {
		explain = {
			desc = "Say whether a token would be accepted and if not, why. Spends nothing";
			args = array { { name = "jid", type = "string" }, { name = "token", type = "string" } };
		};
		keys = {
			desc = "Show the ids of the keys that are in use";
			args = array { { name = "host", type = "string" } };
		};
	};
};

local function offer(commands)
	local env, names = internals.shell_tables(module);
	env.xtoken = setmetatable(section, { help = help });
	-- The name in version 0.2.
	env.auth_token = env.xtoken;
	if prosody.features then
		-- Prosody 13: the name alone shows the help. 0.12 would not find the section any more.
		names.xtoken = function (session)
			return env.help.xtoken({ session = session });
		end;
	end
	hosts[module.host] = commands;
	local host = module.host;
	return function ()
		if hosts[host] == commands then
			hosts[host] = nil;
		end
		if not next(hosts) then
			env.xtoken, env.auth_token = nil, nil;
		end
	end;
end

return { offer = offer };
