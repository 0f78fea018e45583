-- docs/lua-api.md: its examples print what it says, and it has every function.
local xtoken = require "xtoken";

local function read(name)
	local file = assert(io.open(name));
	local text = file:read("*a");
	file:close();
	return text;
end

local page = read "docs/lua-api.md";

local function without_spaces_between(text)
	return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""));
end

local function described(name)
	return page:find("### `"..name.."`\n", 1, true) ~= nil;
end

describe("the page about the Lua module", function ()
	it("shows what its examples print", function ()
		local code, expected = {}, {};
		for block in page:gmatch "```lua\n(.-)```" do
			table.insert(code, block);
			for output in block:gmatch "%-%->([^\n]*)" do
				table.insert(expected, without_spaces_between(output));
			end
		end
		assert.is_true(#code >= 7);
		local printed = {};
		local environment = setmetatable({
			print = function (...)
				local texts = {};
				for at = 1, select("#", ...) do
					local value = select(at, ...);
					-- Of the numbers, some are floats in some versions.
					texts[at] = type(value) == "number" and ("%d"):format(value) or tostring(value);
				end
				table.insert(printed, without_spaces_between(table.concat(texts, " ")));
			end;
		}, { __index = _G });
		code = table.concat(code);
		local chunk;
		if setfenv then
			chunk = setfenv(assert(loadstring(code)), environment);
		else
			chunk = assert(load(code, "docs/lua-api.md", "t", environment));
		end
		chunk();
		assert.same(expected, printed);
	end);

	it("has every function of the module", function ()
		for name in pairs(xtoken) do
			local is_field = page:find("`xtoken."..name.."`", 1, true) ~= nil;
			assert.is_true(described(name) or is_field, name);
		end
	end);

	it("has every method", function ()
		local count = 0;
		for name in read "src/lua/verifier.rs":gmatch '%(c"([%l_]+)", [%l_]+%),' do
			assert.is_true(described("verifier:"..name), name);
			count = count + 1;
		end
		for name in read "src/lua/ledger.rs":gmatch 'add_method%("([%l_]+)"' do
			assert.is_true(described("ledger:"..name), name);
			count = count + 1;
		end
		for name in read "src/lua.rs":gmatch 'add_method%(%s+"([%l_]+)"' do
			assert.is_true(described("minter:"..name), name);
			count = count + 1;
		end
		assert.equal(13, count);
	end);
end);
