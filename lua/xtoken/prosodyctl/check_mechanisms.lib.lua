-- Reports which mechanisms a host offers to whom, and options that keep some from being offered.
--
--   check(report, context, options)
--       context: what hosts.visit returned; options: what hosts.read returned

local function count_accounts(context)
	local called, count = pcall(function ()
		local count = 0;
		for _ in context:open_store("accounts"):users() do
			count = count + 1;
		end
		return count;
	end);
	return called and count or "unknown";
end

-- What the module of the passwords offers, beside PLAIN.
local scrams = {
	internal_hashed = function (context)
		return "SCRAM-"..context:get_option_string("password_hash", "SHA-1");
	end;
	internal_plain = function ()
		return "SCRAM-SHA-1, SCRAM-SHA-256";
	end;
};

local function check_offered(report, context, options)
	report.ok("to users of the web application: X-TOKEN%s, with a token",
		options.mechanisms.PLAIN and " and PLAIN (token_allow_plain)" or "");
	if not options.passwords then
		return;
	end
	report.ok("to users who have a password: %s and PLAIN, by mod_auth_%s (token_passwords); "
		.."accounts, with a password or without: %s",
		scrams[options.passwords](context), options.passwords, count_accounts(context));
	if context:get_option_inherited_set("modules_disabled", {})
		:contains("auth_"..options.passwords) then
		report.error("nobody can log in: \"auth_%s\" is in modules_disabled, take it out",
			options.passwords);
	end
end

local function check_withheld(report, context, options)
	local disabled = context:get_option_set("disable_sasl_mechanisms", {});
	local has_plain = options.mechanisms.PLAIN and not disabled:contains("PLAIN");
	if disabled:contains("X-TOKEN") then
		local say = has_plain and report.warn or report.error;
		say("disable_sasl_mechanisms has \"X-TOKEN\", so it is not offered: take it out there");
	end
	if options.mechanisms.PLAIN and not has_plain then
		report.warn("disable_sasl_mechanisms has \"PLAIN\", so token_allow_plain has no effect: "
			.."take one of them out");
	end
	if context:get_option("sasl_mechanisms") ~= nil then
		report.warn("sasl_mechanisms is not an option of Prosody and has no effect: "
			.."take it out, or see disable_sasl_mechanisms");
	end
end

local function check(report, context, options)
	check_offered(report, context, options);
	check_withheld(report, context, options);
end

return { check = check };
