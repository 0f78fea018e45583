-- Users who log in with a token of FAST. mod_sasl2_fast does not ask the provider whether they may,
-- and its older version does not ask when older tokens ended.
--
--   is_handler(sasl_handler) -> whether FAST made it
--   end_future(username): removes the tokens of a user, or of all users if no name is given, that a
--       clock granted which ran ahead
--   withhold(session): answers its login without a new token
--   guard(session, readmit, can_answer, conditions): makes the session's handler ask `readmit`
-- As in token_guard, functions that stay after an unload use no globals.

local open_store = require "core.storagemanager".open;
local sha256 = require "util.hashes".sha256;
local nodeprep = require "util.encodings".stringprep.nodeprep;

local ipairs, pairs, pcall, type, time = ipairs, pairs, pcall, type, os.time;
local host, log = module.host, module._log;

local function is_handler(sasl_handler)
	return sasl_handler and sasl_handler.fast;
end

local function withhold(session)
	session.fast_token_request = nil;
	if is_handler(session.sasl_handler) then
		session.sasl_handler.rotation_needed = nil;
	end
end

-- Removes the tokens of a user for which `is_meant(key, token)`. Returns whether there were any, or
-- nil and an error.
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
	local prefix = sha256(client_id, true);
	return remove(open_store(host, "fast_tokens"), username, function (key, token)
		return key:sub(1, #prefix) == prefix and token.issued_at < moment;
	end);
end

-- Removes the tokens of a user, or of all users, that seem to be granted at `moment` or later.
-- Returns an error if there is one.
local function remove_later(username, moment)
	local store = open_store(host, "fast_tokens");
	local names = { username };
	if not username then
		for name in store:users() do
			names[#names + 1] = name;
		end
	end
	for _, name in ipairs(names) do
		local _, err = remove(store, name, function (_, token)
			return token.issued_at >= moment;
		end);
		if err then
			return err;
		end
	end
end

-- Tokens that were granted while the clock ran ahead would outlive the moment when older ones end.
local function end_future(username)
	local _, err = pcall(remove_later, username, time() + 1);
	if err then
		log("error", "Cannot remove tokens of FAST of %s because the storage fails: %s",
			username and username.."@"..host or host, err);
	end
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
local function guard_test(test, session, handler, readmit, can_answer, conditions)
	local function refuse(reason)
		handler.refusal = reason;
		return nil, conditions[reason] or "not-authorized";
	end

	-- A client with a bad token learns nothing about the account.
	local function decide(admitted, reason, ended, ok, username, ...)
		if not can_answer(session) then
			return nil;
		elseif reason == "unavailable" or ok and not admitted then
			handler.username = username;
			return refuse(reason);
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
		local admitted, reason, moment = readmit(username);
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
		return decide(admitted, reason, ended, test(mechanism, username, client_id, ...));
	end;
end

local function guard(session, ...)
	local handler = session.fast_sasl_handler;
	if not handler then
		return;
	end
	local profile = handler.profile;
	for name, test in pairs(profile) do
		if type(test) == "function" then
			profile[name] = guard_test(test, session, handler, ...);
		end
	end
end

return { is_handler = is_handler, end_future = end_future, guard = guard, withhold = withhold };
