-- Whether the ledger of a host answers, and whose clock is off.
--
-- Returns check(report, utils, deviation, known_problem) -> the ledger, if something can be looked for in it
--     known_problem: was told already

local lfs = require "lfs";
local now = require "util.time".now;

-- Seconds that the clocks may be apart without a word.
local tolerance = 5;

-- A password is before the host, or in the query.
local function without_password(url)
	return (url:gsub("//[^/?]*@", "//…@"):gsub("([?&]pass=)[^&]*", "%1…"));
end

local function compare_clocks(report, clock, deviation)
	local ahead = math.floor(clock - now() + 0.5);
	local half_window = 15 * (2 * deviation + 1);
	local say = math.abs(ahead) > half_window and report.error or math.abs(ahead) > tolerance and report.warn;
	if say then
		say("its clock is %d s %s this one: check the time (NTP) of both machines",
			math.abs(ahead), ahead > 0 and "ahead of" or "behind");
	else
		report.ok("its clock and this one agree");
	end
end

return function (report, utils, deviation, known_problem)
	local ledger, problem = utils.open_ledger();
	if not ledger then
		if problem ~= known_problem then
			report.error("ledger: %s", problem);
		end
		return;
	end
	local url = utils.ledger_url();
	if url == "memory:" then
		report.warn("ledger: \"memory\" forgets what was used when Prosody restarts, so that tokens can be used again: "
			.."name a file in token_ledger");
		return ledger;
	end
	local name = without_password(url);
	local answers, clock_or_trouble = ledger:probe();
	if not answers then
		report.error("ledger: nobody can log in, since %s does not answer: %s", name, clock_or_trouble);
		return;
	end
	local path = url:match("^sqlite:(.*)$");
	if path and not lfs.attributes(path) then
		report.ok("ledger: %s does not exist yet and can be made", name);
		return;
	end
	report.ok("ledger: %s answers", name);
	if clock_or_trouble then
		compare_clocks(report, clock_or_trouble, deviation);
	end
	return ledger;
end;
