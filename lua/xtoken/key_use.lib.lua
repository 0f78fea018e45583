-- Counts the logins with each key, which shows when an old key is no longer needed.
--
-- The counts are in Prosody's storage, written at most once a minute: the first at once, so that
-- `check` shows a key that has just been used.
--
--   stored(context) -> uses, as they were last written; `context` is the module of a host
--       uses: { [key id] = { accepted = 12, last = Unix seconds, dated = 10, undated = 2,
--       last_undated = … } }. Earlier versions did not count dated tokens
--   new() -> key_use
--   key_use.count(id, now, is_dated): counts a login
--   key_use.last(id) -> when the last login was | nil
--   key_use.keep_only(keys): forgets all other keys
--   key_use.save(): writes now what would be written later

local monotonic = require "util.time".monotonic;
local timer = require "util.timer";
local state = module:require "xtoken/state";
local store = module:require "xtoken/store";

local store_name = "token_key_use";
local pause = 60;

-- Returns whether a value has the shape of uses. Another program may have written it.
local function are_uses(value)
	if type(value) ~= "table" then
		return false;
	end
	for _, use in pairs(value) do
		if type(use) ~= "table" or not use.accepted or not use.last then
			return false;
		end
		for _, number in pairs(use) do
			if type(number) ~= "number" or number % 1 ~= 0 then
				return false;
			end
		end
	end
	return true;
end

local function stored(context)
	local uses, err = store.ask(context, store_name, "get");
	if uses and not are_uses(uses) then
		uses, err = nil, "the entry was not written by xtoken";
	end
	if err then
		context:log("warn", "Cannot read when the keys of %s were last used: %s",
			context.host, err);
	end
	return uses or {};
end

local function new()
	-- Shared with the modules that this one replaces. A login may wait for the ledger while the
	-- module is reloaded, and then the unloaded module counts it. For the same reason, the timer
	-- does not belong to the module.
	local shared = state.key_uses[module.host] or { uses = stored(module) };
	state.key_uses[module.host] = shared;

	local function write()
		shared.timer, shared.written_at = nil, monotonic();
		local ok, err = store.ask(module, store_name, "set", shared.uses);
		if not ok then
			module:log("warn", "Cannot save when the keys of %s were last used: %s",
				module.host, err);
		end
	end

	local function save()
		if shared.timer then
			timer.stop(shared.timer);
			write();
		end
	end

	local function keep_only(keys)
		local kept = {};
		for _, key in ipairs(keys) do
			kept[key.id] = shared.uses[key.id];
		end
		shared.uses = kept;
	end

	local function count(id, now, is_dated)
		local use = shared.uses[id] or { accepted = 0 };
		shared.uses[id] = use;
		use.accepted, use.last = use.accepted + 1, now;
		if is_dated then
			use.dated = (use.dated or 0) + 1;
		else
			use.undated, use.last_undated = (use.undated or 0) + 1, now;
		end
		local passed = shared.written_at and monotonic() - shared.written_at or pause;
		shared.timer = shared.timer or timer.add_task(math.max(pause - passed, 0), write);
	end

	local function last(id)
		local use = shared.uses[id];
		return use and use.last;
	end

	return { count = count, last = last, keep_only = keep_only, save = save };
end

return { new = new, stored = stored };
