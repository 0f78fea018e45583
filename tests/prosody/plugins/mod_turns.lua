-- Measures the turns of the event loop: for how long it is away from waiting for sockets. Asked by
-- an iq, it answers with the longest since it was last asked, in seconds, and begins anew.
--
-- Time in which this thread could have run and did not get a processor is subtracted, as the kernel
-- counts it: what a busy machine adds is no fault of the server's.

local now = require "util.time".monotonic;
local st = require "util.stanza";

local schedstat = assert(io.open("/proc/thread-self/schedstat"));
schedstat:setvbuf("no");

local function run_time()
	schedstat:seek("set");
	local _, delayed = schedstat:read("n", "n");
	return now() - delayed / 1e9;
end

local methods = debug.getregistry()["util.poll<epoll>"].__index;
local wait = methods.wait;
local began, longest = run_time(), 0;

local function resume(...)
	began = run_time();
	return ...;
end

function methods.wait(...)
	longest = math.max(longest, run_time() - began);
	return resume(wait(...));
end

module:hook("iq-get/host/urn:xtoken:turns:turns", function (event)
	local answer = { xmlns = "urn:xtoken:turns", longest = ("%.6f"):format(longest) };
	event.origin.send(st.reply(event.stanza):tag("turns", answer));
	-- Without the rest of this turn.
	began, longest = math.huge, 0;
	return true;
end);
