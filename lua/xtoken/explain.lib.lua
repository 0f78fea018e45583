-- Explains to a person whether a login with a token would be accepted, and why not. Spends nothing.
--
--   explain(verifier, users, typed, user, token) -> whether it would be accepted, sentence
--       typed: the JID as a person typed it; user: the user that it means to Prosody

local await = module:require "xtoken/await";

local host = module.host;

local about_accounts = {
	["unknown-user"] = "the token is valid, but Prosody has no account of this user, and "
		.."token_known_users is \"existing\": make one with \"prosodyctl adduser\"";
	["account-disabled"] = "the token is valid, but the account is disabled: enable it with "
		.."user:enable() in \"prosodyctl shell\"";
	unavailable = "the token is valid, but the storage of accounts fails: see the log";
};

-- Returns JIDs that a web application may have signed by mistake.
local function other_jids(typed)
	local others = { typed };
	for name in pairs(prosody.hosts) do
		if name ~= host and name ~= "*" then
			table.insert(others, name);
		end
	end
	return others;
end

-- Returns what `explain` of the native verifier does. Only the caller waits for the ledger.
local function ask(verifier, jid, token, others)
	local submit = await.can_wait() and verifier.submit_explain or verifier.explain;
	local name, sentence_or_ticket = submit(verifier, jid, token, os.time(), others);
	if name then
		return name, sentence_or_ticket;
	end
	return await.wait(verifier, sentence_or_ticket);
end

local function explain(verifier, users, typed, user, token)
	local name, sentence = ask(verifier.native, user.."@"..host, token, other_jids(typed));
	if name ~= "accepted" then
		return false, sentence;
	end
	local admitted, reason = users.would_admit(user);
	if not admitted then
		return false, about_accounts[reason];
	end
	return true, sentence;
end

return { explain = explain };
