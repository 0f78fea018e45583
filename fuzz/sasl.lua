-- Sends random messages to the mechanism X-TOKEN: the real plugin, on Prosody's own util.sasl and
-- stringprep, with the real native module.
--
-- usage: lua5.4 fuzz/sasl.lua PROSODY SECONDS [SEED]      in the root of the checkout
--        PROSODY is a folder that scripts/prosody made. The same SEED makes the same messages.
--
-- What is expected is decided here in another way: whether a message has exactly three fields and
-- a name for which the token in it was minted, and whether this token was accepted before. Such a
-- message succeeds, every other one fails, with a condition of RFC 6120, and raises no error. What
-- does not have three fields is malformed. A message that fails spends no token.
--
-- This is no target of libFuzzer, which cannot see what Lua covers and would only cover the
-- interpreter. The messages are mutations of good ones instead, as they reach every line.

local folder, seconds, seed = arg[1], tonumber(arg[2]), tonumber(arg[3] or os.time());
if not folder or not seconds then
	error("usage: lua5.4 fuzz/sasl.lua PROSODY SECONDS [SEED]", 0);
end
math.randomseed(seed);
local random = math.random;

local lib = folder.."/usr/lib/prosody/";
package.path = lib.."?.lua;"..package.path;
package.cpath = lib.."?.so;"..package.cpath;
-- Later versions of Prosody know their libraries by a second name.
table.insert(package.searchers, 2, function (name)
	local short = name:match("^prosody%.(.*)$");
	return short and function () return require(short); end or nil;
end);

local new_sasl = require "util.sasl".new;
local encodings = require "util.encodings";
local saslprep, nodeprep = encodings.stringprep.saslprep, encodings.stringprep.nodeprep;
local jid_prep = require "util.jid".prep;

-- What Prosody gives a plugin, as far as mod_sasl_token asks for it.
local module = {};
local function load_plugin(path)
	local chunk = assert(loadfile(path, "t", setmetatable({ module = module }, { __index = _G })));
	return chunk();
end
function module.require(_, name)
	return load_plugin("lua/"..name..".lib.lua");
end
function module.get_option_string()
	return nil;
end
load_plugin("lua/mod_sasl_token.lua");

local xtoken = assert(package.loadlib("lua/xtoken.so", "luaopen_xtoken"), "make lua/xtoken.so")();
local options = {
	otp_seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", token_secret = "a secret of this test alone",
};
local now, host = 1700000010, "example.com";
local minter = assert(xtoken.new_minter(options));
local verifier = assert(xtoken.new_verifier(options));

local names = {
	"alice", "Alice", "bob", "", "a", "7alice", "b\xc3\xbccher", "B\xc3\x9cCHER", "a b", "a@b",
	"\xef\xbd\x81lice", "al\xc2\xadice", "\xe1\xb8\x9a", "\xff\xfe", "a\xcc\x88", "alice/phone",
	("a"):rep(1023), ("a"):rep(1024), "\xe2\x80\xae", "\xf0\x9f\x98\x80", "\xc0\x80",
};
local conditions = {
	["malformed-request"] = true; ["not-authorized"] = true; ["invalid-authzid"] = true;
	["encryption-required"] = true; ["account-disabled"] = true;
};
-- What may be in the place of any piece of a message.
local pieces = {
	"\0", "\0\0", " ", "=", "@", "/", "\xff", "\xc3", "\r\n", "%", "%z", "%0", "n,,", "\1auth=",
	("x"):rep(1024), ("0"):rep(4000),
};

local function one_of(list)
	return list[random(#list)];
end

-- For whom each token was minted that was not accepted yet.
local minted, tokens = {}, {};
local function token_for(name)
	local prepared = saslprep(name);
	prepared = prepared and nodeprep(prepared);
	local jid = (prepared or name).."@"..host;
	local ahead = random(-60, 90);
	local token = minter:mint(jid, now + ahead);
	if not token then
		return "";
	end
	-- The present is the first second of a step, and clocks may be one step apart.
	if ahead >= -30 and ahead < 60 then
		minted[token] = jid;
	end
	tokens[#tokens % 1000 + 1] = token;
	return token;
end

local function mutate(text)
	local at, kind = random(0, #text), random(5);
	local first, rest = text:sub(1, at), text:sub(at + 1);
	if kind == 1 then
		return first..string.char(random(0, 255))..rest:sub(2);
	elseif kind == 2 then
		return first..one_of(pieces)..rest;
	elseif kind == 3 then
		return first..rest:sub(1 + random(3));
	elseif kind == 4 then
		return first;
	end
	return rest..first;
end

local function new_message()
	local name = one_of(names);
	local jid = name.."@"..host;
	local authzid = one_of { "", "", "", name, jid, "bob", "bob@"..host, one_of(names) };
	local token = random(4) > 1 and token_for(name) or tokens[random(math.max(1, #tokens))] or "";
	local message = authzid.."\0"..name.."\0"..token;
	while random(2) == 1 do
		message = mutate(message);
	end
	return message, token;
end

local function has_shape(message)
	return #message <= 3071 and message:find "^[^\0]*\0[^\0]*\0[^\0]+$" ~= nil;
end

-- Returns the token of a message that must succeed, and its user.
local function expected(message)
	local authzid, name, token = message:match("^([^\0]*)\0([^\0]+)\0([^\0]+)$");
	if not authzid or not has_shape(message) then
		return nil;
	end
	local function prepare(text)
		local prepared = saslprep(text);
		return prepared and nodeprep(prepared);
	end
	local username = prepare(name);
	if not username or username == "" or minted[token] ~= username.."@"..host then
		return nil;
	end
	if authzid == "" or authzid == username or prepare(authzid) == username
		or jid_prep(authzid) == username.."@"..host then
		return token, username;
	end
	return nil;
end

local profile = {};
function profile.token(_, username, token, realm)
	return (verifier:verify(username.."@"..realm, token, now)), true;
end

-- Text that is safe to print.
local function shown(message)
	return (("%q"):format(message):gsub("[\128-\255]", function (byte)
		return ("\\x%02x"):format(byte:byte());
	end));
end

local count, successes, reasons, handler = 0, 0, {}, nil;
local function fail(message, what)
	error(("seed %d, message %d: %s: %s"):format(seed, count, what, shown(message)), 0);
end

local function present(message)
	count = count + 1;
	-- Older versions of mod_sasl2 use a handler again.
	if not handler or random(4) > 1 then
		handler = new_sasl(host, profile);
		assert(handler:select("X-TOKEN"));
	end
	profile.requires_encryption = random(50) == 1 or nil;
	local token, username = expected(message);
	if profile.requires_encryption then
		token = nil;
	end
	local called, status, condition = pcall(handler.process, handler, message);
	if not called then
		fail(message, "raised "..tostring(status));
	elseif status ~= (token and "success" or "failure") then
		fail(message, ("%s, %s"):format(status, condition));
	elseif token then
		if handler.username ~= username then
			fail(message, "user "..tostring(handler.username));
		end
		minted[token] = nil;
		successes = successes + 1;
	elseif not conditions[condition]
		or not profile.requires_encryption and not has_shape(message)
			and condition ~= "malformed-request" then
		fail(message, "condition "..tostring(condition));
	else
		reasons[condition] = (reasons[condition] or 0) + 1;
	end
end

local ends = os.time() + seconds;
repeat
	for _ = 1, 1000 do
		local message = new_message();
		present(message);
		-- Often once more: if it was spent, it must fail now.
		if random(3) == 1 then
			present(message);
		end
	end
	if count > 4000 and successes == 0 then
		error("no message succeeded", 0);
	end
	-- A second verifier, and no tokens of the first, so that memory stays as it is.
	if random(50) == 1 then
		verifier, minted, tokens = assert(xtoken.new_verifier(options)), {}, {};
	end
until os.time() >= ends;

local parts = {};
for condition, times in pairs(reasons) do
	table.insert(parts, ("%s %d"):format(condition, times));
end
table.sort(parts);
print(("%d messages, seed %d: success %d, %s"):format(
	count, seed, successes, table.concat(parts, ", ")));
