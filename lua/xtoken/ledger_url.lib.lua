-- Reads the URL of this host's ledger from the options token_ledger, token_ledger_timeout and
-- token_ledger_password.
--
--   read() -> url | nil, problem, option
--       option: which to set, without its prefix
--   identity(url) -> what says which ledger it is: the URL without what may change

local config = require "core.configmanager";
local resolve_relative_path = require "util.paths".resolve_relative_path;
local is_error = require "util.error".is_error;
local without_line_break = module:require "xtoken/secret_text".without_line_break;

-- Returns a text without one line break at its end: Credential() and FileContents() leave it there.
-- Where Credential() cannot read, in prosodyctl, it leaves an error, which get_option hides.
local function read_text(option, expected)
	local value = module:get_option(option);
	local raw = (config.getconfig()[module.host] or {})[option];
	if value == nil and is_error(raw) then
		return nil, ("%s cannot be read: %s"):format(option, raw.text);
	elseif value == nil then
		return nil;
	elseif type(value) ~= "string" then
		return nil, option.." must be "..expected;
	end
	return without_line_break(value);
end

local function with_parameter(url, name, value)
	local separator = url:find("?", 1, true) and "&" or "?";
	return url..separator..name.."="..value;
end

local function percent_encode(text)
	return (text:gsub("%W", function (character)
		return ("%%%02X"):format(character:byte());
	end));
end

local function has_password(url)
	local login = url:match("^[^/]*//([^/?]*)@") or "";
	return login:find(":.") or url:find("[?&]pass=.") or url:find("[?&]password_file=");
end

local function with_timeout(url)
	local timeout = module:get_option("token_ledger_timeout");
	if timeout == nil then
		return url;
	elseif type(timeout) ~= "number" or not (timeout >= 0.01 and timeout <= 60) then
		return nil, "token_ledger_timeout must be a number of seconds, 0.01 to 60",
			"ledger_timeout";
	end
	return with_parameter(url, "timeout", ("%d"):format(math.floor(timeout * 1000)));
end

local function with_password(url)
	local password, problem = read_text("token_ledger_password", "a string in quotes");
	if problem then
		return nil, problem, "ledger_password";
	elseif not password then
		return url;
	elseif password == "" then
		return nil, "token_ledger_password is empty", "ledger_password";
	elseif has_password(url) then
		return nil, "token_ledger has a password, too: "
			.."leave out that one or token_ledger_password", "ledger_password";
	end
	return with_parameter(url, "pass", percent_encode(password));
end

local function read()
	local value, problem = read_text("token_ledger", "a string in quotes");
	if problem then
		return nil, problem, "ledger";
	elseif not value then
		value = "token_ledger.sqlite";
	end
	if value == "memory" then
		return "memory:";
	elseif value:sub(1, 1) == ":" then
		-- To SQLite, ":memory:" is not the name of a file.
		return nil, "token_ledger is not the path of a file: "
			.."for a ledger in memory, set it to \"memory\"", "ledger";
	elseif not value:find("^%a[%w+.-]*:") then
		return "sqlite:"..resolve_relative_path(prosody.paths.data, value);
	elseif not value:find("^[%a+]+://") then
		return value;
	end
	local url, option;
	url, problem, option = with_password(value);
	if not url then
		return nil, problem, option;
	end
	return with_timeout(url);
end

-- The parameters that do not say which ledger it is: how to reach it, and for how long to wait.
local may_change = {
	timeout = true, user = true, pass = true, password_file = true,
	ca_file = true, cert_file = true, key_file = true,
};

local function identity(url)
	if url:find("^sqlite:") then
		return url;
	end
	local place, query = url:gsub("^([^/]*//)[^/?]*@", "%1"):match("^([^?]*)%??(.*)$");
	local kept = {};
	for parameter in query:gmatch("[^&]+") do
		if not may_change[parameter:match("^[^=]*")] then
			table.insert(kept, parameter);
		end
	end
	table.sort(kept);
	return place.."?"..table.concat(kept, "&");
end

return { read = read, identity = identity };
