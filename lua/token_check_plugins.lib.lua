-- Which modules Prosody finds, and where.
--
-- Returns check(report) -> whether the libraries beside this one can be used

local config = require "core.configmanager";
local loader = require "core.modulemanager".loader;
local dir_sep, path_sep = package.config:match("^(%S+)%s(%S+)");

local folder = module.path:match("^(.*)[/\\]");

-- Modules of the same name. The first mark that is found says whose one is.
local marks = {
	{ "token/util", "Jitsi's, for JSON Web Tokens" };
	{ "jitsi", "Jitsi's, for JSON Web Tokens" };
	{ "token_native", "another copy of xtoken" };
	{ "token_auth", "the Lua implementation" };
};

local function whose(content)
	for _, mark in ipairs(marks) do
		if content:lower():find(mark[1], 1, true) then
			return mark[2];
		end
	end
	return "neither xtoken's nor one known to it";
end

local function read(path)
	local file = io.open(path);
	local content = file and file:read("*a");
	return file and file:close() and content;
end

-- All files that Prosody may take for a module, in its order.
local function candidates(name)
	local paths = {};
	for place in prosody.paths.plugins:gmatch("[^"..path_sep.."]+") do
		place = place:gsub("[/\\]+$", "");
		for _, form in ipairs { "%s/mod_%s/mod_%s.lua", "%s/mod_%s.lua" } do
			table.insert(paths, (form:gsub("/", dir_sep):format(place, name, name)));
		end
	end
	return paths;
end

local function check_module(report, name)
	local content, path = loader:load_resource(name);
	local ours = folder..dir_sep.."mod_"..name..".lua";
	if not content then
		report.error("mod_%s is in none of the folders that plugin_paths names: add %s", name, folder);
		return;
	elseif path ~= ours then
		report.error("mod_%s is %s, %s: name %s before that folder in plugin_paths", name, path, whose(content), folder);
		return;
	end
	report.ok("mod_%s is %s", name, path);
	for _, other in ipairs(candidates(name)) do
		local unused = other ~= path and read(other);
		if unused then
			report.ok("%s, %s, comes later in plugin_paths and is not used", other, whose(unused));
		end
	end
end

local function check_native(report)
	local called, native = pcall(module.require, module, "token_native");
	if not called then
		report.error("%s", native);
		return false;
	end
	report.ok("xtoken %s for %s is %s", native.version, _VERSION, native.path);
	return true;
end

-- Those of the Lua implementation have the same name.
local function check_library(report, name)
	local _, path = loader:load_resource(module.name, name);
	local ours = folder..dir_sep..name;
	if path ~= ours then
		report.error("%s is %s: name %s before that folder in plugin_paths", name, path, folder);
	end
	return path == ours;
end

-- Warns of a plugin_paths that Prosody does not read, because it is not above all hosts.
local function check_places(report)
	for host, options in pairs(config.getconfig()) do
		if host ~= "*" and rawget(options, "plugin_paths") ~= nil then
			report.warn("plugin_paths below VirtualHost %q is ignored: "
				.."name its folders in the line above every VirtualHost", host);
		end
	end
end

return function (report)
	check_places(report);
	check_module(report, "auth_token");
	check_module(report, "sasl_token");
	return check_library(report, "token_auth_utils.lib.lua") and check_native(report);
end;
