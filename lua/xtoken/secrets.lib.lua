-- Checks secrets: whether they are too short, and whether documentation shows them.
--
--   problem(token_secret) -> why it must not be used | nil
--   recommended_length: in bytes; a shorter token_secret is accepted, but can be guessed
--   is_dots(value) -> whether it is what documentation writes in place of a secret
--   is_printed(value) -> whether documentation shows this seed or secret

local min_length, recommended_length = 8, 16;

-- Seeds and secrets alike, since one can be copied into the place of the other. A test looks for
-- those that README.md, docs/ and examples/ show.
local printed = {
	-- The README of the Lua implementation.
	"XVGR73KMZH2M4XMY";
	"JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA7";
	-- RFC 4226 and RFC 6238, in base32.
	"GEZDGNBVGY3TQOJQ";
	"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
	-- Our own pages.
	"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
	"a long random string";
	"any long random string";
	"at least 32 random bytes";
	"at least 32 random bytes, as text or not";
	"VVEGZLPLM4GDNQKYTMXNHLXFHTVKVNPAWLW33UTPY2HNFOMEUTXA";
	-- The alphabet of base32, in the recipes.
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
};

-- Returns the same text for all spellings of a seed. An attacker who tries a printed secret tries
-- its other spellings, too.
local function normalize(value)
	return (value:upper():gsub("[%s=]+$", ""));
end

local is_listed = {};
for _, value in ipairs(printed) do
	is_listed[normalize(value)] = true;
end

-- Returns whether pages write this in place of a secret: dots, or one character again and again.
local function is_placeholder(value)
	local plain = value:gsub("…", ".");
	return plain == plain:sub(1, 1):rep(#plain);
end

local function is_printed(value)
	local normalized = normalize(value);
	return is_listed[normalized] or is_placeholder(normalized);
end

local function is_dots(value)
	return type(value) == "string" and value:gsub("…", "."):find("^%.+$") ~= nil;
end

-- The native module refuses what is empty or not a text.
local function problem(token_secret)
	if is_dots(token_secret) then
		return "token_secret is the dots that documentation has in its place: write the secret";
	elseif type(token_secret) == "string" and token_secret ~= "" and #token_secret < min_length then
		return ("token_secret has fewer than %d bytes: use %d or more")
			:format(min_length, recommended_length);
	end
end

return {
	problem = problem;
	recommended_length = recommended_length;
	is_printed = is_printed;
	is_dots = is_dots;
};
