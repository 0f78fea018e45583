-- Starts the ledger of this host before the first login, and again while it does not answer. So the
-- log tells of an outage, and of its end, although nobody logs in.
--
-- This begins in the first turn of the event loop, because Prosody 0.12 forks after it has loaded
-- its modules. A ledger in a server is not waited for, but asked again.
--
--   new() -> watch
--   watch.follow(options): starts the ledger of these options; they are those of xtoken/options
--   watch.stop()

local ledger_alarms = module:require "xtoken/ledger_alarms";
local has_alarm, note_started = ledger_alarms.has_alarm, ledger_alarms.note_started;

local log = module._log;

-- Seconds until a server is asked for its answer, and until a ledger that failed is started again.
local soon, pause = 0.1, 10;

local function new()
	local watch, options, timer = {}, nil, nil;

	local function start()
		local ledger = options.verifier.ledger;
		local is_usable, err = ledger:start(options.deviation);
		if is_usable == nil then
			return soon;
		end
		note_started(ledger, err, log);
		return pause;
	end

	local is_due;

	local function turn()
		if is_due or has_alarm() then
			local delay = start();
			is_due = delay == soon;
			return delay;
		end
		return pause;
	end

	function watch.stop()
		if timer then
			timer:stop();
		end
	end

	function watch.follow(new_options)
		watch.stop();
		options, is_due = new_options, true;
		timer = module:add_timer(0, turn);
	end

	return watch;
end

return { new = new };
