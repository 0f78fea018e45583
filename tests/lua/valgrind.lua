-- Verifies many tokens, accepted and refused, for a run under valgrind: tests/lua/valgrind.
--
-- usage: valgrind.lua COUNT [leak]      "leak" ends without closing the state, so that all leaks

local xtoken = require "xtoken";

local count, mistake = tonumber(arg[1]), arg[2];
local key = {
	otp_seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
	token_secret = "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA8";
};
local jid = "alice@example.com";
local now = 1700000010;
local verifier = assert(xtoken.new_verifier(key));
local minter = assert(xtoken.new_minter(key));

local counts = {};

local function present(whose, token, time)
	local accepted, reason = verifier:verify(whose, token, time);
	reason = accepted and "accepted" or reason;
	counts[reason] = (counts[reason] or 0) + 1;
end

for _ = 1, count // 5 do
	local token = minter:mint(jid, now);
	present(jid, token, now);
	present(jid, token, now);
	present("bob@example.com", token, now);
	present(jid, token, now + 600);
	present(jid, token:sub(2), now);
end
-- What is collected at the end has been collected before, too.
for _ = 1, 100 do
	assert(xtoken.new_verifier(key):verify(jid, minter:mint(jid)));
	assert(#verifier:explain(jid, minter:mint(jid, now), now + 600) > 0);
end
collectgarbage();
for _, reason in ipairs { "accepted", "replayed", "bad-signature", "expired", "malformed" } do
	assert(counts[reason] == count // 5, reason);
end
print(("valgrind: %d verifications in Lua 5.4, no error and no leak"):format(count));
if mistake == "leak" then
	os.exit(true, false);
end
