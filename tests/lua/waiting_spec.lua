-- Ledgers as an event loop uses them. Those on real servers are in tests/redis and tests/prosody.
local xtoken = require "xtoken";
local support = require "support";

local jid, now = support.jid, support.now;
local minter = support.minter();

local function answer(...)
	return table.concat({ tostring((...)), tostring((select(2, ...))) }, " ");
end

-- Nobody listens on port 1.
local nowhere = "redis://:s3cret@127.0.0.1:1?timeout=100";

local function finished(ledger)
	local deadline = os.time() + 10;
	repeat
		local outcomes = ledger:finished();
		if next(outcomes) then
			return outcomes;
		end
	until os.time() > deadline;
	error("no ticket was answered");
end

describe("a ledger that answers at once", function ()
	it("gives no tickets", function ()
		local ledger = assert(xtoken.new_ledger("memory:"));
		local verifier, token = support.verifier { ledger = ledger }, minter:mint(jid, now);
		assert.equal("true default", answer(verifier:begin(jid, token, now)));
		assert.equal("false replayed", answer(verifier:begin(jid, token, now)));
		assert.equal("false malformed", answer(verifier:begin(jid, "", now)));
		assert.is_nil(next(ledger:finished()));
		assert.is_nil(ledger:descriptor());
		assert.is_nil(ledger:trouble());
	end);
end);

describe("a ledger that answers later", function ()
	it("answers a ticket, and before the deadline nobody waits", function ()
		local ledger = assert(xtoken.new_ledger(nowhere));
		local verifier = support.verifier { ledger = ledger };
		assert.is_nil(ledger:descriptor());
		local ok, ticket = verifier:begin(jid, minter:mint(jid, now), now);
		assert.is_nil(ok);
		assert.equal("number", type(ticket));
		assert.is_nil(next(ledger:finished()));
		assert.is_true(ledger:descriptor() > 2);
		assert.equal("unavailable", finished(ledger)[ticket]);
		assert.is_nil(next(ledger:finished()));
	end);

	it("lets verify wait until the deadline", function ()
		local verifier = support.verifier { ledger = assert(xtoken.new_ledger(nowhere)) };
		assert.equal("false unavailable", answer(verifier:verify(jid, minter:mint(jid, now), now)));
	end);

	it("is not asked about a token that is refused anyway", function ()
		local ledger = assert(xtoken.new_ledger(nowhere));
		local verifier = support.verifier { ledger = ledger };
		assert.equal("false malformed", answer(verifier:begin(jid, "", now)));
		assert.equal("false expired", answer(verifier:begin(jid, minter:mint(jid, now), now + 90)));
		assert.is_nil(ledger:descriptor());
	end);

	it("tells what is wrong, and no password", function ()
		local ledger = assert(xtoken.new_ledger(nowhere));
		local verifier = support.verifier { ledger = ledger };
		assert.is_nil(ledger:trouble());
		verifier:verify(jid, minter:mint(jid, now), now);
		assert.is_true(ledger:trouble():find("cannot be reached", 1, true) ~= nil);
		local ok, problem, option = xtoken.new_ledger("redis://:s3cret@127.0.0.1/x");
		assert.is_nil(ok);
		assert.equal("ledger", option);
		for _, text in ipairs { ledger:trouble(), tostring(ledger), problem } do
			assert.is_nil(text:find("s3cret", 1, true));
		end
	end);

	it("outlives whoever holds it, and ends with them", function ()
		for _ = 1, 20 do
			local verifier = support.verifier { ledger = assert(xtoken.new_ledger(nowhere)) };
			verifier:begin(jid, minter:mint(jid, now), now);
		end
		collectgarbage();
		collectgarbage();
	end);
end);

describe("what a ledger says of itself", function ()
	it("is how many it remembers, and that it is there", function ()
		local ledger = assert(xtoken.new_ledger("memory:"));
		local verifier = support.verifier { ledger = ledger };
		assert.equal(0, ledger:remembered());
		assert.is_true(verifier:verify(jid, minter:mint(jid, now), now));
		assert.equal(1, ledger:remembered());
		assert.equal("true nil", answer(ledger:probe()));
	end);

	it("is what keeps it from answering", function ()
		local ledger = assert(xtoken.new_ledger(nowhere));
		assert.is_nil(ledger:remembered());
		local ok, trouble = ledger:probe();
		assert.is_false(ok);
		assert.is_true(trouble:find("cannot be reached", 1, true) ~= nil);
	end);
end);

describe("begin", function ()
	it("raises for wrong types, as verify does", function ()
		local verifier = support.verifier();
		assert.is_true(support.raised_by(verifier.begin, verifier, jid, 12):find("string expected", 1, true) ~= nil);
		assert.is_true(support.raised_by(verifier.begin, verifier, jid, "", "now"):find("Unix seconds", 1, true) ~= nil);
		assert.is_true(support.raised_by(verifier.begin, {}, jid, ""):find("xtoken.verifier expected", 1, true) ~= nil);
	end);
end);
