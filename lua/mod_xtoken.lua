-- Provides the commands of mod_auth_token under a name that no other module has, so that they work
-- even if Prosody finds another mod_auth_token first: prosodyctl mod_xtoken check

local has_libraries, libraries = pcall(module.require, module, "xtoken/libraries");
if not has_libraries or not libraries then
	local function say(before)
		return (type(before) == "string" and before or "").."Prosody cannot read the libraries in "
			.."the folder xtoken beside "..module.path..": install all files again, readable for "
			.."Prosody's user (chmod -R a+rX)";
	end
	error(setmetatable({}, { __tostring = say, __concat = say }));
end
libraries.watch();

if module.host == "*" then
	module.command = module:require "xtoken/prosodyctl/commands".run;
end
