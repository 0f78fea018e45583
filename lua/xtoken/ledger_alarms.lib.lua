-- Logs what is wrong with the ledger of this host: that it does not answer, and why; each other
-- cause of that; that it answers again; and until when it refuses tokens.
--
-- Under load, causes may alternate many times a second. So each is logged at most once in five
-- minutes, and no more than twenty: a server may say something else each time. If an outage comes
-- back within a minute, it is over when the ledger has answered for a minute.
--
--   note(ledger, reason, log): a token was asked for; `reason` says why it was refused, if it was
--   note_started(ledger, err, log): the ledger was started; `err` says why it cannot be used
--   has_alarm() -> whether the ledger did not answer when this was last noted

local monotonic = require "util.time".monotonic;
local state = module:require "xtoken/state";

local host = module.host;
local alarms = state.ledger_alarms[host] or { quiet_until = {} };
state.ledger_alarms[host] = alarms;

local pause = 5 * 60;
local calm = 60;
local most = 20;

local function is_quiet(cause, now)
	local count = 0;
	for other, quiet_until in pairs(alarms.quiet_until) do
		if quiet_until > now then
			count = count + 1;
		else
			alarms.quiet_until[other] = nil;
		end
	end
	if alarms.quiet_until[cause] or count >= most then
		return true;
	end
	alarms.quiet_until[cause] = now + pause;
	return false;
end

local function note_error(err, log)
	local now = monotonic();
	-- A number in it may change each time.
	local cause = err:gsub("%d+", "");
	if not alarms.cause then
		alarms.comes_back = alarms.over_at and now - alarms.over_at < calm;
		alarms.quiet_until = { [cause] = now + pause };
		log("error", "Nobody can log in to %s because the ledger cannot tell which tokens "
			.."were spent: %s", host, err);
	elseif cause ~= alarms.cause and not is_quiet(cause, now) then
		log("error", "Still nobody can log in to %s. The ledger's error is now: %s", host, err);
	end
	alarms.cause, alarms.failed_at = cause, now;
end

local function note_answer(closed_until, log)
	local now = monotonic();
	if alarms.cause and (not alarms.comes_back or now - alarms.failed_at >= calm) then
		alarms.cause, alarms.over_at = nil, now;
		log("info", closed_until and "The ledger answers again for %s"
			or "The ledger answers again: users of %s can log in", host);
	end
end

-- Seconds, a time step. The ledger compares a clock of seconds with one of milliseconds, so what it
-- answers may alternate between two neighbouring steps.
local jitter = 30;

local function note_closed(closed_until, log)
	local logged = alarms.closed_until or -math.huge;
	if closed_until and math.abs(closed_until - logged) > jitter then
		alarms.closed_until = closed_until;
		log("warn", "The ledger cannot tell which of the last tokens were spent: "
			.."%s refuses those minted before %s",
			host, os.date("!%Y-%m-%dT%H:%M:%SZ", closed_until));
	end
end

local function note_state(ledger, err, is_accepting, log)
	if err then
		return note_error(err, log);
	end
	local closed_until = not is_accepting and ledger:closed_until() or nil;
	note_answer(closed_until, log);
	note_closed(closed_until, log);
end

local function note(ledger, reason, log)
	local is_unavailable = reason == "unavailable";
	note_state(ledger, is_unavailable and ledger:last_error(), not is_unavailable, log);
end

local function note_started(ledger, err, log)
	note_state(ledger, err, false, log);
end

local function has_alarm()
	return alarms.cause ~= nil;
end

return { note = note, note_started = note_started, has_alarm = has_alarm };
