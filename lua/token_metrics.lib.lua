-- What Prosody's statistics say about tokens: docs/metrics.md.

-- Prosody 0.11 has no such metrics.
local nothing = setmetatable({}, {
	__index = function (self)
		return function ()
			return self;
		end
	end;
});

local function family(kind, name, unit, description, labels, settings)
	return module.metric and module:metric(kind, name, unit, description, labels, settings) or nothing;
end

local results = {
	"ok", "malformed", "bad-signature", "expired", "replayed", "undated", "unavailable",
	"unknown-user", "account-disabled", "other",
};

local verifications = family("counter", "verifications", "", "Tokens verified", { "result" });
local accepted_tokens = family("counter", "accepted_tokens", "",
	"Tokens accepted, by key and by the step of the minter's clock less that of the server's", { "key", "offset" });
local undated_tokens = family("counter", "undated_tokens", "",
	"Tokens accepted that were not dated", { "key" });
local clock_skew = family("gauge", "clock_skew", "seconds",
	"The minter's clock less the server's, the median of the last 100 accepted tokens", {});
local key_last_used = family("gauge", "key_last_used_timestamp", "seconds",
	"When a key last let somebody in", { "key" });
local ledger_duration = family("histogram", "ledger_duration", "seconds",
	"Time until the ledger of used tokens answers", {}, { buckets = { 0.0001, 0.001, 0.01, 0.1, 1, 10 } }):with_labels();
local remembered_tokens = family("gauge", "remembered_tokens", "", "Used tokens in the ledger of this host", {});

-- From the start, so that the first failure is an increase too; and nothing else ever becomes a label.
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
	accepted_tokens:with_labels(key_id, ("%s%d"):format(step_offset > 0 and "+" or "", step_offset)):add(1);
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

local function remembered(count)
	remembered_tokens:with_labels():set(count);
end

return {
	verified = verified;
	key_known = key_known;
	accepted = accepted;
	key_used = key_used;
	clock_skew = clock_off;
	ledger_answered = ledger_answered;
	remembered = remembered;
};
