-- Checks a token again whose login has waited, for the ledger or for a storage, after it was
-- accepted. Meanwhile the options may have changed, or its key may have ended.
--
--   refusal(options, login) -> nil | reason
--       options: those in force now, of xtoken/options
--       login: { username, token, time, options, key_id }. It was accepted at this time (Unix
--       seconds), by these options

local token_keys = module:require "xtoken/keys";
local verifiers = module:require "xtoken/verifier";

-- Returns the id of the key that signed a token, if these options accept it, spent or not | nil,
-- reason.
local function verify(options, login)
	local verifier = verifiers.new_without_ledger {
		keys = options.keys;
		nonce_length = options.nonce_length;
		nonce_policy = options.nonce_policy;
		deviation = options.deviation;
	};
	local accepted, key_id_or_reason =
		verifier.native:verify(login.username.."@"..module.host, login.token, login.time);
	return accepted and key_id_or_reason or nil, key_id_or_reason;
end

local function refusal(options, login)
	local key_id = login.key_id;
	if options ~= login.options then
		local reason;
		key_id, reason = verify(options, login);
		if not key_id then
			return reason;
		end
	end
	for _, key in ipairs(options.keys) do
		if key.id == key_id and token_keys.is_valid(key, os.time()) then
			return nil;
		end
	end
	return "bad-signature";
end

return { refusal = refusal };
