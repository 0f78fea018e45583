-- Reports whether a host has a certificate that clients accept.
--
--   find(host) -> path of the certificate that Prosody offers, error if it cannot be used; both nil
--       if there is none
--   check(report, host, say_missing) -> whether there is one that can be used
--       say_missing: the function of the report for a host without a certificate

local config = require "core.configmanager";
local resolve_relative_path = require "util.paths".resolve_relative_path;
local read = module:require "xtoken/prosodyctl/files".read;

-- Makes the context that mod_tls makes for clients of the host.
local function find(host)
	local create_context = require "core.certmanager".create_context;
	local parent = host:match("%.(.*)$");
	local function own(name)
		return config.rawget(host, name) or parent and config.rawget(parent, name) or {};
	end
	local context, err, found = create_context(host, "server", own("c2s_ssl"), own("ssl"),
		config.rawget("*", "c2s_ssl") or {});
	local path = type(found) == "table" and found.certificate;
	path = type(path) == "string" and resolve_relative_path(prosody.paths.config or ".", path)
		or nil;
	if not context then
		return path, err or "no reason is known";
	end
	return path;
end

local function load_certificate(path)
	local content = read(path);
	return content and require "ssl".loadcertificate(content);
end

-- Reports what makes clients refuse a certificate. What this cannot read, Prosody has read.
local function check_content(report, host, path)
	local loaded, certificate = pcall(load_certificate, path);
	if not loaded or not certificate then
		return;
	end
	local now = os.time();
	if not certificate:validat(now) then
		report.error("the certificate %s is not valid now, so clients refuse it: it is valid from "
			.."%s to %s", path, certificate:notbefore(), certificate:notafter());
	elseif not require "util.x509".verify_identity(host, "_xmpp-client", certificate) then
		report.warn("the certificate %s is not one for %s, so clients refuse it: "
			.."import another one", path, host);
	else
		report.ok("certificate: %s", path);
	end
end

local function check(report, host, say_missing)
	local called, path, err = pcall(find, host);
	if not called or err then
		report.error("the certificate%s or its key cannot be used (%s), so X-TOKEN is not offered: "
			.."check both files, whether Prosody's user can read them, and the option ssl",
			called and path and " "..path or "", called and tostring(err) or "no table");
		return false;
	elseif not path then
		say_missing("no certificate: clients cannot encrypt, so X-TOKEN is not offered. Import "
			.."one: prosodyctl --root cert import %s /etc/letsencrypt/live", host);
		return false;
	end
	check_content(report, host, path);
	return true;
end

return { find = find, check = check };
