-- Reads the sections of Prosody's configuration: the global one, and one for each VirtualHost and
-- Component.
--
--   each() -> an iterator over the names of hosts and components, sorted
--   name(host) -> what the configuration calls the section, for instance VirtualHost "example.com"
--   is_component(host), is_enabled(host) -> whether it is
--   own(host, option) -> the value of an option in that section alone

local config = require "core.configmanager";

local function each()
	local names = {};
	for host in pairs(config.getconfig()) do
		if host ~= "*" then
			table.insert(names, host);
		end
	end
	table.sort(names);
	return ipairs(names);
end

local function is_component(host)
	return config.rawget(host, "component_module") ~= nil;
end

local function is_enabled(host)
	return config.rawget(host, "enabled") ~= false;
end

local function name(host)
	return ("%s %q"):format(is_component(host) and "Component" or "VirtualHost", host);
end

return {
	each = each;
	name = name;
	is_component = is_component;
	is_enabled = is_enabled;
	own = config.rawget;
};
