-- Whether the ledger of a host answers, and whose clock is off.
-- Returns check(report, visited, deviation, known_problem) -> the ledger, if it can be asked
--     visited: what token_hosts.visit returned; known_problem: one that was reported already

local lfs = require "lfs";
local now = require "util.time".now;

-- Seconds that the clocks may be apart without a word.
local tolerance = 5;

-- Returns the URL if it cannot be a secret in the wrong place, else a description. It cannot be one
-- if it is the default file, or a server that answers. (A file that is named proves nothing: xtoken
-- makes files of any name.) Leaves out passwords: they are before the host, or in the query.
local function shown(url, is_default, answers)
	if url:find("^sqlite:") then
		return is_default and url or "the file in token_ledger";
	end
	local without_login = url:gsub("//[^/?]*@", "//…@"):gsub("%?.*", "");
	return answers and without_login or "the server in token_ledger";
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

return function (report, visited, deviation, known_problem)
	local ledger, problem = visited.utils.open_ledger();
	if not ledger then
		if problem ~= known_problem then
			report.error("ledger: %s", problem);
		end
		return;
	end
	local url = visited.utils.ledger_url();
	if url == "memory:" then
		report.warn("ledger: \"memory\" forgets what was used when Prosody restarts, so that tokens can be used again: "
			.."name a file in token_ledger");
		return ledger;
	end
	local answers, clock_or_trouble = ledger:probe();
	local name = shown(url, visited.module:get_option("token_ledger") == nil, answers);
	if not answers then
		report.error("ledger: nobody can log in, since %s does not answer: %s", name, clock_or_trouble);
		return;
	end
	local path = url:match("^sqlite:(.*)$");
	if path and not lfs.attributes(path) then
		report.ok("ledger: its file does not exist yet and can be made in %s",
			path:match("^(.*)/") or ".");
		return;
	end
	report.ok("ledger: %s answers", name);
	if clock_or_trouble then
		compare_clocks(report, clock_or_trouble, deviation);
	end
	return ledger;
end;
