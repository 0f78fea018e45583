-- Mints tokens and verifies each twice, with every ledger that needs no server.
-- usage: login.lua FILE    a ledger that does not exist yet
local xtoken = require "xtoken";
local otp_seed, token_secret = xtoken.generate_key();
local minter = assert(xtoken.new_minter { otp_seed = otp_seed; token_secret = token_secret });

local function new_verifier(ledger)
	return assert(xtoken.new_verifier {
		otp_seed = otp_seed; token_secret = token_secret; ledger = ledger;
	});
end

local function expect(expected, accepted, reason)
	local got = accepted and "accepted" or reason;
	assert(got == expected, ("expected %s, got %s"):format(expected, got));
end

local jid, now = "alice@example.com", os.time();
for _, ledger in ipairs { "memory:"; "sqlite:" .. arg[1] } do
	local verifier, token = new_verifier(ledger), minter:mint(jid, now);
	expect("accepted", verifier:verify(jid, token, now));
	expect("replayed", verifier:verify(jid, token, now));
	expect("bad-signature", verifier:verify("bob@example.com", minter:mint(jid, now), now));
	expect("expired", verifier:verify(jid, minter:mint(jid, now - 300), now));
	expect("malformed", verifier:verify(jid, "no token", now));
	if ledger ~= "memory:" then
		expect("replayed", new_verifier(ledger):verify(jid, token, now));
	end
end
print(("xtoken %s accepts each token once"):format(xtoken.version));
