-- Hosts as mod_auth_token would find them, for prosodyctl, where it is loaded on none.
--
--   list() -> the names of those with authentication = "token"
--   visit(host) -> what mod_auth_token has there: module, and the libraries utils, users, handlers,
--                  settings; raises an error that is for people when there is no native module

local config = require "core.configmanager";
local init_logger = require "util.logger".init;
local storagemanager = require "core.storagemanager";

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

return { list = list, visit = visit };
