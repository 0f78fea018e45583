-- Reads and writes the accounts that Prosody keeps for this host.
--
-- They are in the store "accounts", where mod_auth_internal_hashed keeps passwords. So a user who
-- had a password on this host has an account, and keeps the password: the rest of an entry is left
-- alone.
--
--   get(username) -> account | nil, error; both nil if there is none
--   set(username, account) -> true | nil, error; removes the account if `account` is nil
--   create(username [, keeper]) -> account | nil, error
--       keeper: the module that has the passwords, a provider of xtoken/passwords
--   names() -> an iterator over the users that have an account

local store = module:open_store("accounts");

-- Returns whether an entry has the shape of an account. Another program may have written it.
local function is_account(entry)
	return type(entry) == "table" and (entry.updated == nil or type(entry.updated) == "number");
end

local function get(username)
	local account, err = store:get(username);
	if account and not is_account(account) then
		return nil, "the entry is not an account";
	end
	return account, err;
end

local function set(username, account)
	return store:set(username, account);
end

-- Prosody 13 disables an account that it makes without a password, and mod_auth_internal_plain of
-- 0.12 raises an error. If the storage fails, it fails again below.
local function create(username, keeper)
	if keeper then
		pcall(keeper.create_user, username, nil);
	end
	local account, err = get(username);
	if err then
		return nil, err;
	end
	account = account or {};
	account.created, account.disabled = account.created or os.time(), nil;
	local ok;
	ok, err = set(username, account);
	if not ok then
		return nil, err or "cannot be written";
	end
	return account;
end

local function names()
	return store:users();
end

return { get = get, set = set, create = create, names = names };
