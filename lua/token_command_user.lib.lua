-- The user and the host that a command is about. Says what is wrong with them, or how Prosody
-- reads them when that differs from what was typed.
--
-- Returns find(typed) -> user, host, as token_hosts.visit(host) | nil

local hosts = module:require "token_hosts";
local prepare = module:require "token_address".prepare;

local function complain(text, ...)
	print(text:format(...));
end

local function find(typed)
	local user, host = prepare(typed or "");
	if not user then
		return complain("The word after the command is no address: write it as user@host");
	end
	local names = hosts.list();
	local is_ours = false;
	for _, name in ipairs(names) do
		is_ours = is_ours or name == host;
	end
	if not is_ours then
		return complain("No tokens are verified for that host, but for: %s. Set authentication = "
			.."\"token\" there, or let clients log in to another host",
			names[1] and table.concat(names, ", ") or "no host");
	end
	local prepared = user.."@"..host;
	if prepared ~= typed then
		io.stderr:write(("Prosody reads this address as %s\n"):format(prepared));
	end
	return user, host, hosts.visit(host);
end

return find;
