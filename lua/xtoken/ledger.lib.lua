-- Opens the ledger of this host, which remembers spent tokens, and keeps it until Prosody stops.
--
--   open() -> ledger, url | nil, problem, option: opens the ledger that the options name
--   open_kept() -> the same, but a host that has a ledger keeps it
--   keep(url): makes the ledger of this URL the one that the host has
--       option: which to set, without its prefix

local sha256 = require "util.hashes".sha256;
local native = module:require "xtoken/native";
local ledger_url = module:require "xtoken/ledger_url";
local state = module:require "xtoken/state";

-- Hosts share a ledger. If its login has changed, another one takes its place, and continues with
-- what it knows. The URL has a password, so only its hash is kept.
local function open_url(url)
	local identity, hash = ledger_url.identity(url), sha256(url);
	local entry = state.ledgers[identity];
	if entry and entry.hash == hash then
		return entry.ledger, url;
	end
	local ledger, problem = native.new_ledger(url, entry and entry.ledger);
	if not ledger then
		return nil, problem, "ledger";
	end
	state.ledgers[identity] = { ledger = ledger, hash = hash };
	return ledger, url;
end

local function open()
	local url, problem, option = ledger_url.read();
	if not url then
		return nil, problem, option;
	end
	return open_url(url);
end

-- Forgets the ledgers that no host has, which open() may have opened.
local function forget_others()
	local is_kept = {};
	for _, identity in pairs(state.ledger_of_host) do
		is_kept[identity] = true;
	end
	for identity in pairs(state.ledgers) do
		if not is_kept[identity] then
			state.ledgers[identity] = nil;
		end
	end
end

-- Another ledger would not know which tokens this one has accepted.
local function open_kept()
	local ledger, url_or_problem, option = open();
	local kept = state.ledger_of_host[module.host];
	if not ledger or not kept or kept == ledger_url.identity(url_or_problem) then
		return ledger, url_or_problem, option;
	end
	module:log("error", "%s keeps its ledger, so that no token is spent twice: "
		.."changing token_ledger requires a restart of Prosody", module.host);
	return state.ledgers[kept].ledger, kept;
end

local function keep(url)
	state.ledger_of_host[module.host] = ledger_url.identity(url);
	forget_others();
end

return { open = open, open_kept = open_kept, keep = keep };
