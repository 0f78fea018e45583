-- What the specs share.
local xtoken = require "xtoken";

local support = {
	seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
	secret = "a secret that no message may repeat";
	other_seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
	jid = "alice@example.com";
	now = 1700000010; -- the first second of a step
};

local is_luajit = type(rawget(_G, "jit")) == "table";
support.version = is_luajit and "luajit" or _VERSION:match("%d%.%d");
-- Where the module is for each version: make test-musl has another folder.
support.modules = os.getenv "XTOKEN_LUA_MODULES" or "target/lua";
support.module = ("%s/%s/xtoken.so"):format(support.modules, support.version);
support.interpreter = is_luajit and "luajit" or "lua" .. support.version;

-- The options of a good key, and others.
function support.options(others)
	local options = { otp_seed = support.seed; token_secret = support.secret };
	for name, value in pairs(others or {}) do
		options[name] = value;
	end
	return options;
end

function support.verifier(others)
	return assert(xtoken.new_verifier(support.options(others)));
end

function support.minter(others)
	return assert(xtoken.new_minter(support.options(others)));
end

-- Waits for completions of a verifier; returns those that came first.
function support.completions(verifier)
	local deadline = os.time() + 10;
	repeat
		local completions = verifier:completions();
		if next(completions) then
			return completions;
		end
	until os.time() > deadline;
	error("no ticket was answered");
end

-- Calls what must raise; returns the message as text.
function support.raised_by(f, ...)
	local ok, message = pcall(f, ...);
	if ok then
		error("nothing was raised", 2);
	end
	return tostring(message);
end

-- A value of every type there is but string, each with a name; nil has no value.
function support.values()
	local values = {
		{ name = "nil" };
		{ name = "true", value = true };
		{ name = "false", value = false };
		{ name = "an integer", value = 12 };
		{ name = "a fraction", value = 1.5 };
		{ name = "a table", value = {} };
		{ name = "a function", value = function () end };
		{ name = "a C function", value = print };
		{ name = "a userdata", value = io.stdout };
		{ name = "a coroutine", value = coroutine.create(function () end) };
	};
	local has_ffi, ffi = pcall(require, "ffi");
	if has_ffi then
		table.insert(values, { name = "a cdata", value = ffi.new("int64_t", 12) });
	end
	if debug.upvalueid then
		local id = debug.upvalueid(support.options, 1);
		table.insert(values, { name = "a light userdata", value = id });
	end
	return values;
end

-- Runs a Lua script in an interpreter of its own; returns its exit status and what it printed.
-- `version` says for which Lua the module it may load is built. A signal is a status above 128.
function support.run(version, script)
	local file = os.tmpname();
	local handle = assert(io.open(file, "w"));
	handle:write(script);
	handle:close();
	local command = ("LUA_CPATH='%s/%s/?.so' %s %s 2>&1; status=$?; echo; echo $status")
		:format(support.modules, version, support.interpreter, file);
	local pipe = assert(io.popen(command));
	local output = pipe:read("*a");
	pipe:close();
	os.remove(file);
	local printed, status = output:match("^(.-)%s*\n(%d+)\n$");
	return tonumber(status), printed;
end

return support;
