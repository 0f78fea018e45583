-- Ledgers as an event loop uses them. Those on real servers are in tests/redis and tests/prosody.
local xtoken = require "xtoken";
local support = require "support";

local jid, now = support.jid, support.now;
local minter = support.minter();

local function raises(text, f, ...)
	local message = support.raised_by(f, ...);
	assert(message:find(text, 1, true), message);
end

local function answer(...)
	return table.concat({ tostring((...)), tostring((select(2, ...))) }, " ");
end

-- Nobody listens on port 1.
local nowhere = "redis://:s3cret@127.0.0.1:1?timeout=100";

describe("a ledger that answers immediately", function ()
	it("gives no tickets", function ()
		local ledger = assert(xtoken.new_ledger("memory:"));
		local verifier, token = support.verifier { ledger = ledger }, minter:mint(jid, now);
		assert.equal("true default", answer(verifier:submit(jid, token, now)));
		assert.equal("false replayed", answer(verifier:submit(jid, token, now)));
		assert.equal("false malformed", answer(verifier:submit(jid, "", now)));
		assert.is_nil(next(verifier:completions()));
		assert.is_nil(verifier:descriptor());
		assert.is_nil(ledger:last_error());
	end);
end);

describe("a ledger that answers later", function ()
	it("answers a ticket, and nothing waits until the deadline", function ()
		local verifier = support.verifier { ledger = nowhere };
		assert.is_nil(verifier:descriptor());
		local ok, ticket = verifier:submit(jid, minter:mint(jid, now), now);
		assert.is_nil(ok);
		assert.equal("number", type(ticket));
		assert.is_nil(next(verifier:completions()));
		assert.is_true(verifier:descriptor() > 2);
		local decision = support.completions(verifier)[ticket];
		assert.equal(2, #decision);
		assert.equal("false unavailable", answer(decision[1], decision[2]));
		assert.is_nil(next(verifier:completions()));
	end);

	it("answers the verifier that asked", function ()
		local ledger = assert(xtoken.new_ledger(nowhere));
		local one = support.verifier { ledger = ledger };
		local other = support.verifier { ledger = ledger };
		one:submit(jid, minter:mint(jid, now), now);
		assert.is_nil(other:descriptor());
		other:submit(jid, minter:mint(jid, now), now);
		assert.is_true(one:descriptor() ~= other:descriptor());
		assert.is_false(support.completions(one)[1][1]);
		assert.is_false(support.completions(other)[1][1]);
		assert.is_nil(next(one:completions()));
	end);

	it("returns as many completions as are asked for", function ()
		local verifier = support.verifier { ledger = nowhere };
		local tickets = {};
		for _ = 1, 3 do
			tickets[select(2, verifier:submit(jid, minter:mint(jid, now), now))] = true;
		end
		assert.is_nil(next(verifier:completions(0)));
		local deadline = os.time() + 10;
		while next(tickets) and os.time() < deadline do
			local ticket, decision = next(verifier:completions(1));
			if ticket then
				assert.is_true(tickets[ticket] and decision[2] == "unavailable");
				tickets[ticket] = nil;
			end
		end
		assert.is_nil(next(tickets));
	end);

	it("lets verify wait until the deadline", function ()
		local verifier = support.verifier { ledger = assert(xtoken.new_ledger(nowhere)) };
		assert.equal("false unavailable", answer(verifier:verify(jid, minter:mint(jid, now), now)));
	end);

	it("is not asked about a token that is refused anyway", function ()
		local ledger = assert(xtoken.new_ledger(nowhere));
		local verifier = support.verifier { ledger = ledger };
		assert.equal("false malformed", answer(verifier:submit(jid, "", now)));
		assert.equal("false expired",
			answer(verifier:submit(jid, minter:mint(jid, now), now + 90)));
		assert.is_nil(verifier:descriptor());
	end);

	it("returns its last error, without the password", function ()
		local ledger = assert(xtoken.new_ledger(nowhere));
		local verifier = support.verifier { ledger = ledger };
		assert.is_nil(ledger:last_error());
		verifier:verify(jid, minter:mint(jid, now), now);
		assert.is_true(ledger:last_error():find("cannot be reached", 1, true) ~= nil);
		local ok, err, option = xtoken.new_ledger("redis://:s3cret@127.0.0.1/x");
		assert.is_nil(ok);
		assert.equal("ledger", option);
		for _, text in ipairs { ledger:last_error(), tostring(ledger), err } do
			assert.is_nil(text:find("s3cret", 1, true));
		end
	end);

	it("lives as long as its verifiers", function ()
		for _ = 1, 20 do
			local verifier = support.verifier { ledger = assert(xtoken.new_ledger(nowhere)) };
			verifier:submit(jid, minter:mint(jid, now), now);
		end
		collectgarbage();
		collectgarbage();
	end);
end);

describe("what a ledger says about itself", function ()
	it("is how many tokens it remembers, and that it answers", function ()
		local ledger = assert(xtoken.new_ledger("memory:"));
		local verifier = support.verifier { ledger = ledger };
		assert.equal(0, ledger:spent_count());
		assert.is_true(ledger:start(1));
		assert.is_true(verifier:verify(jid, minter:mint(jid, now), now));
		assert.equal(1, ledger:spent_count());
		assert.equal("true nil", answer(ledger:probe()));
	end);

	it("is why it does not answer", function ()
		local ledger = assert(xtoken.new_ledger(nowhere));
		assert.is_nil(ledger:spent_count());
		local ok, err = ledger:probe();
		assert.is_false(ok);
		assert.is_true(err:find("cannot be reached", 1, true) ~= nil);
	end);
end);

describe("submit", function ()
	it("raises for wrong types, as verify does", function ()
		local verifier = support.verifier();
		raises("string expected", verifier.submit, verifier, jid, 12);
		raises("Unix seconds", verifier.submit, verifier, jid, "", "now");
		raises("xtoken.verifier expected", verifier.submit, {}, jid, "");
	end);

	it("and completions take numbers only", function ()
		local verifier = support.verifier();
		raises("whole number", verifier.completions, verifier, "all");
		raises("whole number", verifier.completions, verifier, -1);
		raises("xtoken.verifier expected", verifier.completions, {});
		raises("xtoken.verifier expected", verifier.descriptor, {});
	end);
end);
