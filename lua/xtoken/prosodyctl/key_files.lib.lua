-- Writes a new key into two files that only root can write and only Prosody can read.
--
--   write(folder, otp_seed, token_secret) -> { otp_seed = …, token_secret = … }: their paths
--       | nil, problem
--       folder: from the folder where the command was typed; it is made if it does not exist
--
-- Either both files are there afterwards, or neither. A file that exists is not replaced.

local lfs = require "lfs";
local pposix = require "util.pposix";
local new_id = require "util.uuid".generate;
local resolve_relative_path = require "util.paths".resolve_relative_path;

local group = module:require "xtoken/secret_files".group();
local no_group = ("the files cannot be given to the group %s: is there one?"):format(group);

local function quote(path)
	return "'"..path:gsub("'", "'\\''").."'";
end

-- Gives what root has made to the group that Prosody runs as. Another user cannot, and Prosody's
-- own user need not.
local function give(...)
	if pposix.getuid() ~= 0 then
		return true;
	end
	local words = { "chown", quote("root:"..group) };
	for _, path in ipairs { ... } do
		table.insert(words, quote(path));
	end
	local done = os.execute(table.concat(words, " "));
	return done == true or done == 0;
end

local function write_file(path, content)
	local file, err = io.open(path, "wb");
	if not file then
		return nil, err;
	end
	local written, write_err = file:write(content, "\n");
	local closed, close_err = file:close();
	return written and closed, write_err or close_err;
end

local names = { "otp_seed", "token_secret" };

-- Links both files to their places: unlike a rename, a link replaces nothing.
local function link(from, to)
	for position, name in ipairs(names) do
		local linked, err = lfs.link(from..name, to..name);
		if not linked then
			for earlier = 1, position - 1 do
				os.remove(to..names[earlier]);
			end
			return nil, ("%s%s: %s"):format(to, name, err);
		end
	end
	return true;
end

local function write_both(staging, folder, contents)
	for _, name in ipairs(names) do
		local written, err = write_file(staging..name, contents[name]);
		if not written then
			return nil, err;
		end
	end
	if not give(staging..names[1], staging..names[2]) then
		return nil, no_group;
	end
	return link(staging, folder);
end

local function remove(staging)
	for _, name in ipairs(names) do
		os.remove(staging..name);
	end
	lfs.rmdir(staging);
end

local function write_into(folder, contents)
	local is_new, new_err = lfs.mkdir(folder);
	-- The files are made in here, so that nobody sees one that is not complete.
	local staging = ("%s.%s/"):format(folder, new_id());
	local made, err = lfs.mkdir(staging);
	if not made then
		return nil, ("%s: %s"):format(folder, lfs.attributes(folder) and err or new_err);
	end
	local written, problem = not is_new or give(folder), no_group;
	if written then
		written, problem = write_both(staging, folder, contents);
	end
	remove(staging);
	if not written and is_new then
		lfs.rmdir(folder);
	end
	return written, problem;
end

local function write(folder, otp_seed, token_secret)
	-- prosodyctl has changed into Prosody's data folder since.
	folder = resolve_relative_path(os.getenv "PWD" or ".", folder):gsub("/*$", "/");
	-- Files get the mode 640, folders 750.
	local umask = pposix.umask("027");
	local written, problem = write_into(folder,
		{ otp_seed = otp_seed, token_secret = token_secret });
	pposix.umask(umask);
	if not written then
		return nil, problem;
	end
	return { otp_seed = folder.."otp_seed", token_secret = folder.."token_secret" };
end

return { write = write };
