-- What an operator can watch of this host: metrics, the use of its keys, clocks that are off,
-- nonces that will be refused, and who was refused.

local os_time = os.time;
local monotonic = require "util.time".monotonic;
local metrics = module:require "token_metrics";

local host = module.host;
local log = module._log;

local key_use = module:require "token_key_use".new();
local skew = module:require "token_skew".new();
local report_nonce = module:require "token_nonce_report".new();

local watch = { ledger_answered = metrics.ledger_answered, save = key_use.save };

-- These are the keys from now on.
function watch.follow(keys)
	key_use.keep_only(keys);
	for _, key in ipairs(keys) do
		metrics.key_known(key.id);
		local last = key_use.last(key.id);
		if last then
			metrics.key_used(key.id, last);
		end
	end
end

local function warn_of_skew(count, of, seconds)
	if seconds > 0 then
		log("warn", "%d of the last %d tokens of %s come from a clock that is about %d s ahead of this server's: "
			.."check the time (NTP) of your web application's machine, and of this one", count, of, host, seconds);
	else
		log("warn", "%d of the last %d tokens of %s come from a clock that is about %d s behind this server's: "
			.."check the time (NTP) of your web application's machine, and of this one; if both are right, "
			.."your clients use their tokens long after they were made", count, of, host, -seconds);
	end
end

-- Takes note of an accepted token. `clock_skew` is in seconds, and nil if the token is undated.
function watch.accepted(username, key_id, step_offset, nonce_length, expected_nonce_length,
	clock_skew)
	local now = os_time();
	key_use.count(key_id, now, clock_skew ~= nil);
	metrics.accepted(key_id, step_offset, clock_skew ~= nil);
	metrics.key_used(key_id, now);
	local count, of, seconds = skew.note(clock_skew or 30 * step_offset, monotonic());
	if count then
		warn_of_skew(count, of, seconds);
	end
	report_nonce(username.."@"..host, nonce_length, expected_nonce_length, log);
end

-- What the provider decided at last.
function watch.verified(ok, reason)
	metrics.verified(ok and "ok" or reason);
end

-- One line for each login that is refused: packaging/fail2ban reads it. What a client chooses, the
-- user, comes last.
function watch.refused(session, condition)
	local handler = session.sasl_handler or {};
	log("info", "Login refused: address %s, host %s, reason %s, user %s", session.ip or "-", host,
		handler.refusal or condition or "-", handler.username or "-");
	-- A handler may get another try.
	handler.refusal = nil;
end

-- `ledger` is the one of now.
function watch.sample(ledger)
	local seconds = skew.median();
	if seconds then
		metrics.clock_skew(seconds);
	end
	local count = ledger:remembered();
	if count then
		metrics.remembered(count);
	end
end

return watch;
