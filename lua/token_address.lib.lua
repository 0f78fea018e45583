-- The address that a login is for, as the mechanism X-TOKEN and Prosody's streams prepare it.
--
--   prepare(text) -> user, host | nil

local stringprep = require "util.encodings".stringprep;
local jid_split = require "util.jid".split;

local function prepare(text)
	local user, host = jid_split(text);
	user = user and stringprep.saslprep(user);
	user = user and stringprep.nodeprep(user);
	host = host and stringprep.nameprep(host);
	if not host or not user or user == "" then
		return nil;
	end
	return user, host;
end

return { prepare = prepare };
