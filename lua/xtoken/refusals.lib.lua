-- Logs each login that is refused, with the reason that its client does not learn.
--
-- A reason travels one way. It is returned up to the function that decides for the SASL mechanism.
-- There `note` puts it on the SASL handler, since Prosody's event of a refused login has no place
-- for it, and the log line takes it from there. The mechanism itself notes there why a name is
-- refused, and the name. Functions here use no globals, as xtoken/guard says.
--
--   note(handler, reason) -> the SASL condition for the client
--   follow(context): logs each refused login; context: the module

local internals = module:require "xtoken/prosody_internals";
local shown = module:require "xtoken/usernames".shown;

local host, log = module.host, module._log;

local conditions = {
	unavailable = "temporary-auth-failure";
	["account-disabled"] = "account-disabled";
	["name-too-long"] = "malformed-request";
};

local function note(handler, reason)
	handler.xtoken_reason = reason;
	return conditions[reason] or "not-authorized";
end

-- packaging/fail2ban reads this line. The user, which a client chooses, comes last.
local function report(session, condition)
	local handler = internals.handler(session) or {};
	local refused_name = handler.xtoken_refused_name;
	log("info", "Login refused: ip=%s host=%s reason=%s user=%s", session.ip or "-", host,
		handler.xtoken_reason or condition or "-",
		refused_name and shown(refused_name) or internals.username(handler) or "-");
	-- A handler may get another try.
	handler.xtoken_reason, handler.xtoken_refused_name = nil, nil;
end

local function follow(context)
	-- From some versions on, mod_sasl2 also fires its event as the one of mod_saslauth, but only
	-- mod_saslauth names the condition like this.
	context:hook("authentication-failure", function (event)
		if event.condition then
			report(event.session, event.condition);
		end
	end);
	context:hook("sasl2/c2s/failure", function (event)
		report(event.session, event.message);
	end, 1);
end

return { note = note, follow = follow };
