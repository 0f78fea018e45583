-- The native module xtoken: beside the plugins if it lies there, else wherever `require` looks.
-- Its field `path` says where it was.

-- The version of the interface that the Lua files here expect: INTERFACE in src/lua.rs is the same.
local interface = 1;

local folder = module.path and module.path:match("^(.*)[/\\]") or ".";

local function load_beside_plugins()
	local path = folder.."/xtoken.so";
	local file = io.open(path, "rb");
	if not file then
		return nil, path..": no such file";
	end
	file:close();
	local open, err = package.loadlib(path, "luaopen_xtoken");
	if not open then
		return nil, err;
	end
	local opened, native = pcall(open, "xtoken");
	if not opened then
		-- It was built for another Lua.
		return nil, ("%s: %s"):format(path, native);
	end
	native.path = path;
	return native;
end

local function load()
	local native, beside_err = load_beside_plugins();
	if native then
		return native;
	end
	local ok, native_or_err = pcall(require, "xtoken");
	if ok then
		-- Lua 5.1 has no such function.
		local search = rawget(package, "searchpath");
		native_or_err.path = search and search("xtoken", package.cpath) or "package.cpath";
		return native_or_err;
	end
	-- The list of all places that were searched is for the debug log.
	module:log("debug", "%s", native_or_err);
	error(("The native module xtoken cannot be loaded (%s; nor is it in package.cpath). "
		.."Put the xtoken.so that was built for %s there"):format(beside_err, _VERSION), 0);
end

local native = package.loaded.xtoken or load();

-- Compared before any call: another version may lack a function, or have it changed.
if native.interface ~= interface then
	error(("%s and the Lua files in %s are of different versions of xtoken. Install both from one "
		.."version, then restart Prosody: a running one keeps the xtoken.so that it has loaded")
		:format(native.path or "xtoken.so", folder), 0);
end

package.loaded.xtoken = native;

return native;
