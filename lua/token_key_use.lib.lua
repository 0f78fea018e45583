-- How many logins were accepted with each key, how many of them with undated tokens, and when the
-- last ones were. This shows when an old key is no longer needed. Kept in Prosody's storage,
-- written at most once a minute.

local timer = require "util.timer";
local ask = module:require "token_store";

local store_name = "token_key_use";
local pause = 60;

-- Whether that is what `write` has written: another program may have, too.
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

-- { [key id] = { accepted = 12, last = Unix seconds, dated = 10, undated = 2, last_undated = … } } as
-- it was last written; `context` is the module of a host. Earlier versions did not count dated
-- tokens.
local function stored(context)
	local uses, err = ask(context, store_name, "get");
	if uses and not are_uses(uses) then
		uses, err = nil, "the entry is none of xtoken's";
	end
	if err then
		context:log("warn", "It is unknown when the keys of %s were last used: %s", context.host, err);
	end
	return uses or {};
end

local function new()
	-- Not this module's alone, and its timer none of the module's: a login may wait while the module is
	-- reloaded, and is counted by what was unloaded.
	local shared = module:shared("key_use");
	shared.uses = shared.uses or stored(module);

	local function write()
		shared.timer = nil;
		local ok, err = ask(module, store_name, "set", shared.uses);
		if not ok then
			module:log("warn", "Cannot save when the keys of %s were last used: %s", module.host, err);
		end
	end

	local function save()
		if shared.timer then
			timer.stop(shared.timer);
			write();
		end
	end

	-- Forgets keys that are gone.
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
		shared.timer = shared.timer or timer.add_task(pause, write);
	end

	local function last(id)
		local use = shared.uses[id];
		return use and use.last;
	end

	return { count = count, last = last, keep_only = keep_only, save = save };
end

return { new = new, stored = stored };
