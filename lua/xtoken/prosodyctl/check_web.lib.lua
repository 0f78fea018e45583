-- Reports whether browsers are offered X-TOKEN, by WebSocket and BOSH. Often a proxy ends TLS in
-- front of Prosody, which then sees connections that are not encrypted.
--
--   check(report, context, modules)
--       context: what hosts.visit returned; modules: the set of modules of the host

local modulemanager = require "core.modulemanager";
local parse_cidr = require "util.ip".parse_cidr;
local has_port = module:require "xtoken/prosodyctl/ports".has;
local find_certificate = module:require "xtoken/prosodyctl/check_certificate".find;

local services = {
	{
		module = "websocket", title = "WebSocket", default_path = "/xmpp-websocket";
		consider_secure = "consider_websocket_secure", old = "cross_domain_websocket";
	};
	{
		module = "bosh", title = "BOSH", default_path = "/http-bind";
		consider_secure = "consider_bosh_secure", old = "cross_domain_bosh";
	};
};

local everywhere = "in the global section, above every VirtualHost";

-- Returns where browsers reach a service, as text.
local function place(context, service)
	local paths = context:get_option("http_paths");
	local path = type(paths) == "table" and paths[service.module] or service.default_path;
	local global = modulemanager.get_modules_for_host("*");
	if global:contains(service.module) then
		return ("at %s"):format(tostring(path));
	end
	-- Of the requests that a proxy passes on, Prosody answers those with this name in "Host:".
	return ("at %s of %s alone"):format(tostring(path),
		context:get_option_string("http_host", context.host));
end

local function check_proxies(report, global)
	for position, proxy in ipairs(global:get_option_array("trusted_proxies") or {}) do
		if type(proxy) ~= "string" or not parse_cidr(proxy) then
			report.warn("number %d of trusted_proxies is not an IP or a network like "
				.."\"192.0.2.0/24\", and has no effect", position);
		end
	end
end

local function check_service(report, context, service, is_required)
	local global = context:context("*");
	local where = place(context, service);
	if not has_port("http") and not has_port("https") then
		report.error("%s cannot be reached, because http_ports and https_ports are empty: "
			.."set http_ports = { 5280 } %s", service.title, everywhere);
	elseif not is_required or global:get_option_boolean(service.consider_secure) then
		report.ok("%s offers X-TOKEN %s", service.title, where);
	else
		local called, certificate, err = pcall(find_certificate, context.host);
		if called and certificate and not err and has_port("https") then
			report.ok("%s offers X-TOKEN %s by https; behind a proxy that ends TLS, set %s = true "
				.."%s", service.title, where, service.consider_secure, everywhere);
		else
			report.warn("%s offers X-TOKEN %s only to a proxy that is in trusted_proxies and sends "
				.."X-Forwarded-Proto: https. If a proxy ends TLS, set %s = true %s",
				service.title, where, service.consider_secure, everywhere);
		end
	end
	if global:get_option(service.old) ~= nil then
		report.warn("%s has no effect any more: take it out, or see http_cors_override",
			service.old);
	end
end

local function check(report, context, modules)
	local is_required = context:require "xtoken/encryption".is_required()
		or context:require "xtoken/encryption".is_required_of_clients();
	local has_any = false;
	for _, service in ipairs(services) do
		if modules:contains(service.module) then
			has_any = true;
			check_service(report, context, service, is_required);
		end
	end
	if has_any then
		check_proxies(report, context:context("*"));
	else
		report.ok("no WebSocket and no BOSH: for browsers, add \"websocket\" to modules_enabled");
	end
end

return { check = check };
