-- Whether X-TOKEN is for encrypted connections only: by the options that mod_saslauth reads for PLAIN.

local allow_unencrypted_plain_auth = module:get_option_boolean("allow_unencrypted_plain_auth", false);
local insecure_mechanisms = module:get_option_set("insecure_sasl_mechanisms",
	allow_unencrypted_plain_auth and {} or { "PLAIN", "LOGIN" });

return insecure_mechanisms:contains("PLAIN") or insecure_mechanisms:contains("X-TOKEN");
