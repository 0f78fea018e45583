-- Reads the token that a command is about: its last arguments, or standard input if there
-- are none or one hyphen.
--
--   read(words) -> token
--
-- The server strips nothing from a token, so only the line break that ends the input is removed,
-- and nothing else: no CR, no second line break, no spaces. From a terminal, one line is read.

local isatty = require "util.pposix".isatty;

-- A longer input is no token, so the rest is not needed.
local max_length = 64 * 1024;

local function read_input()
	if isatty(io.stdin) then
		io.stderr:write("Token: ");
		return io.read("*l") or "";
	end
	local input = io.read(max_length) or "";
	return (input:gsub("\n$", ""));
end

local function read(words)
	-- Without quotes, a token is two arguments: the shell splits it at its space.
	return words[1] and words[1] ~= "-" and table.concat(words, " ") or read_input();
end

return { read = read };
