-- A storage in memory that falls ill for the accounts of some users: `raise` makes it raise an
-- error, `fail` return one, `slow` wait for two seconds, and that of a user whose name begins with
-- `un` cannot be written. With the option ill_key_use the use of keys is as `raise` too.

local async = require "util.async";
local add_task = require "util.timer".add_task;

local ill = {};

function ill.raise()
	error("the storage is on fire");
end

function ill.fail()
	return nil, "the storage is full of water";
end

function ill.slow()
	local wait, done = async.waiter();
	add_task(2, done);
	wait();
end

local function new_store(name)
	if name == "token_key_use" and module:get_option_boolean("ill_key_use") then
		return { get = ill.raise, set = ill.raise };
	end
	local data = {};
	local store = {};

	function store.get(_, username)
		if name == "accounts" and ill[username] then
			local _, err = ill[username]();
			return data[username], err;
		end
		return data[username];
	end

	function store.set(_, username, value)
		if name == "accounts" and username:match("^un") then
			return nil, "the storage is in stone";
		end
		data[username] = value;
		return true;
	end

	function store.users()
		return pairs(data);
	end

	return store;
end

local driver = {};

function driver.open(_, name, kind)
	if kind and kind ~= "keyval" then
		return nil, "unsupported-store";
	end
	return new_store(name);
end

module:provides("storage", driver);
