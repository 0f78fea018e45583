-- Calls verify_token as modules do that were written for the Lua implementation, with the token
-- that the tests put into the configuration, and writes what it answers to the log.

local utils = module:require "token_auth_utils";

local seed = module:get_option("otp_seed");
local secret = module:get_option("token_secret");
local token = module:get_option("test_token");

local function try(name, ...)
	local called, ok, reason = pcall(utils.verify_token, ...);
	module:log("info", "ANSWER %s %s %s", name, called and "returned" or "raised", ok);
	module:log("info", "REASON %s: %s", name, reason or "none");
end

try("missing", "alice", token, nil, nil, module._log);
try("short", "alice", token, seed, "7 bytes", module._log);
try("number", "alice", 12345, seed, secret, module._log);
try("nothing", "alice", nil, seed, secret, module._log);
try("nobody", nil, token, seed, secret, module._log);
try("wrong", "bob", token, seed, secret, module._log);
try("unlogged", "alice", "", seed, secret);
try("first", "alice", token, seed, secret, module._log);
try("second", "alice", token, seed, secret, module._log);

-- As tests of the Lua implementation do: another time is one that os.time returns.
local ahead = module:get_option_number("test_ahead");
if ahead then
	local time = os.time;
	local function try_in(name, seconds, ...)
		os.time = function () -- luacheck: ignore 122
			return time() + seconds;
		end;
		try(name, ...);
		os.time = time; -- luacheck: ignore 122
	end
	local later = module:get_option("test_token_ahead");
	try("early", "alice", later, seed, secret, module._log);
	try_in("overdue", ahead + 60, "alice", later, seed, secret, module._log);
	try_in("in time", ahead, "alice", later, seed, secret, module._log);
	try_in("in time again", ahead, "alice", later, seed, secret, module._log);
	try_in("overdue again", ahead + 60, "alice", later, seed, secret, module._log);
end
-- For the shell.
verify_token = utils.verify_token; -- luacheck: ignore 111
module:log("info", "CONSTANTS %s %s %s %s",
	utils.OTP_DEVIATION, utils.OTP_DIGITS, utils.OTP_INTERVAL, utils.DIGEST_TYPE);
