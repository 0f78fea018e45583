-- Why a login with a token fails, for a person: no client ever hears of it. Spends nothing.
--
-- Returns explain(utils, settings, users, typed, user, token) -> good, sentence
--     typed: the address as a person wrote it; user: what it is to Prosody

local datetime = require "util.datetime".datetime;
local waiting = module:require "token_waiting";

local host = module.host;

local about_accounts = {
	["unknown-user"] = "the token is good, but Prosody has no account of this user, and token_known_users is "
		.."\"existing\": make one with \"prosodyctl adduser\"";
	["account-disabled"] = "the token is good, but the account is disabled: enable it with user:enable() "
		.."in \"prosodyctl shell\"";
	unavailable = "the token is good, but the storage of accounts fails: see the log";
};

-- What an application may have signed by mistake.
local function other_addresses(typed)
	local others = { typed };
	for name in pairs(prosody.hosts) do
		if name ~= host and name ~= "*" then
			table.insert(others, name);
		end
	end
	return others;
end

-- Returns why the ledger could not decide about a token.
local function sentence_of_refusal(ledger)
	local trouble, opens_at = ledger:trouble(), ledger:closed_until();
	if trouble then
		return "the ledger of spent tokens gave no answer: "..trouble;
	elseif opens_at then
		return "the ledger cannot know whether it was spent: it accepts tokens that are minted from "
			..datetime(opens_at).." on";
	end
	return "the ledger cannot know whether it was spent: mint a fresh token and try again";
end

-- As verifier:explain, but what is a server's to answer is waited for without holding up anybody else.
local function ask(verifier, ledger, jid, token, others)
	local begin = waiting.can_wait() and verifier.begin_explain or verifier.explain;
	local name, sentence, if_good, if_spent = begin(verifier, jid, token, nil, others);
	if name then
		return name, sentence;
	end
	local is_good, reason = waiting.wait(ledger, sentence);
	if is_good then
		return "good", if_good;
	elseif reason == "replayed" then
		return reason, if_spent;
	end
	return reason, sentence_of_refusal(ledger);
end

local function explain(utils, settings, users, typed, user, token)
	local verifier = settings.verifier;
	local name, sentence = ask(verifier, utils.ledger_of[verifier], user.."@"..host, token, other_addresses(typed));
	if name ~= "good" then
		return false, sentence;
	end
	local admitted, reason = users.would_admit(user);
	if not admitted then
		return false, about_accounts[reason];
	end
	return true, sentence;
end

return explain;
