-- prosodyctl mod_auth_token explain user@host [TOKEN]

local lfs = require "lfs";
local isatty = require "util.pposix".isatty;
local hosts = module:require "token_hosts";
local find_user = module:require "token_command_user";
local new_verifier = module:require "token_native".new_verifier;

-- A file that prosodyctl makes might not be Prosody's; and where there is none, or only the memory of
-- another process, there is nothing to look at.
local function without_ledger(utils)
	return setmetatable({ new_verifier = new_verifier }, { __index = utils });
end

local function look_only(utils)
	local url = utils.ledger_url() or "";
	local path = url:match("^sqlite:(.*)$");
	if url == "memory:" then
		return without_ledger(utils), "Only the running server knows whether it was used before (token_ledger is "
			.."\"memory\"); on Prosody 13.0 ask it: prosodyctl shell auth_token explain";
	elseif path and not lfs.attributes(path) then
		return without_ledger(utils), "No token was spent before: the ledger has no file yet";
	end
	return utils;
end

local function read_token()
	if isatty and isatty(io.stdin) then
		io.stderr:write("Token: ");
	end
	local line = io.read("*l") or "";
	return (line:gsub("\r$", ""));
end

return function (words)
	local typed = table.remove(words, 1);
	local user, host, lib = find_user(typed);
	if not user then
		return 2;
	end
	local utils, note = look_only(lib.utils);
	local settings, problem = hosts.read(lib, utils);
	if not settings then
		print(("%s: %s"):format(host, problem));
		return 2;
	end
	lib.users.follow(settings.known_users);
	-- Unquoted, a token is two words.
	local token = words[1] and table.concat(words, " ") or read_token();
	local is_good, sentence = lib.module:require "token_explain" (utils, settings, lib.users, typed, user, token);
	print(is_good and sentence or "refused: "..sentence);
	if is_good and note then
		print(note);
	end
	return is_good and 0 or 1;
end;
