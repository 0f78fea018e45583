-- Reports the configuration of a host, and what is wrong with it.
--
--   check(report, host)

local to_unicode = require "util.encodings".idna.to_unicode;
local check_accounts = module:require "xtoken/prosodyctl/check_accounts".check;
local check_encryption = module:require "xtoken/prosodyctl/check_encryption".check;
local check_fast = module:require "xtoken/prosodyctl/check_fast".check;
local check_keys = module:require "xtoken/prosodyctl/check_keys".check;
local check_ledger = module:require "xtoken/prosodyctl/check_ledger".check;
local check_mechanisms = module:require "xtoken/prosodyctl/check_mechanisms".check;
local check_modules = module:require "xtoken/prosodyctl/check_modules".check;
local check_options = module:require "xtoken/prosodyctl/check_options".check;
local check_web = module:require "xtoken/prosodyctl/check_web".check;
local hosts = module:require "xtoken/prosodyctl/hosts";
local mint = module:require "xtoken/prosodyctl/mint".mint;
local find_other_problems = module:require "xtoken/prosodyctl/other_problems".find;

-- Reports whether a token minted now would be accepted.
local function check_login(report, host, options)
	local jid = "check@"..host;
	local token = mint(options, jid);
	if not token then
		-- No key is valid, which was reported already.
		return;
	end
	local name, sentence = options.verifier.native:explain(jid, token);
	if name == "accepted" then
		report.ok("a token minted now would be accepted");
	else
		report.error("a token minted now would be refused: %s", sentence);
	end
end

-- Prosody still reads this option, and then not `authentication`.
local function check_anonymous(report, context)
	if context:get_option("anonymous_login") then
		report.error("nobody can log in with a token, because anonymous_login is set: take it out");
	end
end

-- In XMPP, the names of hosts are in Unicode (RFC 7622). Prosody does not convert them.
local function check_name(report, host)
	if not host:find("^[%w\128-\255.-]+$") then
		local name = host:match("^%s*(.-)%s*$"):gsub("^%a+:/+", ""):gsub("^.*@", "")
			:gsub("[:/].*$", "");
		report.error("%q is not the name of a host, so no client finds it: write VirtualHost %q",
			host, name:find("^[%w\128-\255.-]+$") and name or "example.com");
		return;
	end
	local name = to_unicode(host);
	if name and name ~= host then
		report.warn("clients call this host %s, and do not find it by another name: "
			.."write VirtualHost %q", name, name);
	end
end

local function check_working(report, context, options, modules)
	context:require "xtoken/warnings".warn(options, report.log);
	local called, uses = pcall(context:require "xtoken/key_use".stored, context);
	check_keys(report, options, called and uses or nil);
	check_accounts(report, context, options, modules);
	check_mechanisms(report, context, options);
	check_encryption(report, context, options, modules);
	check_web(report, context, modules);
	check_fast(report, context, modules, options.fast_not_before);
end

local function check(report, host)
	local context = hosts.visit(host);
	check_name(report, host);
	local modules = check_modules(report, context);
	check_anonymous(report, context);
	check_options(report, context);
	local options, sentence, problem = hosts.read(context);
	if not options then
		report.error("nobody can log in: %s", sentence);
		for _, other in ipairs(find_other_problems(context, sentence)) do
			report.error("%s", other);
		end
	elseif modules then
		check_working(report, context, options, modules);
	end
	local deviation = options and options.deviation
		or context:require "xtoken/options".default_deviation;
	local ledger = check_ledger(report, context, deviation, problem);
	if options and ledger then
		check_login(report, host, options);
	end
end

return { check = check };
