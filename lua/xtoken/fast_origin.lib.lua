-- Remembers which tokens of FAST were granted to a client that had logged in by password. The note
-- is in FAST's own entry of the token, so that both are replaced at once.
--
--   note_password(session, secret): notes it of the token that its login has got
--   is_from_password(username, client_id, token_hash, channel_binding) -> whether it was noted of
--       the token that the client has proved to have
--
-- Functions here use no globals, as xtoken/guard says.

local open_store = require "core.storagemanager".open;
local by_password = module:require "xtoken/by_password";
local internals = module:require "xtoken/prosody_internals";

local pairs, pcall = pairs, pcall;
local host, log = module.host, module._log;

local function note(session, secret)
	local store = open_store(host, internals.fast_store, "map");
	local username, key = session.username, internals.fast_key_of_grant(session);
	local token = store:get(username, key);
	-- If the storage waits, another login with the id of this client may have got one since.
	if token and internals.is_secret_of(token, secret) then
		by_password.note(token, true);
		store:set(username, key, token);
	end
end

local function note_password(session, secret)
	local called, err = pcall(note, session, secret);
	if not called then
		log("warn", "%s must log in by password again to change it, because the storage fails: %s",
			session.username, err);
	end
end

local function find_note(username, client_id, token_hash, channel_binding)
	local prefix = internals.fast_key_prefix(client_id);
	local tokens = open_store(host, internals.fast_store):get(username);
	for key, token in pairs(tokens or {}) do
		if key:sub(1, #prefix) == prefix
		and internals.is_fast_proof(token, token_hash, channel_binding) then
			return by_password.is_noted(token);
		end
	end
	return false;
end

local function is_from_password(...)
	local called, is_noted = pcall(find_note, ...);
	return called and is_noted;
end

return { note_password = note_password, is_from_password = is_from_password };
