-- Lists the options of xtoken in Prosody's configuration, with what can be said about them.
--
--   all() -> an iterator over the names of the options
--   exists(name) -> whether xtoken has an option of this name
--   name(option) -> the option that sets what the native module calls `option`
--   advice(option) -> how to set it
--   shown(name, value) -> the value as text, if it may be shown | nil
--   names_set(host [, is_wanted]) -> the sorted names of the options that are set for the host or
--       globally: those of xtoken, or those for which `is_wanted(name)` is true
--
-- The rule for every log line, error and output: a value is shown only if it cannot be a secret in
-- the wrong place. These may be shown:
--
--   - the words that an option accepts, `true` and `false`
--   - a number shorter than any secret
--   - the path of something that exists, and a server that answers
--   - the id of a key in use
--
-- The name of an option may be shown, but not the name of an unknown field.

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
local a_list = '{ { id = "2026-12", otp_seed = "…", token_secret = "…" } }, '
	.."as docs/options.md shows";
local digits = "the number of digits that your web application makes, 1 to 970, without quotes; "
	.."usually 32";
local a_time = "\"2026-12-01\", \"2026-12-01T12:00:00Z\" or Unix seconds";

-- By option: how to set it, and a test for values that can be shown.
local options = {
	otp_seed = { a_pair };
	otp_seed_file = { a_file };
	token_secret = { a_pair };
	token_secret_file = { a_file };
	token_keys = { a_list };
	token_known_users = {
		"\"all\", \"existing\" or \"seen\"; usually \"all\""; one_of("all", "existing", "seen");
	};
	token_passwords = {
		"\"internal_hashed\", \"internal_plain\", or take it out";
		one_of("internal_hashed", "internal_plain", false);
	};
	token_allow_plain = { "true or false, without quotes; usually false", boolean };
	token_fast_not_before = { a_time };
	token_ledger = { "the path of a file, \"memory\", or the URL of a server", one_of("memory") };
	token_ledger_password = { "the password of the server, without percent-encoding" };
	token_ledger_timeout = { "a number of seconds, 0.01 to 60, without quotes; usually 2", number };
	token_nonce_length = { digits, number };
	token_nonce_policy = {
		"\"exact\", \"dated\", or to migrate \"report\"";
		one_of("exact", "dated", "report");
	};
	token_deviation = { "a whole number from 0 to 10, without quotes; usually 1", number };
	-- An option of earlier versions; xtoken/warnings says that it has no effect.
	token_expired_limit = { "take it out", number };
};

-- The other fields of an entry of token_keys, and how to set them.
local fields = {
	id = "a name for each key, of 1 to 64 characters without spaces";
	not_before = a_time;
	not_after = a_time;
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

local function exists(option)
	return options[option] ~= nil;
end

local function names_set(host, is_wanted)
	is_wanted = is_wanted or exists;
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

local function all()
	return ipairs(sorted_keys(options));
end

return {
	all = all;
	exists = exists;
	name = name;
	advice = advice;
	shown = shown;
	names_set = names_set;
};
