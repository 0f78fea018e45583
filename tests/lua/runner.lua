-- Runs spec files without busted: `lua runner.lua SPEC...`
-- Knows as much of busted as the specs use and ends with a summary line like its own.
local successes, failures = 0, 0;
local path = {};

local function show(value)
	return type(value) == "string" and ("%q"):format(value) or tostring(value);
end

local function is(expected)
	return function (value, message)
		if value ~= expected then
			error(("%s: %s instead of %s"):format(
				message or "wrong value", show(value), show(expected)), 2);
		end
	end;
end

local assertions = { is_nil = is(nil), is_true = is(true), is_false = is(false) };

function assertions.equal(expected, value, message)
	if value ~= expected then
		error(("%s: %s instead of %s"):format(
			message or "wrong value", show(value), show(expected)), 2);
	end
end

-- Raises an error unless the tables have the same fields, at any depth. `place` is theirs.
local function compare(expected, value, place)
	if type(expected) ~= "table" or type(value) ~= "table" then
		assertions.equal(expected, value, place);
		return;
	end
	for key, field in pairs(expected) do
		compare(field, value[key], place.." "..show(key));
	end
	for key, field in pairs(value) do
		if expected[key] == nil then
			assertions.equal(nil, field, place.." "..show(key));
		end
	end
end

function assertions.same(expected, value, message)
	compare(expected, value, message or "at");
end

local environment = setmetatable({}, { __index = _G });

local lua_assert = assert;
environment.assert = setmetatable(assertions, {
	__call = function (_, ...) return lua_assert(...); end;
});

function environment.describe(name, body)
	table.insert(path, name);
	body();
	table.remove(path);
end

function environment.it(name, body)
	local ok, trace = xpcall(body, function (message)
		return debug.traceback(tostring(message), 2);
	end);
	if ok then
		successes = successes + 1;
	else
		failures = failures + 1;
		print(("Failure: %s %s\n%s\n"):format(table.concat(path, " "), name, trace));
	end
end

local function load_spec(file)
	if setfenv then
		return setfenv(lua_assert(loadfile(file)), environment);
	end
	return lua_assert(loadfile(file, "t", environment));
end

for _, file in ipairs(arg) do
	load_spec(file)();
end
print(("%d successes / %d failures / 0 errors / 0 pending"):format(successes, failures));
os.exit(failures == 0 and 0 or 1);
