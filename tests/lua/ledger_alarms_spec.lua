-- What the log of a Prosody host says about its ledger. Real servers do it in
-- tests/prosody/test_ledger.py and tests/prosody/test_redis.py.

-- Seconds, of a clock that never goes back.
local now = 1000;
package.loaded["util.time"] = {
	monotonic = function ()
		return now;
	end;
};

-- Loads the library as a module of Prosody does. `state` is what outlives the module.
local function load_alarms(state)
	rawset(_G, "module", {
		host = "localhost";
		require = function ()
			return state;
		end;
	});
	local alarms = dofile("lua/xtoken/ledger_alarms.lib.lua");
	rawset(_G, "module", nil);
	return alarms;
end

-- Returns a list of lines, and the function that logs into it.
local function new_log()
	local lines = {};
	return lines, function (level, text, ...)
		table.insert(lines, level.." "..text:format(...));
	end;
end

-- Returns a ledger that says this about itself.
local function ledger(closed_until, err)
	return {
		last_error = function ()
			return err;
		end;
		closed_until = function ()
			return closed_until;
		end;
	};
end

describe("the alarms of a ledger", function ()
	it("say once until when tokens are refused, though that alternates", function ()
		local state, lines, log = { ledger_alarms = {} }, new_log();
		local alarms = load_alarms(state);
		for number = 1, 100 do
			alarms.note(ledger(1700000040 + 30 * (number % 2)), "unavailable", log);
		end
		assert.equal(1, #lines);
		assert.is_true(lines[1]:find("refuses those minted before", 1, true) ~= nil);
		-- Another gap.
		alarms.note(ledger(1700000130), "unavailable", log);
		assert.equal(2, #lines);
		-- A reload of the module forgets nothing.
		load_alarms(state).note(ledger(1700000100), "unavailable", log);
		assert.equal(2, #lines);
	end);

	local refused, password, full = ledger(nil, "refused"), ledger(nil, "password"),
		ledger(nil, "full: 17 bytes left");
	local good = ledger();

	-- Returns the alarms of a new host, and their lines.
	local function new_alarms()
		local lines, log = new_log();
		local alarms = load_alarms { ledger_alarms = {} };
		local function note(of_ledger)
			alarms.note(of_ledger, of_ledger ~= good and "unavailable" or nil, log);
		end
		return note, lines, alarms, log;
	end

	it("say each cause of an outage, and once that it is over", function ()
		local note, lines, alarms = new_alarms();
		for _, of_ledger in ipairs { good, refused, password, full, good } do
			for _ = 1, 10 do
				note(of_ledger);
			end
			assert.equal(of_ledger ~= good, alarms.has_alarm());
		end
		assert.same({
			"error Nobody can log in to localhost because the ledger cannot tell which tokens "
				.."were spent: refused";
			"error Still nobody can log in to localhost. The ledger's error is now: password";
			"error Still nobody can log in to localhost. The ledger's error is now: "
				.."full: 17 bytes left";
			"info The ledger answers again: users of localhost can log in";
		}, lines);
	end);

	it("do not repeat causes that alternate, or whose numbers change", function ()
		local note, lines = new_alarms();
		for number = 1, 100 do
			note(refused);
			note(ledger(nil, ("full: %d bytes left"):format(number)));
			now = now + 1;
		end
		assert.equal(2, #lines);
		now = now + 5 * 60;
		note(refused);
		note(refused);
		assert.equal(3, #lines);
	end);

	it("do not fill the log with what a server invents", function ()
		local note, lines = new_alarms();
		for number = 1, 1000 do
			note(ledger(nil, "x"..("y"):rep(number)));
		end
		assert.equal(20, #lines);
		now = now + 5 * 60;
		note(ledger(nil, "x"));
		note(refused);
		assert.equal(22, #lines);
	end);

	it("say again what was over", function ()
		local note, lines = new_alarms();
		for number = 1, 3 do
			note(refused);
			note(good);
			now = now + 100;
			assert.equal(2 * number, #lines);
		end
	end);

	it("wait until an outage that comes back is over", function ()
		local note, lines = new_alarms();
		for _ = 1, 1000 do
			note(refused);
			note(good);
			now = now + 0.1;
		end
		assert.equal(3, #lines);
		now = now + 60;
		note(good);
		assert.equal(4, #lines);
	end);

	it("promise no login while tokens are refused", function ()
		local note, lines = new_alarms();
		note(refused);
		note(ledger(1700000040));
		assert.equal("info The ledger answers again for localhost", lines[2]);
		assert.is_true(lines[3]:find("refuses those minted before", 1, true) ~= nil);
	end);

	it("know of a start what they know of a login", function ()
		local _, lines, alarms, log = new_alarms();
		alarms.note_started(good, nil, log);
		assert.equal(0, #lines);
		alarms.note_started(refused, "refused", log);
		assert.is_true(alarms.has_alarm());
		alarms.note_started(ledger(1700000040), nil, log);
		assert.equal(3, #lines);
		assert.is_true(not alarms.has_alarm());
	end);
end);
