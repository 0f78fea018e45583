-- Verifying tokens of this host: the functions and constants of the Lua implementation, on xtoken.

local xtoken = module:require "token_native";

-- Spent tokens of each host. In `prosody`, where a module that is reloaded, or fails to, or is
-- loaded again later, finds them still.
local ledgers = prosody.token_ledgers or {};
prosody.token_ledgers = ledgers;

-- As xtoken.new_verifier, with the ledger of this host.
local function new_verifier(options)
	if not ledgers[module.host] then
		local ledger, err = xtoken.new_ledger("memory:");
		if not ledger then
			return nil, err, "ledger";
		end
		ledgers[module.host] = ledger;
	end
	options.ledger = ledgers[module.host];
	return xtoken.new_verifier(options);
end

-- Returns true, or false and the reason, whatever it is given: an error raised here would leave a
-- client without an answer.
local function verify(verifier, username, token, log)
	if type(token) ~= "string" then
		return false, "malformed";
	end
	local called, ok, reason = pcall(verifier.verify, verifier, username.."@"..module.host, token);
	if not called then
		log("error", "Cannot verify the token of %s: %s", username, ok);
		return false, "unavailable";
	end
	log("debug", "Token of %s: %s", username, reason or "accepted");
	return ok, reason;
end

-- The verifier of the values that verify_token was last called with.
local last = {};

local function verify_token(username, password, otp_seed, token_secret, log)
	log = log or module._log;
	if not last.verifier or last.otp_seed ~= otp_seed or last.token_secret ~= token_secret then
		local verifier, err = new_verifier { otp_seed = otp_seed, token_secret = token_secret };
		if not verifier then
			log("error", "No token can be verified: %s", err);
			return false, "unavailable";
		end
		last = { otp_seed = otp_seed, token_secret = token_secret, verifier = verifier };
	end
	return verify(last.verifier, username, password, log);
end

return {
	OTP_DEVIATION = 1;
	OTP_DIGITS = 8;
	OTP_INTERVAL = 30;
	DIGEST_TYPE = "SHA256";
	verify = verify;
	verify_token = verify_token;
	new_verifier = new_verifier;
	version = xtoken.version;
};
