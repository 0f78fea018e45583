-- Calls every function of the module while a panic is planted in it. Each gives an error to Lua,
-- and works again afterwards. Prints the names of the functions. `tests/panics` runs this.
local file = os.getenv("XTOKEN_PANIC_WHILE");

-- Returns what pcall returns, with a panic planted.
local function with_a_panic(action, ...)
	assert(io.open(file, "w")):close();
	local results = table.pack(pcall(action, ...));
	assert(os.remove(file));
	return table.unpack(results);
end

local function assert_panics(name, action, ...)
	local ok, message = with_a_panic(action, ...);
	assert(not ok, name .. ": no error");
	message = tostring(message);
	local is_known = message:find("xtoken: internal error", 1, true)
		or message:find("planted", 1, true);
	assert(is_known, message);
	print(name);
end

assert_panics("require", require, "xtoken");
local xtoken = require "xtoken";

local options = {
	otp_seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
	token_secret = "at least 32 random bytes";
};
local jid = "alice@example.com";
local verifier = assert(xtoken.new_verifier(options));
local minter = assert(xtoken.new_minter(options));
local ledger = assert(xtoken.new_ledger("memory:"));
local token;

-- The arguments of every function, and what must be true of the first result afterwards.
local function is_there(value) return value; end
local function is_nil(value) return value == nil; end
local cases = {
	{ "xtoken", xtoken, {
		new_verifier = { { options }, is_there };
		new_minter = { { options }, is_there };
		new_ledger = { { "memory:" }, is_there };
		generate_key = { {}, is_there };
	} };
	{ "verifier", verifier, {
		verify = { { jid, "token" }, is_there };
		explain = { { jid, "token" }, is_there };
		submit = { { jid, "token" }, is_there };
		submit_explain = { { jid, "token" }, is_there };
		completions = { {}, is_there };
		descriptor = { {}, is_nil };
		seed_bits = { {}, is_there };
	} };
	{ "minter", minter, { mint = { { jid }, is_there } } };
	{ "ledger", ledger, {
		last_error = { {}, is_nil };
		probe = { {}, is_there };
		start = { { 1 }, is_there };
		spent_count = { {}, is_there };
		closed_until = { {}, is_nil };
	} };
};

-- Returns the names of the functions that an object has.
local function names_of(object)
	local methods = object;
	if type(object) == "userdata" then
		methods = debug.getmetatable(object).__index;
		assert(type(methods) == "table", "the methods cannot be listed");
	end
	local names = {};
	for name, value in pairs(methods) do
		if type(value) == "function" then
			names[name] = true;
		end
	end
	return names;
end

for _, case in ipairs(cases) do
	local of, object, calls = table.unpack(case);
	for name in pairs(names_of(object)) do
		assert(calls[name], "tests/lua/panics.lua does not call "..of.."."..name);
	end
	for name, call in pairs(calls) do
		local arguments, is_right = table.unpack(call);
		token = minter:mint(jid);
		local passed = {};
		for at, argument in ipairs(arguments) do
			passed[at] = argument == "token" and token or argument;
		end
		if object ~= xtoken then
			table.insert(passed, 1, object);
		end
		assert_panics(of.."."..name, object[name], table.unpack(passed));
		assert(is_right(object[name](table.unpack(passed))), of.."."..name.." fails afterwards");
		-- So does the rest.
		local another = minter:mint(jid);
		assert(verifier:verify(jid, another) == true);
		assert(select(2, verifier:verify(jid, another)) == "replayed");
	end
end

-- A panic while Lua collects a verifier reaches nobody.
local metatable = debug.getmetatable(verifier);
local spare = assert(xtoken.new_verifier(options));
assert(with_a_panic(metatable.__gc, spare));
assert(pcall(metatable.__gc, spare));
print("verifier.__gc");
