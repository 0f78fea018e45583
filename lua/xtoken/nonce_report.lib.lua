-- Logs whose tokens would be refused if token_nonce_policy were "exact", each JID once.
--
--   new() -> report
--   report.note(jid, nonce_length, expected, log): a token was accepted whose nonce has this length

-- The most JIDs that are logged. Nobody would read more lines.
local limit = 1000;

local function new()
	local seen, count = {}, 0;

	local function note(jid, nonce_length, expected, log)
		if nonce_length == expected or seen[jid] or count > limit then
			return;
		end
		seen[jid], count = true, count + 1;
		if count > limit then
			log("warn", "More than %d users have tokens with nonces of another length: "
				.."the log names no more", limit);
			return;
		end
		log("warn", "The token of %s has a nonce of %d digits, not %d: it would be refused "
			.."if token_nonce_policy were \"exact\"", jid, nonce_length, expected);
	end

	return { note = note };
end

return { new = new };
