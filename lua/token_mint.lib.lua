-- Fresh tokens, for trying things out.
--
-- Returns mint(settings, jid) -> token | nil, problem

local new_minter = module:require "token_native".new_minter;
local valid = module:require "token_keys".valid;

return function (settings, jid)
	local key = valid(settings.keys, os.time());
	if not key then
		return nil, "No key is valid now. Add one to the option token_keys";
	end
	local minter, problem = new_minter { keys = { key }, nonce_length = settings.nonce_length };
	if not minter then
		return nil, problem;
	end
	return minter:mint(jid);
end;
