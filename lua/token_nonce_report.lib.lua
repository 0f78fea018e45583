-- Whose tokens would be refused if token_nonce_policy were "exact": each address named once.

-- As many as anybody would read about.
local limit = 1000;

local function new()
	local seen, count = {}, 0;

	return function (jid, nonce_length, expected, log)
		if nonce_length == expected or seen[jid] or count > limit then
			return;
		end
		seen[jid], count = true, count + 1;
		if count > limit then
			log("warn", "More than %d addresses have tokens with nonces of another length: no more are named", limit);
			return;
		end
		log("warn", "The token of %s has a nonce of %d digits, not %d: it would be refused "
			.."if token_nonce_policy were \"exact\"", jid, nonce_length, expected);
	end;
end

return { new = new };
