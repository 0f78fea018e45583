-- Watches the accepted tokens of this host for its operator: metrics, the use of keys, clocks that
-- are off, and nonces that will be refused.
--
--   new() -> monitor
--   monitor.follow(keys): these are the keys from now on
--   monitor.note_accepted(username, token, expected_nonce_length): a token was accepted
--       token: { key_id, step_offset, nonce_length, clock_skew }; clock_skew: in seconds, nil if
--       undated
--   monitor.note_login(accepted, reason): the provider decided about a login with a token
--   monitor.note_ledger(seconds): the ledger took so long
--   monitor.sample(ledger): measures what changes without an event
--   monitor.save(): writes now what would be written later

local monotonic = require "util.time".monotonic;
local clock_skew = module:require "xtoken/clock_skew";
local key_use = module:require "xtoken/key_use";
local metrics = module:require "xtoken/metrics";
local nonce_report = module:require "xtoken/nonce_report";

local host = module.host;
local log = module._log;

local function warn_of_skew(count, of, seconds)
	if seconds > 0 then
		log("warn", "%d of the last %d tokens of %s come from a clock that is about %d s ahead "
			.."of this server's: check the time (NTP) of your web application's machine, "
			.."and of this one", count, of, host, seconds);
	else
		log("warn", "%d of the last %d tokens of %s come from a clock that is about %d s behind "
			.."this server's: check the time (NTP) of your web application's machine, and of "
			.."this one. If both are right, your clients use their tokens long after they were "
			.."minted", count, of, host, -seconds);
	end
end

local function new()
	local uses, skew, report = key_use.new(), clock_skew.new(), nonce_report.new();
	local monitor = { note_ledger = metrics.ledger_answered, save = uses.save };

	function monitor.follow(keys)
		uses.keep_only(keys);
		for _, key in ipairs(keys) do
			metrics.key_known(key.id);
			local last = uses.last(key.id);
			if last then
				metrics.key_used(key.id, last);
			end
		end
	end

	function monitor.note_accepted(username, token, expected_nonce_length)
		local now, is_dated = os.time(), token.clock_skew ~= nil;
		uses.count(token.key_id, now, is_dated);
		metrics.accepted(token.key_id, token.step_offset, is_dated);
		metrics.key_used(token.key_id, now);
		local count, of, seconds =
			skew.note(token.clock_skew or 30 * token.step_offset, monotonic());
		if count then
			warn_of_skew(count, of, seconds);
		end
		report.note(username.."@"..host, token.nonce_length, expected_nonce_length, log);
	end

	function monitor.note_login(accepted, reason)
		metrics.verified(accepted and "accepted" or reason);
	end

	function monitor.sample(ledger)
		local seconds = skew.median();
		if seconds then
			metrics.clock_skew(seconds);
		end
		local count = ledger:spent_count();
		if count then
			metrics.spent(count);
		end
	end

	return monitor;
end

return { new = new };
