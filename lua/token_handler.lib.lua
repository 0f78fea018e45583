-- SASL handlers that offer X-TOKEN and, where token_allow_plain says so, PLAIN: for clients that cannot
-- add a mechanism, with the token where the password would be.
--
-- The message of X-TOKEN has the shape of PLAIN's, so the one function decides both, with the same
-- answers. Prosody's own PLAIN could not say temporary-auth-failure or invalid-authzid.
--
--   read_mechanisms() -> mechanisms | nil, problem, option
--   new(profile) -> handler: as util.sasl.new of this host, for a profile with these mechanisms

local new_sasl = require "util.sasl".new;

local function read_mechanisms()
	local allow_plain = module:get_option("token_allow_plain", false);
	if type(allow_plain) ~= "boolean" then
		return nil, "token_allow_plain is neither true nor false", "allow_plain";
	end
	return { ["X-TOKEN"] = true, PLAIN = allow_plain or nil };
end

local function select_x_token_for_plain(handler)
	local select, clean_clone = handler.select, handler.clean_clone;
	function handler:select(mechanism)
		return select(self, mechanism == "PLAIN" and self.mechs.PLAIN and "X-TOKEN" or mechanism);
	end
	-- It takes the place of the handler after a failure.
	function handler:clean_clone()
		return select_x_token_for_plain(clean_clone(self));
	end
	return handler;
end

local function new(profile)
	local handler = select_x_token_for_plain(new_sasl(module.host, profile));
	local conn = profile.session and profile.session.conn;
	if conn and not conn.ssl_info then
		-- mod_sasl2 asks a handler that can bind to channels for what Prosody 0.12 does not know.
		handler.add_cb_handler = false;
	end
	return handler;
end

return { read_mechanisms = read_mechanisms, new = new };
