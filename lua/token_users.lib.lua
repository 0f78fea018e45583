-- Who may log in, and the accounts that Prosody keeps.
--
-- The store "accounts" knows a user when it has an entry under the name. It is where
-- mod_auth_internal_hashed keeps passwords, so who had one on this host is known, and as the rest of
-- an entry is left alone, keeps it.
--
--   read() -> the value of token_known_users | nil, problem, option
--   follow(value, moment): uses them from now on; what was granted before `moment` has ended
--   would_admit(username) -> as provider.admit, but makes no account
--   provider: the part of an authentication provider that is about accounts, and
--       admit(username) -> true, nil, when older grants ended | false, reason, the same
--       readmit(username) -> the same, for a user who comes back without a token
--       moment() -> when older grants of everybody ended

local fast = module:require "token_fast";
local log = module._log;
local accounts = module:open_store("accounts");
local no_user = "No such user";
local no_passwords = "Passwords cannot be set: users log in with tokens of the web application.";

local everybody, at_first_login, moment;

local function read()
	local value = module:get_option("token_known_users", "all");
	if value ~= "all" and value ~= "existing" and value ~= "seen" then
		return nil, "token_known_users is none of \"all\", \"existing\" and \"seen\"", "known_users";
	end
	return value;
end

local function follow(value, new_moment)
	everybody, at_first_login, moment = value == "all", value == "seen", new_moment;
end

-- Returns when grants of older logins ended, in Unix seconds, if they did. Prosody takes that for a
-- change of the password.
local function grants_ended(account)
	local updated = account.updated;
	return moment and updated and math.max(moment, updated) or moment or updated;
end

-- Whether an entry has the shape of an account. Another program may have written it.
local function is_account(entry)
	return type(entry) == "table" and (entry.updated == nil or type(entry.updated) == "number");
end

-- The account of a user, which is empty where everybody is one; nil for nobody; nil and an error.
local function find(username)
	local account, err = accounts:get(username);
	if account and not is_account(account) then
		return nil, "the entry is no account";
	end
	if account or err or not everybody then
		return account, err;
	end
	return {};
end

local function create(username)
	local account = { created = os.time() };
	local ok, err = accounts:set(username, account);
	if not ok then
		return nil, err or "cannot be written";
	end
	return account;
end

local function find_or_create(username)
	local account, err = find(username);
	if account or err or not at_first_login then
		return account, err;
	end
	account, err = create(username);
	if account then
		log("info", "%s has an account on %s from now on, the first login", username, module.host);
	end
	return account, err;
end

local function judge(username, find_account)
	-- A storage may also raise its errors, and a client would wait for an answer in vain.
	local called, account, err = pcall(find_account, username);
	if not called or err then
		log("error", "%s cannot log in to %s, since the storage of accounts fails: %s",
			username, module.host, err or account);
		return false, "unavailable";
	end
	local reason = not account and "unknown-user" or account.disabled and "account-disabled" or nil;
	log("debug", "Account of %s: %s", username, reason or "admitted");
	return not reason, reason, account and grants_ended(account);
end

-- Whether a user whose token is good may log in: true, or false and the reason. The token has been
-- spent by then: who has none makes no work for the storage, and learns nothing about accounts.
local function admit(username)
	return judge(username, find_or_create);
end

-- What admit would answer, without making an account.
local function would_admit(username)
	return judge(username, function ()
		local account, err = find(username);
		return account or not err and at_first_login and {} or nil, err;
	end);
end

-- As admit, but makes no account: an account that is gone by now was deleted.
local function readmit(username)
	return judge(username, find);
end

local function grants_moment()
	return moment;
end

-- Questions and commands about accounts: those of Prosody, of which 0.12 knows only some, and those
-- of token_guard.
local provider = { admit = admit, readmit = readmit, moment = grants_moment };

function provider.user_exists(username)
	return everybody or not not accounts:get(username);
end

function provider.users()
	if everybody then
		return function ()
			return nil;
		end;
	end
	return accounts:users();
end

-- Prosody 13 creates a user without a password and sets it in a second call, at once. There is no use
-- for it, but to refuse it would make a failure of what was done.
local without_password;

function provider.create_user(username, password)
	if everybody then
		return nil, "Users cannot be created: the web application has them.";
	end
	local account, err = accounts:get(username);
	if account or err then
		-- Prosody 0.12 sets the passwords of its users like this.
		return nil, err or no_passwords;
	end
	account, err = create(username);
	if account and password == nil then
		without_password = username;
		module:add_timer(0, function ()
			without_password = nil;
		end);
	end
	return account and true, err;
end

function provider.set_password(username)
	if username ~= without_password then
		return nil, no_passwords;
	end
	without_password = nil;
	return true;
end

function provider.delete_user(username)
	if everybody then
		return nil, "Users cannot be deleted: the web application has them.";
	end
	return accounts:set(username, nil);
end

function provider.get_account_info(username)
	local account, err = find(username);
	if not account then
		return nil, err or no_user;
	end
	return {
		created = account.created;
		password_updated = grants_ended(account);
		enabled = not account.disabled;
	};
end

function provider.is_enabled(username)
	local info, err = provider.get_account_info(username);
	return info and info.enabled, err;
end

local function change(username, how)
	local account, err = find(username);
	if not account then
		return nil, err or no_user;
	end
	how(account);
	return accounts:set(username, account);
end

function provider.enable(username)
	return change(username, function (account)
		account.disabled, account.disabled_meta = nil, nil;
	end);
end

function provider.disable(username, meta)
	fast.end_future(username);
	return change(username, function (account)
		account.disabled, account.disabled_meta = true, meta;
		-- What was granted until now, by mod_sasl2_fast for instance, ends for good: also in the second
		-- that has begun, as they count its parts.
		account.updated = os.time() + 1;
	end);
end

return {
	read = read;
	follow = follow;
	would_admit = would_admit;
	provider = provider;
};
