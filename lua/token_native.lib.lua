-- The native module xtoken: beside the plugins if it lies there, else wherever `require` looks.
-- Its field `path` says where it was.

local function load_beside_plugins()
	local folder = module.path and module.path:match("^(.*)[/\\]") or ".";
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
	local native = open("xtoken");
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

if not package.loaded.xtoken then
	package.loaded.xtoken = load();
end

return package.loaded.xtoken;
