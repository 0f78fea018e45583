-- Verifying tokens of this host: the functions and constants of the Lua implementation, on xtoken.

local resolve_relative_path = require "util.paths".resolve_relative_path;
local xtoken = module:require "token_native";

-- Ledgers by URL, hosts may share them. In `prosody`, where a module that is reloaded, or fails
-- to, or is loaded again later, finds them still.
local ledgers = prosody.token_ledgers or {};
prosody.token_ledgers = ledgers;

-- "memory", a URL, or the path of a file, by itself in Prosody's data folder.
local function ledger_url(value)
	if type(value) ~= "string" then
		return nil, "token_ledger must be a string in quotes";
	elseif value == "memory" then
		return "memory:";
	elseif value:find("^%a[%w+.-]*:") then
		return value;
	end
	return "sqlite:"..resolve_relative_path(prosody.paths.data, value);
end

-- As xtoken.new_verifier, with the ledger that the option token_ledger says.
local function new_verifier(options)
	local url, err = ledger_url(module:get_option("token_ledger", "token_ledger.sqlite"));
	if url and not ledgers[url] then
		ledgers[url], err = xtoken.new_ledger(url);
	end
	if not url or not ledgers[url] then
		return nil, err, "ledger";
	end
	options.ledger = ledgers[url];
	return xtoken.new_verifier(options);
end

-- One line when the ledger stops answering, one when it answers again.
local trouble = nil;

local function report(now, log)
	if now and not trouble then
		log("error", "Nobody can log in to %s, since it is unknown which tokens were used: %s", module.host, now);
	elseif trouble and not now then
		log("info", "It is known again which tokens were used; users can log in to %s", module.host);
	end
	trouble = now;
end

-- Returns true, or false and the reason, whatever it is given: an error raised here would leave a
-- client without an answer.
local function verify(verifier, username, token, log)
	if type(token) ~= "string" then
		return false, "malformed";
	end
	local called, ok, reason, problem = pcall(verifier.verify, verifier, username.."@"..module.host, token);
	if not called then
		log("error", "Cannot verify the token of %s: %s", username, ok);
		return false, "unavailable";
	end
	log("debug", "Token of %s: %s", username, reason or "accepted");
	if ok or reason == "replayed" or reason == "unavailable" then
		report(reason == "unavailable" and (problem or "no memory") or nil, log);
	end
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
