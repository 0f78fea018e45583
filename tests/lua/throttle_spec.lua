-- The limit of expired tokens.
local support = require "support";

local jid, now = support.jid, support.now;
local minter = support.minter();

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
