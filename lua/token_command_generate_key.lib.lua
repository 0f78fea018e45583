-- prosodyctl mod_auth_token generate-key

local generate_key = module:require "token_native".generate_key;

-- What is not Lua is a comment, so that all of it can be appended to a configuration.
local text = [[
-- For Prosody: below the VirtualHost, or the one line into the list that is there already. Then
-- run "prosodyctl reload".
token_keys = {
	{ id = "%s", otp_seed = "%s", token_secret = "%s" },
}
-- For the web application: the same otp_seed and token_secret, wherever it keeps its passwords.]];

return function ()
	local otp_seed, token_secret = generate_key();
	if not otp_seed then
		print(token_secret);
		return 2;
	end
	print(text:format(os.date("!%Y-%m"), otp_seed, token_secret));
	return 0;
end;
