-- Reads the options of this host, and makes its verifier with them.
--
--   read([new_verifier]) -> options | nil, problem, advice
--       options: verifier, keys, single (the key that is not in token_keys, if there is one), files
--       (see xtoken/keys), nonce_length, nonce_policy, deviation, known_users, mechanisms,
--       fast_not_before (Unix seconds, or false if it is not set), passwords (which module has
--       them, or false)
--       new_verifier: that of xtoken/verifier if it is not given
--       advice: which option to set, and how
--   read_values([new_verifier]) -> the same | nil, problem, advice, option: without a look at
--       values that have no quotes
--   advice(option) -> which option to set, and how
--   read_rules() -> { nonce_length, nonce_policy, deviation }, unchecked
--   default_deviation: in time steps

local known_options = module:require "xtoken/known_options";
local token_keys = module:require "xtoken/keys";
local times = module:require "xtoken/times";
local unquoted_values = module:require "xtoken/unquoted_values";
local verifiers = module:require "xtoken/verifier";

local default_deviation = 1;

local function read_rules()
	return {
		nonce_length = module:get_option("token_nonce_length", 32);
		nonce_policy = module:get_option("token_nonce_policy", "exact");
		deviation = module:get_option("token_deviation", default_deviation);
	};
end

local function read_known_users()
	-- Beside passwords, "all" would leave no name for which an account can be made.
	local has_passwords = module:get_option("token_passwords");
	local value = module:get_option("token_known_users", has_passwords and "seen" or "all");
	if value ~= "all" and value ~= "existing" and value ~= "seen" then
		return nil, "token_known_users must be \"all\", \"existing\" or \"seen\"";
	end
	return value;
end

local function read_mechanisms()
	local allow_plain = module:get_option("token_allow_plain", false);
	if type(allow_plain) ~= "boolean" then
		return nil, "token_allow_plain must be true or false";
	end
	return { ["X-TOKEN"] = true, PLAIN = allow_plain or nil };
end

local function read_passwords()
	local value = module:get_option("token_passwords", false);
	if value and value ~= "internal_hashed" and value ~= "internal_plain" then
		return nil, "token_passwords must be \"internal_hashed\" or \"internal_plain\": "
			.."no other module of Prosody shares its accounts with tokens";
	end
	return value;
end

local function read_fast_not_before()
	local value = module:get_option("token_fast_not_before");
	if value == nil then
		return false;
	end
	local not_before = times.parse(value, 0);
	if not not_before then
		return nil, "token_fast_not_before is not a time";
	end
	return not_before;
end

-- The options that are read after the verifier was made: field, option without its prefix,
-- function.
local others = {
	{ "known_users", "known_users", read_known_users };
	{ "mechanisms", "allow_plain", read_mechanisms };
	{ "passwords", "passwords", read_passwords };
	{ "fast_not_before", "fast_not_before", read_fast_not_before };
};

-- Names the option to set; those of a listed key are inside token_keys.
local function advice(option, position)
	return ("Set the option %s of VirtualHost %q in the configuration (%s)"):format(
		position and "token_keys" or known_options.name(option), module.host,
		known_options.advice(option));
end

-- Says that a file must be corrected, not the option that names it.
local function advice_on_file(option, position)
	return ("Correct this file, which the option %s%s of VirtualHost %q names"):format(
		option, position and " in token_keys" or "", module.host);
end

-- Names a key by its position: the id of a key that cannot be used may be a secret.
local function in_key(position, problem)
	return position and ("key %d of token_keys: %s"):format(position, problem) or problem;
end

-- Replaces the names that the native module has for options by those of Prosody's options.
local function with_names(problem)
	for _, option in ipairs { "nonce_length", "nonce_policy", "deviation" } do
		problem = problem:gsub("%f[%w_]"..option.."%f[^%w_]", known_options.name(option));
	end
	return problem;
end

local function read_values(new_verifier)
	local keys, single, files = token_keys.read();
	if not keys then
		local fault = single;
		local advise = fault.path and advice_on_file or advice;
		return nil, in_key(fault.position, fault.problem), advise(fault.option, fault.position),
			fault.option;
	end
	local options = read_rules();
	options.keys = keys;
	local problem, option, position;
	options.verifier, problem, option, position = (new_verifier or verifiers.new)(options);
	if not options.verifier then
		local key = keys[position];
		local file = key and files[key][option];
		position = key ~= single and position or nil;
		if file then
			problem = ("%s: %s"):format(file.path, problem);
			return nil, in_key(position, problem), advice_on_file(option.."_file", position),
				option;
		end
		return nil, in_key(position, with_names(problem)), advice(option, position), option;
	end
	options.single, options.files = single, files;
	for _, other in ipairs(others) do
		local field, name, read_other = other[1], other[2], other[3];
		local value, problem_of_value = read_other();
		if value == nil then
			return nil, problem_of_value, advice(name), name;
		end
		options[field] = value;
	end
	return options;
end

local function read(new_verifier)
	local unquoted = unquoted_values.of_host(module.host)[1];
	if unquoted then
		return nil, unquoted_values.describe(unquoted), advice(unquoted.option);
	end
	return read_values(new_verifier);
end

return {
	read = read, read_values = read_values, advice = advice, read_rules = read_rules;
	default_deviation = default_deviation;
};
