-- Mints the tokens with which the users of a web application log in to Prosody.
local xtoken = require "xtoken";

-- Returns a fresh token for jid, a prepared "user@host", or nil and a message. Only tests give now
-- and nonce. An application that mints many tokens keeps the minter.
local function mint(jid, otp_seed, token_secret, now, nonce)
	local minter, err = xtoken.new_minter { otp_seed = otp_seed; token_secret = token_secret };
	if not minter then
		return nil, err;
	end
	return minter:mint(jid, now, nonce);
end

local jid, now, nonce, more = ...;
local token, err;
if jid and not more then
	local otp_seed, token_secret = os.getenv "XTOKEN_OTP_SEED", os.getenv "XTOKEN_TOKEN_SECRET";
	token, err = mint(jid, otp_seed, token_secret, tonumber(now) or now, nonce);
end
if not token then
	io.stderr:write("mint.lua: ", err or "usage: lua mint.lua JID [UNIX_TIME [NONCE]]", "\n");
	os.exit(2);
end
print(token);
