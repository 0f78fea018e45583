-- Reports which modules Prosody finds, and in which folders.
--
--   check(report) -> whether the libraries of xtoken can be used

local lfs = require "lfs";
local loader = require "core.modulemanager".loader;
local check_libraries = module:require "xtoken/prosodyctl/check_libraries".check;
local read = module:require "xtoken/prosodyctl/files".read;
local dir_sep, path_sep = package.config:match("^(%S+)%s(%S+)");

local folder = module.path:match("^(.*)[/\\]");

local copy = "another copy of xtoken";

-- Marks of modules of the same name. The first one that is found says whose it is.
local marks = {
	{ "token/util", "Jitsi's, for JSON Web Tokens" };
	{ "jitsi", "Jitsi's, for JSON Web Tokens" };
	{ "xtoken", copy };
	{ "token_auth", "the Lua implementation" };
};

-- Returns whose module this is.
local function whose(content)
	for _, mark in ipairs(marks) do
		if content:lower():find(mark[1], 1, true) then
			return mark[2];
		end
	end
	return "which xtoken does not know";
end

-- Where Prosody looks for a module in each folder, in its order; {} is the name of the module. In
-- the last two places, LuaRocks installs modules.
local rocks = "share/lua/".._VERSION:match("%S+$");
local forms = {
	"mod_{}/{}/mod_{}.lua", "mod_{}/mod_{}.lua", "{}/mod_{}.lua", "mod_{}.lua",
	rocks.."/mod_{}.lua", rocks.."/mod_{}/mod_{}.lua",
};

-- Returns the files that Prosody may take for a module, in its order.
local function candidates(name)
	local paths = {};
	for place in prosody.paths.plugins:gmatch("[^"..path_sep.."]+") do
		place = place:gsub("[/\\]+$", "");
		for _, form in ipairs(forms) do
			local path = place.."/"..form:gsub("{}", name);
			table.insert(paths, (path:gsub("/", dir_sep)));
		end
	end
	return paths;
end

-- Returns whether two paths lead to one file, for instance through a symbolic link.
local function are_one_file(a, b)
	local of_a, of_b = lfs.attributes(a), lfs.attributes(b);
	return a == b or of_a and of_b and of_a.dev == of_b.dev and of_a.ino == of_b.ino;
end

-- Reports a module that Prosody does not load. An upgrade may go into the wrong copy of xtoken.
local function report_unused(report, path, owner)
	local say, advice = report.ok, "";
	if owner == copy then
		say, advice = report.warn, ": remove one of the two copies, and restart Prosody";
	end
	say("%s, %s, comes later in plugin_paths and is not used%s", path, owner, advice);
end

local function check_module(report, name)
	local content, path = loader:load_resource(name);
	local ours = folder..dir_sep.."mod_"..name..".lua";
	if not content and lfs.attributes(ours) then
		report.error("Prosody may not read %s (Permission denied): run chmod a+r on it", ours);
		return;
	elseif not content then
		report.error("mod_%s is in none of the folders that plugin_paths names: add %s",
			name, folder);
		return;
	elseif path ~= ours then
		report.error("mod_%s is %s, %s: name %s before that folder in plugin_paths",
			name, path, whose(content), folder);
		return;
	end
	report.ok("mod_%s is %s", name, path);
	for _, other in ipairs(candidates(name)) do
		local unused = not are_one_file(other, path) and read(other);
		if unused then
			report_unused(report, other, whose(unused));
		end
	end
end

local function check_native(report)
	local called, native = pcall(module.require, module, "xtoken/native");
	if not called then
		report.error("%s", native);
		return false;
	end
	report.ok("xtoken %s for %s is %s", native.version, _VERSION, native.path);
	return true;
end

local function check(report)
	check_module(report, "auth_token");
	check_module(report, "sasl_token");
	return check_libraries(report) and check_native(report);
end

return { check = check };
