-- Reports whether the storage of accounts admits users.
--
--   check(report, context, options, modules)
--       context: what hosts.visit returned; options: those of xtoken; modules: the set of modules
--       of the host

local storagemanager = require "core.storagemanager";

local who_may = {
	all = "everybody with a valid token may log in";
	existing = "users that have an account may log in";
	seen = "everybody with a valid token may log in, and has an account from then on";
};

-- Returns true | nil, error
local function try(context)
	local found, _, name = pcall(storagemanager.get_driver, context.host, "accounts");
	if found and name == "null" then
		return nil, "the module of their storage cannot be loaded, as Prosody's log says";
	end
	local called, store, err = pcall(context.open_store, context, "accounts");
	if not called or not store then
		return nil, called and err or "the option storage or default_storage is wrong";
	end
	local read, account, read_err = pcall(store.get, store, "check");
	if not read or not account and read_err then
		return nil, read_err or "the storage raised an error, which the log has";
	end
	return true;
end

local function is_without_accounts(context)
	local called, names = pcall(function ()
		return context:open_store("accounts"):users();
	end);
	return called and type(names) == "function" and select(2, pcall(names)) == nil;
end

-- Of a user that is not stored, mod_storage_none has an account without content.
local function is_none(host)
	local called, _, name = pcall(storagemanager.get_driver, host, "accounts");
	return called and name == "none";
end

local function check_known_users(report, context, known_users)
	if is_none(context.host) then
		report.error("the storage of accounts is \"none\", so token_known_users = %q has no "
			.."effect: everybody with a valid token may log in. Name another one in the option "
			.."storage", known_users);
	elseif known_users == "existing" and is_without_accounts(context) then
		report.warn("nobody can log in yet, because no user has an account: make accounts with "
			.."prosodyctl adduser, or see token_known_users");
	end
end

-- In-band registration asks for no token.
local function check_registration(report, context, modules, known_users)
	local can_register = modules:contains("register") or modules:contains("register_ibr");
	if can_register and context:get_option_boolean("allow_registration", false) then
		if context:get_option("token_passwords") ~= nil then
			report.warn("allow_registration lets anybody take the name of a user of your web "
				.."application, with a password: take it out");
		elseif known_users == "existing" then
			report.warn("allow_registration lets anybody make an account, so token_known_users "
				.."keeps nobody out: take it out");
		end
	end
end

local function check(report, context, options, modules)
	report.ok("%s (token_known_users)", who_may[options.known_users]);
	local works, err = try(context);
	if not works then
		report.error("nobody can log in because accounts cannot be read: %s. "
			.."See the option storage", tostring(err));
		return;
	end
	if options.known_users ~= "all" then
		check_known_users(report, context, options.known_users);
	end
	check_registration(report, context, modules, options.known_users);
end

return { check = check };
