-- Prepares a JID that a person typed, as the mechanism X-TOKEN and Prosody's streams prepare it.
--
--   prepare(text) -> user, host | nil

local stringprep = require "util.encodings".stringprep;
local jid_split = require "util.jid".split;
local prepare_name = module:require "xtoken/usernames".prepare;

local function prepare(text)
	local user, host = jid_split(text);
	user = user and prepare_name(user, stringprep.nodeprep);
	host = host and stringprep.nameprep(host);
	if not host or not user then
		return nil;
	end
	return user, host;
end

return { prepare = prepare };
