-- What a verifier decides about tokens that a minter made.
local xtoken = require "xtoken";
local support = require "support";

local jid, now = support.jid, support.now;
local minter = support.minter();

local function decision(verifier, token, time, who)
	local ok, reason = verifier:verify(who or jid, token, time or now);
	assert.equal("boolean", type(ok));
	return ok and "accepted" or reason;
end

describe("a token", function ()
	it("is accepted once", function ()
		local verifier, token = support.verifier(), minter:mint(jid, now);
		assert.equal("accepted", decision(verifier, token));
		assert.equal("replayed", decision(verifier, token));
		assert.equal("replayed", decision(verifier, token, now + 30));
	end);

	it("is accepted by the clock when no time is given", function ()
		local verifier = support.verifier();
		assert.is_true((verifier:verify(jid, minter:mint(jid))));
		assert.is_true((verifier:verify(jid, minter:mint(jid, os.time()), nil)));
		assert.is_true((verifier:verify(jid, minter:mint(jid), os.time())));
	end);

	it("stays spent when another was spent in between", function ()
		local verifier = support.verifier();
		local a, b = minter:mint(jid, now), minter:mint(jid, now - 30);
		assert.equal("accepted", decision(verifier, a));
		assert.equal("accepted", decision(verifier, b));
		assert.equal("replayed", decision(verifier, a));
		assert.equal("replayed", decision(verifier, b));
	end);

	it("of 7alice is none of alice", function ()
		local verifier = support.verifier();
		local token = minter:mint("7alice@example.com", now);
		assert.equal("bad-signature", decision(verifier, token));
		local digits, signature = token:match("^(%d+) (.*)$");
		assert.equal("malformed", decision(verifier, digits .. "7 " .. signature));
		assert.equal("accepted", decision(verifier, token, now, "7alice@example.com"));
	end);

	it("is none of another user, another host or another key", function ()
		local verifier, token = support.verifier(), minter:mint(jid, now);
		for _, who in ipairs {
			"alicf@example.com", "alice@example.org", "Alice@example.com", "alice", "",
		} do
			assert.equal("bad-signature", decision(verifier, token, now, who), who);
		end
		local foreign = support.minter { token_secret = support.secret .. "x" };
		assert.equal("bad-signature", decision(verifier, foreign:mint(jid, now)));
		foreign = support.minter { otp_seed = support.other_seed };
		assert.equal("expired", decision(verifier, foreign:mint(jid, now)));
		assert.equal("accepted", decision(verifier, token));
	end);

	it("is accepted from one step before to the end of one step after its own", function ()
		local token = minter:mint(jid, now + 13);
		for time, expected in pairs {
			[now - 31] = "expired"; [now - 30] = "accepted"; [now - 1] = "accepted";
			[now] = "accepted"; [now + 29] = "accepted"; [now + 30] = "accepted";
			[now + 59] = "accepted"; [now + 60] = "expired"; [0] = "expired";
		} do
			assert.equal(expected, decision(support.verifier(), token, time), "at " .. time - now);
		end
	end);

	it("keeps its reason in order: shape, signature, time, use", function ()
		local verifier, token = support.verifier(), minter:mint(jid, now);
		assert.equal("accepted", decision(verifier, token));
		assert.equal("malformed", decision(verifier, token .. "=", 0, "bob@example.com"));
		assert.equal("bad-signature", decision(verifier, token, 0, "bob@example.com"));
		assert.equal("expired", decision(verifier, token, 0));
		assert.equal("replayed", decision(verifier, token));
	end);
end);

describe("deviation", function ()
	local function good_steps(deviation)
		local token, good = minter:mint(jid, now), {};
		for offset = -12, 12 do
			local verifier = support.verifier { deviation = deviation };
			if decision(verifier, token, now + 30 * offset) == "accepted" then
				table.insert(good, offset);
			end
		end
		return #good, good[1], good[#good];
	end

	for deviation = 0, 10 do
		it(("%d is so many steps either way"):format(deviation), function ()
			local count, first, last = good_steps(deviation);
			assert.equal(2 * deviation + 1, count);
			assert.equal(-deviation, first);
			assert.equal(deviation, last);
		end);
	end

	it("of 10 keeps a token spent for as long as it could be accepted", function ()
		local verifier, token = support.verifier { deviation = 10 }, minter:mint(jid, now);
		assert.equal("accepted", decision(verifier, token, now - 300));
		assert.equal("replayed", decision(verifier, token, now + 329));
		assert.equal("expired", decision(verifier, token, now + 330));
		assert.equal("replayed", decision(verifier, token, now));
	end);
end);

describe("nonce_length", function ()
	for _, digits in ipairs { 1, 16, 970 } do
		it(("%d is what is made and what is accepted, and nothing else"):format(digits), function ()
			local verifier = support.verifier { nonce_length = digits };
			local token = support.minter { nonce_length = digits }:mint(jid, now);
			assert.equal(8 + digits + 1 + 44, #token);
			assert.equal("accepted", decision(verifier, token));
			assert.equal("malformed", decision(verifier, minter:mint(jid, now)));
			assert.equal("malformed", decision(support.verifier(), token));
		end);
	end
end);

describe("keys", function ()
	local old = { otp_seed = support.other_seed; token_secret = "old" };
	local new = { otp_seed = support.seed; token_secret = "new" };

	it("are all accepted, each token once", function ()
		local verifier = assert(xtoken.new_verifier { keys = { new, old } });
		for _, key in ipairs { old, new } do
			local token = assert(xtoken.new_minter(key)):mint(jid, now);
			assert.equal("accepted", decision(verifier, token));
			assert.equal("replayed", decision(verifier, token));
		end
	end);

	it("are pairs: the seed of one and the secret of another are no key", function ()
		local verifier = assert(xtoken.new_verifier { keys = { new, old } });
		local mixed = { otp_seed = old.otp_seed; token_secret = new.token_secret };
		local token = assert(xtoken.new_minter(mixed)):mint(jid, now);
		assert.equal("expired", decision(verifier, token));
	end);

	it("may be one", function ()
		local verifier = assert(xtoken.new_verifier { keys = { old } });
		assert.equal("accepted", decision(verifier, assert(xtoken.new_minter(old)):mint(jid, now)));
		assert.equal("bad-signature",
			decision(verifier, assert(xtoken.new_minter(new)):mint(jid, now)));
	end);

	it("mint with the first", function ()
		local token = assert(xtoken.new_minter { keys = { new, old } }):mint(jid, now);
		assert.equal("accepted", decision(assert(xtoken.new_verifier(new)), token));
	end);

	it("tell how many bits the weakest seed has", function ()
		assert.equal(160, support.verifier():seed_bits());
		local weak = { otp_seed = "GEZDGNBVGY3TQOJQ"; token_secret = "weak" };
		assert.equal(80, assert(xtoken.new_verifier(weak)):seed_bits());
		assert.equal(80, assert(xtoken.new_verifier { keys = { new, weak, old } }):seed_bits());
	end);
end);

describe("a ledger", function ()
	it("is each verifier's own unless shared", function ()
		local token = minter:mint(jid, now);
		for _, ledger in ipairs { "none", "memory:" } do
			local options = ledger ~= "none" and { ledger = ledger } or nil;
			assert.equal("accepted", decision(support.verifier(options), token));
			assert.equal("accepted", decision(support.verifier(options), token));
		end
	end);

	it("that two verifiers share lets a token in once", function ()
		local ledger = assert(xtoken.new_ledger("memory:"));
		local one, two = support.verifier { ledger = ledger }, support.verifier { ledger = ledger };
		local a, b = minter:mint(jid, now), minter:mint(jid, now);
		assert.equal("accepted", decision(one, a));
		assert.equal("replayed", decision(two, a));
		assert.equal("accepted", decision(two, b));
		assert.equal("replayed", decision(one, b));
	end);

	it("keeps what is spent for the verifier that replaces another", function ()
		local ledger = assert(xtoken.new_ledger("memory:"));
		local token = minter:mint(jid, now);
		assert.equal("accepted", decision(support.verifier { ledger = ledger }, token));
		collectgarbage();
		collectgarbage();
		assert.equal("replayed", decision(support.verifier { ledger = ledger }, token));
	end);
end);
