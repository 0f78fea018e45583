-- Keeps the streams of this host to users who may log in now, whatever logged them in.
--
-- The guard belongs to the host, not to the module that loads this file. It stays when that module
-- is unloaded or fails to load, and asks the host's present provider of users at each event. So it
-- must not keep the module: what it hooks uses no globals.
--
-- What this project knows of the insides of Prosody's streams, mod_sasl2 and mod_smacks is here, of
-- mod_sasl2_fast in token_fast.
--
--   ask(question, username) -> what the present provider answers | false, "unavailable"
--   can_answer(session) -> whether somebody waits for what a login comes to
--   conditions: what a client is told, by reason, where it is not plain not-authorized

local fast = module:require "token_fast";
local config_get = require "core.configmanager".get;
local get_provider = require "core.usermanager".get_provider;

local ipairs, rawget = ipairs, rawget;
local prosody = prosody;
local host = module.host;

-- Of SASL.
local conditions = { unavailable = "temporary-auth-failure", ["account-disabled"] = "account-disabled" };

-- Of a stream that ends, by reason.
local goodbyes = {
	["account-disabled"] = { condition = "not-authorized", text = "Account disabled" };
	["unknown-user"] = { condition = "not-authorized", text = "No such account" };
	unavailable = { condition = "internal-server-error", text = "It cannot be looked up who may log in" };
};

-- Whether mod_auth_token should have made the provider of this host and has not.
local function is_unserved()
	return not prosody.hosts[host] or get_provider(host).name == "null" and config_get(host, "authentication") == "token";
end

-- What the present provider says: another one than a moment ago, after a reload, or none.
local function ask(question, username)
	local answer = not is_unserved() and rawget(get_provider(host), question);
	if not answer then
		return false, "unavailable";
	end
	return answer(username);
end

-- Whether a user may come back without a token of the application, or go on.
local function readmit(username)
	if not is_unserved() and not rawget(get_provider(host), "readmit") then
		-- The configuration gives the users of this host to another module by now.
		return true;
	end
	return ask("readmit", username);
end

-- A login that waited may find that its client or its host is gone. The client is not told, but who
-- would tell it asks of what type the session was, which is forgotten by then.
local function can_answer(session)
	if not session.destroyed and not prosody.hosts[host] then
		session:close("host-gone");
	end
	if session.destroyed then
		session.base_type = "c2s";
		return false;
	end
	return true;
end

-- Whether this stream may be used by the user that it was authenticated as; ends it if not.
local function may_stay(session)
	local admitted, reason = readmit(session.username);
	if not session.destroyed and not admitted then
		session.log("info", "Not admitted any more: %s", reason);
		session:close(goodbyes[reason]);
	end
	return not session.destroyed;
end

local function stop_if_gone(event)
	if event.session.destroyed then
		return true;
	end
end

-- As Prosody does with a second <auth/>.
local function refuse_second_login(event)
	local session = event.origin;
	if session.type ~= "c2s_unauthed" then
		session.log("warn", "A login on a stream that is logged in, or none of a client");
		session:close("unsupported-stanza-type");
		return true;
	end
end

local function note_grants_moment(event)
	event.origin.token_grants_moment = ask("moment");
end

-- A login that began before older grants ended gets no new one.
local function withhold_grant(event)
	local session = event.session;
	if session.token_grants_moment ~= ask("moment") then
		fast.withhold(session);
	end
end

-- A client may begin with SASL2 and go on with the SASL of old, whose answers FAST is not prepared for.
local function keep_fast_to_sasl2(event)
	local session = event.origin;
	if fast.is_handler(session.sasl_handler) then
		session.sasl_handler = nil;
	end
end

local function guard_fast(event)
	fast.guard(event.origin, readmit, can_answer, conditions);
end

local function offer_nothing_unserved()
	if is_unserved() then
		return true;
	end
end

-- mod_sasl2 offers itself without a mechanism too.
local function take_back_empty_offer(event)
	if is_unserved() then
		event.features:maptags(function (tag)
			return tag.attr.xmlns ~= "urn:xmpp:sasl:2" and tag or nil;
		end);
	end
end

local function guard_bind(event)
	if not may_stay(event.session) then
		return false;
	end
end

local function guard_resume(event)
	local session = event.origin;
	if session.username and not may_stay(session) then
		return true;
	end
end

local first, last = 10000, -10000;

local hooks = {
	{ "stanza/urn:xmpp:sasl:2:authenticate", refuse_second_login, first };
	{ "stanza/urn:xmpp:sasl:2:authenticate", note_grants_moment, first - 1 };
	{ "stanza/urn:xmpp:sasl:2:response", refuse_second_login, first };
	{ "stanza/urn:ietf:params:xml:ns:xmpp-sasl:auth", keep_fast_to_sasl2, first };
	{ "stanza/urn:ietf:params:xml:ns:xmpp-sasl:response", keep_fast_to_sasl2, first };
	{ "advertise-sasl-features", offer_nothing_unserved, first };
	{ "advertise-sasl-features", guard_fast, last };
	{ "stream-features", take_back_empty_offer, last };
	{ "pre-resource-bind", guard_bind, first };
	{ "stanza/urn:xmpp:sm:2:resume", guard_resume, first };
	{ "stanza/urn:xmpp:sm:3:resume", guard_resume, first };
	{ "sasl2/c2s/failure", stop_if_gone, first };
	{ "sasl2/c2s/success", withhold_grant, 76 };
};
-- Before the login of a success, and after each part of it that may wait for a storage: the login
-- itself, resumption, binding and the next token of FAST.
for _, priority in ipairs { 1001, 999, 109, 99, 74 } do
	-- A function of its own for each, which Lua 5.2 makes only of what differs.
	hooks[#hooks + 1] = { "sasl2/c2s/success", function (event)
		return stop_if_gone(event, priority);
	end, priority };
end

-- By the events of a host, which end with it.
local guards = prosody.token_guards or setmetatable({}, { __mode = "k" });
prosody.token_guards = guards;

local events = prosody.hosts[host].events;
for _, hook in ipairs(guards[events] or {}) do
	events.remove_handler(hook[1], hook[2]);
end
for _, hook in ipairs(hooks) do
	events.add_handler(hook[1], hook[2], hook[3]);
end
guards[events] = hooks;

return { ask = ask, can_answer = can_answer, conditions = conditions };
