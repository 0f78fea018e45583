-- X-TOKEN: the SASL mechanism that carries a one-time token, in the shape of PLAIN (RFC 4616).
--
-- The mechanism is one for the whole server and knows no host. What a token is worth is decided by
-- the authentication provider of the session, through self.profile:
--
--   token(self, username, token, realm) -> correct, state [, condition]
--       state false: the account is disabled; condition: what to answer instead of not-authorized
--   requires_encryption: true where PLAIN would be refused for want of it

local s_find, s_sub = string.find, string.sub;
local stringprep = require "util.encodings".stringprep;
local saslprep, nodeprep = stringprep.saslprep, stringprep.nodeprep;
local jid_prep = require "util.jid".prep;
local register_mechanism = require "util.sasl".registerMechanism;

-- Three fields of at most 1,023 bytes (RFC 4616) and what separates them.
local max_message_length = 3 * 1023 + 2;

-- authzid NUL authcid NUL token, and nothing else; plain searches, which read each byte once.
local function split(message)
	local first = s_find(message, "\0", 1, true);
	local second = first and s_find(message, "\0", first + 1, true);
	if not second or s_find(message, "\0", second + 1, true) then
		return nil;
	end
	return s_sub(message, 1, first - 1), s_sub(message, first + 1, second - 1), s_sub(message, second + 1);
end

local function prepare(self, username)
	local prepared = saslprep(username);
	local profile_nodeprep = self.profile.nodeprep;
	if prepared and profile_nodeprep ~= false then
		prepared = (profile_nodeprep or nodeprep)(prepared);
	end
	return prepared ~= "" and prepared or nil;
end

-- Nobody acts for anybody else: the user's own address or name, or nothing.
local function is_own(self, authzid, username)
	return authzid == "" or jid_prep(authzid) == username.."@"..self.realm or prepare(self, authzid) == username;
end

local function token_auth(self, message)
	if self.profile.requires_encryption then
		return "failure", "encryption-required";
	end
	if not message or #message > max_message_length then
		return "failure", "malformed-request";
	end

	local authzid, authcid, token = split(message);
	if not authzid or token == "" then
		return "failure", "malformed-request";
	end

	local username = prepare(self, authcid);
	if not username then
		return "failure", "malformed-request", "Invalid username.";
	end
	self.username = username;

	-- Before the token is looked at, so that a mistake here does not cost it.
	if not is_own(self, authzid, username) then
		return "failure", "invalid-authzid";
	end

	local correct, state, condition = self.profile.token(self, username, token, self.realm);
	if state == false then
		return "failure", "account-disabled";
	elseif not correct or not state then
		return "failure", condition or "not-authorized", "The token was not accepted.";
	end
	return "success";
end

register_mechanism("X-TOKEN", { "token" }, token_auth);

-- Needed even if mod_auth_token cannot be loaded at all.
if module:get_option_string("authentication") == "token" then
	module:require "token_guard";
end
