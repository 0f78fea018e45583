-- Answers logins that Prosody's own modules would leave without an answer: they fail on elements of
-- a form that they do not expect, and where a module that takes part in a login fails.
--
--   hooks: those of xtoken/guard
--
-- Functions here use no globals, as xtoken/guard says.

local internals = module:require "xtoken/prosody_internals";
local st = require "util.stanza";

local prosody, traceback, xpcall = prosody, debug.traceback, xpcall;
local host, log = module.host, module._log;

local sasl = "urn:ietf:params:xml:ns:xmpp-sasl";
local sasl2 = "urn:xmpp:sasl:2";

-- Runs the other hooks of an event. If one fails, the client is told so.
local function run(name, event)
	local session, events = event.origin, prosody.hosts[host].events;
	local called, result = xpcall(events.fire_event, traceback, name, event);
	if called then
		-- false: nobody has handled it, as nil. But nil would run the other hooks again.
		return result or false;
	end
	log("error", "A login failed: %s", result);
	if internals.is_closed(session) then
		internals.let_finish(session);
	elseif session.type == "c2s_unauthed" then
		local xmlns = event.stanza.attr.xmlns;
		internals.drop_handler(session);
		session.send(st.stanza("failure", { xmlns = xmlns })
			:tag("temporary-auth-failure", { xmlns = sasl }));
	else
		session:close("internal-server-error");
	end
	return true;
end

local function run_safely(name)
	return function (event)
		if not event.xtoken_runs_safely then
			event.xtoken_runs_safely = true;
			return run(name, event);
		end
	end;
end

local function is_login(event)
	return event.origin.type == "c2s_unauthed";
end

-- mod_saslauth takes the first child for text.
local function refuse_elements(event)
	if is_login(event) and event.stanza.tags[1] then
		internals.refuse(event.origin, "malformed-request");
		return true;
	end
end

-- From some versions on, mod_sasl2 needs a handler to answer with. Older ones use a handler again,
-- and it still has the user of the earlier attempt.
local function renew_handler(event)
	if is_login(event) then
		internals.renew_handler(event.origin, event.stanza.name == "authenticate");
	end
end

local function refuse_incomplete(event)
	local session, stanza = event.origin, event.stanza;
	if not is_login(event) then
		return;
	elseif not stanza.attr.mechanism then
		return internals.refuse_sasl2(session, "invalid-mechanism");
	elseif stanza:get_child("fast", "urn:xmpp:fast:0")
		and not stanza:get_child("initial-response") then
		return internals.refuse_sasl2(session, "malformed-request");
	end
end

local first = 20000;
local auth, response = "stanza/"..sasl..":auth", "stanza/"..sasl..":response";
local authenticate, response2 = "stanza/"..sasl2..":authenticate", "stanza/"..sasl2..":response";

return {
	hooks = {
		{ auth, run_safely(auth), first };
		{ response, run_safely(response), first };
		{ authenticate, run_safely(authenticate), first };
		{ response2, run_safely(response2), first };
		{ auth, refuse_elements, first - 1 };
		{ response, refuse_elements, first - 1 };
		{ authenticate, renew_handler, first - 1 };
		{ response2, renew_handler, first - 1 };
		{ authenticate, refuse_incomplete, first - 2 };
	};
};
