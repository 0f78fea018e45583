-- Reads the keys of this host from its options: the list token_keys, and the pair beside it.
--
--   read() -> keys, single, files | nil, fault
--       keys: what native.new_verifier takes; single: the one of them that has options of its own
--       files: by key, then by otp_seed and token_secret: what secret_files.read returned of it
--       fault: { problem, option, position, path }; option: which to set, inside the entry of
--       token_keys at this position if there is one; path: of the file to correct if the option
--       is right
--   is_valid(key, time) -> whether a key may be used at a time
--   valid(keys, time) -> the first key that is valid at a time | nil
--   in_force(keys, time) -> a sentence with the ids of the keys that are valid at a time
--   outlook(keys, now) -> ends | nil, since, from
--       ends: until when there is a valid key at any time, math.huge if for ever
--       since, from: if no key is valid now, when the last one ended, and when the next one begins

local is_error = require "util.error".is_error;
local secret_files = module:require "xtoken/secret_files";
local secret_text = module:require "xtoken/secret_text";
local is_dots = module:require "xtoken/secrets".is_dots;
local times = module:require "xtoken/times";

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

local function fault(problem, option, path)
	return { problem = problem, option = option, path = path };
end

-- Returns the value of the option `name`, or the content of the file that `name`_file names, and
-- what is known of the file; nothing if neither is set; nil, nil and a fault.
local function read_secret(get, name)
	local file_option = name.."_file";
	local value, path = get(name), get(file_option);
	if path == nil then
		if is_error(value) then
			return nil, nil, fault(name.." cannot be read: "..tostring(value.text), name);
		end
		return type(value) == "string" and secret_text.without_line_break(value) or value;
	elseif value ~= nil then
		local problem = ("%s and %s are both set: take one of them out"):format(name, file_option);
		return nil, nil, fault(problem, file_option);
	elseif type(path) ~= "string" then
		return nil, nil, fault(file_option.." must be a path in quotes", file_option);
	end
	local content, file_or_problem, path_to_correct = secret_files.read(path);
	if not content then
		return nil, nil, fault(file_or_problem, file_option, path_to_correct);
	end
	return content, file_or_problem;
end

-- Returns why a seed cannot be base32, if more is known than the native module says.
local function problem_of_seed(seed, file)
	if is_dots(seed) then
		return "otp_seed is the dots that documentation has in its place: write the seed";
	end
	local accident = seed ~= "" and secret_text.accident(seed);
	return accident and ("%s %s: write it again as one line of base32"):format(
		file and file.path or "otp_seed", accident);
end

local function read_key(get, files)
	local id = get("id");
	local key, of_key = { id = id or "default" }, {};
	files[key] = of_key;
	for _, name in ipairs { "otp_seed", "token_secret" } do
		local found;
		key[name], of_key[name], found = read_secret(get, name);
		if found then
			return nil, found;
		end
	end
	if type(key.otp_seed) == "string" then
		-- Base32 has no white space. What is left of it is warned of, but does no harm.
		local seed, file = key.otp_seed:gsub("%s+$", ""), of_key.otp_seed;
		local problem = problem_of_seed(seed, file);
		if problem then
			return nil, fault(problem, file and "otp_seed_file" or "otp_seed", file and file.path);
		end
		of_key.accident_of_seed = secret_text.accident(key.otp_seed);
		key.otp_seed = seed;
	end
	if id ~= nil and (id == key.otp_seed or id == key.token_secret) then
		return nil, fault("its id, which logs show, is also its otp_seed or token_secret", "id");
	end
	for name, second in pairs { not_before = 0, not_after = 24 * 60 * 60 - 1 } do
		local value = get(name);
		if value ~= nil then
			key[name] = times.parse(value, second);
			if not key[name] then
				return nil, fault(name.." is not a time", name);
			end
		end
	end
	return key;
end

local function read_entry(entry, files)
	if type(entry) ~= "table" then
		return nil, fault("it must be { id = …, otp_seed = …, token_secret = … }", "token_keys");
	end
	for name in pairs(entry) do
		-- A misspelt not_after must not leave a key valid for ever. An unknown name is not shown:
		-- it may be a secret.
		if not known_fields[name] then
			local problem = "unknown field: there are only "..table.concat(field_names, ", ");
			return nil, fault(problem, "token_keys");
		end
	end
	return read_key(function (name)
		return entry[name];
	end, files);
end

local single_options = {
	otp_seed = true, otp_seed_file = true, token_secret = true, token_secret_file = true,
};

local function has_single()
	for name in pairs(single_options) do
		if module:get_option(name) ~= nil then
			return true;
		end
	end
	return false;
end

-- Returns whether a value is a list that is not empty, and that has nothing that ipairs would skip:
-- no field with a name, and no entry after a nil.
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

-- Returns the keys unless two have the same id. Names these by their positions: an id may be a
-- misplaced secret.
local function with_own_ids(keys, single, files)
	local positions = {};
	for position, key in ipairs(keys) do
		local first = positions[key.id];
		if first and key == single then
			return nil, fault(("key %d of token_keys has no id, or the id \"default\", which is "
				.."that of the pair beside the list: give it another"):format(first), "token_keys");
		elseif first then
			return nil, fault(("keys %d and %d of token_keys have the same id, or none: give each "
				.."an id of its own"):format(first, position), "token_keys");
		end
		positions[key.id] = position;
	end
	return keys, single, files;
end

local function read()
	local entries = module:get_option("token_keys");
	if entries ~= nil and not is_list(entries) then
		return nil, fault("token_keys must be a list of keys", "token_keys");
	end
	local keys, files = {}, {};
	for position, entry in ipairs(entries or {}) do
		local key, found = read_entry(entry, files);
		if not key then
			found.position = position;
			return nil, found;
		end
		keys[position] = key;
	end
	if entries and not has_single() then
		return with_own_ids(keys, nil, files);
	end
	if entries and (is_dots(module:get_option("otp_seed"))
		or is_dots(module:get_option("token_secret"))) then
		local problem = "beside token_keys, otp_seed or token_secret is dots: take both lines out";
		return nil, fault(problem, "token_secret");
	end
	local single, found = read_key(function (name)
		if single_options[name] then
			-- Not get_option_string, which would take a number without its leading zeros.
			return module:get_option(name);
		end
	end, files);
	if not single then
		return nil, found;
	end
	table.insert(keys, single);
	return with_own_ids(keys, single, files);
end

local function is_valid(key, time)
	return (key.not_before or 0) <= time and (key.not_after or math.huge) >= time;
end

local function valid(keys, time)
	for _, key in ipairs(keys) do
		if is_valid(key, time) then
			return key;
		end
	end
end

local function in_force(keys, time)
	local inside, outside = {}, {};
	for _, key in ipairs(keys) do
		table.insert(is_valid(key, time) and inside or outside, key.id);
	end
	return ("Keys of %s in force: %s%s"):format(module.host,
		inside[1] and table.concat(inside, ", ") or "none",
		outside[1] and ". Not valid now: "..table.concat(outside, ", ") or "");
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
	for _, other in ipairs(keys) do
		if other.not_before and other.not_before > now then
			from = math.min(from or math.huge, other.not_before);
		else
			since = math.max(since or 0, other.not_after);
		end
	end
	return nil, since, from;
end

return { read = read, is_valid = is_valid, valid = valid, outlook = outlook, in_force = in_force };
