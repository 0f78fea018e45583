-- When grants that outlive a login have ended: the tokens of FAST.
--
-- FAST renews its tokens, and a renewed token does not say when the first one was granted. If only
-- tokens from before a past day ended, those that were renewed since would stay valid. So
-- everything that was granted before the server first read the option ends. That moment is kept in
-- Prosody's storage.
--
--   read() -> the option token_fast_not_before in Unix seconds, false if it is not set
--             | nil, problem, option
--   follow(not_before) -> the moment before which grants have ended, if there is one
--   stored(not_before) -> the same, but writes nothing; nil if the server has not read it yet

local datetime = require "util.datetime".datetime;
local ask = module:require "token_store";
local fast = module:require "token_fast";
local parse_time = module:require "token_keys".parse_time;

local store_name = "token_grants";

local function read()
	local value = module:get_option("token_fast_not_before");
	if value == nil then
		return false;
	end
	local not_before = parse_time(value, 0);
	if not not_before then
		return nil, "token_fast_not_before is no time", "fast_not_before";
	end
	return not_before;
end

local function stored(not_before)
	local state, err = ask(module, store_name, "get");
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
	-- FAST counts fractions of a second, so tokens of the present second end too.
	local seen, ok = os.time() + 1, nil;
	if not err then
		ok, err = ask(module, store_name, "set", { not_before = not_before, seen = seen });
	end
	if not ok then
		module:log("error", "Cannot store when token_fast_not_before of %s was first read, "
			.."so every restart or reload ends the tokens of FAST: %s", module.host, err);
	end
	fast.end_future();
	moment = math.max(not_before, seen);
	module:log("info", "Tokens of FAST granted before %s on %s have ended",
		datetime(moment), module.host);
	return moment;
end

return { read = read, follow = follow, stored = stored };
