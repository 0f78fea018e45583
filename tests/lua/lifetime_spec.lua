-- Objects that are collected while others, or their own methods, are still in use.
local xtoken = require "xtoken";
local support = require "support";

local jid, now = support.jid, support.now;

local function collect()
	-- The first round finalizes, the second frees.
	collectgarbage();
	collectgarbage();
end

-- Resident memory of this process in kB; nil where there is no /proc.
local function resident()
	local file = io.open("/proc/self/status");
	if file then
		local text = file:read("*a");
		file:close();
		return tonumber(text:match("VmRSS:%s*(%d+)"));
	end
end

-- Calls `work` 10,000 times and checks that memory does not grow with it.
local function stays_flat(work)
	local function rounds(count)
		for i = 1, count do
			work();
			if i % 50 == 0 then
				collect();
			end
		end
		collect();
	end
	rounds(1000);
	local before = resident();
	rounds(10000);
	local grown = before and resident() - before or 0;
	-- 100 bytes lost in each call would be 1,000 kB.
	assert(grown < 800, grown .. " kB more");
end

describe("memory", function ()
	it("does not grow with objects made and dropped", function ()
		local token = support.minter():mint(jid, now);
		stays_flat(function ()
			local ledger = xtoken.new_ledger("memory:");
			assert(support.verifier { ledger = ledger }:verify(jid, token, now));
			support.minter();
		end);
	end);

	it("does not grow with refused options", function ()
		stays_flat(function ()
			xtoken.new_verifier(support.options { otp_sed = "x" });
			xtoken.new_minter(support.options { keys = { {} } });
			xtoken.new_ledger("no such");
		end);
	end);

	it("does not grow with tokens made, refused, and errors raised", function ()
		local verifier, minter = support.verifier(), support.minter();
		stays_flat(function ()
			verifier:verify(jid, minter:mint(jid, now), 0);
			minter:mint("nobody", now);
			pcall(verifier.verify, verifier, jid, {});
			pcall(verifier.verify, minter);
			coroutine.resume(coroutine.create(function () return minter:mint(jid, "x"); end));
		end);
	end);
end);

describe("a collected object", function ()
	it("leaves its ledger to those that share it", function ()
		local minter, tokens, verifiers = support.minter(), {}, {};
		local ledger = assert(xtoken.new_ledger("memory:"));
		for i = 1, 100 do
			verifiers[i] = support.verifier { ledger = ledger };
			tokens[i] = minter:mint(jid, now);
			assert(verifiers[i]:verify(jid, tokens[i], now));
		end
		local last = verifiers[100];
		ledger, verifiers, minter = nil, nil, nil; -- luacheck: ignore 311
		collect();
		for i = 1, 100 do
			assert.equal("replayed", (select(2, last:verify(jid, tokens[i], now))));
		end
	end);

	it("leaves its methods to others of its kind", function ()
		local verify, mint = support.verifier().verify, support.minter().mint;
		collect();
		local token = mint(support.minter(), jid, now);
		assert.is_true((verify(support.verifier(), jid, token, now)));
		support.raised_by(verify, nil, jid, token, now);
	end);

	it("is kept for as long as a call into it runs", function ()
		local token = support.minter():mint(jid, now);
		for _ = 1, 1000 do
			assert(support.verifier():verify(jid, token, now));
		end
	end);

	it("can be reached by a finalizer, which gets an answer or an error", function ()
		local token, answers = support.minter():mint(jid, now), {};
		local function finalizer_of(verifier)
			return function ()
				table.insert(answers, (pcall(verifier.verify, verifier, jid, token, now)));
			end;
		end
		for _ = 1, 100 do
			-- luacheck: globals newproxy
			-- Two that die together, finalized in either order.
			local first, second = newproxy and newproxy(true), newproxy and newproxy(true);
			first, second = first or setmetatable({}, {}), second or setmetatable({}, {});
			local verifier = support.verifier();
			getmetatable(first).__gc = finalizer_of(verifier);
			getmetatable(second).__gc = finalizer_of(verifier);
			if not newproxy then
				setmetatable(first, getmetatable(first));
				setmetatable(second, getmetatable(second));
			end
		end
		collect();
		assert.equal(200, #answers);
	end);

	it("that is finalized by hand answers with an error", function ()
		for _, object in ipairs {
			support.verifier(), support.minter(), (assert(xtoken.new_ledger("memory:"))),
		} do
			local finalize = debug.getmetatable(object).__gc;
			finalize(object);
			support.raised_by(function () return object:verify(jid, "", now); end);
			support.raised_by(function () return object:mint(jid, now); end);
			assert.is_nil((xtoken.new_verifier(support.options { ledger = object })));
		end
		collect();
	end);

	it("is nothing else: a verifier's finalizer leaves other values alone", function ()
		local finalize = debug.getmetatable(support.verifier()).__gc;
		finalize();
		for _, case in ipairs(support.values()) do
			finalize(case.value);
		end
		finalize(support.minter());
		collect();
	end);
end);
