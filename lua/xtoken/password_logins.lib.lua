-- Keeps a stolen token from becoming a lasting password: beside passwords, only a client that has
-- logged in by password may change a password, or remove its account and register it anew.
--
-- How a client has logged in is noted on its SASL handler, then on its session. A session that is
-- resumed counts as the login that resumes it. A token of FAST counts as the login that asked for
-- it: see xtoken/fast_origin. A session without a note has not logged in by password.
--
--   follow(is_used): hooks what is needed for that; is_used() -> whether the host has passwords

local st = require "util.stanza";
local jid = require "util.jid";
local by_password = module:require "xtoken/by_password";
local fast_origin = module:require "xtoken/fast_origin";
local internals = module:require "xtoken/prosody_internals";

local host = module.host;
local steps = internals.success_steps;

local function note_login(event)
	local handler = internals.handler(event.session);
	if handler then
		by_password.note(event.session, by_password.is_noted(handler));
	end
end

local function note_grant(event)
	local token = event.success:get_child("token", "urn:xmpp:fast:0");
	if token and by_password.is_noted(event.session) then
		fast_origin.note_password(event.session, token.attr.token);
	end
end

-- Commands that set a password, or invite somebody to do so: those of mod_admin_adhoc and
-- mod_invites_adhoc, and others that are named alike.
local telling = { "password", "add-user", "create-account" };

-- Everybody may invite a contact. For some, that invitation is also one to register.
local invitation = "urn:xmpp:invite#invite";

local function is_about_passwords(session, command)
	if command.attr.node == invitation then
		return internals.may_invite_new_users(module, session);
	end
	for _, part in ipairs(telling) do
		if (command.attr.node or ""):find(part, 1, true) then
			return true;
		end
	end
	local form = command:get_child("x", "jabber:x:data");
	for field in form and form:childtags("field") or function () end do
		if (field.attr.var or ""):lower():find("password", 1, true) then
			return true;
		end
	end
	return false;
end

-- Returns whether a stanza of a client may set a password here or on another host of this server.
local function may_set_password(session, stanza)
	local payload, to = stanza.tags[1], stanza.attr.to;
	local to_host = jid.host(to or host);
	if not payload or stanza.attr.type ~= "set" then
		return false;
	elseif payload.name == "query" and payload.attr.xmlns == "jabber:iq:register" then
		return to == nil or to == host or jid.bare(to) == session.username.."@"..host;
	end
	return payload.name == "command" and payload.attr.xmlns == "http://jabber.org/protocol/commands"
		and internals.has_host(to_host) and is_about_passwords(session, payload);
end

local function follow(is_used)
	local function refuse_change(event)
		local session, stanza = event.origin, event.stanza;
		if by_password.is_noted(session) or not is_used()
		or not may_set_password(session, stanza) then
			return;
		end
		session.log("info", "Password not changed: the client has not logged in by password");
		session.send(st.error_reply(stanza, "auth", "forbidden",
			"Log in with your password to change it or to remove your account"));
		return true;
	end

	for _, to in ipairs { "bare", "full", "host" } do
		module:hook("pre-iq/"..to, refuse_change, 10000);
	end
	module:hook("authentication-success", note_login, 10000);
	module:hook("sasl2/c2s/success", note_login, steps.login + 1);
	module:hook("sasl2/c2s/success", note_grant, steps.grant - 0.5);
	internals.hook_resumption(module, function (resumed, login)
		by_password.note(resumed, by_password.is_noted(login));
	end);
end

return { follow = follow };
