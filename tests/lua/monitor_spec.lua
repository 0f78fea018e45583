-- What a Prosody plugin notices about accepted tokens. Real servers do it in
-- tests/prosody/test_metrics.py.

describe("clock skew", function ()
	local new = dofile("lua/xtoken/clock_skew.lib.lua").new;

	-- Notes `count` tokens that are off by so much; returns what is told, and after how many of
	-- them.
	local function told(skew, seconds, count, now)
		for number = 1, count do
			local carrying, of, median = skew.note(seconds, now or 0);
			if carrying then
				return ("%d of %d after %d: %d s"):format(carrying, of, number, median);
			end
		end
	end

	it("is told when more than half of 100 tokens are off by more than half a step", function ()
		assert.is_nil(told(new(), 16, 50));
		assert.equal("51 of 51 after 51: 16 s", told(new(), 16, 60));
		assert.equal("51 of 51 after 51: -90 s", told(new(), -90, 60));
		assert.is_nil(told(new(), 15, 1000));
		assert.is_nil(told(new(), -15, 1000));
	end);

	it("is not told of tokens in time, nor of mixed ones", function ()
		local skew = new();
		assert.is_nil(told(skew, 0, 1000));
		for _ = 1, 500 do
			assert.is_nil(skew.note(30, 0));
			assert.is_nil(skew.note(-30, 0));
		end
	end);

	it("is the same of dated tokens and of undated ones", function ()
		local skew = new();
		for _ = 1, 25 do
			assert.is_nil(skew.note(30, 0));
			assert.is_nil(skew.note(22, 0));
		end
		assert.equal("51 of 51 after 1: 22 s", told(skew, 17, 1));
	end);

	it("looks at the last 100 only", function ()
		local skew = new();
		assert.is_nil(told(skew, 30, 50));
		assert.is_nil(told(skew, 0, 100));
		assert.is_nil(told(skew, 30, 50));
		assert.equal("51 of 100 after 1: 30 s", told(skew, 30, 1));
	end);

	it("is told once in an hour", function ()
		local skew = new();
		assert.equal("51 of 51 after 51: 30 s", told(skew, 30, 100, 5));
		assert.is_nil(told(skew, 30, 1000, 5));
		assert.is_nil(told(skew, -30, 1000, 3604));
		assert.equal("100 of 100 after 1: -30 s", told(skew, -30, 1, 3605));
		assert.is_nil(told(skew, -30, 1000, 7204));
	end);

	it("is the median when it is asked for", function ()
		local skew = new();
		assert.is_nil(skew.median());
		for _, seconds in ipairs { 5, -1, 900 } do
			skew.note(seconds, 0);
		end
		assert.equal(5, skew.median());
	end);
end);

describe("the report of nonces", function ()
	local new = dofile("lua/xtoken/nonce_report.lib.lua").new;

	it("names each JID once, and a thousand of them", function ()
		local report, lines = new(), {};
		local function log(level, text, ...)
			assert.equal("warn", level);
			table.insert(lines, text:format(...));
		end
		for _ = 1, 3 do
			for user = 1, 2000 do
				report.note("user"..user.."@example.com", 16, 32, log);
				report.note("good"..user.."@example.com", 32, 32, log);
			end
		end
		assert.equal(1001, #lines);
		local first = "user1@example.com has a nonce of 16 digits, not 32";
		assert.is_true(lines[1]:find(first, 1, true) ~= nil);
		assert.is_true(lines[1001]:find("More than 1000", 1, true) ~= nil);
	end);
end);
