-- The whole configuration of the container. Secrets and certificates come as files.

modules_enabled = { "roster"; "saslauth"; "tls"; "disco"; "carbons"; "ping"; "websocket" }
data_path = "/var/lib/prosody"
pidfile = "/run/prosody/prosody.pid"
log = { info = "*console" }
certificates = "/run/secrets"

-- For a proxy in another container, which ends TLS and sends X-Forwarded-Proto. For everybody else
-- the port is plain, and X-TOKEN is not offered there.
http_interfaces = { "*" }
trusted_proxies = { ENV_XMPP_PROXY }

VirtualHost (ENV_XMPP_HOST or "example.com")
	authentication = "token"
	otp_seed_file = "/run/secrets/otp_seed"
	token_secret_file = "/run/secrets/token_secret"
