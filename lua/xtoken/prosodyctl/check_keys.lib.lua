-- Reports the keys of a host, how they are used, and whether undated tokens can be refused.
--
--   check(report, options, uses)
--       options: those of xtoken; uses: by id, what xtoken/key_use stored, nil if it is unknown

local datetime = require "util.datetime".datetime;
local token_keys = module:require "xtoken/keys";

local function validity(key, now)
	local first, last = key.not_before or 0, key.not_after;
	if first > now then
		return "valid from "..datetime(first).." on";
	elseif last and last < now then
		return ("not valid since %s, so remove it"):format(datetime(last));
	end
	return last and "valid until "..datetime(last) or "valid";
end

local function check_keys(report, options, uses)
	local now = os.time();
	-- Among valid keys, one that has ended or not begun is in order.
	local say = token_keys.valid(options.keys, now) and report.ok or report.error;
	for _, key in ipairs(options.keys) do
		local use = uses and uses[key.id];
		say("key %s: seed of %d bits, %s, %s",
			key.id, options.verifier.native:seed_bits(key.id), validity(key, now),
			use and ("logins: %d, the last at %s"):format(use.accepted, datetime(use.last))
				or uses and "not used yet" or "its use is unknown");
	end
end

local week = 7 * 24 * 60 * 60;

-- Reports whether undated tokens can be refused: there was none at all, or none in the week before
-- the last login.
local function check_dates(report, options, uses)
	if options.nonce_policy == "dated" then
		report.ok("undated tokens are refused (token_nonce_policy)");
		return;
	end
	local dated, undated, last, last_undated = 0, 0, 0, 0;
	for _, key in ipairs(options.keys) do
		local use = uses[key.id] or {};
		dated, undated = dated + (use.dated or 0), undated + (use.undated or 0);
		last = math.max(last, use.last or 0);
		last_undated = math.max(last_undated, use.last_undated or 0);
	end
	local last_time = undated > 0 and ", the last at "..datetime(last_undated) or "";
	local advice = "";
	if undated > 0 and last - last_undated < week then
		advice = ": let your web application date its nonces";
	elseif dated > 0 and options.nonce_policy == "exact" then
		advice = ": token_nonce_policy = \"dated\" can be set";
	end
	report.ok("logins with dated tokens: %d, with undated ones: %d%s%s", dated, undated, last_time,
		advice);
end

local function check(report, options, uses)
	check_keys(report, options, uses);
	check_dates(report, options, uses or {});
end

return { check = check };
