-- Prints a fresh token, for trying things out: prosodyctl mod_auth_token mint user@host
--
--   run(words) -> exit status
--   mint(options, jid) -> token | nil, problem
--       options: what xtoken/options reads

local find_user = module:require "xtoken/prosodyctl/user".find;
local new_minter = module:require "xtoken/native".new_minter;
local valid = module:require "xtoken/keys".valid;

local function mint(options, jid)
	local key = valid(options.keys, os.time());
	if not key then
		return nil, "No key is valid now. Add one to the option token_keys";
	end
	local minter, problem = new_minter { keys = { key }, nonce_length = options.nonce_length };
	if not minter then
		return nil, problem;
	end
	return minter:mint(jid);
end

local function run(words)
	local user, context, options = find_user(words[1]);
	if not user then
		return 2;
	end
	local token, problem = mint(options, user.."@"..context.host);
	print(token or ("%s: %s"):format(context.host, problem));
	return token and 0 or 2;
end

return { run = run, mint = mint };
