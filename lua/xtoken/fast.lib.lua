-- Applies the rules of this host to logins with a token of FAST too. mod_sasl2_fast does not ask
-- the provider whether a user may log in, and its older version accepts tokens that have ended.
--
--   end_of_grants([username]) -> a moment, in Unix seconds with fractions, so that every token
--       granted until now was granted before it. Removes those that seem to be granted later,
--       because the clock ran ahead: of the user, or of all users if no name is given
--   guard(session): makes the handler of a session ask whether the user may log in
--
-- Functions here use no globals, as xtoken/guard says.

local by_password = module:require "xtoken/by_password";
local current_provider = module:require "xtoken/current_provider";
local fast_origin = module:require "xtoken/fast_origin";
local refusals = module:require "xtoken/refusals";
local internals = module:require "xtoken/prosody_internals";
local can_answer = module:require "xtoken/session".can_answer;

local open_store = require "core.storagemanager".open;
local nodeprep = require "util.encodings".stringprep.nodeprep;
local now = require "util.time".now;

local ipairs, pairs, pcall = ipairs, pairs, pcall;
local host, log = module.host, module._log;
local granted, set_username = internals.granted, internals.set_username;

-- Removes the tokens of a user for which `is_meant(key, token)` is true. Returns whether there were
-- any, or nil and an error.
local function remove(store, username, is_meant)
	local tokens, err = store:get(username);
	if err then
		return nil, err;
	end
	local is_removed = false;
	for key, token in pairs(tokens or {}) do
		if is_meant(key, token) then
			tokens[key], is_removed = nil, true;
		end
	end
	if is_removed then
		return store:set(username, tokens);
	end
	return false;
end

-- Removes the tokens of a client that were granted before `moment` (Unix seconds), if that is
-- given. Returns what `remove` does.
local function end_tokens(username, client_id, moment)
	if not moment then
		return false;
	end
	local prefix = internals.fast_key_prefix(client_id);
	return remove(open_store(host, internals.fast_store), username, function (key, token)
		return key:sub(1, #prefix) == prefix and granted(token) < moment;
	end);
end

-- Removes the tokens of a user, or of all users, that seem to be granted at `moment` or later.
-- Returns an error if there is one.
local function remove_granted_since(username, moment)
	local store = open_store(host, internals.fast_store);
	local names = { username };
	if not username then
		for name in store:users() do
			names[#names + 1] = name;
		end
	end
	for _, name in ipairs(names) do
		local _, err = remove(store, name, function (_, token)
			return granted(token) >= moment;
		end);
		if err then
			return err;
		end
	end
end

-- Tokens that were granted while the clock ran ahead would outlive the moment when older ones end.
local function end_of_grants(username)
	-- A storage may round the fractions.
	local moment = now() + 0.001;
	local _, err = pcall(remove_granted_since, username, moment);
	if err then
		log("error", "Cannot remove tokens of FAST of %s because the storage fails: %s",
			username and username.."@"..host or host, err);
	end
	return moment;
end

-- Calls end_tokens, and also returns the errors that a storage raises.
local function try_to_end_tokens(...)
	local called, ended, err = pcall(end_tokens, ...);
	if not called then
		return nil, ended;
	end
	return ended, err;
end

-- Returns a function that tests tokens as `test` of FAST does, but also asks for the account.
local function guard_test(test, session, handler)
	-- A client with a bad token learns nothing about the account.
	local function decide(admitted, reason, ended, ok, username, ...)
		if not can_answer(session) then
			return nil;
		elseif reason == "unavailable" or ok and not admitted then
			set_username(handler, username);
			return nil, refusals.note(handler, reason);
		elseif not ok and ended then
			return nil, "credentials-expired";
		end
		return ok, username, ...;
	end

	return function (mechanism, username, client_id, ...)
		if nodeprep(username) ~= username then
			-- No user has this name, so it is neither looked up nor logged.
			return nil;
		end
		local admitted, reason, moment = current_provider.readmit(username);
		local ended, err = try_to_end_tokens(username, client_id, moment);
		if err then
			log("error", "%s cannot log in to %s with FAST because the storage fails: %s",
				username, host, err);
			reason = "unavailable";
		end
		if reason == "unavailable" then
			-- The token is not tested: FAST reads the account too, and a storage may raise errors.
			return decide(false, reason);
		end
		-- Asked before, because the test may remove or move the token.
		by_password.note(handler, fast_origin.is_from_password(username, client_id, ...));
		return decide(admitted, reason, ended, test(mechanism, username, client_id, ...));
	end;
end

local function guard(session)
	local handler = internals.fast_handler(session);
	if handler then
		internals.wrap_fast_tests(handler, function (test)
			return guard_test(test, session, handler);
		end);
	end
end

return {
	end_of_grants = end_of_grants;
	guard = guard;
};
