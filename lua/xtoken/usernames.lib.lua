-- Prepares the names of users as clients send them, and says what is wrong with a name that no user
-- can have.
--
--   prepare(name, nodeprep) -> prepared | nil, reason
--       nodeprep: Prosody's, another function, or false for none
--   can_be_stored(prepared) -> whether Prosody's internal storage can make files for this user
--   shown(name) -> the name for a log: ASCII without spaces, cut

local encodings = require "util.encodings";
local path_encode = require "util.datamanager".path_encode;

local saslprep, is_utf8 = encodings.stringprep.saslprep, encodings.utf8.valid;
local s_byte, s_find, s_format, s_gsub, s_sub =
	string.byte, string.find, string.format, string.gsub, string.sub;

-- Bytes, of a localpart (RFC 7622).
local max_length = 1023;
-- Bytes that a file's name has at most, less the longest ending that Prosody adds, ".list~".
local max_stored_length = 255 - 6;

local function flaw(name)
	if name == "" then
		return "name-empty";
	elseif not is_utf8(name) then
		return "name-not-utf8";
	elseif #name > max_length then
		return "name-too-long";
	elseif s_find(name, "@", 1, true) then
		return "name-with-at";
	end
	-- SASLprep makes one space of each kind of space.
	return s_find(saslprep(name) or name, "%s") and "name-with-space" or "name-not-allowed";
end

local function prepare(name, nodeprep)
	local prepared = saslprep(name);
	if prepared and nodeprep then
		prepared = nodeprep(prepared);
	end
	if not prepared or prepared == "" then
		return nil, flaw(name);
	end
	return prepared;
end

-- Prosody writes each byte but ASCII letters and digits as three: é is "%c3%a9".
local function can_be_stored(prepared)
	return #path_encode(prepared) <= max_stored_length;
end

-- Too few bytes for a token, which a mistaken client may send as the name.
local max_shown_length = 40;

local function escape(character)
	return s_format("\\x%02x", s_byte(character));
end

local function shown(name)
	local cut = s_gsub(s_sub(name, 1, max_shown_length), "[%c%s\\\128-\255]", escape);
	return #name > max_shown_length and cut.."..." or cut;
end

return { prepare = prepare, can_be_stored = can_be_stored, shown = shown };
