-- Verifying tokens of this host: the functions and constants of the Lua implementation, on xtoken.

local resolve_relative_path = require "util.paths".resolve_relative_path;
local xtoken = module:require "token_native";
local waiting = module:require "token_waiting";

-- Ledgers by URL, hosts may share them. In `prosody`, where a module that is reloaded, or fails
-- to, or is loaded again later, finds them still.
local ledgers = prosody.token_ledgers or {};
prosody.token_ledgers = ledgers;

-- "memory", the path of a file, by itself in Prosody's data folder, or a URL; that of a server with
-- the deadline that the option token_ledger_timeout says.
local function ledger_url(value)
	local timeout = module:get_option("token_ledger_timeout");
	if type(value) ~= "string" then
		return nil, "token_ledger must be a string in quotes";
	elseif value == "memory" then
		return "memory:";
	elseif not value:find("^%a[%w+.-]*:") then
		return "sqlite:"..resolve_relative_path(prosody.paths.data, value);
	elseif not timeout or not value:find("^[%a+]+://") then
		return value;
	elseif type(timeout) ~= "number" or timeout < 0.01 or timeout > 60 then
		return nil, "token_ledger_timeout must be a number of seconds, 0.01 to 60";
	end
	return ("%s%stimeout=%d"):format(value, value:find("?", 1, true) and "&" or "?", math.floor(timeout * 1000));
end

-- The ledger of each verifier.
local ledger_of = setmetatable({}, { __mode = "k" });

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
	local verifier, problem, option = xtoken.new_verifier(options);
	if verifier then
		ledger_of[verifier] = options.ledger;
	end
	return verifier, problem, option;
end

-- One line when the ledger stops answering, one when it answers again.
local trouble = nil;

local function report(now, log)
	if now and not trouble then
		log("error", "Nobody can log in to %s, since it is unknown which tokens were used: %s", module.host, now);
	elseif trouble and not now then
		log("info", "The ledger of used tokens answers again; users of %s can log in, after damage with fresh tokens",
			module.host);
	end
	trouble = now;
end

-- One line when fresh tokens are refused for a while, with the end of it.
local announced = nil;

local function announce(ledger, log)
	local opens = ledger:closed_until();
	if opens and opens ~= announced then
		announced = opens;
		log("warn", "It is unknown which of the last tokens were used: those made before %s are refused at %s",
			os.date("%Y-%m-%d %H:%M:%S", opens), module.host);
	end
end

-- Returns true, or false and the reason, whatever it is given: an error raised here would leave a
-- client without an answer.
local function verify(verifier, username, token, log)
	if type(token) ~= "string" then
		return false, "malformed";
	end
	-- Where nothing can be suspended, everything waits, as long as the ledger's deadline says.
	local begin = waiting.can_wait() and verifier.begin or verifier.verify;
	local called, ok, reason = pcall(begin, verifier, username.."@"..module.host, token);
	if not called then
		log("error", "Cannot verify the token of %s: %s", username, ok);
		return false, "unavailable";
	end
	local ledger = ledger_of[verifier];
	if ok == nil then
		ok, reason = waiting.wait(ledger, reason);
	end
	if ok or reason == "replayed" or reason == "unavailable" then
		report(reason == "unavailable" and (ledger:trouble() or "no memory") or nil, log);
	end
	if reason == "replayed" or reason == "unavailable" then
		announce(ledger, log);
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
