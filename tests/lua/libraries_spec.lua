-- The shape that the libraries of the plugins must have, by their text.

-- By name, as module:require takes it: the text of each library.
local libraries = {};
local files = io.popen("find lua/xtoken -name '*.lib.lua'");
for path in files:lines() do
	local file = io.open(path);
	libraries[path:match("^lua/(.*)%.lib%.lua$")] = file:read("*a");
	file:close();
end
files:close();

describe("the libraries of the plugins", function ()
	it("are found", function ()
		assert.equal("string", type(libraries["xtoken/keys"]));
		assert.equal("string", type(libraries["xtoken/prosodyctl/check"]));
	end);

	it("say in their first line what they do", function ()
		for name, text in pairs(libraries) do
			assert.is_true(text:find("^%-%- %u%l+s ") ~= nil, name);
		end
	end);

	it("are in the table of CONTRIBUTING.md, and no others are", function ()
		local file = io.open("CONTRIBUTING.md");
		local page = file:read("*a");
		file:close();
		local listed = {};
		for row in page:match("\n| about | libraries |\n(.-)\n\n"):gmatch("[^\n]+") do
			local folder = row:find("^| `prosodyctl/`") and "xtoken/prosodyctl/" or "xtoken/";
			for name in row:match("^|[^|]*|(.*)"):gmatch("`([%w_]+)`") do
				listed[folder..name] = true;
				assert.equal("string", type(libraries[folder..name]), name);
			end
		end
		for name in pairs(libraries) do
			assert.is_true(listed[name], name);
		end
	end);

	it("return a table", function ()
		for name, text in pairs(libraries) do
			-- Two return a table that they did not make, and one fills its own on the way.
			local variable = text:match("\nreturn (%l+);\n$");
			local is_table = text:find("\nreturn %b{};\n$") or variable == "state"
				or variable == "native" or variable == "internals";
			assert.is_true(not not is_table, name);
		end
	end);

	it("keep in one table what outlives a reload", function ()
		for name, text in pairs(libraries) do
			assert.equal(name == "xtoken/state",
				text:find("prosody.xtoken = ", 1, true) ~= nil, name);
			assert.is_nil(text:find("module:shared", 1, true), name);
		end
	end);

	it("keep nothing of one reload for the next", function ()
		-- All that require a library share it.
		for name, text in pairs(libraries) do
			for line in text:gmatch("[^\n]+") do
				assert.is_nil(line:match("^local [%w_, ]+;"), name);
				assert.is_nil(line:match("^%S.*module:get_option"), name);
			end
		end
	end);

	it("leave to one of them what Prosody does not document", function ()
		local undocumented = {
			"%.mechs", "%.selected%f[^%w_(]", "clean_clone", "add_cb_handler",
			"sasl_handler%f[^%w_]", "%.destroyed", "base_type", "ssl_info", "websocket_request",
			"bosh_wait", "password_updated", "%.fast%f[^%w_]", "fast_token_request",
			"rotation_needed", "issued_at", "%.client_id", "smacks%-hibernation",
			"c2s%-session%-updated", "admin_shell/", "\"mod_admin_shell\"",
		};
		for name, text in pairs(libraries) do
			local code = text:gsub("%-%-[^\n]*", "");
			for _, field in ipairs(undocumented) do
				-- What modules call is a provider's get_sasl_handler.
				local found = code:gsub("get_sasl_handler", ""):find(field) ~= nil;
				assert.equal(name == "xtoken/prosody_internals", found, name.." "..field);
			end
		end
	end);

	it("do not require each other in circles", function ()
		local is_done, is_open = {}, {};
		local function visit(name)
			assert.is_nil(is_open[name], name);
			if is_done[name] then
				return;
			end
			is_open[name] = true;
			assert.equal("string", type(libraries[name]), name);
			for required in libraries[name]:gmatch("require%(?%s*\"(xtoken/[%w_/]*[%w_])\"") do
				visit(required);
			end
			is_open[name], is_done[name] = nil, true;
		end
		for name in pairs(libraries) do
			visit(name);
		end
	end);
end);
