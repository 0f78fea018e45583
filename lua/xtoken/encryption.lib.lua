-- Tells whether X-TOKEN requires encryption, by the options that mod_saslauth reads for PLAIN.
--
--   is_required() -> whether it does
--   is_required_of_clients() -> whether mod_saslauth offers no mechanism at all without encryption

local function is_required()
	local allow_unencrypted_plain_auth =
		module:get_option_boolean("allow_unencrypted_plain_auth", false);
	local insecure_mechanisms = module:get_option_set("insecure_sasl_mechanisms",
		allow_unencrypted_plain_auth and {} or { "PLAIN", "LOGIN" });
	return insecure_mechanisms:contains("PLAIN") or insecure_mechanisms:contains("X-TOKEN");
end

local function is_required_of_clients()
	return module:get_option_boolean("c2s_require_encryption",
		module:get_option_boolean("require_encryption", true)) == true;
end

return { is_required = is_required, is_required_of_clients = is_required_of_clients };
