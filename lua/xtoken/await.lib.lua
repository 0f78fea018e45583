-- Waits for a ledger that answers later, so that only the login at hand waits.
--
-- From the first login that waits for a verifier until it is retired, Prosody's event loop watches
-- its file descriptor. To begin and to end that for each login would take half as long again as all
-- the rest that xtoken does for a login.
--
--   can_wait() -> whether the present login can be suspended
--   wait(verifier, ticket) -> what verifier:verify or verifier:explain of the native module would
--       have returned
--   retire(verifier): another verifier takes its place; logins that wait still get their answers

local async = require "util.async";
local server = require "net.server";
local state = module:require "xtoken/state";

-- By verifier: { resume = { [ticket] = function (decision) }, watch = …, descriptor = … }. A
-- decision can be taken once, so what takes it must know every login that waits for the verifier.
local waiting, retired = state.waiting, state.retired;

local function stop_watching(queue)
	local watch = queue.watch;
	queue.watch, queue.descriptor = nil, nil;
	if watch and watch.close then
		watch:close();
	elseif watch then
		-- The watch of net.server_event has no close.
		watch:setflags(false, false);
	end
end

local function end_if_over(verifier, queue)
	if retired[verifier] and not next(queue.resume) then
		stop_watching(queue);
		waiting[verifier] = nil;
	end
end

local function complete_one(verifier, queue)
	-- Takes one decision. The event loop serves all other clients before it comes back for the next
	-- one.
	local ticket, decision = next(verifier:completions(1));
	local resume = queue.resume[ticket];
	if resume then
		queue.resume[ticket] = nil;
		-- A login that fails must not cost the others their decisions.
		local ok, err = pcall(resume, decision);
		if not ok then
			module:log("error", "A login that waited for the ledger failed: %s", err);
		end
	end
	end_if_over(verifier, queue);
end

local function keep_watching(verifier, queue)
	local descriptor = verifier:descriptor();
	if descriptor ~= queue.descriptor then
		stop_watching(queue);
		queue.watch = server.watchfd(descriptor, function ()
			complete_one(verifier, queue);
		end);
		queue.descriptor = descriptor;
	end
end

local function wait(verifier, ticket)
	local queue = waiting[verifier];
	if not queue then
		queue = { resume = {} };
		waiting[verifier] = queue;
	end
	local decision;
	local suspend, resume = async.waiter();
	queue.resume[ticket] = function (decided)
		decision = decided;
		resume();
	end;
	keep_watching(verifier, queue);
	suspend();
	return decision[1], decision[2], decision[3], decision[4], decision[5];
end

local function retire(verifier)
	retired[verifier] = true;
	local queue = waiting[verifier];
	if queue then
		end_if_over(verifier, queue);
	end
end

return { can_wait = async.ready, wait = wait, retire = retire };
