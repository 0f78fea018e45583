-- Warns of options that work, but should not stay as they are.
--
--   warn(options, log)
--   warn_of_end(options, log): warns when no key is valid, or soon none will be
--       options: what xtoken/options reads

local datetime = require "util.datetime".datetime;
local token_keys = module:require "xtoken/keys";
local secret_text = module:require "xtoken/secret_text";
local secrets = module:require "xtoken/secrets";

local host = module.host;

local soon = 7 * 24 * 60 * 60;

local function warn_of_end(options, log)
	local now = os.time();
	local ends, since, from = token_keys.outlook(options.keys, now);
	if not ends then
		log("error", "Nobody can log in to %s%s%s: no key is valid now. "
			.."Add one to the option token_keys", host,
			since and " since "..datetime(since) or "", from and " before "..datetime(from) or "");
	elseif ends - now < soon then
		log("warn", "Nobody can log in to %s after %s, when its last key expires. "
			.."Add the next one to the option token_keys", host, datetime(ends));
	end
end

-- `of` says whose key it is.
local function warn_of_key(key, of, seed_bits, log)
	for _, name in ipairs { "otp_seed", "token_secret" } do
		if secrets.is_printed(key[name]) then
			log("warn", "%s%s is not secret, because documentation shows it: anybody can log in as "
				.."anybody. Make a fresh pair, for your web application too: "
				.."prosodyctl mod_auth_token generate-key", name, of);
		end
	end
	if #key.token_secret < secrets.recommended_length then
		log("warn", "token_secret%s has fewer than %d bytes, so attackers may guess it: "
			.."make a fresh pair, for your web application too", of, secrets.recommended_length);
	end
	if seed_bits < 128 then
		log("warn", "otp_seed%s has only %d bits: make one of 32 base32 characters (160 bits), "
			.."for your web application too", of, seed_bits);
	end
end

-- Warns of what is in a secret by accident, and of files that others can read.
local function warn_of_text(key, of, files, log)
	for _, name in ipairs { "otp_seed", "token_secret" } do
		local file = files[name];
		local subject = file and ("%s, the %s%s,"):format(file.path, name, of) or name..of;
		if file and file.warning then
			log("warn", "%s%s: %s", name, of, file.warning);
		end
		local accident = secret_text.accident(key[name]);
		if name == "otp_seed" and files.accident_of_seed then
			log("warn", "%s %s, which is ignored here, but may not be by your web application: "
				.."write it again as one line", subject, files.accident_of_seed);
		elseif accident then
			log("warn", "%s %s. Every byte counts: unless your web application has the same bytes, "
				.."no token is accepted, so write it again as one line of plain text",
				subject, accident);
		end
	end
end

local function warn(options, log)
	warn_of_end(options, log);
	for _, key in ipairs(options.keys) do
		local of = (key == options.single and "" or (" of key %q"):format(key.id)).." of "..host;
		warn_of_key(key, of, options.verifier.native:seed_bits(key.id), log);
		warn_of_text(key, of, options.files[key], log);
	end
	if module:get_option("token_expired_limit") ~= nil then
		log("warn", "token_expired_limit of %s no longer has an effect: a dated token that has "
			.."expired is never accepted again, so attempts need no limit. Take the option out",
			host);
	end
	if options.passwords and module:get_option_boolean("allow_registration", false) then
		log("warn", "allow_registration of %s is true, and token_passwords is set: anybody can set "
			.."a password for a user of your web application who has no account in Prosody yet. "
			.."Set allow_registration = false, or keep the names of both kinds of users apart",
			host);
	end
	if options.nonce_policy == "report" then
		log("warn", "token_nonce_policy of %s is \"report\": nonces of any length are accepted, "
			.."so a user with a token of 7alice can log in as alice. Set it to \"exact\" as soon "
			.."as the log names no token with a nonce of another length", host);
	end
end

return { warn = warn, warn_of_end = warn_of_end };
