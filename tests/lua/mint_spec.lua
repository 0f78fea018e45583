-- What a minter makes, and the module's small functions.
local xtoken = require "xtoken";
local support = require "support";
local vectors = require "vectors";

local jid, now = support.jid, support.now;

describe("a minter", function ()
	for _, case in ipairs(vectors.minted) do
		it("makes the token that Python makes: " .. case.name, function ()
			local minter = assert(xtoken.new_minter {
				otp_seed = case.otp_seed;
				token_secret = case.token_secret;
				nonce_length = #case.nonce;
			});
			assert.equal(case.token, minter:mint(case.jid, case.now, case.nonce));
		end);
	end

	for _, case in ipairs(vectors.refused_jids) do
		it("makes no token: " .. case.name, function ()
			local token, message = support.minter():mint(case.jid, now);
			assert.is_nil(token);
			assert.equal("string", type(message));
		end);
	end

	it("begins a nonce of 24 digits or more with the time", function ()
		for digits, is_dated in pairs { [23] = false; [24] = true; [32] = true; [970] = true } do
			local token = support.minter { nonce_length = digits }:mint(jid, now);
			assert.equal(is_dated, token:sub(9, 20) == ("%012d"):format(now), token);
		end
	end);

	it("takes no milliseconds for seconds", function ()
		for _, time in ipairs { 1e12, 1700000010000, 2^53 } do
			local token, message = support.minter():mint(jid, time);
			assert.is_nil(token);
			assert(message:find("not milliseconds", 1, true), message);
		end
		assert(support.minter():mint(jid, 999999999999));
	end);

	it("makes another token every time", function ()
		local minter, seen = support.minter(), {};
		for _ = 1, 1000 do
			local token = minter:mint(jid, now);
			assert(token:match("^" .. ("%d"):rep(40) .. " [%w+/]+=$"), token);
			assert.equal(85, #token);
			assert.is_nil(seen[token]);
			seen[token] = true;
		end
	end);

	it("says why it makes none", function ()
		local minter = support.minter();
		local digits = ("0"):rep(32);
		for wrong, word in pairs {
			[""] = "user@host"; ["alice"] = "user@host"; ["@"] = "user@host"; ["a@"] = "user@host";
			["@b"] = "user@host"; ["a@b@c"] = "more than one @"; ["a\0@b"] = "control characters";
			["a@b\n"] = "control characters"; ["\255@b"] = "user@host"; ["a@b/phone"] = "resource";
			["Alice@b"] = "lower case"; [("a"):rep(1024) .. "@b"] = "1,023 bytes";
		} do
			for _, nonce in ipairs { "none", digits } do
				local token, message = minter:mint(wrong, now, nonce ~= "none" and nonce or nil);
				assert.is_nil(token);
				assert(message:find(word, 1, true), message);
			end
		end
		local less = digits:sub(2);
		for _, nonce in ipairs {
			"", "1", less, digits .. "0", less .. "x", less .. "\0", less .. " ",
		} do
			local token, message = minter:mint(jid, now, nonce);
			assert.is_nil(token);
			assert(message:find("nonce", 1, true), message);
		end
	end);
end);

describe("generate_key", function ()
	it("gives values of 160 and 256 bits that work", function ()
		local otp_seed, token_secret = xtoken.generate_key();
		assert(otp_seed:match("^[A-Z2-7]+$") and token_secret:match("^[A-Z2-7]+$"));
		assert.equal(32, #otp_seed);
		assert.equal(52, #token_secret);
		local options = { otp_seed = otp_seed; token_secret = token_secret };
		local verifier = assert(xtoken.new_verifier(options));
		assert.equal(160, verifier:seed_bits());
		assert.is_true((verifier:verify(jid, assert(xtoken.new_minter(options)):mint(jid))));
	end);

	it("gives other values every time", function ()
		local seen = {};
		for _ = 1, 200 do
			for _, value in ipairs { xtoken.generate_key() } do
				assert.is_nil(seen[value]);
				seen[value] = true;
			end
		end
	end);
end);

describe("version", function ()
	it("is that of Cargo.toml", function ()
		local manifest = assert(io.open("Cargo.toml"));
		local text = manifest:read("*a");
		manifest:close();
		assert.equal(text:match('\nversion = "([^"]+)"'), xtoken.version);
	end);
end);
