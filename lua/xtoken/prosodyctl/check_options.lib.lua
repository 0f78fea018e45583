-- Reports which options are set, with the values that can be shown, and which look like options of
-- xtoken but are not; also Prosody's options around a login that are neither true nor false.
--
--   check(report, context)
--       context: what hosts.visit returned

local known_options = module:require "xtoken/known_options";
local misspelt_options = module:require "xtoken/misspelt_options";
local sections = module:require "xtoken/prosodyctl/sections";

-- Options around a login that must be true or false. What is neither, Prosody reads as false.
local of_hosts = {
	"allow_registration", "allow_unencrypted_plain_auth", "c2s_require_encryption",
	"require_encryption",
};
local global = { "consider_bosh_secure", "consider_websocket_secure" };

local function check_booleans(report, context, names)
	for _, name in ipairs(names) do
		local is_set = context:get_option(name) ~= nil;
		if is_set and context:get_option_boolean(name) == nil then
			local place = sections.own(context.host, name) ~= nil and context.host ~= "*"
				and "below "..sections.name(context.host) or "in the global section";
			report.error("%s %s is neither true nor false: write one of them, without quotes",
				name, place);
		end
	end
end

local function check(report, context)
	check_booleans(report, context, of_hosts);
	check_booleans(report, context:context("*"), global);
	misspelt_options.warn(context.host, report.log);
	local shown = {};
	for _, name in ipairs(known_options.names_set(context.host)) do
		local value = known_options.shown(name, context:get_option(name));
		table.insert(shown, value and ("%s = %s"):format(name, value) or name);
	end
	report.ok("options set: %s", shown[1] and table.concat(shown, ", ") or "none");
end

return { check = check };
