-- Authentication with one-time tokens that a web application makes, verified by xtoken.

local waiter = require "util.async".waiter;
local usermanager = require "core.usermanager";
local utils = module:require "token_auth_utils";
local users = module:require "token_users";
local handlers = module:require "token_handler";

local host = module.host;
local log = module._log;

-- Not get_option_string, which would take a number without its leading zeros.
local otp_seed = module:get_option("otp_seed");
local token_secret = module:get_option("token_secret");
local nonce_length = module:get_option("token_nonce_length", 32);
local deviation = module:get_option("token_deviation", utils.OTP_DEVIATION);
local expired_limit = module:get_option("token_expired_limit", 10);

-- As mod_saslauth reads them, for PLAIN.
local allow_unencrypted_plain_auth = module:get_option_boolean("allow_unencrypted_plain_auth", false);
local insecure_mechanisms = module:get_option_set("insecure_sasl_mechanisms",
	allow_unencrypted_plain_auth and {} or { "PLAIN", "LOGIN" });
local requires_encryption = insecure_mechanisms:contains("PLAIN") or insecure_mechanisms:contains("X-TOKEN");

-- Printed in the README of the Lua implementation, and known to everybody since.
local sample_seed, sample_secret = "XVGR73KMZH2M4XMY", "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA7";

local option_names = {
	nonce_length = "token_nonce_length";
	deviation = "token_deviation";
	expired_limit = "token_expired_limit";
	ledger = "token_ledger";
	known_users = "token_known_users";
	allow_plain = "token_allow_plain";
};

local how_to_make = {
	otp_seed = "as your web application has it; make one with: head -c 20 /dev/urandom | base32";
	token_secret = "as your web application has it; make one with: head -c 32 /dev/urandom | base64";
	nonce_length = "the number of digits that your web application makes, usually 32";
	deviation = "usually 1";
	expired_limit = "usually 10";
	ledger = "the path of a file, \"memory\", or the URL of a server";
	known_users = "usually \"all\"";
	allow_plain = "usually false";
};

-- As assert, for what the configuration decides.
local function must(value, problem, option)
	if value then
		return value;
	end
	log("error", "Nobody can log in to %s: %s. Set the option %s of VirtualHost %q in the configuration (%s)",
		host, problem, option_names[option] or option, host, how_to_make[option] or "?");
	-- Not a string: modulemanager appends a traceback to those, and this is no mistake of the code.
	local err = ("%s: %s"):format(host, problem);
	error(setmetatable({}, { __tostring = function () return err; end }));
end

local verifier = must(utils.new_verifier {
	otp_seed = otp_seed;
	token_secret = token_secret;
	nonce_length = nonce_length;
	deviation = deviation;
	expired_limit = expired_limit;
});
local mechanisms = must(handlers.read_mechanisms());
users.follow(must(users.read()));

local is_sample = { otp_seed = otp_seed:upper() == sample_seed, token_secret = token_secret == sample_secret };
for name, is_so in pairs(is_sample) do
	if is_so then
		log("warn", "%s of %s is the value printed in a README: anybody can make tokens. "
			.."Make fresh ones, for your web application too", name, host);
	end
end
if verifier:seed_bits() < 128 then
	log("warn", "otp_seed of %s has only %d bits: make one of 32 base32 characters (160 bits), "
		.."for your web application too", host, verifier:seed_bits());
end
log("info", "Tokens of %s are verified by xtoken %s", host, utils.version);

-- What a client is told when it is neither success nor plain not-authorized.
local conditions = { unavailable = "temporary-auth-failure" };

-- Through usermanager, which knows the provider of now: a stream may be older than the last reload,
-- and must not log in with what the configuration no longer says.
local function token(self, username, password)
	local ok, reason = usermanager.test_password(username, host, password);
	local session = self.profile.session;
	if session and session.destroyed then
		-- The client left meanwhile. Nobody waits for the answer, and who would give it needs the session.
		waiter()();
	end
	return ok == true, reason ~= "account-disabled", conditions[reason];
end

local function no_mechanisms()
	return {};
end

local explained = false;

local provider = users.provider;

function provider.test_password(username, password)
	local ok, reason = utils.verify(verifier, username, password, log);
	if ok then
		ok, reason = users.admit(username);
	end
	return ok, reason;
end

-- A token is worth as much as a password until it is used, so it is offered where PLAIN is.
function provider.get_sasl_handler(session)
	if not requires_encryption or (session and session.secure) then
		return handlers.new { token = token, mechanisms = mechanisms, session = session };
	end
	if not explained then
		explained = true;
		log("warn", "X-TOKEN is offered on encrypted connections only, as PLAIN is. "
			.."Use TLS, or see allow_unencrypted_plain_auth");
	end
	local handler = handlers.new { token = token, mechanisms = mechanisms, requires_encryption = true };
	handler.mechanisms = no_mechanisms;
	return handler;
end

-- Last: what a module has hooked stays hooked when it then fails to load.
module:depends("sasl_token");
module:provides("auth", provider);
