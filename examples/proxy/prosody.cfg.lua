-- /etc/prosody/conf.d/example.com.cfg.lua

-- Global options: above every VirtualHost.
http_interfaces = { "127.0.0.1" }   -- the plain port, for the proxy only
consider_websocket_secure = true    -- the proxy speaks TLS with the clients
consider_bosh_secure = true
trusted_proxies = { "127.0.0.1" }   -- whose X-Forwarded-For is believed

VirtualHost "example.com"
    authentication = "token"
    otp_seed = "…"
    token_secret = "…"
    modules_enabled = { "websocket", "bosh" }   -- beside the global list
