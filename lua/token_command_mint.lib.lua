-- prosodyctl mod_auth_token mint user@host

local hosts = module:require "token_hosts";
local find_user = module:require "token_command_user";
local mint = module:require "token_mint";

return function (words)
	local user, host, lib = find_user(words[1]);
	if not user then
		return 2;
	end
	local settings, problem = hosts.read(lib);
	local token;
	if settings then
		token, problem = mint(settings, user.."@"..host);
	end
	print(token or ("%s: %s"):format(host, problem));
	return token and 0 or 2;
end;
