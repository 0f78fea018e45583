-- What is set for a host, and what of it is wrong.
--
-- Returns check(report, host)

local datetime = require "util.datetime".datetime;
local modulemanager = require "core.modulemanager";
local hosts = module:require "token_hosts";
local check_options = module:require "token_check_options";
local check_fast = module:require "token_check_fast";
local mint = module:require "token_mint";
local check_ledger = module:require "token_check_ledger";

local function check_modules(report, modules)
	if modules:contains("auth_token") then
		report.warn("\"auth_token\" is in modules_enabled: take it out, authentication = \"token\" loads it");
	end
	if not modules:contains("saslauth") then
		report.error("\"saslauth\" is not in modules_enabled: add it, nobody can log in without");
	end
end

local function validity(key, now)
	local first, last = key.not_before or 0, key.not_after;
	if first > now then
		return "valid from "..datetime(first).." on";
	elseif last and last < now then
		return ("not valid since %s, so remove it"):format(datetime(last));
	end
	return last and "valid until "..datetime(last) or "valid";
end

local function check_keys(report, settings, uses)
	local now = os.time();
	for _, key in ipairs(settings.keys) do
		local use = uses and uses[key.id];
		report.ok("key %s: seed of %d bits, %s, %s", key.id, settings.verifier:seed_bits(key.id), validity(key, now),
			use and ("logins: %d, the last at %s"):format(use.accepted, datetime(use.last))
				or uses and "not used yet" or "its use is unknown");
	end
end

local week = 7 * 24 * 60 * 60;

-- Reports whether undated tokens can be refused: there was none at all, or none in the week before
-- the last login.
local function check_dates(report, settings, uses)
	if settings.nonce_policy == "dated" then
		report.ok("undated tokens are refused (token_nonce_policy)");
		return;
	end
	local dated, undated, last, last_undated = 0, 0, 0, 0;
	for _, key in ipairs(settings.keys) do
		local use = uses[key.id] or {};
		dated, undated = dated + (use.dated or 0), undated + (use.undated or 0);
		last, last_undated = math.max(last, use.last or 0), math.max(last_undated, use.last_undated or 0);
	end
	local last_time = undated > 0 and ", the last at "..datetime(last_undated) or "";
	local advice = "";
	if undated > 0 and last - last_undated < week then
		advice = ": let your web application date its nonces";
	elseif dated > 0 and settings.nonce_policy == "exact" then
		advice = ": token_nonce_policy = \"dated\" can be set";
	end
	report.ok("logins with dated tokens: %d, with undated ones: %d%s%s", dated, undated, last_time,
		advice);
end

local function check_encryption(report, context, settings)
	local names = settings.mechanisms.PLAIN and "X-TOKEN and PLAIN are" or "X-TOKEN is";
	if context:require "token_encryption" then
		report.ok("%s offered on encrypted connections only", names);
	elseif context:get_option_boolean("c2s_require_encryption", true) then
		report.ok("%s offered on encrypted connections only, by c2s_require_encryption", names);
	else
		report.warn("%s offered on unencrypted connections too, where anybody can read a token: take out "
			.."allow_unencrypted_plain_auth and c2s_require_encryption = false", names);
	end
end

-- Everything together, up to the ledger.
local function check_login(report, host, settings)
	local jid = "check@"..host;
	local token = mint(settings, jid);
	if not token then
		-- For want of a valid key, which was told.
		return;
	end
	local name, sentence = settings.verifier:explain(jid, token);
	if name == "good" then
		report.ok("a token made now would be accepted");
	else
		report.error("a token made now would be refused: %s", sentence);
	end
end

local who_may = {
	all = "everybody with a good token may log in";
	existing = "users that have an account may log in";
	seen = "everybody with a good token may log in, and has an account then";
};

return function (report, host)
	local lib = hosts.visit(host);
	local modules = modulemanager.get_modules_for_host(host);
	check_modules(report, modules);
	check_options(report, lib.module);
	local settings, sentence, problem = hosts.read(lib);
	if settings then
		lib.settings.warn(settings, report.log);
		local called, uses = pcall(lib.module:require("token_key_use").stored, lib.module);
		check_keys(report, settings, called and uses);
		check_dates(report, settings, called and uses or {});
		report.ok("%s (token_known_users)", who_may[settings.known_users]);
		check_encryption(report, lib.module, settings);
		check_fast(report, lib.module, modules, settings.fast_not_before);
	else
		report.error("nobody can log in: %s", sentence);
	end
	local deviation = settings and settings.deviation or lib.utils.OTP_DEVIATION;
	local ledger = check_ledger(report, lib, deviation, problem);
	if settings and ledger then
		check_login(report, host, settings);
	end
end;
