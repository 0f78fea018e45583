-- Tells how far the minter's clock is off, by the tokens that were accepted last.
--
--   new() -> skew
--   skew.note(seconds, now) -> count, of, median | nothing
--       seconds: a token's time less the server's; now: seconds of a clock that never goes back.
--       Returns values when a warning is due, at most once an hour: how many of how many tokens are
--       off in the same direction, and by how many seconds
--   skew.median() -> seconds | nil, before the first token

local window = 100;
-- Seconds, half a step: most tokens that are off by more have another step than the server.
local tolerance = 15;
local pause = 60 * 60;

local function direction_of(seconds)
	return seconds > tolerance and 1 or seconds < -tolerance and -1 or 0;
end

local function new()
	local skews, slot = {}, 0;
	local counts = { [-1] = 0, [0] = 0, [1] = 0 };
	local quiet_until = -math.huge;

	local function median()
		local sorted = {};
		for number, seconds in ipairs(skews) do
			sorted[number] = seconds;
		end
		table.sort(sorted);
		return sorted[math.ceil(#sorted / 2)];
	end

	local function note(seconds, now)
		slot = slot % window + 1;
		local oldest, direction = skews[slot], direction_of(seconds);
		if oldest then
			counts[direction_of(oldest)] = counts[direction_of(oldest)] - 1;
		end
		skews[slot] = seconds;
		counts[direction] = counts[direction] + 1;
		if direction == 0 or counts[direction] <= window / 2 or now < quiet_until then
			return;
		end
		quiet_until = now + pause;
		return counts[direction], #skews, median();
	end

	return { note = note, median = median };
end

return { new = new };
