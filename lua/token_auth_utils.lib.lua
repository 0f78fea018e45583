-- Verifying tokens of this host: the functions and constants of the Lua implementation, on xtoken.

local monotonic = require "util.time".monotonic;
local xtoken = module:require "token_native";
local read_ledger_url = module:require "token_ledger_url";
local useless = module:require "token_secrets".problem;
local waiting = module:require "token_waiting";

local OTP_DEVIATION = 1;

-- Ledgers by URL, hosts may share them. In `prosody`, where a module that is reloaded, or fails
-- to, or is loaded again later, finds them still.
local ledgers = prosody.token_ledgers or {};
prosody.token_ledgers = ledgers;

local function ledger_url()
	local function get_option(name)
		return module:get_option(name);
	end
	return read_ledger_url(get_option, prosody.paths.data);
end

-- The URL of each host's ledger. It stays as long as Prosody runs, since another ledger would not know
-- what this one has accepted.
local url_of_host = prosody.token_ledger_urls or {};
prosody.token_ledger_urls = url_of_host;

local may_change = { timeout = true, user = true, pass = true };

-- A URL without what may change: the login and the deadline.
local function place(url)
	local address, query = url:gsub("//[^/?]*@", "//"):match("^([^?]*)%??(.*)$");
	local kept = {};
	for parameter in query:gmatch("[^&]+") do
		if not may_change[parameter:match("^[^=]*")] then
			table.insert(kept, parameter);
		end
	end
	table.sort(kept);
	return address.."?"..table.concat(kept, "&");
end

local function keep_ledger(url)
	local kept = url_of_host[module.host];
	if not kept or place(kept) == place(url) then
		return url;
	end
	module:log("error", "%s stays with the ledger that it has: another token_ledger takes a restart of Prosody, "
		.."or tokens could be used once more", module.host);
	return kept;
end

-- The ledger of each verifier.
local ledger_of = setmetatable({}, { __mode = "k" });

-- The ledger that the option token_ledger says and its URL, or nil and what is wrong with it.
local function open_ledger()
	local url, err = ledger_url();
	if url and not ledgers[url] then
		ledgers[url], err = xtoken.new_ledger(url);
	end
	return ledgers[url], err or url;
end

-- What the options of the host say of a verifier, besides its keys and its ledger.
local function verifier_options()
	return {
		nonce_length = module:get_option("token_nonce_length", 32);
		nonce_policy = module:get_option("token_nonce_policy", "exact");
		deviation = module:get_option("token_deviation", OTP_DEVIATION);
	};
end

-- As xtoken.new_verifier, with that ledger.
local function new_verifier(options)
	local ledger, url_or_problem = open_ledger();
	if not ledger then
		return nil, url_or_problem, "ledger";
	end
	local url = keep_ledger(url_or_problem);
	options.ledger = ledgers[url];
	local verifier, problem, option, key = xtoken.new_verifier(options);
	if verifier then
		ledger_of[verifier], url_of_host[module.host] = options.ledger, url;
	end
	return verifier, problem, option, key;
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

-- What pcall(verifier.begin) returned, and where that is a ticket, what it comes to.
local function await(ledger, called, ok, ticket, ...)
	if not called or ok ~= nil then
		return called, ok, ticket, ...;
	end
	local accepted, refusal = waiting.wait(ledger, ticket);
	if not accepted then
		return true, false, refusal;
	end
	return true, true, ...;
end

-- Returns true, the key's id, the step offset, the number of digits of the nonce and the clock skew
-- in seconds (nil for an undated token); or false and the reason. Raises no error, whatever it is
-- given: that would leave a client without an answer. Calls `ledger_answered`, if given, with the
-- seconds that the ledger took.
local function verify(verifier, username, token, log, ledger_answered)
	if type(username) ~= "string" or type(token) ~= "string" then
		return false, "malformed";
	end
	-- Where nothing can be suspended, everything waits, as long as the ledger's deadline says.
	local begin = waiting.can_wait() and verifier.begin or verifier.verify;
	local ledger, started = ledger_of[verifier], monotonic();
	local called, ok, key_or_reason, step_offset, nonce_length, clock_skew =
		await(ledger, pcall(begin, verifier, username.."@"..module.host, token));
	if not called then
		log("error", "Cannot verify the token of %s: %s", username, ok);
		return false, "unavailable";
	end
	local reason = not ok and key_or_reason or nil;
	if ok or reason == "replayed" or reason == "unavailable" then
		if ledger_answered then
			ledger_answered(monotonic() - started);
		end
		report(reason == "unavailable" and ledger:trouble() or nil, log);
	end
	if reason == "unavailable" then
		announce(ledger, log);
	end
	log("debug", "Token of %s: %s", username, reason or "accepted");
	return ok, key_or_reason, step_offset, nonce_length, clock_skew;
end

-- The verifier of the values that verify_token was last called with.
local last = {};

local function verify_token(username, password, otp_seed, token_secret, log)
	log = log or module._log;
	if not last.verifier or last.otp_seed ~= otp_seed or last.token_secret ~= token_secret then
		local options = verifier_options();
		options.otp_seed, options.token_secret = otp_seed, token_secret;
		-- A secret that can be guessed is refused here, too, where another module passes it.
		local err, verifier = useless(token_secret);
		if not err then
			verifier, err = new_verifier(options);
		end
		if not verifier then
			log("error", "No token can be verified: %s", err);
			return false, "unavailable";
		end
		last = { otp_seed = otp_seed, token_secret = token_secret, verifier = verifier };
	end
	local ok, reason = verify(last.verifier, username, password, log);
	return ok, not ok and reason or nil;
end

return {
	OTP_DEVIATION = OTP_DEVIATION;
	OTP_DIGITS = 8;
	OTP_INTERVAL = 30;
	DIGEST_TYPE = "SHA256";
	verify = verify;
	verify_token = verify_token;
	verifier_options = verifier_options;
	new_verifier = new_verifier;
	ledger_url = ledger_url;
	open_ledger = open_ledger;
	ledger_of = ledger_of;
	version = xtoken.version;
};
