-- Finds values without quotes in the text of Prosody's configuration. To Prosody, such a word is a
-- variable that does not exist: it ignores the option, and says nothing.
--
--   find() -> list of { section, option, field, file, line }: field is set inside a table. The word
--       is not there, because it may be a secret
--   of_host(host) -> those of options of xtoken, for this host or for all
--   describe(found) -> text
--
-- A word that could have a value is left out: a global or local variable, another option, and a
-- variable of the environment.

local config = require "core.configmanager";
local nameprep = require "util.encodings".stringprep.nameprep;
local known_options = module:require "xtoken/known_options";

local begins_section = {
	VirtualHost = true, Host = true, host = true, Component = true, component = true,
};
local keywords = { ["true"] = true, ["false"] = true, ["nil"] = true, ["not"] = true,
	["function"] = true };

-- What is skipped, and what is a token, in the order in which they are tried.
local forms = {
	{ "^%-%-%[(=*)%[.-%]%1%]" }, { "^%-%-[^\n]*" }, { "^%s+" },
	{ "^%[(=*)%[.-%]%1%]", "string" }, { "^[%a_][%w_]*", "name" }, { "^%d[%w.]*", "number" },
	{ "^[=~<>]=", "sign" }, { "^.", "sign" },
};

-- Returns the position of the last character of a string in quotes.
local function end_of_string(text, position)
	local quote = text:sub(position, position);
	repeat
		position = text:find("[\\"..quote.."]", position + 1) or #text;
		local is_escape = text:sub(position, position) == "\\";
		position = is_escape and position + 1 or position;
	until not is_escape or position >= #text;
	return position;
end

local function next_token(text, position)
	if text:find("^[\"']", position) then
		return position, end_of_string(text, position), "string";
	end
	for _, form in ipairs(forms) do
		local first, last = text:find(form[1], position);
		if first then
			return first, last, form[2];
		end
	end
end

local function tokens(text)
	local list, position, line = {}, 1, 1;
	while position <= #text do
		local first, last, kind = next_token(text, position);
		local content = text:sub(first, last);
		if kind then
			table.insert(list, { kind = kind, text = content, line = line });
		end
		line = line + select(2, content:gsub("\n", ""));
		position = last + 1;
	end
	return list;
end

-- Returns the names after `local`: those of variables, and of functions.
local function local_names(list)
	local names = {};
	for position, token in ipairs(list) do
		local i = position + 1;
		while token.text == "local" and list[i] and list[i].kind == "name" do
			names[list[i].text] = true;
			i = list[i + 1] and list[i + 1].text == "," and i + 2 or i + 1;
		end
	end
	return names;
end

local uses_value = { ["."] = true, ["("] = true, ["["] = true, [":"] = true, ["{"] = true };

local function is_bare(token, following)
	return token and token.kind == "name" and not keywords[token.text]
		and not token.text:find("^ENV_")
		and not (following and (uses_value[following.text] or following.kind == "string"));
end

local function has_value(word, section, locals)
	return locals[word] or rawget(_G, word) ~= nil or config.get(section, word) ~= nil;
end

local function section_name(list, position)
	local token = list[position + 1];
	token = token and token.text == "(" and list[position + 2] or token;
	local name = token and token.kind == "string" and token.text:match("^[\"'](.*)[\"']$");
	return name and (nameprep(name) or name);
end

-- Calls found(section, option, field, line) for each value without quotes.
local function scan(text, found)
	local list = tokens(text);
	local locals = local_names(list);
	local section, depth, of_section, option = "*", 0, false, nil;
	for position, token in ipairs(list) do
		local before, after, value = list[position - 1], list[position + 1], list[position + 2];
		local is_assigned = token.kind == "name" and after and after.text == "=";
		local top = of_section and 1 or 0;
		if token.text == "{" then
			of_section = of_section or depth == 0 and before and before.kind == "string"
				and section ~= "*";
			depth = depth + 1;
		elseif token.text == "}" then
			depth = depth - 1;
			if depth == 0 and of_section then
				of_section, section = false, "*";
			end
		elseif depth == 0 and token.kind == "name" and begins_section[token.text]
			and section_name(list, position) then
			section = section_name(list, position);
		elseif is_assigned and not (before and before.text == "local") then
			local field = depth > top and token.text or nil;
			option = field and option or token.text;
			if option and is_bare(value, list[position + 3])
				and not has_value(value.text, section, locals) then
				found(section, option, field, token.line);
			end
		elseif depth > top and option and (before.text == "{" or before.text == ","
			or before.text == ";") and after and after.text:find("^[,;}]")
			and is_bare(token) and not has_value(token.text, section, locals) then
			found(section, option, "", token.line);
		end
	end
end

-- Returns whether the configuration in use agrees: the text may be newer, and a file left out.
local function is_in_use(section, option, field)
	local options = config.getconfig()[section];
	local value = options and rawget(options, option);
	return options and (field and type(value) == "table" or not field and value == nil);
end

local function find()
	local all, seen = {}, {};
	for _, path in ipairs(config.files()) do
		local file = not seen[path] and io.open(path);
		seen[path] = true;
		if file then
			scan(file:read("*a") or "", function (section, option, field, line)
				if is_in_use(section, option, field) then
					table.insert(all, {
						section = section, option = option, field = field, file = path, line = line,
					});
				end
			end);
			file:close();
		end
	end
	return all;
end

local function describe(found)
	local where = ("line %d of %s"):format(found.line, found.file);
	if found.field then
		return ("a value of %s in %s is a word without quotes, so Prosody leaves it out")
			:format(found.option, where);
	end
	return ("the value of %s in %s is a word without quotes, so Prosody ignores the line")
		:format(found.option, where);
end

local function of_host(host)
	local list = {};
	for _, found in ipairs(find()) do
		if known_options.exists(found.option)
			and (found.section == host or found.section == "*") then
			table.insert(list, found);
		end
	end
	return list;
end

return { find = find, of_host = of_host, describe = describe };
