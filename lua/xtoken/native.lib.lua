-- Loads the native module xtoken: the file beside the modules if there is one, else the one that
-- LuaRocks installed with them, else what `require` finds.
--
-- Returns the native module, with its file in the field `path`.

local problem_of_elf = module:require "xtoken/elf".problem;

-- The version of the interface that these libraries expect, INTERFACE in src/lua.rs.
local interface = 3;

-- The folder of this copy of xtoken. Not that of `module`, which may be a module of somebody else
-- that requires token_auth_utils.
local folder = debug.getinfo(1, "S").source:match("^@(.*)[/\\]xtoken[/\\]") or ".";
-- Where LuaRocks puts native modules. Prosody has its folder of Lua files in package.path, but not
-- this one in package.cpath.
local rocks_folder, is_rock = folder:gsub("/share/(lua/5%.%d)$", "/lib/%1");

local function load_from(place)
	local path = place.."/xtoken.so";
	local file, open_err = io.open(path, "rb");
	if not file then
		return nil, path..": "..(open_err:find "Permission denied"
			and "Permission denied: run chmod a+r on it, and a+rx on its folder" or "no such file");
	end
	file:close();
	local problem = problem_of_elf(path);
	if problem then
		return nil, path.." "..problem;
	end
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
	local native, load_err = load_from(folder);
	if not native and is_rock == 1 then
		native, load_err = load_from(rocks_folder);
	end
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
	-- The message lists all places that were searched, which is too long for the error.
	module:log("debug", "%s", native_or_err);
	error(("The native module xtoken cannot be loaded (%s; nor is it in package.cpath). "
		.."Put the xtoken.so that was built for %s and this machine there")
		:format(load_err, _VERSION), 0);
end

local native = package.loaded.xtoken or load();

-- Compared before any call: in another version a function may be missing or different.
if native.interface ~= interface then
	error(("%s and the Lua files in %s are of different versions of xtoken. Install both from one "
		.."version, then restart Prosody: a running one keeps the xtoken.so that it has loaded")
		:format(native.path or "xtoken.so", folder), 0);
end

package.loaded.xtoken = native;

return native;
