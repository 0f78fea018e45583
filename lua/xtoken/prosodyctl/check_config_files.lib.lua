-- Reports what Prosody does not say about its configuration files: values without quotes, and files
-- that only root can read.
--
--   check(report, wanted) -> whether it found why a host has no tokens
--       wanted: the only host to check | nil

local config = require "core.configmanager";
local lfs = require "lfs";
local pposix = require "util.pposix";
local known_options = module:require "xtoken/known_options";
local unquoted_values = module:require "xtoken/unquoted_values";

-- prosodyctl reads the configuration as root, and then becomes the user of the server.
local function check_readable(report)
	local user = config.get("*", "prosody_user") or "prosody";
	local group = config.get("*", "prosody_group") or user;
	if pposix.getuid() == 0 and config.get("*", "run_as_root") ~= true then
		report.warn("this runs as root, who can read more than Prosody: run it without --root, "
			.."to see which files Prosody's user %s cannot read", user);
		return;
	end
	local seen = {};
	for _, path in ipairs(config.files()) do
		local folder = path:match("^(.*)/") or ".";
		if not seen[folder] and lfs.attributes(folder.."/.") and not pcall(lfs.dir, folder) then
			report.error("Prosody's user %s cannot list the folder %s, so Prosody does not start: "
				.."run chgrp %s and chmod g+rx on it", user, folder, group);
		end
		local file, err = io.open(path);
		if file then
			file:close();
		elseif not seen[path] then
			report.error("Prosody's user %s cannot read %s (%s), so Prosody does not start: "
				.."run chown root:%s and chmod 640 on it", user, path,
				err:match(": ([^:]*)$") or err, group);
		end
		seen[folder], seen[path] = true, true;
	end
end

-- Only reports what the check of a host does not: options of xtoken are part of that, where there
-- are tokens.
local function check_unquoted(report, wanted)
	local explains = false;
	for _, found in ipairs(unquoted_values.find()) do
		local has_tokens = config.get(found.section, "authentication") == "token";
		local is_ours = known_options.exists(found.option) and has_tokens and found.section ~= "*";
		local is_authentication = found.option == "authentication";
		if not is_ours and (not wanted or found.section == "*" or found.section == wanted) then
			explains = explains or is_authentication;
			(is_authentication and report.error or report.warn)("%s%s: write it in quotes, except "
				.."numbers, true and false", unquoted_values.describe(found), is_authentication
				and " and passwords are asked for" or "");
		end
	end
	return explains;
end

local function check(report, wanted)
	check_readable(report);
	return check_unquoted(report, wanted);
end

return { check = check };
