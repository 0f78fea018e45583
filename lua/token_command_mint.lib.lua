-- prosodyctl mod_auth_token mint user@host

local hosts = module:require "token_hosts";
local find_user = module:require "token_command_user";
local new_minter = module:require "token_native".new_minter;
local valid = module:require "token_keys".valid;

local function mint(words)
	local user, host, lib = find_user(words[1]);
	if not user then
		return nil;
	end
	local settings, problem = hosts.read(lib);
	if not settings then
		return nil, ("%s: %s"):format(host, problem);
	end
	local key = valid(settings.keys, os.time());
	if not key then
		return nil, "No key is valid now. Add one to the option token_keys";
	end
	local minter, err = new_minter { keys = { key }, nonce_length = settings.nonce_length };
	if not minter then
		return nil, err;
	end
	return minter:mint(user.."@"..host);
end

return function (words)
	local token, err = mint(words);
	if token or err then
		print(token or err);
	end
	return token and 0 or 2;
end;
