-- Finds what else is wrong with the options of a host. Reading them ends at the first problem, so
-- this reads them again and again, each time with a valid value in the place of one that is not.
--
--   find(context, first) -> the sentences after that one
--       context: what hosts.visit returned; first: the sentence that was reported already

local config = require "core.configmanager";
local known_options = module:require "xtoken/known_options";
local native = module:require "xtoken/native";
local unquoted_values = module:require "xtoken/unquoted_values";
local verifiers = module:require "xtoken/verifier";

local of_keys = {
	"token_keys", "otp_seed", "otp_seed_file", "token_secret", "token_secret_file",
};

local function is_of_keys(option)
	for _, name in ipairs(of_keys) do
		if name == option then
			return true;
		end
	end
	-- The fields of a key.
	return not known_options.exists(option);
end

-- Calls a function, and then brings back the options as they were.
local function with_copy(host, call)
	local saved = {};
	for _, section in ipairs { "*", host } do
		for _, name in known_options.all() do
			table.insert(saved, { section, name, config.rawget(section, name) });
		end
	end
	local called, err = pcall(call);
	for _, entry in ipairs(saved) do
		config.set(entry[1], entry[2], entry[3]);
	end
	if not called then
		error(err, 0);
	end
end

local function unset(host, name)
	config.set("*", name, nil);
	config.set(host, name, nil);
end

local function mend(host, option)
	if not is_of_keys(option) then
		unset(host, option);
		return;
	end
	local otp_seed, token_secret = native.generate_key();
	local is_list = config.get(host, "token_keys") ~= nil;
	for _, name in ipairs(of_keys) do
		if is_list or name:gsub("_file$", "") == option:gsub("_file$", "") then
			unset(host, name);
		end
	end
	if is_list or option:find("^otp_seed") then
		config.set(host, "otp_seed", otp_seed);
	end
	if is_list or option:find("^token_secret") then
		config.set(host, "token_secret", token_secret);
	end
end

local function find(context, first)
	local sentences, reported = {}, {};
	local options = context:require "xtoken/options";
	local function add(problem, advice, option)
		local sentence = ("%s. %s."):format(problem, advice);
		if sentence ~= first and not reported[option] then
			table.insert(sentences, sentence);
		end
		reported[option] = true;
	end
	for _, found in ipairs(unquoted_values.of_host(context.host)) do
		add(unquoted_values.describe(found), options.advice(found.option), found.option);
	end
	with_copy(context.host, function ()
		for _ in known_options.all() do
			local read, problem, advice, option =
				options.read_values(verifiers.new_without_ledger);
			if read then
				return;
			end
			option = known_options.name(option);
			add(problem, advice, option);
			mend(context.host, option);
		end
	end);
	return sentences;
end

return { find = find };
