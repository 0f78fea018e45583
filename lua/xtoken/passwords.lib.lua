-- Finds the module of Prosody that has the passwords of this host, as token_passwords says.
--
-- mod_auth_token depends on that module, as on any other: Prosody loads it, and reloads
-- mod_auth_token after it. It offers itself as the provider of this host, but Prosody takes only
-- the one that `authentication` names. (The alternative was to run its file with a `module` of our
-- own. Then its hooks, options and log lines would be those of mod_auth_token, it could not be
-- reloaded or seen in the shell, and it would ask for its own dependencies under another name.)
--
--   load(name) -> module | nil, problem
--       module: the provider of mod_auth_NAME, with its own functions only: test_password,
--       set_password, create_user, delete_user, get_sasl_handler; get_password in one of them
--   test(provider, username, password) -> whether it is the password of the user
--   is_token(text) -> whether it has the shape of a token, whatever the length of its nonce

local function load(name)
	local loaded = pcall(module.depends, module, "auth_"..name);
	for _, provider in ipairs(loaded and module:get_host_items("auth-provider") or {}) do
		if provider.name == name then
			return provider;
		end
	end
	return nil, ("mod_auth_%s, which token_passwords names, cannot be loaded"):format(name);
end

-- A storage may raise errors, and so does this.
local function test(provider, username, password)
	-- Without a password to compare with, mod_auth_internal_plain raises an error.
	if provider.get_password and not provider.get_password(username) then
		return false;
	end
	return provider.test_password(username, password) == true;
end

-- Each pattern reads its part once, and cannot go back.
local function is_token(text)
	local _, digits = text:find("^%d+ ");
	local signature = digits and text:sub(digits + 1);
	return digits ~= nil and digits > 8 and #signature == 44
		and signature:find("^[A-Za-z0-9+/]+=$") ~= nil;
end

return { load = load, test = test, is_token = is_token };
