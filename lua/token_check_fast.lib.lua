-- What becomes of the tokens of FAST (mod_sasl2_fast) of a host.
--
-- Returns check(report, context, modules, not_before), with the module of the host

local datetime = require "util.datetime".datetime;

return function (report, context, modules, not_before)
	if not not_before then
		if modules:contains("sasl2_fast") then
			report.ok("tokens of FAST renew themselves without end: if a key leaks, set token_fast_not_before too");
		end
		return;
	end
	local moment, err = context:require "token_grants".stored(not_before);
	if moment then
		report.ok("tokens of FAST granted before %s have ended (token_fast_not_before)", datetime(moment));
	elseif err then
		report.error("it is unknown which tokens of FAST have ended, since the storage fails: %s", err);
	else
		report.ok("tokens of FAST granted until Prosody is reloaded will end then (token_fast_not_before)");
	end
end;
