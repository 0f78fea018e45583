-- Provides the SASL mechanism X-TOKEN: a one-time token in the shape of PLAIN (RFC 4616).
--
-- The whole server has one mechanism, which knows no host. The authentication provider of the
-- session decides about a token, through self.profile:
--
--   token(self, username, token, realm) -> correct, state [, condition]
--       state: false if the account is disabled; condition: what to answer instead of
--       not-authorized
--   requires_encryption: true if the connection is not encrypted but must be

local s_find, s_sub = string.find, string.sub;
local nodeprep = require "util.encodings".stringprep.nodeprep;
local jid_prep = require "util.jid".prep;
local register_mechanism = require "util.sasl".registerMechanism;
local prepare_username = module:require "xtoken/usernames".prepare;

-- Three fields of at most 1,023 bytes (RFC 4616) and what separates them.
local max_field_length = 1023;
local max_message_length = 3 * max_field_length + 2;

-- Returns authzid, authcid and token, which two NULs separate; nil for any other message. Plain
-- searches read each byte once.
local function split(message)
	local first = s_find(message, "\0", 1, true);
	local second = first and s_find(message, "\0", first + 1, true);
	if not second or s_find(message, "\0", second + 1, true) then
		return nil;
	end
	return s_sub(message, 1, first - 1), s_sub(message, first + 1, second - 1),
		s_sub(message, second + 1);
end

local function prepare(self, username)
	local profile_nodeprep = self.profile.nodeprep;
	return prepare_username(username, profile_nodeprep == nil and nodeprep or profile_nodeprep);
end

-- Returns whether an authzid is empty or means the user: nobody acts for anybody else.
local function is_own(self, authzid, username)
	return authzid == "" or jid_prep(authzid) == username.."@"..self.realm
		or prepare(self, authzid) == username;
end

local function token_auth(self, message)
	-- Older versions of mod_sasl2 use a handler again after a failure.
	self.username, self.xtoken_refused_name = nil, nil;
	if self.profile.requires_encryption then
		return "failure", "encryption-required";
	end
	if not message then
		return "failure", "malformed-request";
	elseif #message > max_message_length then
		local first = s_find(message, "\0", 1, true);
		local name = first and s_sub(message, first + 1, first + max_field_length + 1) or "";
		if #name > max_field_length and not s_find(name, "\0", 1, true) then
			self.xtoken_reason, self.xtoken_refused_name = "name-too-long", name;
		end
		return "failure", "malformed-request";
	end

	local authzid, authcid, token = split(message);
	if not authzid or token == "" then
		return "failure", "malformed-request";
	end

	local username, reason = prepare(self, authcid);
	if not username then
		self.xtoken_reason, self.xtoken_refused_name = reason, authcid;
		return "failure", "malformed-request", "Invalid username.";
	end
	self.username = username;

	-- Checked before the token, so that a mistake here does not spend it.
	if not is_own(self, authzid, username) then
		return "failure", "invalid-authzid";
	end

	local correct, state, condition = self.profile.token(self, username, token, self.realm);
	if state == false then
		return "failure", "account-disabled";
	elseif not correct or not state then
		return "failure", condition or "not-authorized", "The token or password was not accepted.";
	end
	return "success";
end

register_mechanism("X-TOKEN", { "token" }, token_auth);

-- The guard is needed even if mod_auth_token cannot be loaded at all.
if module:get_option_string("authentication") == "token" then
	module:require "xtoken/guard".install();
end
