-- Mints a token, verifies it, and verifies it again: the second time, it is refused.
--
-- For LuaJIT's ffi, where the Lua module `xtoken` is not at hand. Declares only what it calls.

local ffi = require "ffi";

ffi.cdef [[
	typedef int32_t xtoken_status;
	typedef struct xtoken_config xtoken_config;
	typedef struct xtoken_minter xtoken_minter;
	typedef struct xtoken_verifier xtoken_verifier;
	enum { XTOKEN_OK = 0, XTOKEN_TOKEN_SIZE_MAX = 1024 };
	xtoken_config *xtoken_config_new(void);
	xtoken_status xtoken_config_add_key(
		xtoken_config *, const char *, size_t, const char *, size_t);
	void xtoken_config_free(xtoken_config *);
	xtoken_status xtoken_minter_new(const xtoken_config *, xtoken_minter **);
	xtoken_status xtoken_minter_mint(
		const xtoken_minter *, const char *, size_t, uint64_t, char *, size_t *);
	void xtoken_minter_free(xtoken_minter *);
	xtoken_status xtoken_verifier_new(const xtoken_config *, xtoken_verifier **);
	xtoken_status xtoken_verifier_verify(
		const xtoken_verifier *, const char *, size_t, const char *, size_t, uint64_t);
	void xtoken_verifier_free(xtoken_verifier *);
	const char *xtoken_status_name(xtoken_status);
	const char *xtoken_status_message(xtoken_status);
]]
local xtoken = ffi.load("libxtoken.so.0");

local function check(status)
	if status ~= xtoken.XTOKEN_OK then
		error(ffi.string(xtoken.xtoken_status_message(status)), 2);
	end
end

-- Makes an object, which the garbage collector frees.
local function new(kind, config)
	local made = ffi.new("xtoken_" .. kind .. " *[1]");
	check(xtoken["xtoken_" .. kind .. "_new"](config, made));
	return ffi.gc(made[0], xtoken["xtoken_" .. kind .. "_free"]);
end

local seed, secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "at least 32 random bytes, as text or not";
local jid, now = "alice@example.com", os.time();

local config = ffi.gc(xtoken.xtoken_config_new(), xtoken.xtoken_config_free);
check(xtoken.xtoken_config_add_key(config, seed, #seed, secret, #secret));
local minter, verifier = new("minter", config), new("verifier", config);

local token = ffi.new("char[?]", xtoken.XTOKEN_TOKEN_SIZE_MAX);
local length = ffi.new("size_t[1]", xtoken.XTOKEN_TOKEN_SIZE_MAX);
check(xtoken.xtoken_minter_mint(minter, jid, #jid, now, token, length));
print(("minted: %d bytes"):format(tonumber(length[0])));
for _ = 1, 2 do
	local status = xtoken.xtoken_verifier_verify(verifier, jid, #jid, token, length[0], now);
	print("verified: " .. ffi.string(xtoken.xtoken_status_name(status)));
end
