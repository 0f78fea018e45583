-- Reads files that have nothing but a secret in them.
--
--   read(name) -> content, file | nil, problem [, path]
--       name: a path from the folder of the configuration
--       content: without one line break at the end
--       file: { path = …, warning = what should not stay as it is, or nil }
--       path: if the path is right and the file must be corrected
--   group() -> the group of the user that Prosody runs as
--
-- A file that others can write is refused. One that others can read is not: a container often has
-- its secrets with the mode 444 and cannot change that.

local lfs = require "lfs";
local config = require "core.configmanager";
local resolve_relative_path = require "util.paths".resolve_relative_path;
local without_line_break = module:require "xtoken/secret_text".without_line_break;

local function group()
	return config.get("*", "prosody_group") or config.get("*", "prosody_user") or "prosody";
end

-- Returns the first folder on the way to a path that Prosody may not enter, symbolic links
-- included.
local function closed_folder(path, links)
	for position in path:gmatch("()/") do
		local folder = path:sub(1, position);
		if not lfs.attributes(folder..".") then
			local link = #folder > 1 and folder:sub(1, -2) or folder;
			return links > 0 and lfs.symlinkattributes(link, "mode") == "link"
				and closed_folder(resolve_relative_path(link:match("^.*/") or ".",
					lfs.symlinkattributes(link, "target")).."/", links - 1) or link;
		end
	end
	if links > 0 and lfs.symlinkattributes(path, "mode") == "link" then
		return closed_folder(resolve_relative_path(path:match("^.*/") or ".",
			lfs.symlinkattributes(path, "target")), links - 1);
	end
end

-- Does not show the name: it may be the secret itself, written here by mistake. The name of
-- something that exists is not a secret.
local function not_found(path, err)
	local closed = err:find "Permission denied" and closed_folder(path, 8);
	if closed then
		return ("Prosody may not enter the folder %s (Permission denied): run chgrp %s and "
			.."chmod g+x on it, or put the file into %s"):format(closed, group(),
			prosody.paths.config or "another folder");
	end
	local folder = path:match("^(.*)/") or ".";
	local exists = lfs.attributes(folder, "mode") == "directory";
	return ("the file cannot be found%s (%s)"):format(
		exists and " in "..folder or "", err:match(": ([^:]*)$"));
end

local function may_not_read(path, err)
	if err:find "Permission denied" then
		return ("Prosody may not read %s (Permission denied): run chown root:%s and chmod 640 "
			.."on it"):format(path, group());
	end
	return err;
end

-- Returns a warning if others can read the file, nil and a problem if they can write it. Does not
-- look at the folder: LuaFileSystem does not show the sticky bit, and in Kubernetes everybody can
-- write the folder of a secret but for that bit.
local function check_permissions(path, permissions)
	local advice = ("run chown root:%s and chmod 640 on it"):format(group());
	if permissions:sub(5, 5) == "w" or permissions:sub(8, 8) == "w" then
		return nil, ("others can write %s, so they can exchange the secret: %s")
			:format(path, advice);
	elseif permissions:sub(7, 7) == "r" then
		return ("others can read %s: %s, unless only Prosody is in this container")
			:format(path, advice);
	end
	return false;
end

local function read(name)
	if name:find("\0", 1, true) then
		-- The part before the NUL could be the path of another file.
		return nil, "the path of the file has a NUL byte";
	end
	if name:find("^~") then
		return nil, "Prosody does not know what ~ is: write the path from / on";
	end
	local path = resolve_relative_path(prosody.paths.config or ".", name);
	local attributes, err = lfs.attributes(path);
	if not attributes then
		return nil, not_found(path, err);
	elseif attributes.mode ~= "file" then
		return nil, ("%s is a %s, not a file"):format(path, attributes.mode);
	end
	local warning, problem = check_permissions(path, attributes.permissions);
	if problem then
		return nil, problem, path;
	end
	local file;
	file, err = io.open(path, "rb");
	if not file then
		return nil, may_not_read(path, err), path;
	end
	local content;
	content, err = file:read("*a");
	file:close();
	if not content then
		return nil, ("%s: %s"):format(path, err), path;
	end
	content = without_line_break(content);
	if content == "" then
		return nil, path.." is empty", path;
	end
	return content, { path = path, warning = warning or nil };
end

return { read = read, group = group };
