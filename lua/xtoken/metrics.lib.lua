-- Counts and measures tokens in Prosody's statistics, as docs/metrics.md describes.
--
--   verified(result): a login was decided; `result` is "accepted" or the reason of a refusal
--   accepted(key_id, step_offset, is_dated): a token was accepted
--   key_known(key_id): there is a key of this id, perhaps not used yet
--   key_used(key_id, time): a login with this key was accepted at this Unix time
--   clock_skew(seconds): the minter's clock less the server's
--   ledger_answered(seconds): the ledger took so long
--   spent(count): the ledger has so many spent tokens

local results = {
	"accepted", "malformed", "bad-signature", "expired", "replayed", "undated", "unavailable",
	"unknown-user", "account-disabled", "other",
};

local verifications = module:metric("counter", "verifications", "",
	"Tokens verified", { "result" });
local accepted_tokens = module:metric("counter", "accepted_tokens", "",
	"Tokens accepted, by key and by the step of the minter's clock less that of the server's",
	{ "key", "offset" });
local undated_tokens = module:metric("counter", "undated_tokens", "",
	"Tokens accepted that were not dated", { "key" });
local clock_skew = module:metric("gauge", "clock_skew", "seconds",
	"The minter's clock less the server's, the median of the last 100 accepted tokens", {});
local key_last_used = module:metric("gauge", "key_last_used_timestamp", "seconds",
	"When a login with this key was last accepted", { "key" });
local ledger_duration = module:metric("histogram", "ledger_duration", "seconds",
	"Time until the ledger answers", {},
	{ buckets = { 0.0001, 0.001, 0.01, 0.1, 1, 10 } }):with_labels();
local spent_tokens = module:metric("gauge", "spent_tokens", "",
	"Spent tokens in the ledger of this host", {});

-- All counters exist from the start, so that the first refusal is an increase too. No other reason
-- becomes a label.
local counters = {};
for _, result in ipairs(results) do
	counters[result] = verifications:with_labels(result);
end

local function verified(result)
	(counters[result] or counters.other):add(1);
end

local function key_known(key_id)
	undated_tokens:with_labels(key_id):add(0);
end

local function accepted(key_id, step_offset, is_dated)
	local offset = ("%s%d"):format(step_offset > 0 and "+" or "", step_offset);
	accepted_tokens:with_labels(key_id, offset):add(1);
	undated_tokens:with_labels(key_id):add(is_dated and 0 or 1);
end

local function key_used(key_id, time)
	key_last_used:with_labels(key_id):set(time);
end

local function ledger_answered(seconds)
	ledger_duration:sample(seconds);
end

local function clock_off(seconds)
	clock_skew:with_labels():set(seconds);
end

local function spent(count)
	spent_tokens:with_labels():set(count);
end

return {
	verified = verified;
	key_known = key_known;
	accepted = accepted;
	key_used = key_used;
	clock_skew = clock_off;
	ledger_answered = ledger_answered;
	spent = spent;
};
