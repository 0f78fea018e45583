-- Tells which services of Prosody listen on a port.
--
--   has(service) -> whether it does: "c2s", "c2s_direct_tls", "http" or "https"

-- Prosody opens no port for direct TLS by itself.
local has_default = { c2s = true, http = true, https = true };

-- Options of these names do the same.
local names = { c2s_direct_tls = { "c2s_direct_tls_ports", "legacy_ssl_ports" } };

local function has(service)
	local global = module:context("*");
	for _, name in ipairs(names[service] or { service.."_ports" }) do
		local ports = global:get_option_array(name);
		if ports and ports[1] ~= nil or not ports and has_default[service] then
			return true;
		end
	end
	return false;
end

return { has = has };
