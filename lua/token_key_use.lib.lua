-- How many logins each key has let in and when the last one was, so that it can be seen when an old
-- key is no longer needed. Kept in Prosody's storage, written at most once a minute.

local store_name = "token_key_use";
local pause = 60;

-- { [key id] = { accepted = 12, last = Unix seconds } } as it was last written; `context` is the
-- module of a host.
local function stored(context)
	local uses, err = context:open_store(store_name):get();
	if err then
		context:log("warn", "It is unknown when the keys of %s were last used: %s", context.host, err);
	end
	return uses or {};
end

local function new()
	local uses = stored(module);
	local must_save = false;

	local function save()
		if not must_save then
			return;
		end
		must_save = false;
		local ok, err = module:open_store(store_name):set(nil, uses);
		if not ok then
			module:log("warn", "Cannot save when the keys of %s were last used: %s", module.host, err);
		end
	end

	-- Forgets keys that are gone.
	local function keep_only(keys)
		local kept = {};
		for _, key in ipairs(keys) do
			kept[key.id] = uses[key.id];
		end
		uses = kept;
	end

	local function count(id, now)
		local use = uses[id] or { accepted = 0 };
		uses[id] = use;
		use.accepted, use.last = use.accepted + 1, now;
		if not must_save then
			must_save = true;
			module:add_timer(pause, save);
		end
	end

	local function last(id)
		return uses[id] and uses[id].last;
	end

	return { count = count, last = last, keep_only = keep_only, save = save };
end

return { new = new, stored = stored };
