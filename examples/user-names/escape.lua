-- Makes user parts of JIDs from the names that a web application has for its users.

-- Returns the user part of the JID for a name, say an e-mail address (XEP-0106), or nil and what is
-- wrong with the name.
local function escape_name(name)
	if name == "" or name:find "^ " or name:find " $" then
		return nil, "the name is empty, or begins or ends with a space";
	elseif name:find "[%cA-Z]" then
		return nil, "the name has a capital letter or a control character: lower-case it";
	end
	local codes = " 20 22 26 27 2f 3a 3c 3e 40 5c ";
	local escaped = name:gsub("\\(%x%x)", function(code)
		return codes:find(" "..code.." ", 1, true) and "\\5c"..code;
	end);
	return (escaped:gsub("[ \"&'/:<>@]", function(character)
		return ("\\%02x"):format(character:byte());
	end));
end

local name, more = ...;
local user, err;
if name and not more then
	user, err = escape_name(name);
end
if not user then
	io.stderr:write(err or "usage: lua escape.lua NAME", "\n");
	os.exit(2);
end
print(user);
