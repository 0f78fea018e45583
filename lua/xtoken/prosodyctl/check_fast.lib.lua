-- Reports which tokens of FAST (mod_sasl2_fast) have ended on a host.
--
--   check(report, context, modules, not_before)
--       context: what hosts.visit returned; modules: the names of those that the host loads
--       not_before: the option token_fast_not_before in Unix seconds

local datetime = require "util.datetime".datetime;

local function check(report, context, modules, not_before)
	if not not_before then
		if modules:contains("sasl2_fast") then
			report.ok("tokens of FAST can be renewed without end: "
				.."if a key leaks, set token_fast_not_before");
		end
		return;
	end
	local moment, err = context:require "xtoken/fast_not_before".stored(not_before);
	if moment then
		report.ok("tokens of FAST granted before %s have ended (token_fast_not_before)",
			datetime(math.floor(moment)));
	elseif err then
		report.error("cannot read which tokens of FAST have ended: %s", err);
	else
		report.ok("the next reload ends the tokens of FAST granted until then "
			.."(token_fast_not_before)");
	end
end

return { check = check };
