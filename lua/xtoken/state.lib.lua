-- Keeps the state of xtoken in a running Prosody: the tables in `prosody.xtoken`, its only global.
--
-- Each library requires those that it uses. Each module of a host runs a library for itself, and
-- again after a reload, so no library in this folder remembers anything in variables of its own.
-- What a host remembers while its module is loaded is in objects, which functions named `new`
-- return. What hosts share, or a reload must not lose, is here.

local state = prosody.xtoken or {};
prosody.xtoken = state;

local function table_of(name, mode)
	state[name] = state[name] or setmetatable({}, { __mode = mode });
end

table_of("ledgers"); -- By identity: the ledger, which hosts may share, and the hash of its URL.
table_of("ledger_of_host"); -- By host: the identity of the ledger that it has until Prosody stops.
table_of("ledger_alarms"); -- By host: what was logged about its ledger.
table_of("waiting"); -- By native verifier: the logins that wait for it.
table_of("retired", "k"); -- By native verifier: true if another one has taken its place.
table_of("key_uses"); -- By host: the logins with each key.
table_of("shell"); -- By host: the functions of its shell commands.
table_of("reload_errors"); -- By host: why its last reload failed.
table_of("guards", "k"); -- By the events of a host, while they exist: the hooks of its guard.

return state;
