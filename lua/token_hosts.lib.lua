-- Hosts as mod_auth_token would find them, for prosodyctl, where it is loaded on none.
--
--   list() -> the names of those with authentication = "token"
--   visit(host) -> what mod_auth_token has there: module, and the libraries utils, users, handlers,
--                  settings
--   read(visited [, utils]) -> what is set there | nil, what is wrong and what to do, what is wrong

local config = require "core.configmanager";
local init_logger = require "util.logger".init;
local storagemanager = require "core.storagemanager";
local is_error = require "util.error".is_error;

local function list()
	local hosts = {};
	for host in pairs(config.getconfig()) do
		local is_virtual = host ~= "*" and not config.get(host, "component_module");
		if is_virtual and config.get(host, "enabled") ~= false and config.get(host, "authentication") == "token" then
			table.insert(hosts, host);
		end
	end
	table.sort(hosts);
	return hosts;
end

local function visit(host)
	storagemanager.initialize_host(host);
	local context = module:context(host);
	-- Not by assignment, which goes to the module itself.
	rawset(context, "_log", init_logger(host..":"..module.name));
	rawset(context, "environment", setmetatable({ module = context }, { __index = module.environment }));
	return {
		module = context;
		utils = context:require "token_auth_utils";
		users = context:require "token_users";
		handlers = context:require "token_handler";
		settings = context:require "token_settings";
	};
end

-- Credential() leaves an error in place of a value where it cannot read.
local function lacks_credential(value)
	if is_error(value) then
		return true;
	elseif type(value) ~= "table" then
		return false;
	end
	for _, part in pairs(value) do
		if lacks_credential(part) then
			return true;
		end
	end
	return false;
end

local no_credentials = " Credential() needs what systemd gives to the server: set CREDENTIALS_DIRECTORY "
	.."for prosodyctl, to /run/credentials/prosody.service for instance";

local function read(visited, utils)
	local settings, problem, advice = visited.settings.read(utils or visited.utils, visited.users, visited.handlers);
	if settings then
		return settings;
	end
	local options = config.getconfig()[visited.module.host];
	local hint = (lacks_credential(options.otp_seed) or lacks_credential(options.token_secret)
		or lacks_credential(options.token_keys)) and no_credentials or "";
	return nil, ("%s. %s.%s"):format(problem, advice, hint), problem;
end

return { list = list, visit = visit, read = read };
