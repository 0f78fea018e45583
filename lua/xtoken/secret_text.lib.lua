-- Looks at the text of a secret for what an editor, a shell or an export leaves there by accident.
--
-- One rule for the content of a file, of Credential() and FileContents(), and for text in quotes:
-- one line break at the end is not part of the secret, and every other byte is.
--
--   without_line_break(text) -> the text without one line break at its end
--   accident(text) -> what is probably there by accident: "ends with a space" | nil

local is_utf8 = require "util.encodings".utf8.valid;

-- Editors, `echo` and `base64` put it there.
local function without_line_break(text)
	return (text:gsub("\r?\n$", ""));
end

-- At the beginning or at the end: pattern, and what it is called.
local at_ends = {
	{ " ", "a space" };
	{ "\t", "a tab" };
	{ "\n", "a line break" };
	{ "\r", "a carriage return" };
	{ "\194\160", "a no-break space" };
	{ "\226\128[\139-\143]", "an invisible character" };
	{ "\239\187\191", "an invisible character" };
};

-- Anywhere.
local inside = {
	{ "%z", "contains a NUL byte" };
	{ "\n", "has more than one line" };
	{ "\r", "contains a carriage return" };
	{ "\t", "contains a tab" };
	{ "%c", "contains a control character" };
	{ "^([\"'`]).*%1$", "is in quotation marks, which are part of it" };
	{ "^%s*[%w_.-]+%s*=%s*[\"']", "has the name of an option before the value" };
};

-- Returns whether every second byte is NUL, as in ASCII that was written in UTF-16.
local function is_utf16(text)
	local marked = text:find("^\255\254") or text:find("^\254\255");
	local of_pairs = text:gsub("[^%z]%z", ""):gsub("%z[^%z]", "");
	return marked and text:find("%z") or #text > 2 and #of_pairs <= 1 and text:find("%z");
end

local function accident(text)
	if is_utf16(text) then
		return "is written in UTF-16";
	elseif text:find("^\239\187\191") then
		return "begins with a byte order mark";
	end
	for _, item in ipairs(at_ends) do
		local pattern, name = item[1], item[2];
		if text:find("^"..pattern) then
			return "begins with "..name;
		elseif text:find(pattern.."$") then
			return "ends with "..name;
		end
	end
	-- Random bytes may be a secret, too.
	if not is_utf8(text) then
		return nil;
	end
	for _, item in ipairs(inside) do
		if text:find(item[1]) then
			return item[2];
		end
	end
end

return { without_line_break = without_line_break, accident = accident };
