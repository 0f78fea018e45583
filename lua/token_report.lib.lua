-- Facts for a person to read, a line for each, and how bad they are altogether.
--
--   new() -> report
--   report.title(text)
--   report.ok(text, …), report.warn(text, …), report.error(text, …): text as for string.format
--   report.log(level, text, …): as a logger of Prosody
--   report.status() -> 0, 1 after warnings, 2 after errors; says so

local function new()
	local counts = { ok = 0, warning = 0, error = 0 };
	local is_begun = false;

	local function add(label)
		return function (text, ...)
			counts[label] = counts[label] + 1;
			print(("%-8s %s"):format(label, text:format(...)));
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
