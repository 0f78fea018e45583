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

local function mint(count)
	local tokens = {};
	for at = 1, count do
		tokens[at] = minter:mint(jid);
	end
	return tokens;
end

local function verify_fresh(remembered)
	local verifier = assert(xtoken.new_verifier(key));
	for _ = 1, remembered do
		assert(verifier:verify(jid, minter:mint(jid)));
	end
	local tokens = mint(math.min(remembered / 2, 50000));
	collectgarbage();
	local start = os.clock();
	for at = 1, #tokens do
		if not verifier:verify(jid, tokens[at]) then
			error("a fresh token was refused");
		end
	end
	return (os.clock() - start) / #tokens * 1e9;
end

local function median(rounds, measure, ...)
	local times = {};
	for round = 1, rounds do
		times[round] = measure(...);
	end
	table.sort(times);
	return times[(rounds + 1) // 2];
end

print(("lua/1000 %.1f"):format(median(201, verify_fresh, 1000)));
print(("lua/1000000 %.1f"):format(verify_fresh(1000000)));

local reference = os.getenv("REFERENCE");
if reference then
	local prosody = os.getenv("PROSODY_LIB") or "/usr/lib/prosody";
	package.path = package.path..";"..prosody.."/?.lua";
	package.cpath = package.cpath..";"..prosody.."/?.so";
	module = { host = host };
	local utils = dofile(reference.."/mod_auth_token/token_auth_utils.lib.lua");
	local function log() end
	print(("reference %.1f"):format(median(11, function ()
		local tokens = mint(200);
		collectgarbage();
		local start = os.clock();
		for at = 1, #tokens do
			if not utils.verify_token(user, tokens[at], otp_seed, token_secret, log) then
				error("a fresh token was refused");
			end
		end
		return (os.clock() - start) / #tokens * 1e9;
	end)));
end
