-- The ledger in a file, and the limit of expired tokens.
local xtoken = require "xtoken";
local support = require "support";

local jid, now = support.jid, support.now;
local minter = support.minter();

local function with_file(body)
	local path = os.tmpname();
	os.remove(path);
	local ok, err = pcall(body, path);
	for _, suffix in ipairs { "", "-wal", "-shm" } do
		os.remove(path..suffix);
	end
	if not ok then
		error(err, 0);
	end
end

describe("the ledger in a file", function ()
	it("outlives its verifiers", function ()
		with_file(function (path)
			local spent, fresh = minter:mint(jid, now), minter:mint(jid, now);
			local function verify(token)
				return support.verifier { ledger = "sqlite:"..path }:verify(jid, token, now);
			end
			assert.is_true(verify(spent));
			collectgarbage();
			local ok, reason, trouble = verify(spent);
			assert.is_false(ok);
			assert.equal("replayed", reason);
			assert.is_nil(trouble);
			assert.is_true(verify(fresh));
		end);
	end);

	it("is opened at first use and says what is wrong", function ()
		local verifier = support.verifier { ledger = "sqlite:/nonexistent/folder/file" };
		for _ = 1, 3 do
			local ok, reason, trouble = verifier:verify(jid, minter:mint(jid, now), now);
			assert.is_false(ok);
			assert.equal("unavailable", reason);
			assert(trouble:find("/nonexistent/folder/file", 1, true), trouble);
		end
		local ok, reason, trouble = verifier:verify(jid, "nonsense", now);
		assert.is_false(ok);
		assert.equal("malformed", reason);
		assert.is_nil(trouble);
	end);

	it("cuts what it says after 512 bytes", function ()
		local verifier = support.verifier { ledger = "sqlite:/nonexistent/"..("x/"):rep(1000) };
		local _, _, trouble = verifier:verify(jid, minter:mint(jid, now), now);
		assert.equal(512, #trouble);
	end);

	it("has a path", function ()
		assert.is_nil((xtoken.new_ledger("sqlite:")));
		assert.is_nil((xtoken.new_ledger("sqlite")));
	end);
end);

describe("expired tokens", function ()
	it("of one address are limited within a step", function ()
		local verifier = support.verifier { expired_limit = 2 };
		local function reason(address, minted, at)
			local ok, why = verifier:verify(address, minter:mint(address, minted), at);
			return ok and "accepted" or why;
		end
		for _ = 1, 3 do
			assert.equal("expired", reason(jid, now - 3600, now));
		end
		assert.equal("throttled", reason(jid, now, now));
		assert.equal("accepted", reason("bob@example.com", now, now));
		assert.equal("accepted", reason(jid, now + 30, now + 30));
	end);
end);
