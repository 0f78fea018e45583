-- Verifies tokens of this host and spends them in its ledger.
--
--   new(options) -> verifier | nil, problem, option, key
--       options: those of native.new_verifier, with the list `keys` and without a ledger
--   new_without_ledger(options) -> the same, but for a verifier that knows no spent tokens
--   verify(verifier, username, token, log [, note_ledger]) -> accepted | nil, reason
--       accepted: { key_id, step_offset, nonce_length, clock_skew }; clock_skew: in seconds, nil if
--       the token is undated
--       note_ledger(seconds): called with the time that the ledger took
--   retire(verifier): another one takes its place, or none
--
-- A verifier has the fields `native` and `ledger`, those of the native module.

local monotonic = require "util.time".monotonic;
local await = module:require "xtoken/await";
local ledger_alarms = module:require "xtoken/ledger_alarms";
local ledgers = module:require "xtoken/ledger";
local native = module:require "xtoken/native";
local secrets = module:require "xtoken/secrets";

-- Returns what is wrong with a key whose secret can be guessed, the option, and its position | nil
local function find_weak_key(keys)
	for position, key in ipairs(keys) do
		local problem = secrets.problem(key.token_secret);
		if problem then
			return problem, "token_secret", position;
		end
	end
end

local function new_without_ledger(options)
	local problem, option, position = find_weak_key(options.keys);
	local verifier;
	if not problem then
		verifier, problem, option, position = native.new_verifier(options);
	end
	if not verifier then
		return nil, problem, option, position;
	end
	return { native = verifier, ledger = options.ledger };
end

local function new(options)
	local problem, option, position = find_weak_key(options.keys);
	if problem then
		return nil, problem, option, position;
	end
	local ledger, url_or_problem, wrong_option = ledgers.open_kept();
	if not ledger then
		return nil, url_or_problem, wrong_option;
	end
	options.ledger = ledger;
	local verifier;
	verifier, problem, option, position = new_without_ledger(options);
	if verifier then
		ledgers.keep(url_or_problem);
	end
	return verifier, problem, option, position;
end

-- Takes what a call of the native verifier returned. If that is a ticket, waits for the decision.
local function decide(verifier, called, ok, ticket, ...)
	if not called or ok ~= nil then
		return called, ok, ticket, ...;
	end
	return true, await.wait(verifier, ticket);
end

-- Raises no error, whatever it is given: that would leave a client without an answer.
local function verify(verifier, username, token, log, note_ledger)
	if type(username) ~= "string" or type(token) ~= "string" then
		return nil, "malformed";
	end
	-- If the login cannot be suspended, the whole server waits, at most until the ledger's
	-- deadline.
	local submit = await.can_wait() and verifier.native.submit or verifier.native.verify;
	local started = monotonic();
	local called, accepted, key_id_or_reason, step_offset, nonce_length, clock_skew =
		decide(verifier.native,
			pcall(submit, verifier.native, username.."@"..module.host, token, os.time()));
	if not called then
		log("error", "Cannot verify the token of %s: %s", username, accepted);
		return nil, "unavailable";
	end
	local reason = not accepted and key_id_or_reason or nil;
	if accepted or reason == "replayed" or reason == "unavailable" then
		if note_ledger then
			note_ledger(monotonic() - started);
		end
		ledger_alarms.note(verifier.ledger, reason, log);
	end
	log("debug", "Token of %s: %s", username, reason or "accepted");
	if reason then
		return nil, reason;
	end
	return {
		key_id = key_id_or_reason;
		step_offset = step_offset;
		nonce_length = nonce_length;
		clock_skew = clock_skew;
	};
end

local function retire(verifier)
	await.retire(verifier.native);
end

return {
	new = new, new_without_ledger = new_without_ledger, verify = verify, retire = retire,
};
