-- Reports whether the ledger of a host answers, and whether its clock agrees with this machine's.
--
--   check(report, context, deviation, known_problem) -> the ledger, if it accepts tokens now
--       context: what hosts.visit returned; known_problem: one that was reported already

local config = require "core.configmanager";
local lfs = require "lfs";
local datetime = require "util.datetime".datetime;
local now = require "util.time".now;

-- Seconds that the clocks may be apart before there is a warning.
local tolerance = 5;

-- Returns the URL if it cannot be a secret in the wrong place, else a description. The default file
-- and a server that answers are no secrets. (A file that exists may be one: xtoken makes files of
-- any name.) Leaves out passwords: they are before the host, or in the query.
local function shown(url, is_default, answers)
	if url:find("^sqlite:") then
		return is_default and url or "the file in token_ledger";
	end
	local without_login = url:gsub("//[^/?]*@", "//…@"):gsub("%?.*", "");
	return answers and without_login or "the server in token_ledger";
end

-- Returns why no file can be at a path. Shows what exists, and nothing else: see shown().
local function problem_of_place(path)
	if path:find("\0", 1, true) then
		-- The part before it could be the path of something else.
		return "token_ledger has a NUL byte: write the path again";
	elseif lfs.attributes(path, "mode") == "directory" then
		return ("token_ledger is the folder %s: add the name of a file"):format(path);
	end
	local folder = path:match("^(.*)/") or ".";
	if lfs.attributes(folder.."/.") then
		return nil;
	end
	local parent = folder;
	repeat
		parent = parent:match("^(.*)/") or "";
	until parent == "" or lfs.attributes(parent.."/.");
	local user = config.get("*", "prosody_user") or "prosody";
	return ("token_ledger names a folder that does not exist in %s, or that Prosody may not enter: "
		.."make it with install -d -o %s -g %s -m 750 FOLDER"):format(
		parent == "" and "/" or parent, user, config.get("*", "prosody_group") or user);
end

local function looks_like_server(value)
	return type(value) == "string" and (value:find("^[%w.-]+:%d+$") or value:lower() == "redis");
end

local function compare_clocks(report, clock, deviation)
	local ahead = math.floor(clock - now() + 0.5);
	local half_window = 15 * (2 * deviation + 1);
	local say = math.abs(ahead) > half_window and report.error
		or math.abs(ahead) > tolerance and report.warn;
	if say then
		say("its clock is %d s %s this one: check the time (NTP) of both machines",
			math.abs(ahead), ahead > 0 and "ahead of" or "behind");
	else
		report.ok("its clock and this one agree");
	end
end

local function check(report, context, deviation, known_problem)
	local ledger, url_or_problem = context:require "xtoken/ledger".open();
	if not ledger then
		-- The same problem may be said with the names of options.
		if not (known_problem and known_problem:find("ledger", 1, true)) then
			report.error("ledger: %s", url_or_problem);
		end
		return;
	end
	local url = url_or_problem;
	if url == "memory:" then
		report.warn("ledger: \"memory\" forgets spent tokens when Prosody restarts, so that they "
			.."can be spent again: name a file in token_ledger");
		return ledger;
	end
	local path = url:match("^sqlite:(.*)$");
	local wrong_place = path and problem_of_place(path);
	if wrong_place then
		report.error("ledger: nobody can log in: %s", wrong_place);
		return;
	end
	if path and looks_like_server(context:get_option("token_ledger")) then
		report.warn("ledger: token_ledger looks like a server, but is the path of a file: for a "
			.."Redis, write \"redis://HOST:PORT\"");
	end
	local answers, clock_or_error, has_lost = ledger:probe();
	local name = shown(url, context:get_option("token_ledger") == nil, answers);
	if not answers then
		report.error("ledger: nobody can log in because %s does not answer: %s",
			name, clock_or_error);
		return;
	end
	if has_lost then
		report.warn("ledger: %s was deleted, emptied or replaced: when Prosody starts, it will "
			.."refuse the tokens of up to %d s, because they may have been spent", name,
			30 * (deviation + 1));
		return;
	end
	if path and not lfs.attributes(path) then
		report.ok("ledger: its file does not exist yet and can be created in %s",
			path:match("^(.*)/") or ".");
		return;
	end
	report.ok("ledger: %s answers", name);
	if clock_or_error then
		compare_clocks(report, clock_or_error, deviation);
		-- Tells the ledger the deviation, if no login has done so.
		ledger:start(deviation);
	end
	local closed_until = ledger:closed_until();
	if closed_until then
		report.warn("ledger: it cannot tell which of the last tokens were spent, and refuses those "
			.."minted before %s: wait until then", datetime(closed_until));
		return;
	end
	return ledger;
end

return { check = check };
