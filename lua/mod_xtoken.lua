-- The commands of mod_auth_token under a name that no other module has, for when another
-- mod_auth_token is in the way: prosodyctl mod_xtoken check

if module.host == "*" then
	module.command = module:require "token_command";
end
