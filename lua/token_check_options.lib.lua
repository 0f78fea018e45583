-- Which options are set, secrets apart; and which begin like ours and are none.
--
-- Returns check(report, context), with the module of a host

local config = require "core.configmanager";

-- Those that may hold a secret are false.
local can_be_shown = {
	otp_seed = false; otp_seed_file = true;
	token_secret = false; token_secret_file = true;
	token_keys = false;
	token_ledger = false; token_ledger_timeout = true;
	token_nonce_length = true; token_nonce_policy = true;
	token_deviation = true; token_known_users = true; token_allow_plain = true;
	-- Has no effect any more, as token_settings says.
	token_expired_limit = true;
};

local function names_set(host)
	local names = {};
	for _, section in ipairs { "*", host } do
		for name in pairs(config.getconfig()[section]) do
			if can_be_shown[name] ~= nil or name:find("^token_") then
				names[name] = true;
			end
		end
	end
	return names;
end

return function (report, context)
	local shown = {};
	for name in pairs(names_set(context.host)) do
		if can_be_shown[name] == nil then
			report.warn("%s is no option of xtoken: look whether it is misspelt", name);
		elseif can_be_shown[name] then
			table.insert(shown, ("%s = %s"):format(name, tostring(context:get_option(name))));
		else
			table.insert(shown, name);
		end
	end
	table.sort(shown);
	report.ok("options set: %s", shown[1] and table.concat(shown, ", ") or "none");
end;
