-- Tells why a shared object cannot be loaded here. To load an incomplete one would crash Prosody,
-- and of one for another processor the dynamic loader says that there is no such file.
--
--   problem(path) -> "is incomplete" | nil

local machines = {
	[3] = "i386", [40] = "arm", [62] = "x86-64", [183] = "aarch64", [243] = "riscv64",
};

-- Returns the little-endian number of some bytes at an offset.
local function number(bytes, offset, length)
	local value = 0;
	for position = offset + length, offset + 1, -1 do
		value = value * 256 + bytes:byte(position);
	end
	return value;
end

-- Returns class and machine of a file, and how many bytes it must have; nil if it is no ELF file,
-- or for a big-endian processor.
local function header(path)
	local file = io.open(path, "rb");
	local bytes = file and file:read(64) or "";
	local size = file and file:seek("end");
	if file then
		file:close();
	end
	if #bytes < 64 or bytes:sub(1, 4) ~= "\127ELF" or bytes:byte(6) ~= 1 then
		return nil;
	end
	local is_64 = bytes:byte(5) == 2;
	-- The table of sections is at the end of the file.
	local sections = is_64 and number(bytes, 40, 8) or number(bytes, 32, 4);
	local entries = is_64 and 58 or 46;
	return {
		class = bytes:byte(5);
		machine = number(bytes, 18, 2);
		size = size;
		needs = sections + number(bytes, entries, 2) * number(bytes, entries + 2, 2);
	};
end

local function name(of)
	return machines[of.machine] or "number "..of.machine;
end

local function problem(path)
	local found, own = header(path), header("/proc/self/exe");
	if not found then
		return nil;
	elseif own and (found.machine ~= own.machine or found.class ~= own.class) then
		return ("is for another processor, %s instead of %s"):format(name(found), name(own));
	elseif found.size < found.needs then
		return "is incomplete";
	end
end

return { problem = problem };
