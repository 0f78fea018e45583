-- What the configuration says about the tokens of this host.
--
--   read(utils, users, handlers) -> settings | nil, problem, advice
--       settings: verifier, keys, single (the key that is not in token_keys, if there is one),
--       nonce_length, nonce_policy, deviation, known_users, mechanisms
--   warn(settings, log): says what works, but should not stay as it is
--   warn_of_end(settings, log): of that, when nobody can log in for want of a valid key

local datetime = require "util.datetime".datetime;
local token_keys = module:require "token_keys";

local host = module.host;

-- Printed in the README of the Lua implementation, and known to everybody since.
local samples = { otp_seed = "XVGR73KMZH2M4XMY", token_secret = "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA7" };

local soon = 7 * 24 * 60 * 60;

local option_names = {
	keys = "token_keys";
	nonce_length = "token_nonce_length";
	nonce_policy = "token_nonce_policy";
	deviation = "token_deviation";
	ledger = "token_ledger";
	known_users = "token_known_users";
	allow_plain = "token_allow_plain";
};

local a_time = "\"2026-12-01\", \"2026-12-01T12:00:00Z\" or Unix seconds";
local a_list = "{ { id = \"2026-12\", otp_seed = \"…\", token_secret = \"…\" } }, as README.md shows";
local a_file = "the path of a file with nothing else in it, from the folder of the configuration";

local how_to_make = {
	otp_seed = "as your web application has it; make a pair with: prosodyctl mod_auth_token generate-key";
	otp_seed_file = a_file;
	token_secret = "as your web application has it; make a pair with: prosodyctl mod_auth_token generate-key";
	token_secret_file = a_file;
	token_keys = a_list;
	keys = a_list;
	id = "a name for each key, of 1 to 64 characters without spaces";
	not_before = a_time;
	not_after = a_time;
	nonce_length = "the number of digits that your web application makes, usually 32";
	nonce_policy = "\"exact\", \"dated\", or for a time of migration \"report\"";
	deviation = "usually 1";
	ledger = "the path of a file, \"memory\", or the URL of a server";
	known_users = "usually \"all\"";
	allow_plain = "usually false";
};

-- Which option to set, and how; those of a key that is listed are inside token_keys.
local function advice(option, id)
	local name = option_names[option] or option;
	if id ~= nil and option ~= "token_keys" then
		name = "token_keys";
	end
	return ("Set the option %s of VirtualHost %q in the configuration (%s)")
		:format(name, host, how_to_make[option] or "?");
end

local function in_key(id, problem)
	return id == nil and problem or ("key %q: %s"):format(tostring(id), problem);
end

local function read(utils, users, handlers)
	local function get_option(name)
		return module:get_option(name);
	end
	local keys, single_or_problem, option, id = token_keys.read(get_option);
	if not keys then
		return nil, in_key(id, single_or_problem), advice(option, id);
	end
	local options = utils.verifier_options();
	options.keys = keys;
	local settings = {
		keys = keys;
		single = single_or_problem;
		nonce_length = options.nonce_length;
		nonce_policy = options.nonce_policy;
		deviation = options.deviation;
	};
	local problem, index;
	settings.verifier, problem, option, index = utils.new_verifier(options);
	if settings.verifier then
		settings.known_users, problem, option = users.read();
	end
	if settings.known_users then
		settings.mechanisms, problem, option = handlers.read_mechanisms();
	end
	if settings.mechanisms then
		return settings;
	end
	local key = keys[index];
	id = key and key ~= settings.single and key.id or nil;
	return nil, in_key(id, problem), advice(option, id);
end

local function warn_of_end(settings, log)
	local now = os.time();
	local ends, since, from = token_keys.outlook(settings.keys, now);
	if not ends then
		log("error", "Nobody can log in to %s%s%s: no key is valid now. Add one to the option token_keys", host,
			since and " since "..datetime(since) or "", from and " before "..datetime(from) or "");
	elseif ends - now < soon then
		log("warn", "Nobody can log in to %s after %s, when its last key expires. "
			.."Add the next one to the option token_keys", host, datetime(ends));
	end
end

local function warn(settings, log)
	warn_of_end(settings, log);
	for _, key in ipairs(settings.keys) do
		local of = (key == settings.single and "" or (" of key %q"):format(key.id)).." of "..host;
		for name, sample in pairs(samples) do
			local value = name == "otp_seed" and key[name]:upper() or key[name];
			if value == sample then
				log("warn", "%s%s is the value printed in a README: anybody can make tokens. "
					.."Make fresh ones, for your web application too", name, of);
			end
		end
		local bits = settings.verifier:seed_bits(key.id);
		if bits < 128 then
			log("warn", "otp_seed%s has only %d bits: make one of 32 base32 characters (160 bits), "
				.."for your web application too", of, bits);
		end
		if key.token_secret:find("[\r\n]$") then
			log("warn", "token_secret%s ends with a line break, which is part of it. If your web application "
				.."has none there, use token_secret_file", of);
		end
	end
	if module:get_option("token_expired_limit") ~= nil then
		log("warn", "token_expired_limit of %s has no effect any more: a dated token that has expired "
			.."is never good again, so nobody's tries are limited. Take the option out", host);
	end
	if settings.nonce_policy == "report" then
		log("warn", "token_nonce_policy of %s is \"report\": nonces of any length are accepted, so whoever has a token "
			.."of 7alice can log in as alice. Set it to \"exact\" as soon as no minter is named here", host);
	end
end

return { read = read, warn = warn, warn_of_end = warn_of_end };
