-- What new_verifier, new_minter and new_ledger make of options that cannot be used.
local xtoken = require "xtoken";
local support = require "support";

local unpack = unpack or table.unpack;
local both = { xtoken.new_verifier, xtoken.new_minter };

-- Expects `nil, message, option` from both; returns the message.
local function refused(options, option)
	local message;
	for _, new in ipairs(both) do
		local object, why, which = new(options);
		assert.is_nil(object);
		assert.equal("string", type(why));
		assert.equal(option, which, why);
		message = why;
	end
	return message;
end

local function says(text, options, option)
	local message = refused(options, option);
	assert(message:find(text, 1, true), message);
end

local function removed(...)
	local options = support.options();
	for _, name in ipairs { ... } do
		options[name] = nil;
	end
	return options;
end

describe("options", function ()
	it("are a table", function ()
		for _, case in ipairs(support.values()) do
			if type(case.value) ~= "table" then
				says("must be a table", case.value, nil);
			end
		end
		says("must be a table", "otp_seed", nil);
		for _, new in ipairs(both) do
			local object, message = new();
			assert.is_nil(object);
			assert(message:find("must be a table", 1, true), message);
		end
	end);

	it("that are missing are named", function ()
		says("otp_seed is missing", {}, "otp_seed");
		says("otp_seed is missing", removed("otp_seed"), "otp_seed");
		says("token_secret is missing", removed("token_secret"), "token_secret");
	end);

	it("that are misspelt or unknown are refused and not repeated", function ()
		for _, name in ipairs {
			"otp_sed", "Otp_seed", "otp_seed ", "otp_seed\0", "seed", "", "otp_deviation", 1, 1.5,
			true, "expired_limit", "\255", ("x"):rep(10 * 1024 * 1024), {}, print, io.stdout,
		} do
			says("unknown option", support.options { [name] = "x" }, nil);
			assert(#refused({ [name] = "x" }) < 200);
		end
		assert.is_nil(refused({ hunter2 = "x" }):find("hunter2", 1, true));
		local names = "otp_seed, token_secret, keys, nonce_length, nonce_policy, deviation, ledger";
		says(names, { otp_sed = "x" }, nil);
	end);

	it("are read raw and run no code of their own", function ()
		local metatable = { __index = support.options() };
		says("otp_seed is missing", setmetatable({}, metatable), "otp_seed");
		for _, action in ipairs {
			error, coroutine.yield, function () return {}; end, collectgarbage,
		} do
			local name = setmetatable({}, { __tostring = function () return action(); end });
			says("unknown option", support.options { [name] = "x" }, nil);
		end
	end);

	it("of a wrong type are named", function ()
		local messages = { ledger = "no such ledger", keys = "key", nonce_policy = "no such" };
		local number = { ["an integer"] = true };
		for name, good_values in pairs {
			nonce_length = number; deviation = number;
			ledger = {}; keys = {}; otp_seed = {}; token_secret = {}; nonce_policy = {};
		} do
			for _, case in ipairs(support.values()) do
				if case.value ~= nil and not good_values[case.name] then
					local options = name == "keys" and {} or support.options();
					options[name] = case.value;
					says(messages[name] or name .. " must be", options, name);
				end
			end
		end
	end);

	it("out of range are named", function ()
		for _, digits in ipairs { 0, 971, 2^31, 2^32, 2^32 + 32, 2^53, 2^64, 1e300 } do
			says("nonce_length is out of range",
				support.options { nonce_length = digits }, "nonce_length");
		end
		for _, wrong in ipairs { -1, 31.5, 1/0, -1/0, 0/0, "32", "" } do
			says("nonce_length must be", support.options { nonce_length = wrong }, "nonce_length");
			says("deviation must be", support.options { deviation = wrong }, "deviation");
		end
		for _, steps in ipairs { 11, 2^32, 2^53, 2^64, 1e300 } do
			says("deviation is out of range", support.options { deviation = steps }, "deviation");
		end
	end);
end);

describe("otp_seed", function ()
	it("is base32 of 80 bits or more", function ()
		for _, seed in ipairs {
			"", "=", "========", "GEZDGNBVGY3TQOJ1", "GEZD GNBV GY3T QOJQ", "GEZDGNBVGY3TQOJQ\n",
			"GEZDGNBVGY3TQOJQ\0", "\0", "\255\254", "GEZDGNBVGY3TQOJQ=", "GEZDGNBVGY3TQOJQA",
			("!"):rep(10 * 1024 * 1024),
		} do
			says("otp_seed is not base32", support.options { otp_seed = seed }, "otp_seed");
		end
		says("otp_seed is too short", support.options { otp_seed = "GEZDGNBVGY3TQOI" }, "otp_seed");
		for _, seed in ipairs {
			"GEZDGNBVGY3TQOJQ", "gezdgnbvgy3tqojq", "GEZDGNBVGY3TQOJQMY======",
			("A"):rep(10 * 1024 * 1024),
		} do
			local verifier = support.verifier { otp_seed = seed };
			local minter = support.minter { otp_seed = seed };
			assert.is_true((verifier:verify(support.jid, minter:mint(support.jid))));
		end
	end);
end);

describe("token_secret", function ()
	it("is any bytes, all of which count", function ()
		says("token_secret is empty", support.options { token_secret = "" }, "token_secret");
		local long = ("x"):rep(10 * 1024 * 1024);
		local secrets = { "x", "\0", "\0x", "x\0", "x\0y", "\255\254", long, long .. "\0y" };
		for i, made_with in ipairs(secrets) do
			local token = support.minter { token_secret = made_with }:mint(support.jid);
			for j, checked_with in ipairs(secrets) do
				-- HMAC fills keys with NUL bytes, and these two differ in nothing else (RFC 2104).
				local same = i == j or i + j == 5 and i * j == 4;
				local verifier = support.verifier { token_secret = checked_with };
				local ok, reason = verifier:verify(support.jid, token);
				assert.equal(same, ok, i .. " and " .. j);
				assert.equal(same and "default" or "bad-signature", reason);
			end
		end
	end);
end);

describe("keys", function ()
	local pair = support.options();

	it("are a list of pairs", function ()
		says("no key", { keys = {} }, "keys");
		for _, case in ipairs(support.values()) do
			if type(case.value) ~= "table" and case.value ~= nil then
				says("list of tables", { keys = case.value }, "keys");
				says("list of tables", { keys = { pair, case.value } }, "keys");
			end
		end
		says("list of tables", { keys = { pair, nil, pair } }, "keys");
		says("list of tables", { keys = { pair, more = pair } }, "keys");
		says("list of tables", { keys = pair }, "keys");
		says("otp_seed is missing", { keys = { {} } }, "otp_seed");
		local bad = support.options { token_secret = "" };
		says("token_secret is empty", { keys = { pair, bad } }, "token_secret");
		says("unknown option", { keys = { { support.seed, support.secret } } }, nil);
		says("unknown option", { keys = { support.options { ledger = "memory:" } } }, nil);
	end);

	it("exclude a pair beside them", function ()
		says("not both", support.options { keys = { pair } }, "keys");
		says("not both", { keys = { pair }, token_secret = "x" }, "keys");
	end);
end);

describe("a ledger's URL", function ()
	local urls = {
		"", "memory", "memory:x", "memory:\0", "Memory:", " memory:", "\255", "no-such:",
		("memory:"):rep(1500000),
	};

	it("of an unknown kind is refused", function ()
		for _, url in ipairs(urls) do
			says("no such ledger", support.options { ledger = url }, "ledger");
			local ledger, message, option = xtoken.new_ledger(url);
			assert.is_nil(ledger);
			assert(message:find("no such ledger", 1, true), message);
			assert.equal("ledger", option);
		end
	end);

	it("of a server has messages of its own, which show nothing of it", function ()
		for url, said in pairs {
			["redis://:s3/cret@host"] = "percent-encode the password";
			["redis://host/s3cret"] = "must be a number";
			["redis://host?s3cret=1"] = "unknown parameter";
			["redis://host?timeout=s3cret"] = "10 to 60000 milliseconds";
			["redis://:s3cret@host?password_file=/s3cret"] = "leave one out";
			["rediss://host?cert_file=/s3cret"] = "both or none";
		} do
			says(said, support.options { ledger = url }, "ledger");
			local ledger, message, option = xtoken.new_ledger(url, xtoken.new_ledger("memory:"));
			assert.is_nil(ledger);
			assert(message:find(said, 1, true) and not message:find("s3cret", 1, true), message);
			assert.equal("ledger", option);
		end
	end);

	it("may take the place of any other value", function ()
		local server = assert(xtoken.new_ledger("redis://127.0.0.1:1"));
		for _, former in ipairs { server, assert(xtoken.new_ledger("memory:")), 1, "x", {} } do
			assert(xtoken.new_ledger("redis://127.0.0.1:1?timeout=20", former));
			assert(xtoken.new_ledger("memory:", former));
		end
	end);

	it("is not another object of this module", function ()
		says("no such ledger", support.options { ledger = support.verifier() }, "ledger");
		says("no such ledger", support.options { ledger = support.minter() }, "ledger");
	end);

	it("is a string", function ()
		for _, case in ipairs(support.values()) do
			local ledger, message, option = xtoken.new_ledger(case.value);
			assert.is_nil(ledger);
			assert(message:find("no such ledger", 1, true), message);
			assert.equal("ledger", option);
		end
	end);
end);

describe("a secret", function ()
	local secret = "HUNTER2HUNTER2HUNTER2HUNTER2HUNT";

	local function conceals(message)
		assert.is_nil(tostring(message):find("HUNTER", 1, true), message);
	end

	it("in a wrong place is in no message", function ()
		for _, options in ipairs {
			secret,
			support.options { otp_sed = secret },
			support.options { [secret] = secret },
			support.options { nonce_length = secret },
			support.options { deviation = secret },
			support.options { ledger = secret },
			support.options { ledger = "redis://:" .. secret .. "@localhost/x" },
			support.options { keys = secret },
			{ otp_seed = secret .. "!", token_secret = secret },
			{ otp_seed = secret },
			{ token_secret = secret },
			{ secret, secret },
			{ keys = { secret } },
			{ keys = { { secret, secret } } },
			{ keys = { { otp_seed = secret .. "1", token_secret = secret } } },
			{ keys = { { otp_seed = secret, token_secret = secret, other = secret } } },
		} do
			conceals(refused(options, (select(3, xtoken.new_minter(options)))));
		end
	end);

	it("in a wrong argument is in no message", function ()
		local verifier, minter = support.verifier(), support.minter();
		local message = select(2, minter:mint(secret));
		conceals(message);
		conceals((select(2, minter:mint(support.jid, 0, secret))));
		conceals((select(2, xtoken.new_ledger(secret))));
		for _, f in ipairs { verifier.verify, minter.mint, verifier.seed_bits } do
			conceals(support.raised_by(f, secret, secret, secret, secret));
			conceals(support.raised_by(f, { secret }, secret, secret, secret));
		end
		conceals(support.raised_by(verifier.verify, verifier, secret, secret, secret));
		conceals(support.raised_by(verifier.verify, verifier, secret, { secret }));
		for _, arguments in ipairs {
			{ secret, secret }, { secret, 0, { secret } }, { secret, 0, secret },
		} do
			local _, made, why = pcall(minter.mint, minter, unpack(arguments));
			conceals(made);
			conceals(why);
		end
	end);

	it("is in no text of an object", function ()
		local options = { token_secret = secret };
		for _, object in ipairs { support.verifier(options), support.minter(options) } do
			conceals(tostring(object));
			assert.is_nil(object.otp_seed);
			assert.is_nil(object.token_secret);
			assert.is_nil(object.keys);
		end
	end);
end);
