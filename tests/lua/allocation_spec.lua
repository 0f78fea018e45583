-- The way of a token through the module: one call into it, no allocation in it, no decision lost
-- when Lua has no memory.
-- Wants count_malloc.c preloaded.
local support = require "support";

local shim = "target/lua/count_malloc.so";
local start = assert(package.loadlib(shim, "count_malloc_start"));
local allocations = assert(package.loadlib(shim, "count_malloc_read"));
local fail_after = assert(package.loadlib(shim, "fail_malloc"));

local jid, now, times = support.jid, support.now, 10000;
local minter = support.minter();

local function tokens(count, time)
	local list = {};
	for i = 1, count do
		list[i] = minter:mint(jid, time or now);
	end
	return list;
end

-- Verifies each token and expects one reason; returns the allocations made.
local function cost(reason, verifier, list)
	start();
	for i = 1, #list do
		local ok, why = verifier:verify(jid, list[i], now);
		if ok ~= (reason == "accepted") or not ok and why ~= reason then
			error(("token %d: %s"):format(i, tostring(why)));
		end
	end
	return allocations();
end

describe("the counter", function ()
	it("counts what the module allocates and nothing else", function ()
		assert.is_true(start(), "the module is not loaded or the shim not preloaded");
		assert.equal(0, allocations());
		local _ = { ("x"):rep(10000) };
		assert.equal(0, allocations());
		support.verifier();
		assert(allocations() > 3, allocations());
		start();
		minter:mint(jid, now);
		assert(allocations() > 0, allocations());
	end);
end);

describe("a verification", function ()
	local verifier = support.verifier();
	local spent = tokens(times);

	it("of an accepted token allocates only where a table of the ledger grows", function ()
		local grown = 0;
		for i = 1, times do
			start();
			assert(verifier:verify(jid, spent[i], now));
			local made = allocations();
			assert(made <= 1, made);
			grown = grown + made;
			-- 64 tables, each growing at 1, 2, 4, 7, 13, … tokens: often while they are small,
			-- about never when they are not.
			assert(grown <= 64 + i / 2, ("%d allocations for %d tokens"):format(grown, i));
		end
		assert(grown <= times / 10, grown);
		-- The ledger is warm: of the next tokens only one in a hundred finds its table full.
		local before = cost("accepted", verifier, tokens(times / 10));
		assert(before <= times / 1000 * 2, before);
	end);

	it("of a replayed token allocates nothing", function ()
		assert.equal(0, cost("replayed", verifier, spent));
	end);

	it("of a badly signed token allocates nothing", function ()
		local list = {};
		for i, token in ipairs(spent) do
			list[i] = token:gsub("^%d", function (digit) return (tonumber(digit) + 1) % 10; end);
		end
		assert.equal(0, cost("bad-signature", verifier, list));
	end);

	it("of an expired token allocates nothing", function ()
		assert.equal(0, cost("expired", verifier, tokens(times, now + 90)));
	end);

	it("of an undated token allocates nothing", function ()
		local strict, list = support.verifier { nonce_policy = "dated" }, {};
		for i = 1, times do
			list[i] = minter:mint(jid, now, ("%032d"):format(i));
		end
		assert.equal(0, cost("undated", strict, list));
	end);

	it("of a malformed token allocates nothing", function ()
		local list = {};
		for i, token in ipairs(spent) do
			list[i] = token:sub(1, i % #token);
		end
		assert.equal(0, cost("malformed", verifier, list));
	end);

	it("by the clock allocates nothing", function ()
		start();
		for _ = 1, times do
			verifier:verify(jid, spent[1]);
		end
		assert.equal(0, allocations());
	end);

	it("is one call", function ()
		local calls, token = 0, spent[1];
		debug.sethook(function ()
			if debug.getinfo(2, "S").what == "C" then
				calls = calls + 1;
			end
		end, "c");
		verifier:verify(jid, token, now);
		debug.sethook();
		-- debug.sethook itself is the other one.
		assert.equal(2, calls);
	end);
end);

describe("completions", function ()
	it("are still there after Lua had no memory for them", function ()
		assert.is_true(start());
		-- Nobody listens on port 1.
		local verifier = support.verifier { ledger = "redis://127.0.0.1:1?timeout=50" };
		local failures, tickets, ok, taken = 0, {};
		for i = 1, 3 do
			tickets[i] = select(2, verifier:submit(jid, minter:mint(jid, now), now));
		end
		local deadline = os.clock() + 0.3;
		repeat until os.clock() > deadline;
		repeat
			collectgarbage();
			fail_after(failures);
			ok, taken = pcall(verifier.completions, verifier);
			fail_after(-1);
			failures = failures + 1;
		until ok;
		-- LuaJIT has an allocator of its own, which does not fail.
		assert(failures > 3 or support.version == "luajit", failures);
		for _, ticket in ipairs(tickets) do
			assert.equal("unavailable", taken[ticket] and taken[ticket][2]);
		end
		assert.is_nil(next(verifier:completions()));
	end);
end);
