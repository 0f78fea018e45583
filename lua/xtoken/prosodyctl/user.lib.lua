-- Finds the user and the host that a command is about, and reads the options of this host. Prints
-- what is wrong with them, or how Prosody prepares the user if that differs from what was typed.
--
--   find(typed [, choose_verifier]) -> user, context, options | nil
--       context: what hosts.visit(host) returns
--       choose_verifier(context): returns the second argument of hosts.read

local find_host = module:require "xtoken/prosodyctl/wanted_host".find;
local hosts = module:require "xtoken/prosodyctl/hosts";
local native = module:require "xtoken/native";
local prepare = module:require "xtoken/jid".prepare;

local function complain(text, ...)
	print(text:format(...));
end

-- Returns what a minter finds wrong with a JID; nil if nothing but that it is not user@host.
local function find_flaw(typed)
	local otp_seed, token_secret = native.generate_key();
	local minter = native.new_minter { otp_seed = otp_seed, token_secret = token_secret };
	local _, flaw = minter:mint(typed);
	flaw = flaw and flaw:gsub("^.-: ", "");
	return flaw and not flaw:find("user@host", 1, true) and flaw or nil;
end

local function find(typed, choose_verifier)
	local user, host = prepare(typed or "");
	if not user then
		local flaw = typed and find_flaw(typed);
		return complain("The first argument must be a JID: write it as user@host%s",
			flaw and " ("..flaw..")" or "");
	end
	local names = hosts.list();
	local has_tokens = false;
	for _, name in ipairs(names) do
		has_tokens = has_tokens or name == host;
	end
	local same_host = not has_tokens and find_host(host);
	if same_host then
		return complain("Prosody writes this host in another way: use %s@%s", user, same_host);
	elseif not has_tokens then
		return complain("No tokens are verified for that host, but for: %s. Set authentication = "
			.."\"token\" there, or use another host",
			names[1] and table.concat(names, ", ") or "no host");
	end
	local prepared = user.."@"..host;
	if prepared ~= typed then
		io.stderr:write(("Prosody prepares this JID as %s\n"):format(prepared));
	end
	local context = hosts.visit(host);
	local options, problem = hosts.read(context, choose_verifier and choose_verifier(context));
	if not options then
		return complain("%s: %s", host, problem);
	end
	return user, context, options;
end

return { find = find };
