-- The decisions recorded from the Lua implementation, one fresh verifier each.
local xtoken = require "xtoken";
local decisions = require "vectors".decisions;

describe("the recorded decisions", function ()
	local by_kind, kinds = {}, {};
	for _, case in ipairs(decisions) do
		if not by_kind[case.kind] then
			by_kind[case.kind] = {};
			table.insert(kinds, case.kind);
		end
		table.insert(by_kind[case.kind], case);
	end
	table.sort(kinds);

	it("are all there", function ()
		assert.equal(1200, #decisions);
	end);

	for _, kind in ipairs(kinds) do
		it(("are made for all %d of kind %s"):format(#by_kind[kind], kind), function ()
			for _, case in ipairs(by_kind[kind]) do
				local verifier = assert(xtoken.new_verifier {
					otp_seed = case.otp_seed;
					token_secret = case.token_secret;
				});
				local ok, reason = verifier:verify(case.jid, case.token, case.now);
				local decision = ("case %d, %s"):format(case.id, reason);
				assert.equal(case.expect == "accept", ok, decision);
				assert.equal(ok, reason == "default", decision);
			end
		end);
	end
end);
