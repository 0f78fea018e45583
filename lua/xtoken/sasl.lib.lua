-- Makes SASL handlers that offer X-TOKEN and, if token_allow_plain is set, PLAIN: for clients that
-- cannot add a mechanism, with the token in the place of the password. Beside passwords, they offer
-- the mechanisms of the module that has the passwords, too.
--
-- The message of X-TOKEN has the shape of PLAIN's, so one function decides both, with the same
-- answers. Prosody's own PLAIN could not say temporary-auth-failure or invalid-authzid.
--
--   new(profile [, passwords]) -> handler: as util.sasl.new of this host; `profile.mechanisms` is
--       the set of mechanisms that it offers
--       passwords: a provider of xtoken/passwords
--   is_plain(handler) -> whether the client has chosen PLAIN

local new_sasl = require "util.sasl".new;
local accounts = module:require "xtoken/accounts";
local by_password = module:require "xtoken/by_password";
local current_provider = module:require "xtoken/current_provider";
local internals = module:require "xtoken/prosody_internals";
local refusals = module:require "xtoken/refusals";
local session_can_answer = module:require "xtoken/session".can_answer;

local is_offered = internals.is_offered;
local log = module._log;

local function is_plain(handler)
	return internals.named(handler) == "PLAIN";
end

local function x_token_for_plain(handler, mechanism)
	return mechanism == "PLAIN" and is_offered(handler, "PLAIN") and "X-TOKEN" or mechanism;
end

-- The stored password is read when SCRAM begins. Meanwhile it may have been changed, or removed.
local function process_and_look_again(handler, process, message)
	local status, answer, text = process(handler, message);
	local has_changed = status == "success" and handler.xtoken_has_changed;
	if has_changed and has_changed() then
		return "failure", "not-authorized";
	end
	return status, answer, text;
end

-- Decides what a mechanism of Prosody has decided, again: for accounts that it does not know of,
-- and for errors, which would leave the client without an answer.
local function judge(handler, process, message)
	local mechanism = internals.selected(handler);
	if mechanism == "X-TOKEN" then
		return process(handler, message);
	end
	local called, status, answer, text =
		pcall(process_and_look_again, handler, process, message);
	local username = internals.username(handler);
	if not called then
		log("error", "Cannot test the password of %s: %s", username or "-", status);
		return "failure", refusals.note(handler, "unavailable");
	end
	local is_scram = mechanism:find("^SCRAM%-") ~= nil;
	if status == "failure" and answer == "not-authorized" and is_scram then
		refusals.note(handler, "bad-password");
	elseif status == "success" then
		local admitted, reason = current_provider.ask("admit_password", username);
		local session = internals.session_of(handler);
		if session and not session_can_answer(session) then
			return "failure", "not-authorized";
		elseif not admitted then
			return "failure", refusals.note(handler, reason);
		end
		by_password.note(handler, is_scram);
	end
	return status, answer, text;
end

-- Where an account has no password, SCRAM would raise an error.
local function only_with_password(get_keys)
	return function (...)
		local stored_key, server_key, iteration_count, salt, state = get_keys(...);
		if stored_key and server_key and iteration_count and salt then
			return stored_key, server_key, iteration_count, salt, state;
		end
		return nil, nil, nil, nil, state == false and false or nil;
	end;
end

-- Makes a question of SCRAM leave on the handler what process_and_look_again asks. Who has an empty
-- password, which another program may have written, has none.
local function remembered(ask)
	local function note(handler, username, realm, secret, ...)
		function handler.xtoken_has_changed()
			return (ask(handler, username, realm)) ~= secret;
		end
		return secret, ...;
	end
	return function (handler, username, realm, ...)
		local account = accounts.get(username);
		if not account or account.password == "" then
			return nil;
		end
		return note(handler, username, realm, ask(handler, username, realm, ...));
	end;
end

-- What SCRAM asks, by the names that util.sasl has for it. The others are functions that decide.
local function wrap(name, ask)
	if name == "plain" then
		return remembered(ask);
	end
	return name:find("^scram_") and remembered(only_with_password(ask)) or ask;
end

-- Adds what the mechanisms of the module ask. Its handler is new, and so is the profile of that.
local function add_passwords(profile, passwords)
	local theirs = internals.profile(passwords.get_sasl_handler(profile.session));
	for name, ask in pairs(theirs) do
		if name ~= "mechanisms" then
			profile[name] = wrap(name, ask);
		end
	end
	-- Those for which the profile has what they ask.
	profile.mechanisms = nil;
end

local function new(profile, passwords)
	if passwords then
		add_passwords(profile, passwords);
	end
	local handler = internals.translate(new_sasl(module.host, profile), x_token_for_plain,
		passwords and judge);
	if profile.session and not internals.can_bind_channel(profile.session) then
		-- If a handler has channel binding, mod_sasl2 asks the connection of Prosody 0.12 for what
		-- that does not have.
		internals.forbid_channel_binding(handler);
	end
	return handler;
end

return { new = new, is_plain = is_plain };
