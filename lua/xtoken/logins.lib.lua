-- Decides about logins: whether a token lets a user in, or a password beside tokens.
--
--   new(provider, users, monitor) -> logins: adds what follows to the provider of this host.
--       Prosody and its modules call get_sasl_handler and test_password, the others are asked by
--       xtoken/current_provider
--   provider.get_sasl_handler(session) -> a handler of xtoken/sasl
--   provider.test_password(username, token_or_password) -> true | false, reason
--   provider.test_plain(username, token_or_password) -> the same, then whether it is a password
--   provider.test_token(username, token) -> true | false, reason
--   provider.admit_token(login) -> the same, of a token that the ledger accepted: see
--       xtoken/still_accepted
--   provider.admit_password(username) -> the same, of a user who has proved a password
--   provider.offers(mechanism) -> whether tokens can be sent by this mechanism
--   logins.follow(options): these are in force from now on, what xtoken/options reads
--
-- A login takes this way: sasl -> test -> ask -> test_token -> ledger -> admit_token.

local by_password = module:require "xtoken/by_password";
local current_provider = module:require "xtoken/current_provider";
local encryption = module:require "xtoken/encryption";
local internals = module:require "xtoken/prosody_internals";
local passwords = module:require "xtoken/passwords";
local refusals = module:require "xtoken/refusals";
local sasl = module:require "xtoken/sasl";
local session_can_answer = module:require "xtoken/session".can_answer;
local still_accepted = module:require "xtoken/still_accepted";
local usernames = module:require "xtoken/usernames";
local verifiers = module:require "xtoken/verifier";

local log = module._log;

local _, storage = require "core.storagemanager".get_driver(module.host, "accounts");
local keeps_files = storage == "internal";

-- Asks the current provider: a stream may be older than the last reload, and must not log in by an
-- old configuration.
local function ask(handler, username, token_or_password)
	if keeps_files and not usernames.can_be_stored(username) then
		return false, "name-too-long";
	end
	local question = sasl.is_plain(handler) and "test_plain" or "test_token";
	local ok, reason, is_password = current_provider.ask(question, username, token_or_password);
	-- Meanwhile the options may have changed, or the account.
	if ok and is_password then
		ok, reason = current_provider.ask("admit_password", username);
	elseif ok and not current_provider.ask("offers", internals.named(handler)) then
		ok, reason = false, "token-in-plain";
	end
	by_password.note(handler, ok and is_password);
	return ok, reason;
end

-- Decides for the SASL mechanism about what the client sent, as mod_sasl_token describes it.
local function test(handler, username, token_or_password)
	if current_provider.is_missing() then
		return false;
	end
	local ok, reason = ask(handler, username, token_or_password);
	local condition = not ok and refusals.note(handler, reason) or nil;
	local session = internals.session_of(handler);
	if session and not session_can_answer(session) then
		return false;
	end
	return ok == true, reason ~= "account-disabled", condition;
end

-- Never asks about a token, so a password is tested even if the ledger does not answer.
local function test_stored_password(keeper, users, username, password)
	local admitted, reason = users.readmit(username);
	if not admitted then
		return false, reason == "unknown-user" and "bad-password" or reason;
	end
	local called, is_right = pcall(passwords.test, keeper, username, password);
	if not called then
		log("error", "Cannot test the password of %s: %s", username, is_right);
		return false, "unavailable";
	end
	return is_right, not is_right and "bad-password" or nil;
end

local for_encryption = { ["X-TOKEN"] = true, PLAIN = true };

local function new(provider, users, monitor)
	local requires_encryption = encryption.is_required();
	local logins, options = {}, nil;

	function logins.follow(new_options)
		options = new_options;
	end

	-- A token is worth as much as a password until it is spent, so X-TOKEN is offered where PLAIN
	-- is.
	function provider.get_sasl_handler(session)
		local is_open = requires_encryption and not (session and session.secure);
		local handler = sasl.new({
			token = test;
			mechanisms = options.mechanisms;
			session = session;
			requires_encryption = is_open or nil;
		}, options.password_provider);
		if is_open then
			internals.hide(handler, for_encryption);
		end
		return handler;
	end

	function provider.offers(mechanism)
		return options.mechanisms[mechanism] == true;
	end

	function provider.test_token(username, token)
		local options_then, time = options, os.time();
		local accepted, reason =
			verifiers.verify(options_then.verifier, username, token, log, monitor.note_ledger);
		local ok = false;
		if accepted then
			monitor.note_accepted(username, accepted, options_then.nonce_length);
			-- Not directly: the module may have been reloaded before the ledger answered.
			ok, reason = current_provider.ask("admit_token", {
				username = username, token = token, time = time,
				options = options_then, key_id = accepted.key_id,
			});
		end
		monitor.note_login(ok, reason);
		return ok, reason;
	end

	function provider.admit_token(login)
		local refusal = still_accepted.refusal(options, login);
		if refusal then
			return false, refusal;
		end
		local ok, reason = users.admit(login.username);
		-- The storage of accounts may have taken its time, too.
		refusal = ok and still_accepted.refusal(options, login);
		return ok and not refusal, refusal or reason;
	end

	-- The shape alone says what it is: a token is never tried as a password, or the other way
	-- round.
	function provider.test_plain(username, token_or_password)
		local keeper = options.password_provider;
		if keeper and not passwords.is_token(token_or_password) then
			local ok, reason = test_stored_password(keeper, users, username, token_or_password);
			return ok, reason, true;
		elseif not options.mechanisms.PLAIN then
			log("debug", "Token of %s: PLAIN is for passwords here, see token_allow_plain",
				username);
			return false, "token-in-plain";
		end
		return provider.test_token(username, token_or_password);
	end

	-- Other modules ask this, and PLAIN of Prosody's own modules. Beside passwords, it is never
	-- about a token.
	function provider.test_password(username, token_or_password)
		local keeper = options.password_provider;
		if keeper then
			return test_stored_password(keeper, users, username, token_or_password);
		end
		return provider.test_token(username, token_or_password);
	end

	function provider.admit_password(username)
		if not options.password_provider then
			return false, "bad-password";
		end
		return users.readmit(username);
	end

	return logins;
end

return { new = new };
