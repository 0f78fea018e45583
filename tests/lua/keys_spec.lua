-- Several keys, each with an id and a time, and what a verifier says of them.
local xtoken = require "xtoken";
local support = require "support";

local jid, now = support.jid, support.now;

local new = { id = "2026-11", otp_seed = support.seed, token_secret = "new", not_before = now };
local old = {
	id = "2026-05", otp_seed = support.other_seed, token_secret = "old", not_after = now,
};

local function minter(key)
	return assert(xtoken.new_minter { keys = { key } });
end

local function verifier(others)
	local options = { keys = { new, old } };
	for name, value in pairs(others or {}) do
		options[name] = value;
	end
	return assert(xtoken.new_verifier(options));
end

describe("an accepted token", function ()
	it("names its key, its step, the length of its nonce and the clock skew", function ()
		local both = verifier();
		local function made(key, time)
			return minter(key):mint(jid, time);
		end
		assert.same({ true, "2026-11", 0, 32, 0 }, { both:verify(jid, made(new, now), now) });
		assert.same({ true, "2026-05", -1, 32, -7 }, { both:verify(jid, made(old, now - 7), now) });
		assert.same({ true, "2026-11", 1, 32, 31 }, { both:submit(jid, made(new, now + 31), now) });
		local single, token = support.verifier(), support.minter():mint(jid, now);
		assert.same({ true, "default", 0, 32, 0 }, { single:verify(jid, token, now) });
	end);

	it("has no clock skew if it is undated", function ()
		local undated = minter(new):mint(jid, now, ("7"):rep(32));
		assert.equal(5, select("#", verifier():verify(jid, undated, now)));
		assert.same({ true, "2026-11", 0, 32 }, { verifier():verify(jid, undated, now) });
		local strict = verifier { nonce_policy = "dated" };
		assert.same({ false, "undated" }, { strict:verify(jid, undated, now) });
	end);

	it("is of a key that is valid", function ()
		local both = verifier();
		local function decide(key, time)
			return (select(2, both:verify(jid, minter(key):mint(jid, time), time)));
		end
		assert.equal("bad-signature", decide(new, now - 1));
		assert.equal("2026-11", decide(new, now));
		assert.equal("2026-05", decide(old, now));
		assert.equal("bad-signature", decide(old, now + 1));
	end);

	it("is called by the position of a key without an id", function ()
		local keys = { support.options(), support.options { otp_seed = support.other_seed } };
		local both = assert(xtoken.new_verifier { keys = keys });
		local token = assert(xtoken.new_minter { keys = { keys[2] } }):mint(jid, now);
		assert.equal("2", (select(2, both:verify(jid, token, now))));
	end);

	it("may have another nonce where that is only reported", function ()
		local both = verifier { nonce_policy = "report" };
		local short_minter = assert(xtoken.new_minter { keys = { new }, nonce_length = 16 });
		local short = short_minter:mint(jid, now);
		assert.same({ true, "2026-11", 0, 16 }, { both:verify(jid, short, now) });
		assert.same({ false, "replayed" }, { both:verify(jid, short, now) });
		local exact = verifier { nonce_policy = "exact" };
		assert.same({ false, "malformed" }, { exact:verify(jid, short, now) });
	end);
end);

describe("seed_bits", function ()
	it("is that of the weakest key or of the one named", function ()
		local weak = { id = "weak", otp_seed = "GEZDGNBVGY3TQOJQ", token_secret = "x" };
		local both = assert(xtoken.new_verifier { keys = { new, weak } });
		assert.equal(80, both:seed_bits());
		assert.equal(160, both:seed_bits("2026-11"));
		assert.is_nil(both:seed_bits("no such key"));
		assert.is_false((pcall(both.seed_bits, both, {})));
	end);
end);

describe("a key that cannot be used", function ()
	local function refused(option, position, bad)
		local key = { otp_seed = support.seed, token_secret = "x" };
		for name, value in pairs(bad) do
			key[name] = value;
		end
		local object, message, which, at = xtoken.new_verifier { keys = { old, key } };
		assert.is_nil(object);
		assert.equal("string", type(message));
		assert.equal(option, which, message);
		assert.equal(position, at);
	end

	it("is named by option and position", function ()
		for _, id in ipairs { "", "two words", "\n", "\0", "\255", ("x"):rep(65), 5, {} } do
			refused("id", 2, { id = id });
		end
		refused("keys", nil, { id = old.id });
		for _, time in ipairs { -1, 1.5, "2026-11-01", {} } do
			refused("not_before", 2, { not_before = time });
			refused("not_after", 2, { not_after = time });
		end
		refused("not_after", 2, { not_before = 8, not_after = 7 });
		refused("otp_seed", 2, { otp_seed = "short" });
		refused("token_secret", 2, { token_secret = "" });
	end);

	it("is not guessed at when the policy is misspelt", function ()
		for _, policy in ipairs { "Report", "", 1, {}, true } do
			local object, _, option =
				xtoken.new_verifier(support.options { nonce_policy = policy });
			assert.is_nil(object);
			assert.equal("nonce_policy", option);
		end
	end);

	it("is not taken where a nonce is too short for the date that is asked for", function ()
		local function options(digits)
			return support.options { nonce_policy = "dated", nonce_length = digits };
		end
		for _, new_object in ipairs { xtoken.new_verifier, xtoken.new_minter } do
			local object, message, option = new_object(options(23));
			assert.is_nil(object);
			assert.equal("nonce_length", option);
			assert(message:find("24 digits or more", 1, true), message);
			assert(new_object(options(24)));
		end
	end);
end);

describe("explain", function ()
	local both = verifier();

	local function explained(token, ...)
		local name, sentence = both:explain(jid, token, now, ...);
		assert.equal("string", type(sentence));
		return name, sentence;
	end

	it("spends nothing", function ()
		local token = minter(new):mint(jid, now);
		assert.equal("accepted", (explained(token)));
		assert.equal("accepted", (both:submit_explain(jid, token, now)));
		assert.is_true((both:verify(jid, token, now)));
		assert.equal("replayed", (explained(token)));
		assert.equal("replayed", (both:submit_explain(jid, token, now)));
	end);

	it("says what is wrong", function ()
		assert.equal("malformed", (explained("nonsense")));
		assert.equal("clock", (explained(minter(new):mint(jid, now - 3600))));
		local elsewhere = minter(old):mint("alice@elsewhere.example", now);
		local name, sentence = explained(elsewhere, { "elsewhere.example" });
		assert.equal("other-jid", name);
		assert(sentence:find("alice@elsewhere.example", 1, true), sentence);
		assert.equal("bad-signature",
			(explained(minter(old):mint("alice@elsewhere.example", now))));
	end);

	it("names the mistakes of a minter", function ()
		local exchanged = xtoken.new_minter { otp_seed = new.otp_seed,
			token_secret = new.otp_seed };
		local name, sentence = explained(exchanged:mint(jid, now));
		assert.equal("signature-secret", name);
		assert(not sentence:find(new.otp_seed, 1, true));
		assert.equal("invalid-jid",
			(both:explain("Alice@example.com", minter(new):mint(jid, now), now)));
		assert.equal("malformed", (explained(minter(new):mint(jid, now).."\n")));
	end);

	it("says all that is wrong", function ()
		local short = assert(xtoken.new_minter { keys = { new }, nonce_length = 16 });
		local name, sentence = explained(short:mint("alice@localhost", now));
		assert.equal("nonce-length", name);
		assert(sentence:find("16 digits", 1, true)
			and sentence:find("; it was signed for", 1, true), sentence);
	end);

	it("shows little of what is long", function ()
		local long = ("a"):rep(1000).."@example.com";
		local name, sentence = both:explain(long, minter(new):mint(jid, now), now, { jid });
		assert.equal("other-jid", name);
		assert(#sentence < 1000 and sentence:find("…", 1, true), sentence);
	end);

	it("comes later if the ledger answers later", function ()
		-- Nobody listens on port 1.
		local later = verifier { ledger = "redis://127.0.0.1:1?timeout=100" };
		assert.equal("clock", (later:submit_explain(jid, minter(new):mint(jid, now - 3600), now)));
		local name, ticket = later:submit_explain(jid, minter(new):mint(jid, now), now);
		assert.is_nil(name);
		assert.equal("number", type(ticket));
		local decision = support.completions(later)[ticket];
		assert.equal("unavailable", decision[1]);
		assert(decision[2]:find("cannot be reached", 1, true), decision[2]);
		assert.equal("unavailable", (later:explain(jid, minter(new):mint(jid, now), now)));
	end);

	it("refuses arguments of a wrong type", function ()
		local too_many = {};
		for at = 1, 257 do
			too_many[at] = "example.com";
		end
		for _, others in ipairs { "x", 1, true, { 1 }, { {} }, print, too_many } do
			local message = support.raised_by(both.explain, both, jid, "x", now, others);
			assert(message:find("list of strings", 1, true));
		end
		support.raised_by(both.explain, both, jid);
		support.raised_by(both.explain, both, jid, "x", "soon");
		support.raised_by(both.explain, nil, jid, "x");
	end);

	it("has an id of its own", function ()
		local third = { id = new.id, otp_seed = support.seed, token_secret = "third" };
		local made_verifier, message, option = xtoken.new_verifier { keys = { new, old, third } };
		assert.same({ nil, "keys 1 and 3 have the same id: give each an id of its own", "keys" },
			{ made_verifier, message, option });
	end);
end);
