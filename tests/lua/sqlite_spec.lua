-- The ledger in a file.
local xtoken = require "xtoken";
local support = require "support";

local jid, now = support.jid, support.now;
local minter = support.minter();

local function with_file(body)
	local path = os.tmpname();
	os.remove(path);
	local ok, err = pcall(body, path);
	for _, suffix in ipairs { "", "-wal", "-shm", ".lock" } do
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
			local ok, reason = verify(spent);
			assert.is_false(ok);
			assert.equal("replayed", reason);
			assert.is_true(verify(fresh));
		end);
	end);

	it("is opened at first use and returns its last error", function ()
		local ledger = assert(xtoken.new_ledger("sqlite:/nonexistent/folder/file"));
		local verifier = support.verifier { ledger = ledger };
		local function reason(token)
			return (select(2, verifier:verify(jid, token, now)));
		end
		assert.is_nil(ledger:last_error());
		assert.equal("malformed", reason("nonsense"));
		assert.is_nil(ledger:last_error());
		assert.equal("unavailable", reason(minter:mint(jid, now)));
		-- Without the path: what is not there may be a secret in its place.
		assert.equal("the file of the ledger: No such file or directory (os error 2)",
			ledger:last_error());
	end);

	it("is made by a start, which says why it cannot be", function ()
		with_file(function (path)
			local missing = assert(xtoken.new_ledger("sqlite:"..path.."/tokens"));
			local is_usable, err = missing:start(1);
			assert.is_false(is_usable);
			assert.is_true(err:find("No such file", 1, true) ~= nil);
			local ledger = assert(xtoken.new_ledger("sqlite:"..path));
			assert.is_true(ledger:start(1));
			assert.is_true(os.rename(path, path) ~= nil);
			assert.is_false((ledger:start(1, -5)));
		end);
	end);

	it("stays shared when another process has come and gone", function ()
		with_file(function (path)
			local url = "sqlite:"..path;
			local function by_another_process(token)
				local script = ("local v = assert(require 'xtoken'.new_verifier { otp_seed = %q, "
					.."token_secret = %q, ledger = %q }) print((select(2, v:verify(%q, %q, %d))))")
					:format(support.seed, support.secret, url, jid, token, now);
				local status, printed = support.run(support.version, script);
				assert.equal(0, status, printed);
				return printed;
			end
			-- Two connections of one process, whose locks are one to the system.
			local first = support.verifier { ledger = url };
			local second = support.verifier { ledger = url };
			assert.is_true(first:verify(jid, minter:mint(jid, now), now));
			assert.is_true(second:verify(jid, minter:mint(jid, now), now));
			assert.equal("default", by_another_process(minter:mint(jid, now)));
			for _, verifier in ipairs { first, second } do
				local token = minter:mint(jid, now);
				assert.is_true(verifier:verify(jid, token, now));
				assert.equal("replayed", by_another_process(token));
			end
		end);
	end);

	it("has a path", function ()
		assert.is_nil((xtoken.new_ledger("sqlite:")));
		assert.is_nil((xtoken.new_ledger("sqlite")));
	end);
end);
