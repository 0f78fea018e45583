-- What the configuration says about the tokens of this host.
--
--   read(utils, users, handlers) -> settings | nil, problem, advice
--       settings: verifier, keys, single (the key that is not in token_keys, if there is one),
--       nonce_length, nonce_policy, deviation, known_users, mechanisms, fast_not_before
--   warn(settings, log): says what works, but should not stay as it is
--   warn_of_end(settings, log): of that, when nobody can log in because no key is valid

local datetime = require "util.datetime".datetime;
local token_keys = module:require "token_keys";
local options = module:require "token_options";
local secrets = module:require "token_secrets";
local grants = module:require "token_grants";

local host = module.host;

local soon = 7 * 24 * 60 * 60;

-- Which option to set, and how; those of a key that is listed are inside token_keys.
local function advice(option, position)
	local name = position and "token_keys" or options.name(option);
	return ("Set the option %s of VirtualHost %q in the configuration (%s)")
		:format(name, host, options.advice(option));
end

-- Names a key by its position: the id of a key that cannot be used may be a secret.
local function in_key(position, problem)
	return position and ("key %d of token_keys: %s"):format(position, problem) or problem;
end

-- As utils.new_verifier, but refuses short secrets.
local function new_verifier(utils, verifier_options)
	for index, key in ipairs(verifier_options.keys) do
		local problem = secrets.problem(key.token_secret);
		if problem then
			return nil, problem, "token_secret", index;
		end
	end
	return utils.new_verifier(verifier_options);
end

local function read(utils, users, handlers)
	local function get_option(name)
		return module:get_option(name);
	end
	local keys, single_or_problem, option, position = token_keys.read(get_option);
	if not keys then
		return nil, in_key(position, single_or_problem), advice(option, position);
	end
	local verifier_options = utils.verifier_options();
	verifier_options.keys = keys;
	local settings = {
		keys = keys;
		single = single_or_problem;
		nonce_length = verifier_options.nonce_length;
		nonce_policy = verifier_options.nonce_policy;
		deviation = verifier_options.deviation;
	};
	local problem;
	settings.verifier, problem, option, position = new_verifier(utils, verifier_options);
	if settings.verifier then
		settings.known_users, problem, option = users.read();
	end
	if settings.known_users then
		settings.mechanisms, problem, option = handlers.read_mechanisms();
	end
	if settings.mechanisms then
		settings.fast_not_before, problem, option = grants.read();
	end
	if settings.fast_not_before ~= nil then
		return settings;
	end
	if keys[position] == settings.single then
		position = nil;
	end
	return nil, in_key(position, problem), advice(option, position);
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
		for _, name in ipairs { "otp_seed", "token_secret" } do
			if secrets.is_printed(key[name]) then
				log("warn", "%s%s is no secret, documentation shows it: anybody can log in as "
					.."anybody. Make a fresh pair, for your web application too: "
					.."prosodyctl mod_auth_token generate-key", name, of);
			end
		end
		if #key.token_secret < secrets.recommended_length then
			log("warn", "token_secret%s has fewer than %d bytes, so attackers may guess it: "
				.."make a fresh pair, for your web application too", of, secrets.recommended_length);
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
			.."is never good again, so tries need no limit. Take the option out", host);
	end
	if settings.nonce_policy == "report" then
		log("warn", "token_nonce_policy of %s is \"report\": nonces of any length are accepted, so whoever has a token "
			.."of 7alice can log in as alice. Set it to \"exact\" as soon as no minter is named here", host);
	end
end

return { read = read, warn = warn, warn_of_end = warn_of_end };
