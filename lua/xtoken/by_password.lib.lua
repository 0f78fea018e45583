-- Notes that a login was by password: on its SASL handler, on its session, and on the token of FAST
-- that it was granted. What has no note came from a token, or is older than the notes.
--
--   note(thing, is_by_password)
--   is_noted(thing) -> whether it was noted that it came from a password
--
-- Functions here use no globals, as xtoken/guard says.

local function note(thing, is_by_password)
	thing.xtoken_by_password = is_by_password == true or nil;
end

local function is_noted(thing)
	return thing.xtoken_by_password == true;
end

return { note = note, is_noted = is_noted };
