-- Accepts or refuses a token as a login does, and spends it:
-- prosodyctl mod_auth_token verify user@host [TOKEN]
--
--   run(words) -> exit status

local find_user = module:require "xtoken/prosodyctl/user".find;
local read_token = module:require "xtoken/prosodyctl/token".read;
-- If it is missing, this fails, and the caller prints why.
module:require "xtoken/native";

local only_here = "The running server does not know that it is spent, "
	.."since token_ledger is \"memory\"";

-- Spends the token. Returns the id of its key | nil, reason, sentence | nil, reason
local function verify(context, options, typed, user, token)
	local users = context:require "xtoken/users".new();
	users.follow(options.known_users);
	local explain = context:require "xtoken/explain".explain;
	-- Asks for the explanation first: of a spent token, it is only that the token was spent.
	local is_acceptable, sentence = explain(options.verifier, users, typed, user, token);
	local accepted, key_or_reason = options.verifier.native:verify(user.."@"..context.host, token);
	if accepted and is_acceptable then
		return key_or_reason;
	elseif accepted then
		local _, reason = users.would_admit(user);
		return nil, reason, sentence;
	end
	-- The ledger may have changed in between.
	return nil, key_or_reason, not is_acceptable and sentence or nil;
end

local function run(words)
	local typed = table.remove(words, 1);
	local user, context, options = find_user(typed);
	if not user then
		return 2;
	end
	local key_id, reason, sentence = verify(context, options, typed, user, read_token(words));
	if not key_id then
		print("refused: "..reason..(sentence and ": "..sentence or ""));
		return 1;
	end
	print("accepted: key "..key_id);
	if context:require "xtoken/ledger_url".read() == "memory:" then
		print(only_here);
	end
	return 0;
end

return { run = run };
