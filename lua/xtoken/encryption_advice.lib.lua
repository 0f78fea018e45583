-- Explains in the log why a client is not offered X-TOKEN on a connection that is not encrypted.
--
--   new(log) -> note: a function for the hook "stream-features", after those that add features. It
--       logs a line once for each kind of connection.

local encryption = module:require "xtoken/encryption";
local internals = module:require "xtoken/prosody_internals";

local host = module.host;

-- By kind: how the client came, and what to do.
local proxied = "If a proxy ends TLS in front of Prosody, set %s = true in the global section of "
	.."the configuration, above every VirtualHost, and restart Prosody. Else use https there";
local advice = {
	websocket = { "by WebSocket", proxied:format("consider_websocket_secure") };
	bosh = { "by BOSH", proxied:format("consider_bosh_secure") };
	c2s = { "without TLS", "Let it use TLS, or see allow_unencrypted_plain_auth" };
	-- Without a certificate, Prosody starts TLS but no client can complete it: check tells.
	c2s_without_tls = {
		"without TLS", "Prosody offers no TLS there: see prosodyctl mod_auth_token check";
	};
};

local function kind_of(session, features, is_required_of_clients)
	local kind = internals.transport(session);
	if kind ~= "c2s" then
		return kind;
	elseif not features:get_child("starttls", "urn:ietf:params:xml:ns:xmpp-tls") then
		return "c2s_without_tls";
	elseif not is_required_of_clients then
		return "c2s";
	end
	-- The client sees that it must use STARTTLS first, as every client does.
end

local function new(log)
	-- As mod_saslauth does, reads the options once: asking for them costs more than all the rest.
	local is_required_of_clients = encryption.is_required_of_clients();
	local is_required, is_explained = is_required_of_clients or encryption.is_required(), {};
	return function (event)
		local session = event.origin;
		if session.type ~= "c2s_unauthed" or session.secure or not is_required then
			return;
		end
		local kind = kind_of(session, event.features, is_required_of_clients);
		if kind and not is_explained[kind] then
			is_explained[kind] = true;
			log("warn", "X-TOKEN is offered on encrypted connections only, as PLAIN is. "
				.."A client of %s came %s. %s", host, advice[kind][1], advice[kind][2]);
		end
	end;
end

return { new = new };
