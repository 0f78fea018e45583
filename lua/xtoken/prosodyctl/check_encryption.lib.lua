-- Reports on which connections X-TOKEN is offered, and whether clients can encrypt there.
--
--   check(report, context, options, modules)
--       context: what hosts.visit returned; options: those of xtoken; modules: the set of modules
--       of the host

local has_port = module:require "xtoken/prosodyctl/ports".has;
local check_certificate = module:require "xtoken/prosodyctl/check_certificate".check;

local function names(options)
	local has_plain = options.mechanisms.PLAIN or options.passwords;
	return has_plain and "X-TOKEN and PLAIN are" or "X-TOKEN is";
end

-- Returns which options to take out, so that tokens are offered on encrypted connections only.
local function causes(context)
	local cause = context:get_option("insecure_sasl_mechanisms") ~= nil
		and "insecure_sasl_mechanisms" or "allow_unencrypted_plain_auth";
	local other = context:get_option("c2s_require_encryption") ~= nil
		and "c2s_require_encryption" or "require_encryption";
	return cause.." and "..other.." = false";
end

local function check_tls(report, context, modules)
	-- With WebSocket or BOSH, the certificate may be that of a proxy: check_web looks at those.
	local has_web = modules:contains("websocket") or modules:contains("bosh");
	local say = has_web and report.ok or report.error;
	if modules:contains("tls") or has_port("c2s_direct_tls") then
		check_certificate(report, context.host, say);
		return;
	end
	local is_disabled =
		context:get_option_inherited_set("modules_disabled", {}):contains("tls");
	say("\"tls\" is %s, clients cannot encrypt without it, so X-TOKEN is not offered",
		is_disabled and "in modules_disabled: take it out" or "not in modules_enabled: add it");
end

local function check(report, context, options, modules)
	local encryption = context:require "xtoken/encryption";
	if encryption.is_required() then
		report.ok("%s offered on encrypted connections only", names(options));
	elseif encryption.is_required_of_clients() then
		report.ok("%s offered on encrypted connections only, by c2s_require_encryption",
			names(options));
	else
		report.warn("%s offered on unencrypted connections too, where anybody can read a token: "
			.."take out %s", names(options), causes(context));
		return;
	end
	check_tls(report, context, modules);
end

return { check = check };
