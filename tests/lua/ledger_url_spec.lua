-- Which URLs name the same ledger. Real servers use it in tests/prosody/test_redis_login.py.

local function load_ledger_url()
	package.loaded["core.configmanager"] = {};
	package.loaded["util.paths"] = { resolve_relative_path = function () end };
	package.loaded["util.error"] = { is_error = function () end };
	rawset(_G, "module", { require = function () return {}; end });
	local ledger_url = dofile("lua/xtoken/ledger_url.lib.lua");
	rawset(_G, "module", nil);
	return ledger_url;
end

describe("the identity of a ledger", function ()
	local identity = load_ledger_url().identity;

	it("is its URL without login, timeout and certificates", function ()
		local expected = identity("redis://h:1/2?prefix=x");
		for _, url in ipairs {
			"redis://me:pass@h:1/2?prefix=x",
			"redis://me:p@ss@h:1/2?prefix=x&timeout=9",
			"redis://h:1/2?pass=y&prefix=x&user=z",
			"redis://h:1/2?password_file=/f&ca_file=/f&prefix=x&cert_file=/f&key_file=/f",
		} do
			assert.equal(expected, identity(url));
		end
	end);

	it("has all of a path", function ()
		for _, pair in ipairs {
			{ "redis+unix:///one@a/sock", "redis+unix:///other@a/sock" },
			{ "sqlite:/one//x@y", "sqlite:/one//z@y" },
			{ "redis://h?prefix=//x@", "redis://h?prefix=//z@" },
		} do
			assert.is_true(identity(pair[1]) ~= identity(pair[2]));
		end
	end);
end);
