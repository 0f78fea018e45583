-- Prints facts for a person, a line for each, and counts errors and warnings.
--
--   new() -> report
--   report.title(text)
--   report.ok(text, …), report.warn(text, …), report.error(text, …): text as for string.format
--   report.log(level, text, …): as a logger of Prosody
--       On a terminal, lines are folded to 80 columns; otherwise they stay whole, to be searched.
--   report.status() -> exit status: 0, 1 after warnings, 2 after errors; prints the counts

local isatty = require "util.pposix".isatty;

local columns = 80;
local label_width = 9;

-- Returns a text with line breaks in the place of spaces. Words that are too long stay whole.
local function fold(text)
	local lines, line = {}, nil;
	for word in text:gmatch("%S+") do
		if line and label_width + #line + 1 + #word <= columns then
			line = line.." "..word;
		else
			table.insert(lines, line);
			line = word;
		end
	end
	table.insert(lines, line);
	return table.concat(lines, "\n"..(" "):rep(label_width));
end

local function new()
	local is_terminal = isatty(io.stdout);
	local counts = { ok = 0, warning = 0, error = 0 };
	local is_begun = false;

	local function add(label)
		return function (text, ...)
			counts[label] = counts[label] + 1;
			local sentence = text:format(...);
			print(("%-8s %s"):format(label, is_terminal and fold(sentence) or sentence));
		end;
	end

	local report = { ok = add "ok", warn = add "warning", error = add "error" };

	function report.title(text)
		print((is_begun and "\n" or "")..text);
		is_begun = true;
	end

	function report.log(level, ...)
		(report[level] or report.ok)(...);
	end

	function report.status()
		print(("\nerrors: %d, warnings: %d"):format(counts.error, counts.warning));
		return counts.error > 0 and 2 or counts.warning > 0 and 1 or 0;
	end

	return report;
end

return { new = new };
