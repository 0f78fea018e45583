-- Writes the events of authentication to the log, for the tests to read.

module:hook("authentication-failure", function (event)
	module:log("info", "EVENT authentication-failure %s", event.condition);
end);

module:hook("authentication-success", function (event)
	module:log("info", "EVENT authentication-success %s", event.session.username);
end);
