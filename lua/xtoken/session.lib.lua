-- Tells whether a client still waits for the outcome of its login.
--
-- It may have left meanwhile, and its host may have been deactivated. Functions here use no
-- globals, as xtoken/guard says.
--
--   can_answer(session) -> whether the client can be answered

local internals = module:require "xtoken/prosody_internals";

local host = module.host;

local function can_answer(session)
	if not internals.is_closed(session) and not internals.has_host(host) then
		internals.close_without_host(session);
	end
	if internals.is_closed(session) then
		internals.let_finish(session);
		return false;
	end
	return true;
end

return { can_answer = can_answer };
