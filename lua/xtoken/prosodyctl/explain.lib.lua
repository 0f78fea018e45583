-- Says whether a token would be accepted: prosodyctl mod_auth_token explain user@host [TOKEN]
--
--   run(words) -> exit status

local lfs = require "lfs";
local find_user = module:require "xtoken/prosodyctl/user".find;
local read_token = module:require "xtoken/prosodyctl/token".read;
local new_without_ledger = module:require "xtoken/verifier".new_without_ledger;

-- Returns why the ledger cannot be asked; nil if it can. It may be in the memory of another
-- process, or have no file yet. (A file that prosodyctl creates might not belong to Prosody's
-- user.)
local function find_obstacle(context)
	local url = context:require "xtoken/ledger_url".read() or "";
	local path = url:match("^sqlite:(.*)$");
	if url == "memory:" then
		return "Only the running server knows whether it is spent, since token_ledger is "
			.."\"memory\". Ask it: prosodyctl shell xtoken explain";
	elseif path and not lfs.attributes(path) then
		return "No token was spent before: the ledger has no file yet";
	end
end

local function run(words)
	local typed = table.remove(words, 1);
	local obstacle;
	local user, context, options = find_user(typed, function (context)
		obstacle = find_obstacle(context);
		return obstacle and new_without_ledger;
	end);
	if not user then
		return 2;
	end
	local users = context:require "xtoken/users".new();
	users.follow(options.known_users);
	local explain = context:require "xtoken/explain".explain;
	local is_acceptable, sentence =
		explain(options.verifier, users, typed, user, read_token(words));
	print(is_acceptable and sentence or "refused: "..sentence);
	if is_acceptable and obstacle then
		print(obstacle);
	end
	return is_acceptable and 0 or 1;
end

return { run = run };
