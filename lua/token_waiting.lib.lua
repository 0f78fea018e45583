-- Waiting for a ledger that answers later, so that only the login at hand waits.
--
-- While logins wait for a ledger, Prosody's event loop watches its file descriptor. Nothing here
-- belongs to a host: hosts may share a ledger, and modules may be reloaded while logins wait.

local async = require "util.async";
local server = require "net.server";

-- By ledger: { waiting = { [ticket] = function (outcome) }, watch = …, descriptor = … }. In `prosody`,
-- since whoever fetches the answers of a ledger must know all who wait for them.
local desks = prosody.token_desks or {};
prosody.token_desks = desks;

local function stop_watching(desk)
	local watch = desk.watch;
	desk.watch, desk.descriptor = nil, nil;
	if watch and watch.close then
		watch:close();
	elseif watch then
		-- The watch of net.server_event has no close.
		watch:setflags(false, false);
	end
end

local function hand_out(ledger, desk)
	-- One at a time, as if its client had just spoken: the event loop comes back for the next when it
	-- has looked after everybody else.
	local ticket, outcome = next(ledger:finished(1));
	local tell = desk.waiting[ticket];
	if tell then
		desk.waiting[ticket] = nil;
		-- A login that fails must not cost the others their answers.
		local ok, err = pcall(tell, outcome);
		if not ok then
			module:log("error", "A login that waited for the ledger failed: %s", err);
		end
	end
	if not next(desk.waiting) then
		stop_watching(desk);
	end
end

local function keep_watching(ledger, desk)
	local descriptor = ledger:descriptor();
	if descriptor ~= desk.descriptor then
		stop_watching(desk);
		desk.watch = server.watchfd(descriptor, function ()
			hand_out(ledger, desk);
		end);
		desk.descriptor = descriptor;
	end
end

-- Suspends the present login until the ticket is answered: true, or false and the reason.
local function wait(ledger, ticket)
	local desk = desks[ledger];
	if not desk then
		desk = { waiting = {} };
		desks[ledger] = desk;
	end
	local outcome;
	local suspend, resume = async.waiter();
	desk.waiting[ticket] = function (decided)
		outcome = decided;
		resume();
	end;
	keep_watching(ledger, desk);
	suspend();
	if outcome == true then
		return true;
	end
	return false, outcome;
end

return {
	can_wait = async.ready;
	wait = wait;
};
