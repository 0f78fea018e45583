-- Offers the function and the constants of the Lua implementation, for modules and tests that were
-- written for it.

local options = module:require "xtoken/options";
local verifiers = module:require "xtoken/verifier";

-- The verifier of the seed and the secret that verify_token was last called with.
local last = {};

-- Its other options may have changed.
module:hook_global("config-reloaded", function ()
	last = {};
end);

local function verifier_of(otp_seed, token_secret)
	if last.verifier and last.otp_seed == otp_seed and last.token_secret == token_secret then
		return last.verifier;
	end
	local verifier_options = options.read_rules();
	verifier_options.keys = {
		{ id = "default", otp_seed = otp_seed, token_secret = token_secret },
	};
	local verifier, problem = verifiers.new(verifier_options);
	last = { verifier = verifier, otp_seed = otp_seed, token_secret = token_secret };
	return verifier, problem;
end

-- Returns true, or false and the reason of the refusal.
local function verify_token(username, password, otp_seed, token_secret, log)
	log = log or module._log;
	local verifier, problem = verifier_of(otp_seed, token_secret);
	if not verifier then
		log("error", "No token can be verified: %s", problem);
		return false, "unavailable";
	end
	local accepted, reason = verifiers.verify(verifier, username, password, log);
	return accepted ~= nil, reason;
end

return {
	OTP_DEVIATION = 1;
	OTP_DIGITS = 8;
	OTP_INTERVAL = 30;
	DIGEST_TYPE = "SHA256";
	verify_token = verify_token;
};
