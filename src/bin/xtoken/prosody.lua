-- Reads the keys of a host, and where its used tokens are, from Prosody's configuration, with Prosody's own loader.
--
-- prosody.rs starts prosodyctl with this in LUA_INIT: the launcher knows where Prosody lies, and
-- where it would begin, by requiring util.startup, we take over. arg[1] is the path of the
-- configuration, arg[2] the host; what is found, or the problem, is printed as JSON.

-- Returns the file and the line that an error is about, if it names a file.
local function place(problem)
	local file, line = tostring(problem):match("^(.-):(%d+):");
	local exists = file and io.open(file);
	return exists and exists:close() and file..":"..line;
end

local function read(path, host)
	local configmanager = require "core.configmanager";
	local credentials_directory = os.getenv "CREDENTIALS_DIRECTORY";
	-- Since 13.0. A Credential() that is not for this host need not be there.
	if configmanager.set_credentials_directory then
		configmanager.set_credentials_directory(credentials_directory);
		configmanager.set_credential_fallback_mode("warn");
	end
	-- token_keys looks for files from here.
	_G.prosody = { paths = { config = path:match("^(.*)/") } };

	local ok, _, problem = configmanager.load(path, "lua");
	if not ok then
		-- Names only the place: what the error says of it may be a secret.
		return nil, ("%s cannot be loaded: \"prosodyctl check config\" says why")
			:format(place(problem) or path);
	end
	local name = require "util.encodings".stringprep.nameprep(host);
	local config = name and rawget(configmanager.getconfig(), name);
	if not config or config.component_module or name == "*" then
		return nil, ("%s has no VirtualHost of that name: say which with --host"):format(path);
	end

	local function get_option(option)
		return configmanager.get(name, option);
	end
	local keys, single_or_problem, option, position = require "xtoken.token_keys".read(get_option);
	if not keys then
		local of = position and ("key %d of token_keys: "):format(position) or "";
		return nil, ("option %s of VirtualHost %q: %s%s"):format(option, host, of, single_or_problem);
	end

	local encode_base64 = require "util.encodings".base64.encode;
	for _, key in ipairs(keys) do
		for _, field in ipairs { "id", "otp_seed", "token_secret" } do
			if type(key[field]) ~= "string" then
				return nil, ("%s of VirtualHost %q is not set to text in quotes in %s"):format(field, host, path);
			end
			-- They may be any bytes, which JSON could not carry.
			key[field] = encode_base64(key[field]);
		end
	end
	-- As util.startup says where it is.
	local data = configmanager.get("*", "data_path") or rawget(_G, "CFG_DATADIR") or "data";
	local url, problem_of_ledger = require "xtoken.token_ledger_url"(get_option, data);
	if not url then
		return nil, ("VirtualHost %q: %s"):format(host, problem_of_ledger);
	end
	return {
		keys = keys;
		ledger = encode_base64(url);
		token_nonce_length = get_option("token_nonce_length");
		token_nonce_policy = get_option("token_nonce_policy");
		token_deviation = get_option("token_deviation");
	};
end

local function take_over()
	-- What the configuration prints goes elsewhere.
	io.output(io.stderr);
	function _G.print(...)
		for number = 1, select("#", ...) do
			io.stderr:write(tostring((select(number, ...))), "\t");
		end
		io.stderr:write("\n");
	end
	require "util.logger".add_simple_sink(function (_, level, message)
		io.stderr:write(level, ": ", message, "\n");
	end, { "warn", "error" });

	local found, problem = read(arg[1], arg[2]);
	io.stdout:write(require "util.json".encode(found or { problem = problem }));
	os.exit(0);
end

package.preload["util.startup"] = take_over;
package.preload["prosody.util.startup"] = take_over;
