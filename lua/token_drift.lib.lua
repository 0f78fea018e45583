-- Whose clock is off: when most of the last tokens carry one step offset that is not zero.

local window = 100;
local pause = 60 * 60;

local function new()
	local offsets, counts, slot = {}, {}, 0;
	local quiet_until = -math.huge;

	-- Notes an accepted token's offset at `now` (seconds of a clock that never goes back). Returns
	-- how many of how many tokens carry it when that is to be told, once in an hour.
	return function (offset, now)
		slot = slot % window + 1;
		local oldest = offsets[slot];
		if oldest then
			counts[oldest] = counts[oldest] - 1;
		end
		offsets[slot] = offset;
		counts[offset] = (counts[offset] or 0) + 1;
		if offset == 0 or counts[offset] <= window / 2 or now < quiet_until then
			return nil;
		end
		quiet_until = now + pause;
		return counts[offset], #offsets;
	end;
end

return { new = new };
