-- Tells how much two names differ.
--
--   distance(a, b) -> how many bytes must be inserted, removed or replaced to turn a into b
--   typo(length) -> how many bytes of a name of this length may be wrong
--   nearest(name, names) -> the one of `names` that differs least, if it is at most a typo | nil

local function distance(a, b)
	local row = {};
	for j = 0, #b do
		row[j] = j;
	end
	for i = 1, #a do
		local diagonal = row[0];
		row[0] = i;
		for j = 1, #b do
			local cost = a:byte(i) == b:byte(j) and 0 or 1;
			diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost);
		end
	end
	return row[#b];
end

local function typo(length)
	return math.max(2, math.floor(length / 5));
end

local function nearest(name, names)
	local best, least = nil, typo(#name) + 1;
	for _, other in ipairs(names) do
		local far = distance(name, other);
		if far < least then
			best, least = other, far;
		end
	end
	return best;
end

return { distance = distance, typo = typo, nearest = nearest };
