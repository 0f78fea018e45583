-- Ends tokens of FAST, as the option token_fast_not_before says.
--
-- FAST renews its tokens, and a renewed token does not say when the first one was granted. If only
-- tokens from before a past day ended, those that were renewed since would stay valid. So
-- everything ends that was granted before the server first read the option. That moment is kept in
-- Prosody's storage.
--
--   follow(not_before) -> the moment before which tokens have ended, in Unix seconds | nil if the
--       option is not set
--   stored(not_before) -> the same, but writes nothing; nil if the server has not read the option
--       yet

local datetime = require "util.datetime".datetime;
local fast = module:require "xtoken/fast";
local store = module:require "xtoken/store";

local store_name = "token_grants";

local function stored(not_before)
	local state, err = store.ask(module, store_name, "get");
	if type(state) ~= "table" or type(state.seen) ~= "number" or state.not_before ~= not_before then
		return nil, err;
	end
	return math.max(not_before, state.seen);
end

local function follow(not_before)
	if not not_before then
		return nil;
	end
	local moment, err = stored(not_before);
	if moment then
		return moment;
	end
	local seen, ok = fast.end_of_grants(), nil;
	if not err then
		ok, err = store.ask(module, store_name, "set", { not_before = not_before, seen = seen });
	end
	if not ok then
		module:log("error", "Cannot save when token_fast_not_before of %s was first read, "
			.."so every restart or reload ends the tokens of FAST: %s", module.host, err);
	end
	moment = math.max(not_before, seen);
	module:log("info", "Tokens of FAST granted before %s on %s have ended",
		datetime(math.floor(moment)), module.host);
	return moment;
end

return { follow = follow, stored = stored };
