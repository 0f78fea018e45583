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

-- The verifier of the values that verify_token was last called with.
local last = {};

local function verify_token(username, password, otp_seed, token_secret, log)
	if last.otp_seed ~= otp_seed or last.token_secret ~= token_secret then
		local verifier, err = new_verifier { otp_seed = otp_seed, token_secret = token_secret };
		if not verifier then
			if log then log("error", "No token can be verified: %s", err); end
			return false;
		end
		last = { otp_seed = otp_seed, token_secret = token_secret, verifier = verifier };
	end
	local ok, reason = last.verifier:verify(username.."@"..module.host, password);
	if log then log("debug", "Token of %s: %s", username, reason or "accepted"); end
	return ok;
end

return {
	OTP_DEVIATION = 1;
	OTP_DIGITS = 8;
	OTP_INTERVAL = 30;
	DIGEST_TYPE = "SHA256";
	verify_token = verify_token;
	new_verifier = new_verifier;
	version = xtoken.version;
};
