-- Lets the Lua implementation and xtoken decide about the same tokens, at the same time. What they
-- decide differently must fall under one of the rules below, which are those of the table in
-- docs/stricter.md.
--
-- usage: REFERENCE=DIR differential.lua [DECISIONS]
--   DIR is a checkout of prosody-modules. LUA_PATH names luaotp and luatz.
--   XTOKEN_SEED repeats a run.
local prosody = os.getenv "PROSODY_LIB" or "/usr/lib/prosody";
package.path = package.path..";"..prosody.."/?.lua";
package.cpath = package.cpath..";"..prosody.."/?.so";

local xtoken = require "xtoken";
local base64 = require "util.encodings".base64;
local hmac_sha256 = require "util.hashes".hmac_sha256;
local luatz = require "luatz";

local wanted = tonumber(arg[1] or 20000);
local seed = tonumber(os.getenv "XTOKEN_SEED" or os.time());
local utils = assert(os.getenv "REFERENCE", "REFERENCE must name a checkout of prosody-modules")
	.."/mod_auth_token/token_auth_utils.lib.lua";
local load_reference = assert(loadfile(utils));
local files = os.tmpname();
math.randomseed(seed);
print("seed "..seed);

local host = "example.com";
local users = { "alice", "bob", "7alice", "a.b-c_d" };
local digits_of_a_token = 40;
module = { host = host };
local now;
function luatz.time()
	return now;
end
local function ignore() end

local function one_of(list)
	return list[math.random(#list)];
end

local function random_digits(count)
	local digits = {};
	for at = 1, count do
		digits[at] = math.random(0, 9);
	end
	return table.concat(digits);
end

local function random_base32(length)
	return (("x"):rep(length):gsub("x", function ()
		local at = math.random(32);
		return ("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"):sub(at, at);
	end));
end

-- --- Tokens ------------------------------------------------------------------------------------

local key, minter;

-- Returns a token of these digits, signed by Prosody's functions.
local function signed(digits, user, secret)
	return digits.." "..base64.encode(hmac_sha256(secret or key.token_secret,
		digits..user.."@"..host));
end

local function otp_at(time)
	return minter:mint("alice@"..host, time, ("0"):rep(32)):sub(1, 8);
end

local function valid(user, time)
	time = time or now;
	if math.random(2) == 1 then
		return (minter:mint(user.."@"..host, time));
	end
	-- The first digit of a date is a zero for the next thousands of years.
	return signed(otp_at(time)..math.random(1, 9)..random_digits(31), user);
end

local function parts(token)
	return token:match("^(%d+) (.*)$");
end

-- Each kind returns a token for a user, most of them damaged.
local kinds = {
	valid;
	valid;
	valid;
	function (user) return valid(user, now + 30 * math.random(-3, 3)); end;
	function (user) return valid(user, math.random(0, 2^33)); end;
	function () return valid(one_of(users)); end;
	function (user) return signed(otp_at(now)..random_digits(math.random(0, 80)), user); end;
	function (user) return signed(otp_at(now)..random_digits(math.random(200, 1200)), user); end;
	-- The token of 7alice is one of alice with one more digit.
	function (user) return signed(otp_at(now)..random_digits(32), "7"..user); end;
	function (user) return signed(otp_at(now)..random_digits(32)..one_of { "7", "" }, user); end;
	-- Not dated, because its OTP is that of another time.
	function (user)
		local other = minter:mint(user.."@"..host, now + math.random(-7200, 7200));
		return signed(otp_at(now)..other:sub(9, 40), user);
	end;
	function (user) return signed(otp_at(now)..random_digits(32), user, "another secret"); end;
	function (user) return one_of { "x", " ", "\n", "12 ", "\0", "12345678 " }..valid(user); end;
	function (user)
		return valid(user)..one_of { "A", "AAAA", "=", " ", "\n", " 1", "\0", "-" };
	end;
	-- Not canonical: the last two bits are not used.
	function (user)
		return (valid(user):gsub("(.)=$", function (last)
			return string.char(last:byte() + 1).."=";
		end));
	end;
	function (user) return (valid(user):gsub("=", "")); end;
	function (user) return (valid(user):gsub("[+/]", { ["+"] = "-", ["/"] = "_" })); end;
	function (user) return (valid(user):gsub(" ", one_of { "", "  ", "\t", " \n", "+" })); end;
	function (user)
		local digits, signature = parts(valid(user));
		return one_of { digits, signature, signature.." "..digits, digits.." ", " "..signature };
	end;
	function (user) return valid(user):sub(1, math.random(0, 84)); end;
	function (user) return valid(user):sub(math.random(2, 85)); end;
	function (user)
		local token, at = valid(user), math.random(85);
		return token:sub(1, at - 1)..string.char(math.random(0, 255))..token:sub(at + 1);
	end;
	function (user)
		local token, at = valid(user), math.random(85);
		return token:sub(1, at)..string.char(math.random(0, 255))..token:sub(at + 1);
	end;
	function (user)
		local digits, signature = parts(valid(user));
		local at = math.random(#signature - 1);
		local breaks = one_of { " ", "\n", "=", "\r\n" };
		return digits.." "..signature:sub(1, at)..breaks..signature:sub(at + 1);
	end;
	function () return (("x"):rep(math.random(0, 100)):gsub("x", function ()
		return string.char(math.random(0, 255));
	end)); end;
};

-- --- Rules -------------------------------------------------------------------------------------

local function is_canonical(signature)
	local decoded = #signature == 44 and base64.decode(signature);
	return decoded and #decoded == 32 and base64.encode(decoded) == signature;
end

-- Returns the name of the rule by which xtoken refuses, or nil.
local function rule(case)
	local digits, signature = parts(case.token);
	local is_token = digits and is_canonical(signature);
	if not case.verifier then
		return "empty seed or secret";
	elseif case.reason == "malformed" and not is_token then
		return case.reference == "error" and "raises an error" or "junk, not canonical";
	elseif case.reason == "malformed" and #digits ~= digits_of_a_token then
		return case.reference == "error" and "raises an error" or "nonce of another length";
	elseif case.reason == "replayed" and case.spent == "before" then
		return "forgotten at a reload";
	elseif case.reason == "replayed" and case.spent then
		return "accepted a token twice";
	end
end

-- --- Sequences ---------------------------------------------------------------------------------

local counts, decisions, sequences = {}, 0, 0;

local function count(name)
	counts[name] = (counts[name] or 0) + 1;
end

local function decide(case, reference)
	local ok, accepted = pcall(reference.verify_token, case.user, case.token, key.otp_seed,
		key.token_secret, ignore);
	case.reference = not ok and "error" or accepted and "accept" or "reject";
	local accepts = false;
	if case.verifier then
		accepts, case.reason = case.verifier:verify(case.user.."@"..host, case.token, now);
	end
	decisions = decisions + 1;
	if accepts == (case.reference == "accept") and case.reference ~= "error" then
		count(accepts and "both accept" or "both refuse");
		return accepts;
	end
	local name = not accepts and rule(case);
	if not name then
		print(("%s, decided at %d for %s with the seed %s and the secret %q:"
			.." the Lua implementation: %s, xtoken: %s"):format(base64.encode(case.token), now,
			case.user, key.otp_seed, key.token_secret, case.reference,
			accepts and "accept" or case.reason));
		count("NO RULE");
	else
		count(name);
	end
	return accepts;
end

-- Presents some tokens while the time goes on, each new, or one of those before.
local function sequence()
	sequences = sequences + 1;
	now = math.random(10^6, 2^32);
	key = { otp_seed = random_base32(one_of { 16, 32, 32, 64, 120 });
		token_secret = random_base32(math.random(8, 100)) };
	local reloads, is_empty = math.random(20) == 1, math.random(100) == 1;
	minter = assert(xtoken.new_minter(key));
	if is_empty then
		key.token_secret = "";
	end
	-- Of its own, because its time begins anew.
	local file = ("%s-%d"):format(files, sequences);
	local options = { otp_seed = key.otp_seed; token_secret = key.token_secret;
		ledger = reloads and "sqlite:"..file or nil };
	local verifier, reference = xtoken.new_verifier(options), load_reference();
	assert(not verifier == is_empty);
	-- Accepted tokens, by user and digits: since the last reload, or before it.
	local presented, spent = {}, {};
	for _ = 1, math.random(5, 60) do
		local user = one_of(users);
		local token = one_of(kinds)(user);
		if presented[1] and math.random(3) == 1 then
			-- Mostly one of the last, whose time is not over.
			local first = math.random(2) == 1 and math.max(1, #presented - 5) or 1;
			user, token = table.unpack(presented[math.random(first, #presented)]);
		end
		table.insert(presented, { user, token });
		local id = user.." "..(token:match("%d+ ") or "");
		local case = { user = user; token = token; verifier = verifier; spent = spent[id] };
		if decide(case, reference) then
			spent[id] = "since";
		end
		now = now + one_of { 0, 0, 0, 1, 7, 29, 30, 31, 90 };
		if reloads and math.random(8) == 1 then
			verifier, reference = xtoken.new_verifier(options), load_reference();
			for other in pairs(spent) do
				spent[other] = "before";
			end
		end
	end
	for _, suffix in ipairs { "", "-wal", "-shm", ".lock" } do
		os.remove(file..suffix);
	end
end

repeat
	sequence();
until decisions >= wanted;
os.remove(files);

local lines = {};
for name, number in pairs(counts) do
	table.insert(lines, ("%s %d"):format(name, number));
end
table.sort(lines);
print(("differential: %d decisions in %d sequences, the Lua implementation and xtoken: %s")
	:format(decisions, sequences, table.concat(lines, ", ")));
os.exit(counts["NO RULE"] == nil);
