-- One round: nanoseconds a JSON Web Token (RFC 7519) with HS256 through Prosody's util.jwt, which
-- servers with JWT verify with. It has no ledger: it would accept each token again.
--
-- usage: jwt.lua LIBRARIES      where Prosody 13.0 has its own

local libraries = ...;
package.path = libraries.."/?.lua;"..package.path;
package.cpath = libraries.."/?.so;"..package.cpath;
require "loader";
local jwt = require "prosody.util.jwt";

local secret = "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA8";
local sign = jwt.new_signer("HS256", secret);
local verify = jwt.new_verifier("HS256", secret);
local timed, rounds = 500, 101;

-- As many claims as a token of xtoken has: the user, the time and a nonce.
local tokens = {};
for at = 1, timed do
	tokens[at] = sign {
		sub = "alice@localhost", exp = os.time() + 3600, jti = ("%032d"):format(at),
	};
end

local times = {};
for round = 1, rounds do
	collectgarbage();
	local start = os.clock();
	for at = 1, timed do
		local ok, claims = verify(tokens[at]);
		if not ok or claims.sub ~= "alice@localhost" then
			error("a good token was refused");
		end
	end
	times[round] = (os.clock() - start) / timed * 1e9;
end
table.sort(times);
assert(not verify(tokens[1].."x"), "a forged token was accepted");
print(("jwt/accepted %.1f"):format(times[(rounds + 1) // 2]));
