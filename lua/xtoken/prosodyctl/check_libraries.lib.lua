-- Reports libraries of xtoken that are missing, or that Prosody finds in another folder.
--
--   check(report) -> whether all are there

local loader = require "core.modulemanager".loader;
local read = module:require "xtoken/prosodyctl/files".read;
local dir_sep = package.config:sub(1, 1);

local folder = module.path:match("^(.*)[/\\]");

-- Adds the libraries that a file requires, directly or not, to `names`.
local function collect(content, names)
	for name in content:gmatch("module:require \"([%w_/]+)\"") do
		if not names[name] then
			names[name] = true;
			table.insert(names, name);
			collect(read(folder..dir_sep..name..".lib.lua") or "", names);
		end
	end
	return names;
end

-- The Lua implementation has a library of the same name. And of a copy of xtoken that was removed,
-- the folder of libraries may be left.
local function check_library(report, name)
	local content, path = loader:load_resource(module.name, name);
	local ours = folder..dir_sep..name;
	if not content or not read(ours) then
		report.error("%s is missing in %s: install all files of one version of xtoken",
			name, folder);
		return false;
	elseif path ~= ours then
		report.error("%s is %s: name %s before that folder in plugin_paths", name, path, folder);
		return false;
	end
	return true;
end

local function check(report)
	local names = { "token_auth_utils" };
	for _, name in ipairs { "auth_token", "sasl_token" } do
		collect(read(folder..dir_sep.."mod_"..name..".lua") or "", names);
	end
	table.sort(names);
	for _, name in ipairs(names) do
		-- Of a whole copy that is in the way, or missing, one line is enough.
		if not check_library(report, name..".lib.lua") then
			return false;
		end
	end
	return true;
end

return { check = check };
