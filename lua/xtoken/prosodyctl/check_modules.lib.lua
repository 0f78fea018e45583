-- Reports which modules of Prosody a host lacks, and which it does not use.
--
--   check(report, context) -> the set of modules of the host | nil if there is none
--       context: what hosts.visit returned

local modulemanager = require "core.modulemanager";
local loader = modulemanager.loader;
local nearest = module:require "xtoken/distance".nearest;
local has_port = module:require "xtoken/prosodyctl/ports".has;

-- Prosody raises an error for a list that is none.
local function are_lists(report, context)
	local are = true;
	for _, name in ipairs { "modules_enabled", "modules_disabled" } do
		for _, section in ipairs { context, context:context("*") } do
			local value = section:get_option(name);
			if are and value ~= nil and type(value) ~= "table" then
				are = false;
				report.error("%s must be a list: %s = { \"…\" }", name, name);
			end
		end
	end
	return are;
end

local function check_needed(report, modules, disabled)
	local web = modules:contains("websocket") or modules:contains("bosh");
	if disabled:contains("sasl_token") then
		report.error("\"sasl_token\" is in modules_disabled: take it out, "
			.."nobody can log in without it");
	end
	if not modules:contains("saslauth") then
		local say = modules:contains("sasl2") and report.warn or report.error;
		say("\"saslauth\" is %s, nobody can log in without it%s",
			disabled:contains("saslauth") and "in modules_disabled: take it out"
				or "not in modules_enabled: add it",
			modules:contains("sasl2") and ", except by SASL2" or "");
	end
	if disabled:contains("c2s") then
		report.error("\"c2s\" is in modules_disabled: take it out, clients cannot connect without "
			.."it%s", web and ", by WebSocket or BOSH either" or "");
	end
	if not web and not has_port("c2s") and not has_port("c2s_direct_tls") then
		report.error("c2s_ports is empty, so clients cannot connect: set c2s_ports = { 5222 } "
			.."above every VirtualHost");
	end
	if web and disabled:contains("http") then
		report.error("\"http\" is in modules_disabled: take it out, clients cannot connect by "
			.."WebSocket or BOSH without it");
	end
end

local function check_useless(report, modules)
	if modules:contains("auth_token") then
		report.warn("\"auth_token\" is in modules_enabled: take it out, "
			.."authentication = \"token\" loads it");
	end
	if modules:contains("sasl_token") then
		report.ok("\"sasl_token\" in modules_enabled is not needed: "
			.."authentication = \"token\" loads it");
	end
	local others = {};
	for name in modules do
		if type(name) == "string" and name:find("^auth_") and name ~= "auth_token" then
			table.insert(others, name);
		end
	end
	table.sort(others);
	for _, name in ipairs(others) do
		report.warn("%q in modules_enabled does not authenticate anybody, because authentication "
			.."is \"token\": take it out", name);
	end
end

-- The modules that decide whether clients can log in.
local needed = { "bosh", "http", "sasl2", "saslauth", "tls", "websocket" };

-- Prosody starts without a module that is misspelt, and only its log says so.
local function check_found(report, modules, disabled)
	local missing = {};
	for name in modules do
		local is_missing = type(name) == "string" and not disabled:contains(name)
			and not loader:load_resource(name);
		if is_missing and (name:match("^mod_(.+)$") or nearest(name, needed)) then
			table.insert(missing, name);
		end
	end
	table.sort(missing);
	for _, name in ipairs(missing) do
		report.warn("Prosody does not find the module %q of modules_enabled: write %q", name,
			name:match("^mod_(.+)$") or nearest(name, needed));
	end
end

local function check(report, context)
	if not are_lists(report, context) then
		return nil;
	end
	local modules = modulemanager.get_modules_for_host(context.host);
	local disabled = context:get_option_inherited_set("modules_disabled", {});
	check_needed(report, modules, disabled);
	check_useless(report, modules);
	check_found(report, modules, disabled);
	return modules;
end

return { check = check };
