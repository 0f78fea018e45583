-- Guards the streams of this host: one login each, and only users who may log in now.
--
-- The guard belongs to the host, not to the module that loads this file. It stays when the module
-- is unloaded or fails to load, and asks the present provider of users at each event. Its hooks use
-- no globals, because those would keep the module in memory.
--
-- All that this project knows of Prosody's streams, mod_sasl2 and mod_smacks is here. What it knows
-- of mod_sasl2_fast is in token_fast.
--
--   ask(question, username) -> the answer of the present provider | false, "unavailable"
--   can_answer(session) -> whether a client waits for the outcome of its login
--   conditions: by reason, the SASL condition for the client if it is not not-authorized

local fast = module:require "token_fast";
local get_provider = require "core.usermanager".get_provider;

local ipairs, rawget = ipairs, rawget;
local prosody = prosody;
local host = module.host;

local conditions = {
	unavailable = "temporary-auth-failure";
	["account-disabled"] = "account-disabled";
};

-- By reason, how a stream ends.
local goodbyes = {
	["account-disabled"] = { condition = "not-authorized", text = "Account disabled" };
	["unknown-user"] = { condition = "not-authorized", text = "No such account" };
	unavailable = { condition = "internal-server-error", text = "Accounts cannot be read" };
};

-- Returns whether no module has the users of this host now, whatever the configuration says: it may
-- have been changed since, and name one that is not loaded.
local function is_unserved()
	return not prosody.hosts[host] or get_provider(host).name == "null";
end

-- Asks the present provider. After a reload it is a new one, after an unload there is none.
local function ask(question, username)
	local answer = not is_unserved() and rawget(get_provider(host), question);
	if not answer then
		return false, "unavailable";
	end
	return answer(username);
end

-- Returns whether a user may log in without a token of the web application, or stay: true, or false
-- and the reason.
local function readmit(username)
	if not is_unserved() and not rawget(get_provider(host), "readmit") then
		-- The configuration was changed, and another module has the users of this host now.
		return true;
	end
	return ask("readmit", username);
end

-- Returns whether a client waits for the outcome of its login. It may have left during the login,
-- and its host may have been deactivated. Prosody clears a session that ends, but its SASL modules
-- still read `base_type` to send an answer, which nobody receives.
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

-- Ends a stream whose user may not log in any more. Returns whether the stream is still there.
local function may_stay(session)
	local admitted, reason = readmit(session.username);
	if not session.destroyed and not admitted then
		session.log("info", "Stream closed: its user may not log in any more, reason %s", reason);
		session:close(goodbyes[reason]);
	end
	return not session.destroyed;
end

local function stop_if_gone(event)
	if event.session.destroyed then
		return true;
	end
end

-- Does for SASL2 what Prosody does with a second <auth/>.
local function refuse_second_login(event)
	local session = event.origin;
	if session.type ~= "c2s_unauthed" then
		session.log("warn", "Login refused: the stream is logged in already, or not a client's");
		session:close("unsupported-stanza-type");
		return true;
	end
end

local function note_grants_moment(event)
	event.origin.token_grants_moment = ask("moment");
end

-- When a stream is resumed, the event gets another session.
local function carry_grants_moment(event)
	event.token_grants_moment = event.session.token_grants_moment;
end

-- A login that began before older grants ended gets no new grant.
local function withhold_grant(event)
	if event.token_grants_moment ~= ask("moment") then
		fast.withhold(event.session);
	end
end

-- A client may begin with SASL2 and continue with the older SASL, which knows nothing of FAST.
local function keep_fast_to_sasl2(event)
	local session = event.origin;
	if fast.is_handler(session.sasl_handler) then
		session.sasl_handler = nil;
	end
end

local function guard_fast(event)
	fast.guard(event.origin, readmit, can_answer, conditions);
end

-- mod_sasl2 offers itself even without a mechanism, and FAST with it.
local function take_back_sasl2(event)
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
	{ "advertise-sasl-features", guard_fast, last };
	{ "stream-features", take_back_sasl2, last };
	{ "pre-resource-bind", guard_bind, first };
	{ "stanza/urn:xmpp:sm:2:resume", guard_resume, first };
	{ "stanza/urn:xmpp:sm:3:resume", guard_resume, first };
	{ "sasl2/c2s/failure", stop_if_gone, first };
	{ "sasl2/c2s/success", carry_grants_moment, first };
	{ "sasl2/c2s/success", withhold_grant, 76 };
};
-- Each part of a success may wait for a storage, and the client may leave meanwhile. These
-- priorities are before the login, and after login, resumption, binding and the new token of FAST.
for _, priority in ipairs { 1001, 999, 109, 99, 74 } do
	-- Using `priority` makes each a function of its own: Lua 5.2 reuses equal ones.
	hooks[#hooks + 1] = { "sasl2/c2s/success", function (event)
		return stop_if_gone(event, priority);
	end, priority };
end

-- The keys are the events of hosts, so an entry goes when its host goes.
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
