-- Authenticates users with one-time tokens that a web application mints and xtoken verifies.

local has_libraries, libraries = pcall(module.require, module, "xtoken/libraries");
if not has_libraries or not libraries then
	local function say(before)
		return (type(before) == "string" and before or "").."Prosody cannot read the libraries in "
			.."the folder xtoken beside "..module.path..": install all files again, readable for "
			.."Prosody's user (chmod -R a+rX)";
	end
	error(setmetatable({}, { __tostring = say, __concat = say }));
end
libraries.watch();

if module.host == "*" then
	-- prosodyctl loads the module here, only for the commands "prosodyctl mod_auth_token …".
	module.command = module:require "xtoken/prosodyctl/commands".run;
	return;
end

-- This comes first, because the guard must be there even if something below fails.
module:require "xtoken/guard".install();

local host = module.host;
local log = module._log;

local function refuse_to_load(problem, advice)
	log("error", "Nobody can log in to %s: %s%s", host, problem, advice);
	libraries.fail(host..": "..problem);
end

local has_native, native = pcall(module.require, module, "xtoken/native");
if not has_native then
	refuse_to_load(native, "");
end

local encryption_advice = module:require "xtoken/encryption_advice";
local explain = module:require "xtoken/explain".explain;
local fast_not_before = module:require "xtoken/fast_not_before";
local keys_in_force = module:require "xtoken/keys".in_force;
local ledger_watch = module:require "xtoken/ledger_watch".new();
local misspelt_options = module:require "xtoken/misspelt_options";
local new_hosts = module:require "xtoken/new_hosts";
local options = module:require "xtoken/options";
local password_logins = module:require "xtoken/password_logins";
local passwords = module:require "xtoken/passwords";
local refusals = module:require "xtoken/refusals";
local reload_errors = module:require "xtoken/reload_errors";
local shell = module:require "xtoken/shell";
local verifiers = module:require "xtoken/verifier";
local warnings = module:require "xtoken/warnings";

-- Warns of misspelt options first: they may be why something is missing.
local function read_options()
	misspelt_options.warn(host, log);
	local read, problem, advice = options.read();
	if read and read.passwords then
		read.password_provider, problem = passwords.load(read.passwords);
		if not read.password_provider then
			return nil, problem, "Look for the reason above, and in the option modules_disabled";
		end
	end
	return read, problem, advice;
end

local current, problem, advice = read_options();
if not current then
	refuse_to_load(problem, (". %s, then restart Prosody, or reload its configuration and say in "
		.."its shell: module:load(%q, %q)"):format(advice, module.name, host));
end

local monitor = module:require "xtoken/monitor".new();
local users = module:require "xtoken/users".new();
local provider = module:require "xtoken/provider".new(users);
local logins = module:require "xtoken/logins".new(provider, users, monitor);

local function show_keys()
	return keys_in_force(current.keys, os.time());
end

local function use(new_options)
	if new_options ~= current then
		verifiers.retire(current.verifier);
	end
	current = new_options;
	logins.follow(current);
	monitor.follow(current.keys);
	users.follow(current.known_users, fast_not_before.follow(current.fast_not_before));
	provider.follow(current.password_provider);
	warnings.warn(current, log);
	ledger_watch.follow(current);
	reload_errors.clear();
	log("info", "%s", show_keys());
end

if module:get_option("authentication") == "token" then
	log("info", "Tokens of %s are verified by xtoken %s", host, native.version);
else
	log("warn", "Nobody can log in to %s with a token, because %q in modules_enabled is not "
		.."enough: set authentication = \"token\" below VirtualHost %q", host, module.name, host);
end
use(current);

-- Hooks come last: they stay if the module then fails to load.
module:depends("sasl_token");
password_logins.follow(function ()
	return current.passwords;
end);
module:provides("auth", provider);

-- Reloading the configuration is enough for other keys. If it has an error, nothing changes.
module:hook_global("config-reloaded", function ()
	new_hosts.warn(log);
	local new_options, new_problem, new_advice = read_options();
	if new_options then
		use(new_options);
	else
		reload_errors.note(new_problem, new_advice);
	end
end);
module:hook_global("config-reloaded", reload_errors.raise, -10000);

local day = 24 * 60 * 60;
local reminder = module:add_timer(day, function ()
	warnings.warn_of_end(current, log);
	return day;
end);

module:hook_global("stats-update", function ()
	monitor.sample(current.verifier.ledger);
end);

-- After mod_tls and mod_saslauth.
module:hook("stream-features", encryption_advice.new(log), -1000);
refusals.follow(module);

local withdraw_commands = shell.offer {
	explain = function (...)
		return explain(current.verifier, users, ...);
	end;
	keys = function ()
		local err = reload_errors.get();
		return show_keys()..(err and ". "..err or "");
	end;
};

function module.unload()
	-- What outlives the module would keep it in memory, and with it the keys.
	verifiers.retire(current.verifier);
	reminder:stop();
	ledger_watch.stop();
	withdraw_commands();
	reload_errors.clear();
	monitor.save();
end
module:hook_global("server-stopping", monitor.save);
-- If a module is loaded while Prosody unloads those of a host, for instance a storage, Prosody may
-- fail halfway.
module:hook_global("host-deactivating", function (event)
	if event.host == host then
		monitor.save();
	end
end);
