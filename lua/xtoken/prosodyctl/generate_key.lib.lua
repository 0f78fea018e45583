-- Makes a new key: prosodyctl mod_auth_token generate-key [--files DIR]
--
--   run(words) -> exit status
--
--       words: { } or { "--files", DIR }
--
-- Prints it as Lua with comments, so that all of it can be appended to a configuration.

local config = require "core.configmanager";
local generate_key = module:require "xtoken/native".generate_key;
local hosts = module:require "xtoken/prosodyctl/hosts";
local key_files = module:require "xtoken/prosodyctl/key_files";

-- What to do with the new key, by what the configuration has already: comment, and the lines around
-- the entry.
local first_host = { [[
-- For Prosody: below the VirtualHost whose users log in with tokens. Then restart Prosody.
authentication = "token"
token_keys = {
	]], "\n}" };
local first_key = { [[
-- For Prosody: below the VirtualHost that has authentication = "token". Then restart Prosody.
token_keys = {
	]], "\n}" };
local beside_pair = { [[
-- For Prosody: below the VirtualHost, beside otp_seed and token_secret. These stay valid, as the
-- key "default". Then run "prosodyctl reload".
token_keys = {
	]], "\n}" };
local next_key = { [[
-- For Prosody: this line into the list token_keys that is there already. Then run
-- "prosodyctl reload".
]], "" };

local same_files = "-- For the web application: the content of the same two files.";
local same_values = "-- For the web application: the same otp_seed and token_secret, wherever it "
	.."keeps its passwords.";

-- Returns which of these fits, and the ids that are taken.
local function look_at_hosts()
	local form, ids = first_host, {};
	for _, host in ipairs(hosts.list()) do
		local has_pair = config.get(host, "otp_seed") ~= nil
			or config.get(host, "otp_seed_file") ~= nil;
		local keys = config.get(host, "token_keys");
		if type(keys) == "table" and next(keys) ~= nil then
			form = next_key;
			for _, key in pairs(keys) do
				ids[type(key) == "table" and key.id or 0] = true;
			end
		elseif form ~= next_key and has_pair then
			form = beside_pair;
		elseif form == first_host then
			form = first_key;
		end
	end
	return form, ids;
end

-- Returns the month as an id, or the day, or the day with a number.
local function new_id(taken)
	local id, number = os.date("!%Y-%m"), 1;
	while taken[id] do
		id = os.date("!%Y-%m-%d")..(number > 1 and "-"..number or "");
		number = number + 1;
	end
	return id;
end

local need_root = "Run it as root, with the option --root, so that it may write there: "
	.."prosodyctl --root mod_auth_token generate-key --files DIR\n";
local no_overwrite = "A key is never overwritten, so name another folder for the new one\n";

local function run(words)
	local folder = words[2];
	local otp_seed, token_secret = generate_key();
	if not otp_seed then
		io.stderr:write(token_secret, "\n");
		return 2;
	end
	local form, ids = look_at_hosts();
	local fields = 'otp_seed = "%s", token_secret = "%s"';
	if folder then
		local files, problem = key_files.write(folder, otp_seed, token_secret);
		if not files then
			local advice = problem:find "Permission denied" and need_root
				or problem:find "File exists" and no_overwrite or "";
			io.stderr:write("No file was written: ", problem, "\n", advice);
			return 2;
		end
		fields = 'otp_seed_file = %q, token_secret_file = %q';
		otp_seed, token_secret = files.otp_seed, files.token_secret;
	end
	print(("%s{ id = %q, %s },%s\n%s"):format(form[1], new_id(ids),
		fields:format(otp_seed, token_secret), form[2], folder and same_files or same_values));
	return 0;
end

return { run = run };
