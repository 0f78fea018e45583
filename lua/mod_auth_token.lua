-- Authentication with one-time tokens that a web application makes, verified by xtoken.

if module.host == "*" then
	-- Here for "prosodyctl mod_auth_token …" only.
	module.command = module:require "token_command";
	return;
end

-- Loaded first, because it must be there even if something below fails.
local guard = module:require "token_guard";

local host = module.host;
local log = module._log;

local function refuse_to_load(problem, advice)
	log("error", "Nobody can log in to %s: %s%s", host, problem, advice);
	-- Not a string: modulemanager appends a traceback to those, and this is no mistake of the code.
	local err = ("%s: %s"):format(host, problem);
	error(setmetatable({}, { __tostring = function () return err; end }));
end

local has_native, native_err = pcall(module.require, module, "token_native");
if not has_native then
	refuse_to_load(native_err, "");
end

local usermanager = require "core.usermanager";
local utils = module:require "token_auth_utils";
local users = module:require "token_users";
local grants = module:require "token_grants";
local handlers = module:require "token_handler";
local token_options = module:require "token_options";
local token_settings = module:require "token_settings";
local explain = module:require "token_explain";

local requires_encryption = module:require "token_encryption";

-- Warns of misspelt options first: they may be why something is missing.
local function read_settings()
	token_options.warn_of_unknown(host, log);
	return token_settings.read(utils, users, handlers);
end

local settings, problem, advice = read_settings();
if not settings then
	refuse_to_load(problem, (". %s, then restart Prosody, or reload its configuration and say in "
		.."its shell: module:load(%q, %q)"):format(advice, module.name, host));
end
local watch = module:require "token_watch";

local function use(new_settings)
	settings = new_settings;
	watch.follow(settings.keys);
	users.follow(settings.known_users, grants.follow(settings.fast_not_before));
	token_settings.warn(settings, log);
end

use(settings);
log("info", "Tokens of %s are verified by xtoken %s", host, utils.version);

-- Through usermanager, which knows the provider of now: a stream may be older than the last reload,
-- and must not log in with what the configuration no longer says.
local function token(self, username, password)
	local ok, reason = usermanager.test_password(username, host, password);
	self.refusal = not ok and reason or nil;
	local session = self.profile.session;
	if session and not guard.can_answer(session) then
		return false;
	end
	return ok == true, reason ~= "account-disabled", guard.conditions[reason];
end

local function no_mechanisms()
	return {};
end

local explained = false;

local provider = users.provider;

function provider.test_password(username, password)
	local ok, key_or_reason, step_offset, nonce_length, clock_skew =
		utils.verify(settings.verifier, username, password, log, watch.ledger_answered);
	local reason;
	if ok then
		watch.accepted(username, key_or_reason, step_offset, nonce_length, settings.nonce_length,
			clock_skew);
		-- Not `users`: the module may have been reloaded before the ledger answered.
		ok, reason = guard.ask("admit", username);
	else
		reason = key_or_reason;
	end
	watch.verified(ok, reason);
	return ok, reason;
end

-- A token is worth as much as a password until it is used, so it is offered where PLAIN is.
function provider.get_sasl_handler(session)
	if not requires_encryption or (session and session.secure) then
		return handlers.new { token = token, mechanisms = settings.mechanisms, session = session };
	end
	if not explained then
		explained = true;
		log("warn", "X-TOKEN is offered on encrypted connections only, as PLAIN is. "
			.."Use TLS, or see allow_unencrypted_plain_auth");
	end
	local handler = handlers.new { token = token, mechanisms = settings.mechanisms, requires_encryption = true };
	handler.mechanisms = no_mechanisms;
	return handler;
end

-- Last: what a module has hooked stays hooked when it then fails to load.
module:depends("sasl_token");
module:provides("auth", provider);

-- Reloading the configuration is enough for other keys; what is wrong in it changes nothing.
module:hook_global("config-reloaded", function ()
	local new_settings, new_problem, new_advice = read_settings();
	if not new_settings then
		log("error", "Users of %s log in as before the reload: %s. %s", host, new_problem, new_advice);
		return;
	end
	use(new_settings);
end);

local day = 24 * 60 * 60;
local reminder = module:add_timer(day, function ()
	token_settings.warn_of_end(settings, log);
	return day;
end);

module:hook_global("stats-update", function ()
	watch.sample(utils.ledger_of[settings.verifier]);
end);

-- The event of mod_sasl2 comes first, and from some versions again as the other.
local function refused(event)
	if not event.xtoken_told then
		event.xtoken_told = true;
		watch.refused(event.session, event.condition or event.message);
	end
end
module:hook("authentication-failure", refused);
module:hook("sasl2/c2s/failure", refused, 1);

local withdraw_command = module:require "token_shell" (function (...)
	return explain(utils, settings, users, ...);
end);

function module.unload()
	-- What goes on after it would keep this module, and with it the keys.
	reminder:stop();
	withdraw_command();
	watch.save();
end
module:hook_global("server-stopping", watch.save);
