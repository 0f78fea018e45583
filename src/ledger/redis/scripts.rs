//! Scripts that the server runs, each as one atomic operation.

/// Returns the horizon, `SERVER SINCE`: which server has the data, and since when it knows
/// everything, in milliseconds of its own clock. Begins the horizon anew if it names another server
/// or a time in the future, if the history is missing, or if the caller asks for that. A horizon
/// without a history is valid only if it was set by hand, as `SERVER 0`.
///
/// KEYS: horizon, history. ARGV: server, `anew` or nothing. Answers horizon, history, TIME and
/// whether it began anew.
pub(super) const BEGIN: &str = "\
local time = redis.call('TIME') \
local now = time[1] * 1000 + math.floor(time[2] / 1000) \
local horizon, history = redis.pcall('GET', KEYS[1]), redis.pcall('GET', KEYS[2]) \
if type(horizon) == 'string' and ARGV[2] ~= 'anew' then \
local server, since = string.match(horizon, '^(%S+) (%d+)$') \
if server == ARGV[1] and tonumber(since) <= now then \
if type(history) == 'string' then return {horizon, history, time[1], time[2], 0} end \
if since == '0' and not history then return {horizon, '', time[1], time[2], 0} end \
end \
end \
horizon = ARGV[1] .. string.format(' %.0f', now) \
redis.call('SET', KEYS[1], horizon) \
if type(history) ~= 'string' then \
redis.call('SET', KEYS[2], '') \
history = '' \
end \
return {horizon, history, time[1], time[2], 1}";

/// Spends a token, or only peeks if there is no time to keep it. An attempt may be sent twice: a
/// token that was spent under the name of this attempt counts as spent by it.
///
/// KEYS: horizon, token. ARGV: horizon, attempt, milliseconds or nothing. Answers 1 for the first
/// time, 0 for again, -1 for another horizon.
pub(super) const SPEND: &str = "\
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return -1 end \
if ARGV[3] ~= '' and redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return 1 end \
local spent = redis.pcall('GET', KEYS[2]) \
if not spent or spent == ARGV[2] then return 1 end \
return 0";

/// Replaces the history, unless it has changed since it was read. Answers the one that is there
/// afterwards.
///
/// KEYS: history. ARGV: as it was read (empty if there was none), the new one.
pub(super) const SAVE: &str = "\
local history = redis.pcall('GET', KEYS[1]) \
if (history or '') == ARGV[1] then \
redis.call('SET', KEYS[1], ARGV[2]) \
return ARGV[2] \
end \
return history";
