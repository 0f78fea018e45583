-- Where used tokens are remembered, by the options token_ledger and token_ledger_timeout.
--
-- Returns ledger_url(get_option, data) -> url | nil, problem
--     data: Prosody's data folder, where a path begins

local resolve_relative_path = require "util.paths".resolve_relative_path;

-- "memory", the path of a file, or a URL; that of a server with the deadline.
local function ledger_url(get_option, data)
	local value = get_option("token_ledger");
	local timeout = get_option("token_ledger_timeout");
	if value == nil then
		value = "token_ledger.sqlite";
	end
	if type(value) ~= "string" then
		return nil, "token_ledger must be a string in quotes";
	elseif value == "memory" then
		return "memory:";
	elseif not value:find("^%a[%w+.-]*:") then
		return "sqlite:"..resolve_relative_path(data, value);
	elseif not timeout or not value:find("^[%a+]+://") then
		return value;
	elseif type(timeout) ~= "number" or not (timeout >= 0.01 and timeout <= 60) then
		return nil, "token_ledger_timeout must be a number of seconds, 0.01 to 60";
	end
	return ("%s%stimeout=%d"):format(value, value:find("?", 1, true) and "&" or "?", math.floor(timeout * 1000));
end

return ledger_url;
