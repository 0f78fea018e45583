-- Warns of options below a VirtualHost or Component that Prosody reads in the global section alone.
--
--   check(report)

local config = require "core.configmanager";
local sections = module:require "xtoken/prosodyctl/sections";

-- Those that decide whether clients find Prosody, and can log in there.
local global_options = {
	plugin_paths = "name its folders in the line above every VirtualHost";
};
for _, name in ipairs {
	"certificates", "interfaces", "local_interfaces", "tls_profile",
	"consider_bosh_secure", "consider_websocket_secure", "trusted_proxies",
	"http_default_host", "http_cors_override", "access_control_allow_origins",
} do
	global_options[name] = "move it above every VirtualHost";
end
for _, service in ipairs { "c2s", "c2s_direct_tls", "legacy_ssl", "http", "https" } do
	for _, suffix in ipairs { "_ports", "_port", "_interfaces", "_interface" } do
		global_options[service..suffix] = "move it above every VirtualHost";
	end
end

local function check(report)
	for _, host in sections.each() do
		local found = {};
		for name in pairs(global_options) do
			local value = sections.own(host, name);
			if value ~= nil and value ~= config.get("*", name) then
				table.insert(found, name);
			end
		end
		table.sort(found);
		for _, name in ipairs(found) do
			report.warn("%s below %s is ignored: %s", name, sections.name(host),
				global_options[name]);
		end
	end
end

return { check = check };
