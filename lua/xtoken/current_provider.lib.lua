-- Asks the authentication provider that has the users of this host now.
--
-- A caller may be older than the provider: after a reload there is a new one, after an unload none.
-- Functions here use no globals, as xtoken/guard says.
--
--   ask(question, ...) -> what the provider answers | false, "unavailable"
--   readmit(username) -> true, nil, moment before which older grants ended | false, reason, moment:
--       whether a user may log in without a token of the web application, or stay
--   is_missing() -> whether no module has the users of this host

local get_provider = require "core.usermanager".get_provider;
local internals = module:require "xtoken/prosody_internals";

local host, own = module.host, internals.own;

-- Does not look into the configuration: it may have been changed since, and name a module that is
-- not loaded.
local function current()
	local provider = internals.has_host(host) and get_provider(host);
	return provider and not internals.is_null(provider) and provider or nil;
end

local function is_missing()
	return current() == nil;
end

local function ask(question, ...)
	local provider = current();
	local answer = provider and own(provider, question);
	if not answer then
		return false, "unavailable";
	end
	return answer(...);
end

local function readmit(username)
	local provider = current();
	if provider and not own(provider, "readmit") then
		-- The configuration was changed, and another module has the users of this host now.
		return true;
	end
	return ask("readmit", username);
end

return { ask = ask, readmit = readmit, is_missing = is_missing };
