-- Guards the streams of this host: one login each, and only users who may log in now.
--
-- The guard belongs to the host, not to the module that installs it. It stays when the module is
-- unloaded or fails to load, and asks the current provider at each event. Its hooks use no globals,
-- because those would keep the module in memory.
--
--   install(): puts the guard in place of an older one

local answers = module:require "xtoken/answers";
local current_provider = module:require "xtoken/current_provider";
local fast = module:require "xtoken/fast";
local internals = module:require "xtoken/prosody_internals";
local can_answer = module:require "xtoken/session".can_answer;
local state = module:require "xtoken/state";

local ipairs = ipairs;
local is_closed = internals.is_closed;
local host = module.host;
local now = require "util.time".now;

-- By reason, how a stream ends.
local goodbyes = {
	["account-disabled"] = { condition = "not-authorized", text = "Account disabled" };
	["unknown-user"] = { condition = "not-authorized", text = "No such account" };
	unavailable = { condition = "internal-server-error", text = "Accounts cannot be read" };
};

-- Ends a stream whose user may no longer log in. Returns whether the stream is still there.
local function may_stay(session)
	local admitted, reason = current_provider.readmit(session.username);
	if not is_closed(session) and not admitted then
		session.log("info", "Stream closed: its user may no longer log in, reason %s", reason);
		session:close(goodbyes[reason]);
	end
	return not is_closed(session);
end

local function stop_if_gone(event)
	if not can_answer(event.session) then
		return true;
	end
end

-- Does for SASL2 what Prosody does with a second <auth/>.
local function refuse_second_login(event)
	local session = event.origin;
	if session.type ~= "c2s_unauthed" then
		session.log("warn", "Login refused: the stream is logged in already, or is not a client's");
		session:close("unsupported-stanza-type");
		return true;
	end
end

local function note_beginning(event)
	event.origin.xtoken_began = now();
end

-- When a stream is resumed, the event gets another session.
local function carry_beginning(event)
	event.xtoken_began = event.session.xtoken_began;
end

-- A login that began before older grants ended gets no new grant.
local function withhold_grant(event)
	local session = event.session;
	if not internals.is_fast_token_due(session) then
		return;
	end
	local admitted, _, moment = current_provider.readmit(session.username);
	local has_ended = moment and event.xtoken_began < moment and moment <= now();
	if not is_closed(session) and (not admitted or has_ended) then
		internals.ask_for_no_fast_token(session);
	end
end

-- A client may begin with SASL2 and continue with the older SASL, which knows nothing of FAST.
local function keep_fast_to_sasl2(event)
	local session = event.origin;
	if internals.is_fast(internals.handler(session)) then
		internals.drop_handler(session);
	end
end

local function guard_fast(event)
	fast.guard(event.origin);
end

-- mod_sasl2 offers itself even without a mechanism, and FAST with it.
local function take_back_sasl2(event)
	if current_provider.is_missing() then
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
local steps = internals.success_steps;

local hooks = {
	{ "stanza/urn:xmpp:sasl:2:authenticate", refuse_second_login, first };
	{ "stanza/urn:xmpp:sasl:2:authenticate", note_beginning, first - 1 };
	{ "stanza/urn:xmpp:sasl:2:response", refuse_second_login, first };
	{ "stanza/urn:ietf:params:xml:ns:xmpp-sasl:auth", keep_fast_to_sasl2, first };
	{ "stanza/urn:ietf:params:xml:ns:xmpp-sasl:response", keep_fast_to_sasl2, first };
	{ "advertise-sasl-features", guard_fast, last };
	{ "stream-features", take_back_sasl2, last };
	{ "pre-resource-bind", guard_bind, first };
	{ "stanza/urn:xmpp:sm:2:resume", guard_resume, first };
	{ "stanza/urn:xmpp:sm:3:resume", guard_resume, first };
	{ "sasl2/c2s/failure", stop_if_gone, first };
	{ "sasl2/c2s/success", carry_beginning, first };
	{ "sasl2/c2s/success", withhold_grant, steps.grant + 2 };
};
-- Each step of a success may wait for a storage. Meanwhile the client may leave, or the host go.
for _, step in pairs(steps) do
	for _, priority in ipairs { step + 1, step - 1 } do
		-- Using `priority` makes each a function of its own: Lua 5.2 reuses equal ones.
		hooks[#hooks + 1] = { "sasl2/c2s/success", function (event)
			return stop_if_gone(event, priority);
		end, priority };
	end
end

for _, hook in ipairs(answers.hooks) do
	hooks[#hooks + 1] = hook;
end

local function install()
	local events = prosody.hosts[host].events;
	for _, hook in ipairs(state.guards[events] or {}) do
		events.remove_handler(hook[1], hook[2]);
	end
	for _, hook in ipairs(hooks) do
		events.add_handler(hook[1], hook[2], hook[3]);
	end
	state.guards[events] = hooks;
end

return { install = install };
