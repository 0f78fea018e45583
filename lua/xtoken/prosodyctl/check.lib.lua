-- Looks for what is wrong with the configuration: prosodyctl mod_auth_token check [host]
--
--   run(words) -> exit status

local find_host = module:require "xtoken/prosodyctl/wanted_host".find;
local hosts = module:require "xtoken/prosodyctl/hosts";
local new_report = module:require "xtoken/prosodyctl/report".new;

-- Runs a part of the check. It must not end the others, whatever is in the configuration.
local function try(report, library, ...)
	local called, result = pcall(function (...)
		return module:require("xtoken/prosodyctl/"..library).check(report, ...);
	end, ...);
	if not called then
		report.error("the rest cannot be checked: %s", tostring(result));
	end
	return called and result;
end

-- Returns the names of the hosts to check. Reports that there is none only if nothing says why.
local function find_hosts(report, text)
	local names, wanted, problem = hosts.list();
	if text then
		local host, other;
		host, problem, other = find_host(text);
		names, wanted = { host }, host or other or text;
	elseif #names == 0 then
		problem = "no host has tokens: set authentication = \"token\" below a VirtualHost";
	end
	local is_without_quotes = try(report, "check_config_files", wanted);
	local is_explained = try(report, "check_authentication", wanted);
	if problem and not (is_without_quotes or is_explained) then
		report.error("%s", problem);
	end
	return names;
end

local function run(words)
	-- Prosody's own lines, which go to the same place, would be between those of the report.
	require "util.logger".reset();
	local report = new_report();
	report.title("Modules");
	local can_verify = try(report, "check_plugins");
	report.title("Server");
	try(report, "check_clock");
	try(report, "check_places");
	local names = find_hosts(report, words[1]);
	for _, host in ipairs(can_verify and names or {}) do
		report.title(host);
		try(report, "check_host", host);
	end
	return report.status();
end

return { run = run };
