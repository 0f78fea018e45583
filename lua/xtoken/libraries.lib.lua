-- Lets `module:require` run each file of xtoken once, and say in one sentence which file is
-- missing, cannot be read, is incomplete or of another version. Prosody's own runs a file at each
-- call. Each garbage collection visits all those copies, and it is most of what a login costs.
-- Prosody's message has a stack trace, and names the last file that it tried.
--
--   watch(): from now on, module:require does so for this module
--   fail(sentence): raises the sentence as an error, without a stack trace

local lfs = require "lfs";
local loader = require "core.modulemanager".loader;

local folder = debug.getinfo(1, "S").source:match("^@(.*)[/\\]xtoken[/\\]") or ".";

local advice = "Install all files of xtoken again, from one version and readable for Prosody's "
	.."user, and restart Prosody";

-- Raises an error that is not a string: modulemanager would append a traceback to that, as if the
-- module were wrong. prosodyctl concatenates it.
local function fail(sentence)
	local function say(before)
		return type(before) == "string" and before..sentence or sentence;
	end
	error(setmetatable({}, { __tostring = say, __concat = say }), 0);
end

local function refuse(text, ...)
	fail(text:format(...)..". "..advice);
end

-- Says why the loader has found no file that it can use.
local function refuse_file(name, err)
	local path = ("%s/%s.lib.lua"):format(folder, name);
	local file, open_err = io.open(path);
	if file then
		file:close();
		refuse("%s is damaged (%s)", path, err);
	elseif lfs.attributes(path) or open_err:find "Permission denied" then
		refuse("Prosody may not read %s (Permission denied)", path);
	end
	refuse("%s is missing", path);
end

-- Returns whether a file ends in the middle of a line, so that its last word may be half of one.
local function is_cut(name)
	local file = io.open(("%s/%s.lib.lua"):format(folder, name));
	-- Nothing is the last byte of an empty file.
	local last = file and file:seek("end", -1) and file:read(1) or "\n";
	if file then
		file:close();
	end
	return last ~= "\n";
end

-- Lets a library name a function that it should have, but has not.
local function make_strict(library, name)
	return setmetatable(library, {
		__index = function (_, field)
			refuse("%s/%s.lib.lua is of another version: it has no %s", folder, name, field);
		end;
	});
end

local function watch()
	-- By module, or by its context of a host, which has an environment of its own.
	local loaded = setmetatable({}, { __mode = "k" });
	rawset(module, "require", function (self, name)
		local libraries = loaded[self] or {};
		loaded[self] = libraries;
		if libraries[name] then
			return libraries[name];
		end
		local run, err = loader:load_code_ext(self.name, name, "lib.lua", self.environment);
		if not run then
			refuse_file(name, err);
		end
		local library = not is_cut(name) and run();
		if type(library) ~= "table" then
			refuse("%s/%s.lib.lua is empty or incomplete", folder, name);
		elseif library == prosody.xtoken or library == package.loaded.xtoken then
			return library;
		end
		libraries[name] = make_strict(library, name);
		return library;
	end);
end

return { watch = watch, fail = fail };
