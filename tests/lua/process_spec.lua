-- What happens to a whole process, each time in one of its own: loading, ending.
local support = require "support";

local prelude = [==[
local xtoken = require "xtoken";
local options = { otp_seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", token_secret = "secret" };
local jid, now = "alice@example.com", 1700000010;
local verifier, minter = assert(xtoken.new_verifier(options)), assert(xtoken.new_minter(options));
local token = assert(minter:mint(jid, now));
assert(verifier:verify(jid, token, now));
assert(select(2, verifier:verify(jid, token, now)) == "replayed");
]==];

local function prints(expected, script, version)
	local status, printed = support.run(version or support.version, script);
	assert.equal(expected, printed);
	assert.equal(0, status);
end

describe("a process", function ()
	local holds = prelude .. [==[
		_G.verifier, _G.minter, _G.ledger = verifier, minter, assert(xtoken.new_ledger("memory:"));
		_G.thread = coroutine.create(function () return verifier:verify(coroutine.yield()); end);
		coroutine.resume(thread);
		_G.caught = select(2, pcall(verifier.verify));
		local function finalizer()
			pcall(function () return verifier:verify(jid, token, now); end);
			pcall(function () return minter:mint(jid, now); end);
			pcall(function () return verifier.verify(minter); end);
			pcall(function () return xtoken.new_verifier(options):verify(jid, token, now); end);
			pcall(function () return xtoken.new_ledger(); end);
		end
		for i = 1, 10 do
			local object = newproxy and newproxy(true) or setmetatable({}, {});
			getmetatable(object).__gc = finalizer;
			_G["object" .. i] = newproxy and object or setmetatable(object, getmetatable(object));
		end
		print "ready";
	]==];

	it("ends", function ()
		prints("ready", holds);
	end);

	it("ends by os.exit", function ()
		prints("ready", holds .. "os.exit(0)");
	end);

	it("ends by os.exit that closes the state", function ()
		prints("ready", holds .. "os.exit(0, true)");
		prints("ready", holds .. "coroutine.wrap(function () os.exit(0, true) end)()");
	end);

	it("ends by an error that is not caught", function ()
		for _, mistake in ipairs {
			"verifier.verify()", "minter.mint()",
			"coroutine.wrap(function () verifier.verify(); end)()", "error(caught)",
		} do
			local status = support.run(support.version, holds .. mistake);
			assert.equal(1, status);
		end
	end);

	it("ends when the module was loaded and dropped", function ()
		prints("ready", holds .. [==[
			for name in pairs(_G) do
				if name:match("^object") then _G[name] = nil; end
			end
			_G.verifier, _G.minter, _G.ledger, _G.thread, _G.caught = nil;
			xtoken, verifier, minter, package.loaded.xtoken = nil;
			collectgarbage();
			collectgarbage();
			os.exit(0, true);
		]==]);
	end);
end);

describe("a module", function ()
	it("that is loaded again takes the first one's objects", function ()
		prints("works", prelude .. [==[
			local ledger = assert(xtoken.new_ledger("memory:"));
			package.loaded.xtoken = nil;
			collectgarbage();
			local again = require "xtoken";
			assert(again ~= xtoken);
			options.ledger = ledger;
			local token = again.new_minter(options):mint(jid, now);
			assert(xtoken.new_verifier(options):verify(jid, token, now));
			assert(select(2, again.new_verifier(options):verify(jid, token, now)) == "replayed");
			print "works";
		]==]);
	end);

	it("that is in two places works in both, and the objects do not mix", function ()
		prints("works", prelude .. ("local path = '%s';"):format(support.module) .. [==[
			local copy = os.tmpname();
			local from, to = assert(io.open(path, "rb")), assert(io.open(copy, "wb"));
			to:write((from:read("*a")));
			from:close();
			to:close();
			local load, message = package.loadlib(copy, "luaopen_xtoken");
			os.remove(copy);
			local other = assert(load, message)();
			assert(other.new_verifier ~= xtoken.new_verifier);
			local ledger = assert(xtoken.new_ledger("memory:"));
			for _, object in ipairs { ledger, verifier, minter } do
				local refused, message = other.new_verifier {
					otp_seed = options.otp_seed, token_secret = options.token_secret,
					ledger = object;
				};
				assert(refused == nil and message:find "ledger", message);
			end
			local others = assert(other.new_verifier(options));
			assert(not pcall(others.verify, verifier, jid, token, now));
			assert(not pcall(verifier.verify, others, jid, token, now));
			assert(others:verify(jid, token, now));
			assert(select(2, others:verify(jid, token, now)) == "replayed");
			assert(not pcall(others.verify, others));
			assert(not pcall(verifier.verify, verifier));
			xtoken, verifier, minter, package.loaded.xtoken = nil;
			collectgarbage();
			collectgarbage();
			assert(select(2, others:verify(jid, token, now)) == "replayed");
			print "works";
			os.exit(0, true);
		]==]);
	end);

	it("exports its loader only", function ()
		local loader, message = package.loadlib(support.module, "luaopen_other");
		assert.is_nil(loader);
		assert.equal("string", type(message));
	end);

	-- LuaJIT has the binary interface of Lua 5.1.
	local loads = { ["5.1"] = { luajit = true }, luajit = { ["5.1"] = true } };
	for _, version in ipairs { "5.1", "5.2", "5.3", "5.4", "5.5", "luajit" } do
		if version ~= support.version then
			local works = (loads[support.version] or {})[version] == true;
			it(("for %s %s here"):format(version, works and "works" or "is refused"), function ()
				local path = ("%s/%s/xtoken.so"):format(support.modules, version);
				assert(io.open(path), path .. " is not built"):close();
				prints(works and "works" or "refused", ([==[
					local loads, message = pcall(require, "xtoken");
					if not loads then
						assert(message:find("undefined symbol: lua_", 1, true)
						or message:find("lua_%%w+: symbol not found") -- musl
						or message:find("was built for Lua 5.4", 1, true), message);
						assert(not pcall(require, "xtoken"));
						local open = package.loadlib(%q, "luaopen_xtoken");
						assert(not open or not pcall(open, "xtoken"));
						print "refused";
						os.exit(0, true);
					end
				]==]):format(path) .. prelude .. [==[
					for i = 1, 1000 do
						local fresh = assert(xtoken.new_verifier(options));
						assert(fresh:verify(jid, token, now));
						assert(not pcall(fresh.verify, minter));
						assert(type(select(2, pcall(minter.mint, minter, jid, 1.5))) ~= "string");
						assert(not xtoken.new_verifier { otp_sed = i });
					end
					collectgarbage();
					print "works";
					os.exit(0, true);
				]==], version);
			end);
		end
	end
end);
