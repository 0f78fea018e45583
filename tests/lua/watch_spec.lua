-- What a Prosody plugin notices about accepted tokens. Real servers do it in tests/prosody/test_metrics.py.

describe("drift", function ()
	local new = dofile("lua/token_drift.lib.lua").new;

	-- Notes `count` tokens with an offset; returns what is told, and after how many of them.
	local function note(drift, offset, count, now)
		for number = 1, count do
			local carrying, of = drift(offset, now or 0);
			if carrying then
				return carrying, of, number;
			end
		end
	end

	local function told(...)
		local carrying, of, number = note(...);
		return carrying and ("%d of %d after %d"):format(carrying, of, number);
	end

	it("is told when more than half of 100 tokens share an offset", function ()
		assert.is_nil(told(new(), 1, 50));
		assert.equal("51 of 51 after 51", told(new(), 1, 60));
		assert.equal("51 of 51 after 51", told(new(), -3, 60));
	end);

	it("is not told of tokens in time, nor of mixed ones", function ()
		local drift = new();
		assert.is_nil(told(drift, 0, 1000));
		for _ = 1, 500 do
			assert.is_nil(drift(1, 0));
			assert.is_nil(drift(-1, 0));
		end
	end);

	it("looks at the last 100 only", function ()
		local drift = new();
		assert.is_nil(told(drift, 1, 50));
		assert.is_nil(told(drift, 0, 100));
		assert.is_nil(told(drift, 1, 50));
		assert.equal("51 of 100 after 1", told(drift, 1, 1));
	end);

	it("is told once in an hour", function ()
		local drift = new();
		assert.equal("51 of 51 after 51", told(drift, 1, 100, 5));
		assert.is_nil(told(drift, 1, 1000, 5));
		assert.is_nil(told(drift, -1, 1000, 3604));
		assert.equal("100 of 100 after 1", told(drift, -1, 1, 3605));
		assert.is_nil(told(drift, -1, 1000, 7204));
	end);
end);

describe("the report of nonces", function ()
	local new = dofile("lua/token_nonce_report.lib.lua").new;

	it("names each address once, and a thousand of them", function ()
		local report, lines = new(), {};
		local function log(level, text, ...)
			assert.equal("warn", level);
			table.insert(lines, text:format(...));
		end
		for _ = 1, 3 do
			for user = 1, 2000 do
				report("user"..user.."@example.com", 16, 32, log);
				report("good"..user.."@example.com", 32, 32, log);
			end
		end
		assert.equal(1001, #lines);
		assert.is_true(lines[1]:find("user1@example.com has a nonce of 16 digits, not 32", 1, true) ~= nil);
		assert.is_true(lines[1001]:find("More than 1000", 1, true) ~= nil);
	end);
end);
