-- Reports the clock of this machine, on which OTPs depend.
--
-- Time zones do not matter, because tokens count Unix seconds.
--
--   check(report)

local datetime = require "util.datetime".datetime;

-- This version of xtoken was written later than that: 2026-01-01.
local earliest = 1767225600;

-- Returns what systemd says about the clock, or nil if there is no systemd.
local function is_synchronized()
	local called, output = pcall(io.popen, "timedatectl show --property=NTPSynchronized 2>&1");
	local line = called and output and output:read("*l");
	if called and output then
		output:close();
	end
	local value = line and line:match("^NTPSynchronized=(%l+)$");
	return value and value == "yes";
end

local function check(report)
	local now = os.time();
	if now < earliest then
		report.error("the clock of this machine says %s, so tokens are refused as expired: "
			.."set it, and let NTP keep it right", datetime(now));
	elseif is_synchronized() == false then
		report.warn("NTP does not set the clock of this machine: run timedatectl set-ntp true. "
			.."Tokens are refused if it is more than 30 s wrong");
	else
		report.ok("the clock says %s", datetime(now));
	end
end

return { check = check };
