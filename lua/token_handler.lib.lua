-- SASL handlers that offer X-TOKEN and, where token_allow_plain says so, PLAIN: for clients that cannot
-- add a mechanism, with the token where the password would be.
--
-- The message of X-TOKEN has the shape of PLAIN's, so the one function decides both, with the same
-- answers. Prosody's own PLAIN could not say temporary-auth-failure or invalid-authzid.
--
-- Returns a function as util.sasl.new, without the realm; or nil, what is wrong with an option, and which.

local new_sasl = require "util.sasl".new;
local allow_plain = module:get_option("token_allow_plain", false);

if type(allow_plain) ~= "boolean" then
	return nil, "token_allow_plain is neither true nor false", "allow_plain";
end

local mechanisms = { ["X-TOKEN"] = true, PLAIN = allow_plain or nil };

local function offer_plain(handler)
	local select, clean_clone = handler.select, handler.clean_clone;
	function handler:select(mechanism)
		return select(self, mechanism == "PLAIN" and "X-TOKEN" or mechanism);
	end
	-- It takes the place of the handler after a failure.
	function handler:clean_clone()
		return offer_plain(clean_clone(self));
	end
	return handler;
end

local function new(profile)
	profile.mechanisms = mechanisms;
	local handler = new_sasl(module.host, profile);
	local conn = profile.session and profile.session.conn;
	if conn and not conn.ssl_info then
		-- mod_sasl2 asks a handler that can bind to channels for what Prosody 0.12 does not know.
		handler.add_cb_handler = false;
	end
	return allow_plain and offer_plain(handler) or handler;
end

return new;
