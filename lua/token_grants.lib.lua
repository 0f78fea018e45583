-- When that ended which was granted with a login and outlives it: tokens of FAST above all.
--
-- FAST renews its tokens, and a new one does not say when its line began. So a day in the past would
-- end some lines and not others. What ends is all that was granted before the option was first seen,
-- and that moment is kept in Prosody's storage.
--
--   read() -> the option token_fast_not_before in Unix seconds, false if it is not set | nil, problem, option
--   follow(not_before) -> the moment from now on, if there is one
--   stored(not_before) -> that moment, for who only asks; nil if the server has not seen the option yet

local datetime = require "util.datetime".datetime;
local ask = module:require "token_store";
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
	if not state or state.not_before ~= not_before then
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
	-- Also in the second that has begun: FAST counts its parts.
	local seen, ok = os.time() + 1, nil;
	if not err then
		ok, err = ask(module, store_name, "set", { not_before = not_before, seen = seen });
	end
	if not ok then
		module:log("error", "Cannot keep when token_fast_not_before of %s was first seen, so tokens of FAST end with "
			.."every restart: %s", module.host, err);
	end
	moment = math.max(not_before, seen);
	module:log("info", "Tokens of FAST that %s granted before %s have ended", module.host, datetime(moment));
	return moment;
end

return { read = read, follow = follow, stored = stored };
