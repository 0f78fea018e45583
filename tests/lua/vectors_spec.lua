-- What verifiers decide: the conformance vectors, and the decisions recorded from the Lua
-- implementation. Each case has a fresh verifier. (mint_spec.lua has the tokens that are made.)
local xtoken = require "xtoken";
local vectors = require "vectors";
local decisions = vectors.decisions;

local function new_verifier(case)
	return assert(xtoken.new_verifier {
		otp_seed = case.otp_seed;
		token_secret = case.token_secret;
		nonce_length = case.nonce_length;
		nonce_policy = case.nonce_policy;
	});
end

describe("the conformance vectors", function ()
	for _, case in ipairs(vectors.verified) do
		it("are decided: " .. case.name, function ()
			local verifier = new_verifier(case);
			for _, shown in ipairs(case.presentations) do
				local ok, reason = verifier:verify(shown.jid, shown.token, shown.now);
				assert.equal(shown.decision, ok and "accepted" or reason);
			end
		end);
	end
end);

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
				local ok, reason = new_verifier(case):verify(case.jid, case.token, case.now);
				local decision = ("case %d, %s"):format(case.id, reason);
				assert.equal(case.expect == "accept", ok, decision);
				assert.equal(ok, reason == "default", decision);
			end
		end);
	end
end);
