-- Reads files.
--
--   read(path) -> content | nil if it cannot be read

local function read(path)
	local file = io.open(path, "rb");
	local content = file and file:read("*a");
	return file and file:close() and content;
end

return { read = read };
