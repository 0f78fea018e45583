-- The options of xtoken in Prosody's configuration, in one list.
--
--   name(option) -> the option that sets what the native module calls `option`
--   advice(option) -> how to set it
--   shown(name, value) -> the value as text, if it can be repeated | nil
--   names_set(host) -> the options of xtoken that are set for the host or globally, sorted
--   warn_of_unknown(host, log): logs the names that look like options of xtoken but are not
--
-- The rule for every log line, error and output: a value is shown only if it is known not to be a
-- secret in the wrong place. Known are the words that an option accepts, `true`, `false`, a number
-- shorter than any secret, the path of something that exists, a server that answers, and the id of
-- a key in use. The name of an option may be shown. The name of an unknown field may not.

local config = require "core.configmanager";

local function number(value)
	return type(value) == "number" and #tostring(value) < 8;
end

local function boolean(value)
	return type(value) == "boolean";
end

local function one_of(...)
	local words = {};
	for _, word in ipairs { ... } do
		words[word] = true;
	end
	return function (value)
		return words[value] == true;
	end;
end

local a_pair = "as your web application has it; make a pair with: "
	.."prosodyctl mod_auth_token generate-key";
local a_file = "the path of a file with nothing else in it, from the folder of the configuration";
local a_list = '{ { id = "2026-12", otp_seed = "…", token_secret = "…" } }, as README.md shows';
local digits = "the number of digits that your web application makes, usually 32";
local a_time = "\"2026-12-01\", \"2026-12-01T12:00:00Z\" or Unix seconds";

-- By option: how to set it, and a test for values that can be shown.
local options = {
	otp_seed = { a_pair };
	otp_seed_file = { a_file };
	token_secret = { a_pair };
	token_secret_file = { a_file };
	token_keys = { a_list };
	token_known_users = { "usually \"all\"", one_of("all", "existing", "seen") };
	token_allow_plain = { "usually false", boolean };
	token_fast_not_before = { a_time };
	token_ledger = { "the path of a file, \"memory\", or the URL of a server", one_of("memory") };
	token_ledger_timeout = { "usually 2", number };
	token_nonce_length = { digits, number };
	token_nonce_policy = {
		"\"exact\", \"dated\", or to migrate \"report\"";
		one_of("exact", "dated", "report");
	};
	token_deviation = { "usually 1", number };
	-- Of earlier versions. token_settings says that it has no effect.
	token_expired_limit = { "take it out", number };
};

-- The other fields of an entry of token_keys, and how to set them.
local fields = {
	id = "a name for each key, of 1 to 64 characters without spaces";
	not_before = a_time;
	not_after = a_time;
};

-- Options of other modules that begin like those of xtoken.
local foreign = {
	-- Prosody.
	"^token_auth_";
	-- Jitsi.
	"^token_verification_"; "^token_affiliation_"; "^token_lifetime$";
	-- Metronome.
	"^token_service_";
};

local function name(option)
	return options["token_"..option] and "token_"..option or option;
end

local function advice(option)
	local known = options[name(option)];
	return known and known[1] or fields[option];
end

local function shown(option, value)
	local can_be_shown = options[option][2];
	return can_be_shown and can_be_shown(value) and tostring(value) or nil;
end

local function sorted_keys(set)
	local keys = {};
	for key in pairs(set) do
		table.insert(keys, key);
	end
	table.sort(keys);
	return keys;
end

-- Returns the sorted names of all options that are set and for which `is_wanted` is true.
local function names_in_config(host, is_wanted)
	local found = {};
	for _, section in ipairs { "*", host } do
		for option in pairs(config.getconfig()[section] or {}) do
			if type(option) == "string" and is_wanted(option) then
				found[option] = true;
			end
		end
	end
	return sorted_keys(found);
end

local function names_set(host)
	return names_in_config(host, function (option)
		return options[option] ~= nil;
	end);
end

-- Returns how many letters must be inserted, removed or replaced to make b of a.
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

-- Removes what is easily mistaken: upper case and whatever separates words.
local function squeeze(option)
	return (option:lower():gsub("[%W_]", ""));
end

-- Returns how many letters of a name with `letters` letters may be wrong.
local function typo(letters)
	return math.max(2, math.floor(letters / 5));
end

-- Without its prefix, a name with fewer letters than this may belong to another module.
local telling = 10;

-- By option, other ways to write its name: with another prefix, and without one.
local mistakable = {};
for option in pairs(options) do
	local prefix, rest = option:match("^(%l+)_(.*)$");
	rest = squeeze(rest);
	local ways = { prefix..rest, "xtoken"..rest, "token"..rest, "otp"..rest };
	if #rest >= telling then
		table.insert(ways, rest);
	end
	mistakable[option] = ways;
end

local function begins_like_ours(option)
	return option:lower():find("^token[_-]") ~= nil;
end

-- Returns the option of xtoken that an unknown name resembles most, if there is one.
local function nearest(unknown)
	local squeezed, best, least = squeeze(unknown), nil, math.huge;
	for _, option in ipairs(sorted_keys(mistakable)) do
		for rank, way in ipairs(mistakable[option]) do
			local far = distance(squeezed, way);
			-- If two are equally near, takes the one with the prefix that was written.
			local order = far + (rank == 1 and 0 or 0.5);
			if far <= typo(#way) and order < least then
				best, least = option, order;
			end
		end
	end
	return best;
end

local function is_foreign(option)
	for _, pattern in ipairs(foreign) do
		if option:find(pattern) then
			return true;
		end
	end
	return false;
end

local function is_unknown(option)
	if options[option] or is_foreign(option) then
		return false;
	end
	return begins_like_ours(option) or nearest(option) ~= nil;
end

-- Only warns: an option of a module that is not listed above must not keep users from logging in.
local function warn_of_unknown(host, log)
	for _, option in ipairs(names_in_config(host, is_unknown)) do
		local meant = nearest(option);
		log("warn", "%s is no option of xtoken and has no effect here: %s", option,
			meant and "did you mean "..meant.."?" or "look whether it is misspelt");
	end
end

return {
	name = name;
	advice = advice;
	shown = shown;
	names_set = names_set;
	warn_of_unknown = warn_of_unknown;
};
