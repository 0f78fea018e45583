-- Finds hosts that have no tokens, but look as if they should.
--
--   check(report [, wanted]) -> whether it found that nobody can log in to a host
--       wanted: the only host to check

local config = require "core.configmanager";
local loader = require "core.modulemanager".loader;
local known_options = module:require "xtoken/known_options";
local sections = module:require "xtoken/prosodyctl/sections";
local distance = module:require "xtoken/distance".distance;

local function is_missing_module(name)
	return not loader:load_resource("auth_"..name);
end

-- Returns whether a value of the option authentication means "token", but is written otherwise.
local function is_misspelt(value)
	if type(value) ~= "string" then
		return value ~= nil;
	end
	local letters = value:lower():gsub("%A", "");
	return (letters:find("token", 1, true) or distance(letters, "token") <= 2)
		and is_missing_module(value);
end

-- Returns the names of our options in the section of this host, as text.
local function own_options(host)
	local found = {};
	for _, name in ipairs(known_options.names_set(host)) do
		if sections.own(host, name) ~= nil then
			table.insert(found, name);
		end
	end
	return found[1] and table.concat(found, ", ");
end

local function check_component(report, host)
	local found = sections.own(host, "authentication") == "token" and "authentication"
		or own_options(host);
	if found then
		report.warn("nobody logs in to a Component, so this has no effect below %s: %s. "
			.."Move it below the VirtualHost of your users", sections.name(host), found);
	end
end

local function enables_module(host)
	for _, section in ipairs { host, "*" } do
		local enabled = sections.own(section, "modules_enabled");
		for _, name in ipairs(type(enabled) == "table" and enabled or {}) do
			if name == "auth_token" then
				return true;
			end
		end
	end
	return false;
end

local function check_host(report, host)
	local authentication = config.get(host, "authentication");
	if is_misspelt(authentication) then
		report.error("nobody can log in to %s, because Prosody has no such authentication: "
			.."set authentication = \"token\" %s", host,
			sections.own(host, "authentication") == nil and "in the global section"
				or "below "..sections.name(host));
		return true;
	elseif enables_module(host) then
		report.error("nobody can log in to %s with a token, because \"auth_token\" in "
			.."modules_enabled is not enough: set authentication = \"token\" below %s", host,
			sections.name(host));
		return true;
	elseif own_options(host) then
		report.warn("authentication of %s is not \"token\", so this has no effect below it: %s",
			sections.name(host), own_options(host));
	end
	return false;
end

local function check(report, wanted)
	local has_error = false;
	for _, host in sections.each() do
		local is_wanted = (not wanted or wanted == host) and sections.is_enabled(host);
		if is_wanted and sections.is_component(host) then
			check_component(report, host);
		elseif is_wanted and config.get(host, "authentication") ~= "token" then
			has_error = check_host(report, host) or has_error;
		end
	end
	return has_error;
end

return { check = check };
