-- Decides which users may log in, by their accounts and the option token_known_users.
--
--   new() -> users
--   users.follow(known_users, grants_end): sets the option, and the moment before which grants of
--       all users ended (nil if they did not)
--   users.keep_passwords(keeper): accounts are made by this module from now on, a provider of
--       xtoken/passwords | nil
--   users.has_everybody() -> whether everybody is a user, with or without an account
--   users.find(username) -> account | nil, error; if everybody is a user, a missing account is an
--       empty one
--   users.admit(username) -> true, nil, moment before which older grants ended | false, reason,
--       moment
--   users.would_admit(username) -> what `admit` would return; makes no account
--   users.readmit(username) -> the same, for a user who comes back without a token
--   users.grants_end_of(account) -> the moment before which grants of a user ended | nil

local accounts = module:require "xtoken/accounts";
local log = module._log;

local function new()
	local has_everybody, creates_accounts, grants_end, keeper;
	local users = {};

	function users.follow(known_users, new_grants_end)
		has_everybody, creates_accounts = known_users == "all", known_users == "seen";
		grants_end = new_grants_end;
	end

	function users.keep_passwords(new_keeper)
		keeper = new_keeper;
	end

	function users.has_everybody()
		return has_everybody;
	end

	function users.grants_end_of(account)
		local updated = account.updated;
		return grants_end and updated and math.max(grants_end, updated) or grants_end or updated;
	end

	function users.find(username)
		local account, err = accounts.get(username);
		if account or err or not has_everybody then
			return account, err;
		end
		return {};
	end

	local function find_or_create(username)
		local account, err = users.find(username);
		if account or err or not creates_accounts then
			return account, err;
		end
		account, err = accounts.create(username, keeper);
		if account then
			log("info", "%s has logged in to %s for the first time and has an account now",
				username, module.host);
		end
		return account, err;
	end

	local function find_or_pretend(username)
		local account, err = users.find(username);
		return account or not err and creates_accounts and {} or nil, err;
	end

	local function judge(username, find_account)
		-- A storage may also raise its errors, and the client would never get an answer.
		local called, account, err = pcall(find_account, username);
		if not called or err then
			log("error", "%s cannot log in to %s because the storage of accounts fails: %s",
				username, module.host, err or account);
			return false, "unavailable";
		end
		local reason = not account and "unknown-user"
			or account.disabled and "account-disabled" or nil;
		log("debug", "Account of %s: %s", username, reason or "admitted");
		return not reason, reason, account and users.grants_end_of(account);
	end

	-- Called after the token was spent. So a client without a token makes no work for the storage,
	-- and learns nothing about accounts.
	function users.admit(username)
		return judge(username, find_or_create);
	end

	function users.would_admit(username)
		return judge(username, find_or_pretend);
	end

	-- An account that is gone by now was deleted, so this makes no new one.
	function users.readmit(username)
		return judge(username, users.find);
	end

	return users;
end

return { new = new };
