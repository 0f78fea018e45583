-- Touches what Prosody and its community modules do not document, so that a later version may
-- rename it. No other file does. tests/prosody/test_prosody_internals.py asks a real server, for
-- each name here, whether it still means what this file takes it for.
--
-- Functions here use no globals, as xtoken/guard says.
--
-- SASL handlers, those of util.sasl:
--   is_offered(handler, mechanism) -> whether the handler has a mechanism
--   hide(handler, names): does not advertise the mechanisms that are keys of `names`
--   selected(handler) -> the mechanism that its client has chosen | nil
--   named(handler) -> the same, by the name that its client gave it
--   translate(handler, to [, judge]): makes the handler, and what takes its place after a failure,
--       treat the mechanism that a client names as `to(handler, mechanism)`, and answer a message
--       with `judge(handler, process, message)`; process(handler, message) is what it did before
--   profile(handler) -> what its mechanisms ask, as util.sasl describes it
--   forbid_channel_binding(handler)
--   session_of(handler) -> the session for which sasl.new made the handler | nil
--   username(handler) -> the user whom the last message named | nil
--   set_username(handler, username)
--
-- Sessions:
--   handler(session) -> the handler of the login at hand | nil
--   drop_handler(session): the next login begins with a fresh handler
--   renew_handler(session, is_new): gives a session without a handler one; if a login begins, also
--       one whose handler was used, or is that of FAST: mod_sasl2_fast puts it in place for a login
--       that asks for it, and leaves it there
--   refuse(session, condition): answers a login as mod_saslauth does
--   refuse_sasl2(session, condition) -> true, after mod_sasl2 has answered | nil if it is not there
--   can_bind_channel(session) -> whether its connection has what the modules of this host need for
--       channel binding
--   transport(session) -> how its client connects: "websocket", "bosh" or "c2s"
--   is_closed(session)
--   let_finish(session): lets Prosody's SASL modules end a login whose session is closed
--   close_without_host(session): closes a session whose host is gone
--
-- Hosts and providers:
--   has_host(host) -> whether the server has it now
--   is_null(provider) -> whether it stands for a missing one
--   own(provider, name) -> a function that our provider has | nil
--   may_invite_new_users(context, session) -> whether an invitation of the user may be good for
--       registering an account; context: the module
--   account_info(created, grants_end, is_enabled) -> what usermanager expects to be told
--
-- FAST (mod_sasl2_fast):
--   is_fast(handler) -> whether FAST made it
--   fast_handler(session) -> the handler with which the client may log in by FAST | nil
--   wrap_fast_tests(handler, wrap): replaces what tests the tokens by what `wrap(test)` returns
--   is_fast_token_due(session) -> whether the login at hand will get a new token
--   ask_for_no_fast_token(session): the login at hand gets no new token
--   fast_store, fast_key_prefix(client_id), granted(token): where FAST keeps its tokens, how the
--       keys of a client begin, and when a token was granted, in Unix seconds with fractions
--   fast_key_of_grant(session): the key of the token that its client got last
--   is_secret_of(token, secret) -> whether a client that got this was granted the token
--   is_fast_proof(token, token_hash, channel_binding) -> whether a client that sends this has it
--
-- Streams:
--   hook_resumption(context, note): calls note(resumed, login) when the stream of the session
--       `login` takes over the session `resumed`; context: the module
--   success_steps: the priorities at which the modules of SASL2 take part in a success; higher ones
--       come first
--
-- The shell (mod_admin_shell):
--   shell_tables(context) -> its sections, its commands; context: the module
--   is_asked_by_shell() -> whether a command of the shell is running

local usermanager = require "core.usermanager";
local is_loaded = require "core.modulemanager".is_loaded;
local hashes = require "util.hashes";
local st = require "util.stanza";

local get_sasl_handler = usermanager.get_sasl_handler;
local pairs, prosody, rawget, traceback, type = pairs, prosody, rawget, debug.traceback, type;
local this_host = module.host;

local internals = {};

-- --- SASL handlers

function internals.is_offered(handler, mechanism)
	return handler.mechs[mechanism] ~= nil;
end

function internals.hide(handler, names)
	local mechanisms = handler.mechanisms;
	function handler:mechanisms()
		local shown = mechanisms(self);
		for name in pairs(names) do
			shown[name] = nil;
		end
		return shown;
	end
end

function internals.selected(handler)
	return handler.selected;
end

function internals.named(handler)
	return handler.xtoken_named;
end

function internals.profile(handler)
	return handler.profile;
end

local function translate(handler, to, judge)
	local select, process, clean_clone = handler.select, handler.process, handler.clean_clone;
	function handler:select(mechanism)
		local is_selected = select(self, to(self, mechanism));
		if is_selected then
			self.xtoken_named = mechanism;
		end
		return is_selected;
	end
	if judge then
		function handler:process(message)
			return judge(self, process, message);
		end
	end
	-- The clone takes the place of the handler after a failure.
	function handler:clean_clone()
		local clone = translate(clean_clone(self), to, judge);
		-- Prosody 0.12 forgets what channel binding needs.
		clone.userdata = self.userdata;
		return clone;
	end
	return handler;
end
internals.translate = translate;

function internals.forbid_channel_binding(handler)
	handler.add_cb_handler = false;
end

function internals.session_of(handler)
	return handler.profile.session;
end

function internals.username(handler)
	return handler.username;
end

function internals.set_username(handler, username)
	handler.username = username;
end

-- --- Sessions

function internals.handler(session)
	return session.sasl_handler;
end

function internals.drop_handler(session)
	session.sasl_handler = nil;
end

function internals.renew_handler(session, is_new)
	local handler, fast = session.sasl_handler, session.fast_sasl_handler;
	if is_new and internals.is_fast(handler) then
		-- A clone of FAST's handler would not be known as one, and this login may be without FAST.
		handler = handler.xtoken_in_place_of;
	end
	if not handler then
		handler = get_sasl_handler(this_host, session);
	elseif is_new and handler.selected then
		handler = handler:clean_clone();
	end
	session.sasl_handler = handler;
	if fast then
		fast.xtoken_in_place_of = handler;
	end
end

function internals.refuse(session, condition)
	local events = prosody.hosts[this_host].events;
	events.fire_event("authentication-failure", { session = session, condition = condition });
	session.sasl_handler = nil;
	session.send(st.stanza("failure", { xmlns = "urn:ietf:params:xml:ns:xmpp-sasl" })
		:tag(condition));
end

function internals.refuse_sasl2(session, condition)
	local events = prosody.hosts[this_host].events;
	return events.fire_event("sasl2/c2s/failure", { session = session, message = condition });
end

-- mod_saslauth of Prosody 0.12 does it in another way, which mod_sasl2 does not know.
function internals.can_bind_channel(session)
	local conn = session.conn;
	return not conn or conn.ssl_info ~= nil or not is_loaded(this_host, "sasl2");
end

function internals.transport(session)
	return session.websocket_request and "websocket" or session.bosh_wait and "bosh" or "c2s";
end

function internals.is_closed(session)
	return session.destroyed ~= nil;
end

-- Prosody clears a session that ends, but its SASL modules still read `base_type` to send an
-- answer that nobody receives.
function internals.let_finish(session)
	session.base_type = "c2s";
end

function internals.close_without_host(session)
	session:close("host-gone");
end

-- --- Hosts and providers

function internals.has_host(host)
	return prosody.hosts[host] ~= nil;
end

function internals.is_null(provider)
	return provider.name == "null";
end

-- A provider answers every question: where it has no function, the one of the missing provider
-- does.
function internals.own(provider, name)
	return rawget(provider, name);
end

-- As mod_invites_adhoc decides it; 0.12 has no permissions.
function internals.may_invite_new_users(context, session)
	if context.could then
		return context:could("invites_adhoc:invite-users", { origin = session });
	end
	return usermanager.is_admin(session.username.."@"..this_host, this_host)
		or context:get_option_boolean("allow_user_invites", false)
		or not context:get_option_set("allow_user_invite_roles", {}):empty();
end

function internals.account_info(created, grants_end, is_enabled)
	return {
		created = created;
		-- Prosody and FAST end what was granted before the password was changed.
		password_updated = grants_end;
		enabled = is_enabled;
	};
end

-- --- FAST

function internals.is_fast(handler)
	return handler ~= nil and handler.fast == true;
end

function internals.fast_handler(session)
	return session.fast_sasl_handler;
end

function internals.wrap_fast_tests(handler, wrap)
	local profile = handler.profile;
	for name, test in pairs(profile) do
		if type(test) == "function" then
			profile[name] = wrap(test);
		end
	end
end

function internals.is_fast_token_due(session)
	local handler = session.sasl_handler;
	return session.fast_token_request ~= nil
		or internals.is_fast(handler) and handler.rotation_needed == true;
end

function internals.ask_for_no_fast_token(session)
	session.fast_token_request = nil;
	if internals.is_fast(session.sasl_handler) then
		session.sasl_handler.rotation_needed = nil;
	end
end

internals.fast_store = "fast_tokens";

function internals.fast_key_prefix(client_id)
	return hashes.sha256(client_id, true);
end

function internals.fast_key_of_grant(session)
	return internals.fast_key_prefix(session.client_id).."-new";
end

function internals.is_secret_of(token, secret)
	return token.secret == secret;
end

-- The only mechanisms of FAST are HT-SHA-256-….
function internals.is_fast_proof(token, token_hash, channel_binding)
	local expected = hashes.hmac_sha256(token.secret, "Initiator"..(channel_binding or ""));
	return hashes.equals(expected, token_hash);
end

function internals.granted(token)
	return token.issued_at;
end

-- --- Streams

-- From 13.0 on, a session whose stream is taken over is cleared before mod_smacks says so.
function internals.hook_resumption(context, note)
	context:hook("smacks-hibernation-end", function (event)
		if event.resumed and event.origin.username then
			note(event.resumed, event.origin);
		end
	end);
	context:hook_global("c2s-session-updated", function (event)
		if event.session.host == this_host then
			note(event.session, event.from_session);
		end
	end);
end

-- mod_sasl2 logs in, mod_sasl2_sm resumes, mod_sasl2_bind2 binds, mod_sasl2_fast grants.
internals.success_steps = { login = 1000, resume = 110, bind = 100, grant = 75 };

-- --- The shell

function internals.shell_tables(context)
	return context:shared("/*/admin_shell/env"), context:shared("/*/admin_shell/commands");
end

function internals.is_asked_by_shell()
	return traceback():find("mod_admin_shell", 1, true) ~= nil;
end

return internals;
