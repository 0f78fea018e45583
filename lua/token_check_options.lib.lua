-- Reports which options are set, with the values that can be shown; and which names look like
-- options of xtoken but are not.
--
-- Returns check(report, context), with the module of a host

local options = module:require "token_options";

return function (report, context)
	options.warn_of_unknown(context.host, report.log);
	local shown = {};
	for _, name in ipairs(options.names_set(context.host)) do
		local value = options.shown(name, context:get_option(name));
		table.insert(shown, value and ("%s = %s"):format(name, value) or name);
	end
	report.ok("options set: %s", shown[1] and table.concat(shown, ", ") or "none");
end;
