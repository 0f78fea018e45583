-- Reads and writes data of a whole host in Prosody's storage, which may fail.
--
-- Returns ask(context, store_name, method, ...) -> what the store answers | nil, error
--     context: the module of the host

return function (context, store_name, method, ...)
	-- A store may also raise its errors. One that has to wait does so where nothing can be
	-- suspended, for instance in a timer.
	local called, answer, err = pcall(function (...)
		local store = context:open_store(store_name);
		return store[method](store, nil, ...);
	end, ...);
	if not called then
		return nil, answer;
	end
	return answer, err;
end;
