-- Runs the commands "prosodyctl mod_auth_token …".
--
--   run(words) -> exit status
--       words: those after mod_auth_token

local function has_option(words)
	for _, word in ipairs(words) do
		if word:find "^%-." then
			return true;
		end
	end
	return false;
end

local function takes_one(words)
	return #words <= 1 and not has_option(words);
end

-- A token without quotes is two words, and may be more.
local function takes_token(words)
	return not has_option(words);
end

local function takes_files(words)
	return #words == 0 or #words == 2 and words[1] == "--files";
end

-- takes(words) returns whether each word has an effect.
local commands = {
	{ name = "check", words = "[host]", takes = takes_one,
		does = "find errors in the configuration",
		examples = { "mod_auth_token check", "mod_auth_token check example.com" } };
	{ name = "generate-key", words = "[--files DIR]", takes = takes_files,
		does = "print a new key, or write it into two files",
		examples = { "mod_auth_token generate-key",
			"--root mod_auth_token generate-key --files secrets" } };
	{ name = "mint", words = "user@host", takes = takes_one,
		does = "print a fresh token, to try things out",
		examples = { "mod_auth_token mint alice@example.com >token" } };
	{ name = "verify", words = "user@host [TOKEN]", takes = takes_token,
		does = "accept or refuse a token as a login does; spends it",
		examples = { "mod_auth_token verify alice@example.com <token" } };
	{ name = "explain", words = "user@host [TOKEN]", takes = takes_token,
		does = "say why a token would be refused; does not spend it",
		examples = { "mod_auth_token explain alice@example.com <token" } };
};

local note_on_tokens = [[

Without TOKEN, or with -, one line of standard input is read. That is safer: other users of the
machine can see the arguments of a command.]];

local exit_status = [[

Exit status: 0 accepted or no errors, 1 refused or warnings, 2 errors.]];

local function usage()
	local lines = { "Usage: prosodyctl mod_auth_token COMMAND", "" };
	for _, command in ipairs(commands) do
		table.insert(lines, ("  %-26s %s"):format(command.name.." "..command.words, command.does));
	end
	table.insert(lines, note_on_tokens);
	table.insert(lines, exit_status);
	return table.concat(lines, "\n");
end

local function usage_of(command)
	local lines = {
		("Usage: prosodyctl mod_auth_token %s %s"):format(command.name, command.words), "",
		"  "..command.does,
	};
	if command.words:find "TOKEN" then
		table.insert(lines, note_on_tokens);
	end
	table.insert(lines, "\nExamples:");
	for _, example in ipairs(command.examples) do
		table.insert(lines, "  prosodyctl "..example);
	end
	table.insert(lines, exit_status);
	return table.concat(lines, "\n");
end

local is_help = { ["--help"] = true, ["-h"] = true, ["-?"] = true, help = true };

local function find(name)
	for _, command in ipairs(commands) do
		if command.name == name then
			return command;
		end
	end
end

-- Returns how to name what was typed. A secret in the wrong place is not a short word like this.
local function shown(word)
	return #word <= 16 and word:find("^%l[%l-]*$") and ("%q"):format(word) or "of that name";
end

local function run(words)
	local name = table.remove(words, 1);
	if is_help[name] then
		local command = find(words[1]);
		print(command and usage_of(command) or usage());
		return 0;
	end
	local command = find(name);
	if not command then
		io.stderr:write(name and ("There is no command %s.\n"):format(shown(name)) or "", usage(),
			"\n");
		return 2;
	elseif is_help[words[1]] and words[1] ~= "help" then
		print(usage_of(command));
		return 0;
	elseif not command.takes(words) then
		io.stderr:write(usage_of(command), "\n");
		return 2;
	end
	local library = "xtoken/prosodyctl/"..name:gsub("-", "_");
	local called, status_or_err = pcall(function ()
		return module:require(library).run(words);
	end);
	if not called then
		-- A file of xtoken is missing. Prosody would change the hyphens of its name into spaces.
		print(status_or_err);
		return 2;
	end
	return status_or_err;
end

return { run = run };
