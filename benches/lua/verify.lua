-- One round: nanoseconds a token through Lua. `benches/run` makes many.
--
-- With REFERENCE naming a checkout of prosody-modules (and LUA_PATH naming luaotp and luatz, with
-- Debian's lua-luaossl, lua-basexx and prosody installed) also through the verifier there.

local xtoken = require "xtoken";

local user, host = "alice", "localhost";
local jid = user.."@"..host;
local otp_seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
local token_secret = "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA8";
local key = { otp_seed = otp_seed, token_secret = token_secret };
local minter = assert(xtoken.new_minter(key));
local remembered, timed, rounds = 1000, 500, 101;

local function mint(count)
	local tokens = {};
	for at = 1, count do
		tokens[at] = minter:mint(jid);
	end
	return tokens;
end

-- Returns the nanoseconds that each of some fresh tokens takes. The loop is not here, because a
-- call of its body would count.
local function time(verify_all, tokens)
	collectgarbage();
	local start = os.clock();
	verify_all(tokens);
	return (os.clock() - start) / #tokens * 1e9;
end

local function verify_fresh()
	local verifier = assert(xtoken.new_verifier(key));
	for _ = 1, remembered do
		assert(verifier:verify(jid, minter:mint(jid)));
	end
	return time(function (tokens)
		for at = 1, #tokens do
			if not verifier:verify(jid, tokens[at]) then
				error("a fresh token was refused");
			end
		end
	end, mint(timed));
end

local function print_median(name, count, measure)
	local times = {};
	for round = 1, count do
		times[round] = measure();
	end
	table.sort(times);
	print(("%s %.1f"):format(name, times[(count + 1) // 2]));
end

print_median("lua/accepted", rounds, verify_fresh);

local reference = os.getenv("REFERENCE");
if reference and reference ~= "" then
	local prosody = os.getenv("PROSODY_LIB") or "/usr/lib/prosody";
	package.path = package.path..";"..prosody.."/?.lua";
	package.cpath = package.cpath..";"..prosody.."/?.so";
	module = { host = host };
	local utils = dofile(reference.."/mod_auth_token/token_auth_utils.lib.lua");
	local function log() end
	local function verify_all(tokens)
		for at = 1, #tokens do
			if not utils.verify_token(user, tokens[at], otp_seed, token_secret, log) then
				error("a fresh token was refused");
			end
		end
	end
	print_median("reference/accepted", 11, function ()
		return time(verify_all, mint(200));
	end);
end
