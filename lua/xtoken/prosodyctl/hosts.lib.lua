-- Gives the commands of prosodyctl each host as mod_auth_token sees it in the server. (prosodyctl
-- itself loads mod_auth_token on no host.)
--
--   list() -> the names of the hosts with authentication = "token"
--   visit(host) -> context: the module of the host; context:require loads libraries for this host
--   read(context [, new_verifier]) -> options, as options.read of the host returns them | nil, what
--       is wrong and what to do, only what is wrong

local config = require "core.configmanager";
local init_logger = require "util.logger".init;
local storagemanager = require "core.storagemanager";
local is_error = require "util.error".is_error;
local sections = module:require "xtoken/prosodyctl/sections";

local function list()
	local hosts = {};
	for _, host in sections.each() do
		if sections.is_enabled(host) and not sections.is_component(host)
		and config.get(host, "authentication") == "token" then
			table.insert(hosts, host);
		end
	end
	return hosts;
end

local function visit(host)
	storagemanager.initialize_host(host);
	local context = module:context(host);
	-- Not by assignment, which goes to the module itself.
	rawset(context, "_log", init_logger(host..":"..module.name));
	rawset(context, "environment",
		setmetatable({ module = context }, { __index = module.environment }));
	return context;
end

-- Credential() leaves an error in the place of a value that it cannot read.
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

local no_credentials = " Credential() needs what systemd gives to the server: set "
	.."CREDENTIALS_DIRECTORY for prosodyctl, to /run/credentials/prosody.service for instance";

local function read(context, new_verifier)
	local options, problem, advice = context:require "xtoken/options".read(new_verifier);
	if options then
		return options;
	end
	local values = config.getconfig()[context.host];
	local hint = (lacks_credential(values.otp_seed) or lacks_credential(values.token_secret)
		or lacks_credential(values.token_keys)) and no_credentials or "";
	return nil, ("%s. %s.%s"):format(problem, advice, hint), problem;
end

return { list = list, visit = visit, read = read };
