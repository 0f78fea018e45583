-- Keys from the configuration: those of token_keys, and the single pair of options beside them.
--
--   read(get_option)  -> keys, single | nil, problem, option [, position]
--       keys: what xtoken.new_verifier takes; single: the one of them that has options of its own;
--       option: what to set, inside the entry of token_keys at that position if there is one
--   valid(keys, time) -> the first key that is valid then | nil
--   outlook(keys, now) -> until | nil, since, from
--       until: when the last key ends that carries on, never if it is math.huge; if none is valid
--       now: when the last one ended, and when the next begins
--   parse_time(value, second) -> Unix seconds | nil; for a day, the time of that second of it

local lfs = require "lfs";
local resolve_relative_path = require "util.paths".resolve_relative_path;

local known_fields = {
	id = true; not_before = true; not_after = true;
	otp_seed = true; otp_seed_file = true;
	token_secret = true; token_secret_file = true;
};

local field_names = {};
for name in pairs(known_fields) do
	table.insert(field_names, name);
end
table.sort(field_names);

-- The group may read, as it may read Debian's prosody.cfg.lua (root:prosody, 0640), where the
-- secrets would stand otherwise. Nobody but the owner may write, and others may nothing.
local function is_private(permissions)
	return permissions:sub(5, 5) == "-" and permissions:sub(7) == "---";
end

-- The content of a file, without the line break that editors and `base64` put at its end.
local function read_file(name)
	if name:find("\0", 1, true) then
		-- What comes before it could be the path of another file.
		return nil, "the path that is there has a NUL byte";
	end
	local path = resolve_relative_path(prosody.paths.config or ".", name);
	local attributes, missing = lfs.attributes(path);
	if not attributes then
		-- Without the name, which may be the secret itself, written here by mistake. The name of
		-- something that exists is not a secret.
		local folder = path:match("^(.*)/") or ".";
		local is_there = lfs.attributes(folder, "mode") == "directory";
		return nil, ("no file can be found%s by the path that is there (%s)"):format(
			is_there and " in "..folder or "", missing:match(": ([^:]*)$"));
	elseif attributes.mode ~= "file" then
		return nil, ("%s is a %s, not a file"):format(path, attributes.mode);
	elseif not is_private(attributes.permissions) then
		return nil, ("others may read or write %s: chmod 640 it, with the group that Prosody runs as"):format(path);
	end
	local file, err = io.open(path, "rb");
	if not file then
		return nil, err;
	end
	local content, read_err = file:read("*a");
	file:close();
	if not content then
		return nil, ("%s: %s"):format(path, read_err);
	end
	content = content:gsub("\r?\n$", "");
	if content == "" then
		return nil, path.." is empty";
	end
	return content;
end

-- What `name` says, or the file that `name`_file names; nothing if neither is there.
local function read_secret(get, name)
	local file_option = name.."_file";
	local value, file = get(name), get(file_option);
	if file == nil then
		return value;
	elseif value ~= nil then
		return nil, ("%s and %s are both set"):format(name, file_option), file_option;
	elseif type(file) ~= "string" then
		return nil, file_option.." must be a path in quotes", file_option;
	end
	local content, err = read_file(file);
	return content, err, file_option;
end

-- Days since 1970 of one in the Gregorian calendar. Years begin in March here, so that a leap day ends one.
-- Not util.datetime: that goes through the time zone of the machine, which leaves out some midnights.
local function count_days(year, month, day)
	if month < 3 then
		year, month = year - 1, month + 12;
	end
	local floor = math.floor;
	return 365 * year + floor(year / 4) - floor(year / 100) + floor(year / 400)
		+ floor((153 * month - 457) / 5) + day - 719469;
end

-- Unix seconds, "2026-12-01T12:00:00Z", or a day, of which `second` is meant.
local function parse_time(value, second)
	if type(value) == "number" and value % 1 == 0 and value >= 0 and value < 1e11 then
		return math.floor(value);
	elseif type(value) ~= "string" then
		return nil;
	end
	local is_day = value:find("^%d+%-%d+%-%d+$");
	local text = is_day and value.."T00:00:00Z" or value;
	local year, month, day, hour, min, sec = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)Z$");
	if not year then
		return nil;
	end
	local time = ((count_days(tonumber(year), tonumber(month), tonumber(day)) * 24 + hour) * 60 + min) * 60 + sec;
	-- There is no 31st of February.
	if os.date("!%Y-%m-%dT%H:%M:%SZ", time) ~= text then
		return nil;
	end
	return time + (is_day and second or 0);
end

local function read_key(get)
	local id = get("id");
	local key, problem, option = { id = id or "default" };
	for _, name in ipairs { "otp_seed", "token_secret" } do
		key[name], problem, option = read_secret(get, name);
		if problem then
			return nil, problem, option;
		end
	end
	-- As Credential() and FileContents() hand it over; base32 knows no line breaks.
	if type(key.otp_seed) == "string" then
		key.otp_seed = key.otp_seed:gsub("%s+$", "");
	end
	if id ~= nil and (id == key.otp_seed or id == key.token_secret) then
		return nil, "its id, which logs show, is also its otp_seed or token_secret", "id";
	end
	for name, second in pairs { not_before = 0, not_after = 24 * 60 * 60 - 1 } do
		local value = get(name);
		if value ~= nil then
			key[name] = parse_time(value, second);
			if not key[name] then
				return nil, name.." is no time", name;
			end
		end
	end
	return key;
end

local function read_entry(entry)
	if type(entry) ~= "table" then
		return nil, "it must be { id = …, otp_seed = …, token_secret = … }", "token_keys";
	end
	for name in pairs(entry) do
		-- A misspelt not_after must not leave a key valid for ever. An unknown name is not shown:
		-- it may be a secret.
		if not known_fields[name] then
			local problem = "unknown field: there are only "..table.concat(field_names, ", ");
			return nil, problem, "token_keys";
		end
	end
	return read_key(function (name)
		return entry[name];
	end);
end

local single_options = { otp_seed = true, otp_seed_file = true, token_secret = true, token_secret_file = true };

local function has_single(get_option)
	for name in pairs(single_options) do
		if get_option(name) ~= nil then
			return true;
		end
	end
	return false;
end

-- Not empty, and with nothing that ipairs would pass over: what has a name, or comes after a nil.
local function is_list(value)
	if type(value) ~= "table" or value[1] == nil then
		return false;
	end
	local count = 0;
	for _ in pairs(value) do
		count = count + 1;
		if value[count] == nil then
			return false;
		end
	end
	return true;
end

local function read(get_option)
	local entries = get_option("token_keys");
	if entries ~= nil and not is_list(entries) then
		return nil, "token_keys must be a list of keys", "token_keys";
	end
	local keys = {};
	for position, entry in ipairs(entries or {}) do
		local key, problem, option = read_entry(entry);
		if not key then
			return nil, problem, option, position;
		end
		keys[position] = key;
	end
	if entries and not has_single(get_option) then
		return keys;
	end
	local single, problem, option = read_key(function (name)
		if single_options[name] then
			-- Not get_option_string, which would take a number without its leading zeros.
			return get_option(name);
		end
	end);
	if not single then
		return nil, problem, option;
	end
	table.insert(keys, single);
	return keys, single;
end

local function valid(keys, time)
	for _, key in ipairs(keys) do
		if (key.not_before or 0) <= time and (key.not_after or math.huge) >= time then
			return key;
		end
	end
end

local function outlook(keys, now)
	local time, key = now, valid(keys, now);
	while key and key.not_after do
		time = key.not_after + 1;
		key = valid(keys, time);
	end
	if key then
		return math.huge;
	elseif time > now then
		return time - 1;
	end
	local since, from;
	for _, k in ipairs(keys) do
		if k.not_before and k.not_before > now then
			from = math.min(from or math.huge, k.not_before);
		else
			since = math.max(since or 0, k.not_after);
		end
	end
	return nil, since, from;
end

return { read = read, valid = valid, outlook = outlook, parse_time = parse_time };
