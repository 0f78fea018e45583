-- Answers Prosody about the accounts of this host: `prosodyctl adduser`, its shell, other modules.
--
--   new(users) -> the part of an authentication provider that is about accounts. It also answers
--       what xtoken/current_provider asks about them: readmit
--   provider.follow(passwords): this module has the passwords from now on: a provider of
--       xtoken/passwords | nil

local accounts = module:require "xtoken/accounts";
local fast = module:require "xtoken/fast";
local internals = module:require "xtoken/prosody_internals";
local passwords = module:require "xtoken/passwords";

local no_user = "No such user";
local no_passwords = "Passwords cannot be set: users log in with tokens of the web application. "
	.."For passwords beside them, set the option token_passwords.";
local like_a_token = "This has the shape of a token, so it cannot be a password: use another one.";

-- Returns why a text cannot be a password, or nil if it can.
local function flaw(password)
	return password == "" and "A password cannot be empty."
		or passwords.is_token(password) and like_a_token or nil;
end

local function new(users)
	local provider = {
		readmit = users.readmit;
	};
	-- The module that has the passwords, if there are any.
	local keeper;

	function provider.follow(new_keeper)
		keeper = new_keeper;
		users.keep_passwords(keeper);
	end

	function provider.user_exists(username)
		if keeper and prosody.process_type == "prosodyctl" then
			-- `prosodyctl adduser` makes an account for one of "all" users, too.
			return not not accounts.get(username);
		end
		return users.has_everybody() or not not accounts.get(username);
	end

	function provider.users()
		if users.has_everybody() and not keeper then
			return function ()
				return nil;
			end;
		end
		return accounts.names();
	end

	-- Prosody 13 creates a user without a password, and sets the password in a second call
	-- immediately after. If there are no passwords, it has no use. But an error would make the
	-- command report a failure, although the user was created.
	local without_password;

	local function note_without_password(username)
		without_password = username;
		module:add_timer(0, function ()
			without_password = nil;
		end);
	end

	local function create_account(username, password)
		local account, err = accounts.get(username);
		if account and password then
			-- `prosodyctl passwd` of Prosody 0.12. The account stays as it is, even disabled.
			return provider.set_password(username, password);
		elseif account or err then
			return nil, err or "The user exists";
		elseif password and flaw(password) then
			return nil, flaw(password);
		end
		if password == nil then
			note_without_password(username);
		end
		return keeper.create_user(username, password);
	end

	function provider.create_user(username, password)
		if keeper then
			return create_account(username, password);
		elseif users.has_everybody() then
			return nil, "Users cannot be created: the web application has them.";
		end
		local account, err = accounts.get(username);
		if account or err then
			-- Prosody 0.12 sets passwords like this.
			return nil, err or no_passwords;
		end
		account, err = accounts.create(username);
		if account and password == nil then
			note_without_password(username);
		end
		return account and true, err;
	end

	local function change(username, how)
		local account, err = users.find(username);
		if not account then
			return nil, err or no_user;
		end
		how(account);
		return accounts.set(username, account);
	end

	-- What was granted until now, for instance tokens of FAST, ends for good. The module notes the
	-- second of the change at most.
	local function change_password(username, password)
		local moment = fast.end_of_grants(username);
		local ok, err = keeper.set_password(username, password);
		if not ok then
			return nil, err;
		end
		return change(username, function (account)
			account.updated = moment;
		end);
	end

	local function set_password(username, password)
		if flaw(password) then
			return nil, flaw(password);
		elseif users.has_everybody() and not accounts.get(username) then
			return create_account(username, password);
		end
		return change_password(username, password);
	end

	function provider.set_password(username, password)
		if keeper then
			local ok, err = set_password(username, password);
			if not ok and username == without_password then
				-- Prosody 13 leaves it, disabled, and no token would let its user in.
				keeper.delete_user(username);
			end
			return ok, err;
		end
		if username ~= without_password then
			return nil, no_passwords;
		end
		without_password = nil;
		return true;
	end

	function provider.delete_user(username)
		if keeper then
			return keeper.delete_user(username);
		elseif users.has_everybody() then
			return nil, "Users cannot be deleted: the web application has them.";
		end
		return accounts.set(username, nil);
	end

	function provider.get_password(username)
		if not keeper or not keeper.get_password then
			return nil, "method not implemented";
		end
		return keeper.get_password(username);
	end

	function provider.get_account_info(username)
		local account, err = users.find(username);
		if not account then
			return nil, err or no_user;
		end
		return internals.account_info(account.created, users.grants_end_of(account),
			not account.disabled);
	end

	function provider.is_enabled(username)
		local info, err = provider.get_account_info(username);
		return info and info.enabled, err;
	end

	function provider.enable(username)
		return change(username, function (account)
			account.disabled, account.disabled_meta = nil, nil;
		end);
	end

	function provider.disable(username, meta)
		-- What was granted until now, for instance tokens of FAST, ends for good.
		local moment = fast.end_of_grants(username);
		return change(username, function (account)
			account.disabled, account.disabled_meta = true, meta;
			account.updated = moment;
		end);
	end

	return provider;
end

return { new = new };
