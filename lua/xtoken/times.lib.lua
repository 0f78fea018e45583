-- Parses times in options: Unix seconds, "2026-12-01T12:00:00Z", or a day, "2026-12-01".
--
--   parse(value, second) -> Unix seconds | nil
--       second: which second of the day to return if the value is a day

-- Returns the days from 1970 to a day in the Gregorian calendar. Years begin in March here, so that
-- a leap day ends one. (util.datetime goes through the time zone of the machine, which leaves out
-- some midnights.)
local function count_days(year, month, day)
	if month < 3 then
		year, month = year - 1, month + 12;
	end
	local floor = math.floor;
	return 365 * year + floor(year / 4) - floor(year / 100) + floor(year / 400)
		+ floor((153 * month - 457) / 5) + day - 719469;
end

local function parse(value, second)
	if type(value) == "number" and value % 1 == 0 and value >= 0 and value < 1e11 then
		return math.floor(value);
	elseif type(value) ~= "string" then
		return nil;
	end
	local is_day = value:find("^%d+%-%d+%-%d+$");
	local text = is_day and value.."T00:00:00Z" or value;
	local year, month, day, hour, min, sec =
		text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)Z$");
	if not year then
		return nil;
	end
	local days = count_days(tonumber(year), tonumber(month), tonumber(day));
	local time = ((days * 24 + hour) * 60 + min) * 60 + sec;
	-- There is no 31st of February.
	if os.date("!%Y-%m-%dT%H:%M:%SZ", time) ~= text then
		return nil;
	end
	return time + (is_day and second or 0);
end

return { parse = parse };
