-- PLAIN for clients that cannot add a mechanism: the token is where the password would be.
--
-- The message of X-TOKEN has the shape of PLAIN's, so the one function decides both, with the same
-- answers. Prosody's own PLAIN could not say temporary-auth-failure or invalid-authzid.
--
-- Returns a function that prepares SASL handlers, or nil, what is wrong with an option, and which.

local allow_plain = module:get_option("token_allow_plain", false);

if type(allow_plain) ~= "boolean" then
	return nil, "token_allow_plain is neither true nor false", "allow_plain";
end

local function prepare(handler)
	if not allow_plain then
		return handler;
	end
	local select, clean_clone = handler.select, handler.clean_clone;
	handler.mechs.PLAIN = true;
	function handler:select(mechanism)
		return select(self, mechanism == "PLAIN" and "X-TOKEN" or mechanism);
	end
	-- It takes the place of the handler after a failure.
	function handler:clean_clone()
		return prepare(clean_clone(self));
	end
	return handler;
end

return prepare;
