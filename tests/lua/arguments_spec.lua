-- What the methods make of arguments that cannot be used: a value or a clear error.
local xtoken = require "xtoken";
local support = require "support";

local jid, now = support.jid, support.now;
local verifier, minter = support.verifier(), support.minter();
local token = minter:mint(jid, now);
local unpack = unpack or table.unpack;
local long = ("x"):rep(10 * 1024 * 1024);

local function says(text, message)
	assert(tostring(message):find(text, 1, true), tostring(message));
end

-- A verifier raises, as Lua's own functions do.
local function raises(text, ...)
	local arguments, count = { ... }, select("#", ...);
	says(text, support.raised_by(function ()
		-- No tail call: LuaJIT would know no name for the method.
		local ok = verifier:verify(unpack(arguments, 1, count));
		return ok;
	end));
end

-- A minter answers `nil, message`.
local function mints_none(text, ...)
	local made, message = minter:mint(...);
	assert.is_nil(made);
	says(text, message);
end

local function refuses(reason, ...)
	local ok, why = verifier:verify(...);
	assert.is_false(ok);
	assert.equal(reason, why);
end

describe("an argument of a wrong type", function ()
	it("raises an error that says which, and spends nothing", function ()
		for _, case in ipairs(support.values()) do
			if type(case.value) ~= "number" then
				raises("#1 to 'verify' (string expected", case.value, token, now);
				raises("#2 to 'verify' (string expected", jid, case.value, now);
				mints_none("string", case.value, now);
				if case.value ~= nil then
					raises("#3 to 'verify' (whole Unix seconds expected", jid, token, case.value);
					mints_none("unix_time", jid, case.value);
					mints_none("string", jid, now, case.value);
				end
			end
		end
		raises("#1 to 'verify' (string expected");
		raises("#2 to 'verify' (string expected", jid);
		mints_none("string");
		assert.is_true((verifier:verify(jid, token, now)));
		refuses("replayed", jid, token, now);
	end);

	it("is a number where a string is wanted, too", function ()
		raises("#1 to 'verify' (string expected", 12, token, now);
		raises("#2 to 'verify' (string expected", jid, 12, now);
		mints_none("jid must be a string", 12, now);
		mints_none("nonce must be a string", jid, now, 12);
	end);

	it("is ignored after the last", function ()
		refuses("replayed", jid, token, now, {}, print, nil, 1);
		assert.equal("string", type(minter:mint(jid, now, nil, {}, print)));
		assert.equal("string", type((xtoken.generate_key({}, print))));
	end);
end);

describe("a string of any content", function ()
	it("is no token", function ()
		for _, text in ipairs {
			"", "\0", " ", "\255\254\253", long, token .. "\0", "\0" .. token, token:sub(1, -2),
			token .. token, token:gsub(" ", "\0"), ("0"):rep(1024), ("0"):rep(10 * 1024 * 1024),
			("\0"):rep(85), ("\255"):rep(85),
		} do
			refuses("malformed", jid, text, now);
		end
	end);

	it("is no user", function ()
		for _, who in ipairs {
			"", "\0", "@", "\255\254@\253", jid .. "\0", "\0" .. jid, jid .. "/x", ("x"):rep(2047),
		} do
			refuses("bad-signature", who, token, now);
			assert.is_nil((minter:mint(who, now)));
		end
		for _, who in ipairs {
			("x"):rep(2048), long, long .. "@b", ("\0"):rep(10 * 1024 * 1024),
		} do
			refuses("malformed", who, token, now);
			assert.is_nil((minter:mint(who, now)));
		end
	end);

	it("is answered immediately, even if it is long", function ()
		local start = os.clock();
		for _ = 1, 1000 do
			refuses("malformed", long, token, now);
			refuses("malformed", jid, long, now);
			assert.is_nil((minter:mint(jid, now, long)));
		end
		assert(os.clock() - start < 2, os.clock() - start);
	end);
end);

describe("unix_time", function ()
	it("is a whole number, 0 or more", function ()
		local wrong = {
			-1, -2^53, -1e300, 1.5, 0.1, 1/0, -1/0, 0/0, "0", "12", "", "now", tostring(now),
		};
		if math.mininteger then
			table.insert(wrong, math.mininteger);
		end
		for _, time in ipairs(wrong) do
			raises("#3 to 'verify' (whole Unix seconds expected", jid, token, time);
			mints_none("unix_time", jid, time);
		end
	end);

	it("may be at either end of time", function ()
		local times = { 0, -0.0, 1, 29, 2^31, 2^32, 2^53 - 1, 2^53, 2^63, 2^64, 1e300 };
		if math.maxinteger then
			table.insert(times, math.maxinteger);
		end
		for _, time in ipairs(times) do
			local fresh = support.verifier();
			local made = assert(minter:mint(jid, time, ("7"):rep(32)));
			assert.is_true((fresh:verify(jid, made, time)));
			assert.equal("replayed", (select(2, fresh:verify(jid, made, time))));
			local another_time = time < 2^50 and time + 90 or 0;
			assert.equal("expired", (select(2, fresh:verify(jid, made, another_time))));
		end
	end);

	it("is a float or an integer alike", function ()
		local made = assert(minter:mint(jid, now + 0.0));
		assert.is_true((verifier:verify(jid, made, now)));
	end);
end);

describe("a method", function ()
	it("needs its own kind of object", function ()
		local ledger = assert(xtoken.new_ledger("memory:"));
		local others = support.values();
		table.insert(others, { value = "verifier" });
		table.insert(others, { value = ledger });
		local expected = "verifier expected";
		for _, case in ipairs(others) do
			says(expected, support.raised_by(verifier.verify, case.value, jid, token, now));
			says(expected, support.raised_by(verifier.seed_bits, case.value));
			says("self", support.raised_by(minter.mint, case.value, jid, now));
		end
		says(expected, support.raised_by(verifier.verify, minter, jid, token, now));
		says(expected, support.raised_by(verifier.seed_bits, minter));
		says("self", support.raised_by(minter.mint, verifier, jid, now));
		says(expected, support.raised_by(verifier.verify));
		says(expected, support.raised_by(verifier.seed_bits));
		says("self", support.raised_by(minter.mint));
		-- The dot for the colon.
		says(expected, support.raised_by(verifier.verify, jid, token, now));
		says("self", support.raised_by(minter.mint, jid, now));
	end);

	it("is all that an object has", function ()
		assert.is_nil(verifier.mint);
		assert.is_nil(minter.verify);
		assert.is_nil(verifier.no_such_method);
		support.raised_by(function () verifier.verify = print; end);
		support.raised_by(function () return verifier(); end);
		support.raised_by(function () return verifier + 1; end);
		support.raised_by(function () return verifier .. ""; end);
		support.raised_by(function () return verifier < minter; end);
		support.raised_by(io.stdout.write, verifier, "x");
		assert.is_false(verifier == minter);
		assert.is_false(getmetatable(verifier));
		support.raised_by(setmetatable, verifier, {});
	end);
end);

describe("an error in a coroutine", function ()
	it("ends the coroutine and nothing else", function ()
		for _ = 1, 100 do
			local thread = coroutine.create(function (...)
				local answer = verifier:verify(...);
				return answer;
			end);
			local ok, message = coroutine.resume(thread, jid, {}, now);
			assert.is_false(ok);
			says("#2 to 'verify' (string expected", message);
			assert.equal("dead", coroutine.status(thread));
		end
		refuses("malformed", jid, "", now);
	end);

	it("is caught by a pcall in it, which may go on and yield", function ()
		local thread = coroutine.wrap(function ()
			local ok = pcall(verifier.verify, verifier, nil, token, now);
			coroutine.yield(ok);
			local made = minter:mint(jid, now);
			coroutine.yield((verifier:verify(jid, made, now)));
			return select(2, verifier:verify(jid, made, now));
		end);
		assert.is_false(thread());
		assert.is_true(thread());
		assert.equal("replayed", thread());
	end);
end);
