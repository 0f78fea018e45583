-- Checks on a running server what xtoken/prosody_internals takes for granted. Logs for each name
-- "INTERNAL name holds", or what differs and what that breaks.

local internals = module:require "xtoken/prosody_internals";
local is_loaded = require "core.modulemanager".is_loaded;
local usermanager = require "core.usermanager";
local sasl = require "util.sasl";

local function check(name, holds, breaks)
	if holds then
		module:log("info", "INTERNAL %s holds", name);
	else
		module:log("error", "INTERNAL %s differs: %s", name, breaks);
	end
end

for name in pairs(internals) do
	module:log("info", "INTERNAL %s exists", name);
end

-- --- SASL handlers

local session = {};
local profile = {
	session = session;
	mechanisms = { PLAIN = true, SECOND = true };
	plain_test = function ()
		return true, true;
	end;
};
local handler = sasl.new(module.host, profile);
check("is_offered", internals.is_offered(handler, "PLAIN")
	and not internals.is_offered(handler, "THIRD") and handler:mechanisms().PLAIN,
	"what a handler offers is not in `mechs`, so PLAIN is not taken for X-TOKEN");
check("session_of", internals.session_of(handler) == session,
	"a handler does not keep its profile, so clients that have left are answered");
local at_first = internals.selected(handler);
handler:select("SECOND");
check("selected", at_first == nil and internals.selected(handler) == "SECOND",
	"the mechanism that was chosen is not in `selected`, so a response without a login is answered"
	.." wrongly");
local function to_plain()
	return "PLAIN";
end
local translated = internals.translate(sasl.new(module.host, profile), to_plain):clean_clone();
translated:select("ANYTHING");
check("translate", internals.selected(translated) == "PLAIN",
	"`select` or `clean_clone` is gone, so PLAIN is not taken for X-TOKEN");
check("named", internals.named(translated) == "ANYTHING",
	"`select` is not asked, so a login by PLAIN that waits goes on when PLAIN is taken back");
local status = translated:process("\0alice\0secret");
check("username", status == "success" and internals.username(translated) == "alice",
	"the user is not in `username`, so the log names no user");
internals.set_username(translated, "bob");
check("set_username", internals.username(translated) == "bob", "the log names a wrong user");
check("named", internals.named(translated) == "ANYTHING",
	"`select` does not tell the mechanism, so PLAIN takes tokens that it must not take");
check("profile", internals.profile(handler) == profile,
	"a handler does not keep its profile, so SCRAM is not offered beside tokens");
internals.hide(translated, { PLAIN = true, SECOND = true });
check("hide", not next(translated:mechanisms()),
	"`mechanisms` is not asked, so X-TOKEN is offered on connections without encryption");
check("forbid_channel_binding", handler.add_cb_handler,
	"channel binding is not added by `add_cb_handler`, so SASL2 may fail on 0.12");

-- --- Hosts and providers

check("has_host", internals.has_host(module.host) and not internals.has_host("nowhere.example"),
	"hosts are not in prosody.hosts, so logins on a host that is gone hang");
local provider = usermanager.get_provider(module.host);
check("own", internals.own(provider, "get_sasl_handler") and provider.surely_unknown
	and not internals.own(provider, "surely_unknown"),
	"providers inherit in another way, so another module's users are judged as ours");
local info = internals.account_info(1, 2, true);
check("account_info", info.created == 1 and info.password_updated == 2 and info.enabled,
	"FAST does not learn when older tokens ended, so they live on");

local function check_null()
	local this = prosody.hosts[module.host];
	local real = this.users;
	module:fire_event("item-removed/auth-provider", { item = real });
	check("is_null", internals.is_null(usermanager.get_provider(module.host))
		and not internals.is_null(real),
		"a missing provider is not named \"null\", so FAST lets users in without one");
	this.users = real; -- luacheck: ignore 122
end
check_null();

-- --- Sessions

local function check_session(origin)
	check("handler", internals.handler(origin), "the handler of a login is not in `sasl_handler`, "
		.."so the log names no reason");
	check("can_bind_channel", internals.can_bind_channel(origin)
		== not prosody.version:find("^0%.12"),
		"`ssl_info` is gone, so SASL2 offers no channel binding, or fails on 0.12");
	check("transport", internals.transport(origin) == "c2s",
		"a client is taken for one of WebSocket or BOSH, so the log gives wrong advice");
	local fast = internals.fast_handler(origin);
	if fast then
		check("fast_handler", fast.mechanisms, "it is no handler");
		check("is_fast", internals.is_fast(fast)
			and not internals.is_fast(internals.handler(origin)),
			"handlers of FAST are not marked by `fast`, so FAST is not kept to SASL2");
		local count = 0;
		internals.wrap_fast_tests(fast, function (test)
			count = count + 1;
			return test;
		end);
		check("wrap_fast_tests", count > 0,
			"the tests of FAST are not in the profile, so a disabled user comes back");
	elseif origin.secure and is_loaded(module.host, "sasl2_fast") then
		check("fast_handler", false, "the handler of FAST is not in `fast_sasl_handler`, "
			.."so a disabled user comes back");
	end
end

local function check_refusals()
	local sent;
	local fake = {
		type = "c2s_unauthed";
		send = function (stanza)
			sent = stanza;
		end;
	};
	internals.renew_handler(fake, false);
	local is_made = internals.handler(fake) ~= nil;
	internals.handler(fake):select("X-TOKEN");
	internals.renew_handler(fake, true);
	check("renew_handler", is_made and not internals.selected(internals.handler(fake)),
		"a handler cannot be renewed, so a second attempt on a stream is not answered");
	for _, name in ipairs { "refuse", "refuse_sasl2" } do
		sent = nil;
		internals.renew_handler(fake, true);
		internals[name](fake, "malformed-request");
		check(name, sent and sent.name == "failure" and sent.tags[1].name == "malformed-request",
			"no answer is sent, so clients wait for it");
	end
end

module:hook("stream-features", function (event)
	if event.origin.type == "c2s_unauthed" then
		check_refusals();
		check_session(event.origin);
	end
end, -1000);

local function check_closed(origin)
	local is_open = not internals.is_closed(origin);
	module:hook("resource-unbind", function (event)
		if event.session == origin then
			module:add_timer(0, function ()
				check("is_closed", is_open and internals.is_closed(origin),
					"sessions that end are not marked by `destroyed`, so they are answered");
				local lacked = origin.base_type == nil;
				internals.let_finish(origin);
				check("let_finish", lacked and origin.base_type == "c2s",
					"a session that ends keeps `base_type`: let_finish is not needed");
				internals.drop_handler(origin);
				check("drop_handler", not internals.handler(origin), "it stays");
			end);
		end
	end);
	check("close_without_host", type(origin.close) == "function",
		"sessions have no `close`, so clients of a host that is gone are not answered");
end

-- --- Streams

local steps = internals.success_steps;
local has_happened = {
	login = function (event)
		return event.session.type ~= "c2s_unauthed";
	end;
	resume = function (event)
		return event.success:get_child("resumed", "urn:xmpp:sm:3")
			or event.success:get_child("failed", "urn:xmpp:sm:3");
	end;
	bind = function (event)
		return event.success:get_child("bound", "urn:xmpp:bind:0");
	end;
	grant = function (event)
		return event.success:get_child("token", "urn:xmpp:fast:0");
	end;
};
for step, priority in pairs(steps) do
	local before, after;
	module:hook("sasl2/c2s/success", function (event)
		before = has_happened[step](event);
	end, priority + 0.5);
	module:hook("sasl2/c2s/success", function (event)
		after = has_happened[step](event);
	end, priority - 0.5);
	module:hook("sasl2/c2s/success", function (event)
		if has_happened[step](event) then
			check("success_steps."..step, after and not before, ("the modules of SASL2 %s at "
				.."another priority than %d, so users may come back who may not")
				:format(step, priority));
		end
	end, -900);
end
module:hook("sasl2/c2s/success", function (event)
	check_closed(event.session);
end, -900);

-- --- The shell

module:add_timer(0, function ()
	local sections, commands = internals.shell_tables(module);
	check("shell_tables", sections.module and commands.help,
		"mod_admin_shell keeps its tables elsewhere, so it has no xtoken:explain()");
end);

-- --- FAST

local function check_grant(event)
	local wanted = event.session.fast_token_request;
	check("is_fast_token_due", internals.is_fast_token_due(event.session),
		"the wish for a token is elsewhere, so one is granted that may not be");
	check("ask_for_no_fast_token", wanted,
		"the wish for a token is not in `fast_token_request`, so it cannot be withheld");
	local store = require "core.storagemanager".open(module.host, internals.fast_store);
	local prefix = internals.fast_key_prefix(event.session.client_id);
	local sent = event.success;
	module:add_timer(0, function ()
		local tokens = store:get("alice") or {};
		local key, token = next(tokens);
		check("fast_store", key, "FAST has no store of this name, so its tokens never end");
		check("fast_key_prefix", key and key:sub(1, #prefix) == prefix,
			"FAST names its tokens in another way, so they never end");
		check("fast_key_of_grant", key == internals.fast_key_of_grant(event.session),
			"FAST names its last token in another way, so nobody changes a password after FAST");
		local proof = token and require "util.hashes".hmac_sha256(token.secret, "Initiator");
		check("is_fast_proof", proof and internals.is_fast_proof(token, proof)
			and not internals.is_fast_proof(token, proof:reverse()),
			"tokens of FAST have no `secret`, so nobody changes a password after FAST");
		local element = sent:get_child("token", "urn:xmpp:fast:0");
		check("is_secret_of", token and element
			and internals.is_secret_of(token, element.attr.token)
			and not internals.is_secret_of(token, "another"),
			"FAST sends its tokens in another way, so nobody changes a password after FAST");
		local granted = token and internals.granted(token);
		check("granted", type(granted) == "number" and math.abs(granted - os.time()) < 60,
			"tokens of FAST do not say when they were granted, so they never end");
	end);
end
module:hook("sasl2/c2s/success", function (event)
	if is_loaded(module.host, "sasl2_fast")
		and not internals.is_fast(internals.handler(event.session)) then
		check_grant(event);
	end
end, steps.grant + 0.5);
