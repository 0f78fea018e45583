-- Finds hosts with tokens that were added to the configuration since Prosody started. A reload does
-- not start them, and Prosody says nothing.
--
--   warn(log): logs each of them. If several hosts ask, only one does

local config = require "core.configmanager";

local function has_tokens(host)
	return host ~= "*" and not config.get(host, "component_module")
		and config.get(host, "enabled") ~= false and config.get(host, "authentication") == "token";
end

local function warn(log)
	local new = {};
	for host in pairs(config.getconfig()) do
		local is_served = prosody.hosts[host];
		if has_tokens(host) and not is_served then
			table.insert(new, host);
		elseif has_tokens(host) and is_served and host < module.host then
			return;
		end
	end
	table.sort(new);
	for _, host in ipairs(new) do
		log("warn", "%s is new in the configuration and not served yet: restart Prosody", host);
	end
end

return { warn = warn };
