-- Reads and writes what Prosody's storage keeps for a host as a whole, not for one of its users.
-- Returns the errors of the storage, also those that it raises.
--
--   ask(context, store_name, method, ...) -> what the store answers | nil, error
--       context: the module of the host

local function ask(context, store_name, method, ...)
	-- A store may also raise errors. One that must wait raises an error where nothing can be
	-- suspended, for instance in a timer.
	local called, answer, err = pcall(function (...)
		local store = context:open_store(store_name);
		return store[method](store, nil, ...);
	end, ...);
	if not called then
		return nil, answer;
	end
	return answer, err;
end

return { ask = ask };
