-- Keeps why the last reload of the configuration failed for this host, and tells the person who
-- asked for it.
--
-- Prosody's event of a reload has no place for an error. Its shell shows an error that is raised,
-- and prints nothing else. So this raises one after all others were told of the reload, but only if
-- the shell asked: elsewhere nobody would catch it.
--
--   note(problem, advice): the reload failed; logs it
--   clear(): the reload succeeded, or the module is unloaded
--   get() -> the error | nil
--   raise(): raises what failed on any host, if the shell has asked for the reload

local internals = module:require "xtoken/prosody_internals";
local state = module:require "xtoken/state";

local host = module.host;

local function note(problem, advice)
	local err = ("Users of %s log in as before the reload: %s. %s"):format(host, problem, advice);
	module:log("error", "%s", err);
	module:set_status("error", err);
	state.reload_errors[host] = err;
end

local function clear()
	if state.reload_errors[host] then
		module:set_status("core", "Loaded", true);
		state.reload_errors[host] = nil;
	end
end

local function get()
	return state.reload_errors[host];
end

local function raise()
	local errors = {};
	for _, err in pairs(state.reload_errors) do
		table.insert(errors, err);
	end
	if errors[1] and internals.is_asked_by_shell() then
		table.sort(errors);
		error(table.concat(errors, "\n"), 0);
	end
end

return { note = note, clear = clear, get = get, raise = raise };
