-- prosodyctl mod_auth_token check [host]

local hosts = module:require "token_hosts";
local new_report = module:require "token_report".new;
local check_plugins = module:require "token_check_plugins";

local function is_among(host, names)
	for _, name in ipairs(names) do
		if name == host then
			return true;
		end
	end
	return false;
end

return function (words)
	local report = new_report();
	report.title("Modules");
	local can_verify = check_plugins(report);
	local names = hosts.list();
	local wanted = words[1];
	if wanted and not is_among(wanted, names) then
		report.error("authentication is not \"token\" for that host, but for: %s",
			names[1] and table.concat(names, ", ") or "no host");
		names = {};
	elseif #names == 0 then
		report.error("no host has tokens: set authentication = \"token\" below a VirtualHost");
	end
	local check_host = can_verify and module:require "token_check_host";
	for _, host in ipairs(names) do
		if check_host and (not wanted or host == wanted) then
			report.title(host);
			local called, err = pcall(check_host, report, host);
			if not called then
				report.error("the rest cannot be checked: %s", err);
			end
		end
	end
	return report.status();
end;
