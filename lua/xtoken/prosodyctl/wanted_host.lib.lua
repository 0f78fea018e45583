-- Finds the host of the configuration that a person means.
--
--   find(text) -> host | nil, what is wrong, a host without tokens that has that name
--       text: the name as typed, also with capitals, a dot at its end, or as xn--

local encodings = require "util.encodings";
local nearest = module:require "xtoken/distance".nearest;
local hosts = module:require "xtoken/prosodyctl/hosts";
local sections = module:require "xtoken/prosodyctl/sections";

-- Returns a name in the one form in which all its spellings are equal.
local function normal(text)
	local name = text:gsub("^.*@", ""):gsub("%.$", "");
	name = encodings.stringprep.nameprep(name) or name;
	return encodings.idna.to_ascii(name) or name;
end

local function others()
	local names = hosts.list();
	return names[1] and table.concat(names, ", ") or "no host";
end

local function find(text)
	for _, host in ipairs(hosts.list()) do
		if normal(host) == normal(text) then
			return host;
		end
	end
	for _, host in sections.each() do
		if normal(host) == normal(text) then
			local reason = sections.is_component(host)
				and "that is a Component, where nobody logs in"
				or not sections.is_enabled(host) and "enabled is false for that host"
				or "authentication is not \"token\" for that host";
			return nil, reason..", but for: "..others(), host;
		end
	end
	local near = nearest(normal(text), hosts.list());
	return nil, ("there is no such VirtualHost in the configuration. Tokens are verified for: %s%s")
		:format(others(), near and ". Did you mean "..near.."?" or "");
end

return { find = find };
