# The rock of the plugins and their native module, for LuaRocks and `prosodyctl install`.

ROCK := target/rock
ROCKSPEC = $(ROCK)/mod_auth_token-$(VERSION)-1.rockspec
# Where the source archive is published.
SOURCE_URL ?= https://example.org/xtoken
# The native module of each binary rock, as PLATFORM:FILE. PLATFORM is a name of LuaRocks'.
ROCK_MODULES ?= linux-$(shell uname -m):target/lua/5.4/xtoken.so $(patsubst %,linux-aarch64:%, \
	$(wildcard target/cross/aarch64-unknown-linux-gnu/lua/5.4/xtoken.so))
rock_files := $(foreach pair,$(ROCK_MODULES),$(lastword $(subst :, ,$(pair))))

.PHONY: rock
rock: $(rock_files) ## the rock of the plugins: rockspec, source rock, binary rocks; in target/rock/
	scripts/need git luarocks lua5.4 liblua5.4-dev unzip zip
	rm -rf $(ROCK)
	mkdir -p $(ROCK)
	sed -e 's|@VERSION@|$(VERSION)|' -e 's|@SOURCE_URL@|$(SOURCE_URL)|' \
		packaging/mod_auth_token.rockspec.in >$(ROCKSPEC)
	scripts/rock source $(ROCKSPEC) xtoken-$(VERSION)
	for pair in $(ROCK_MODULES); do \
		scripts/rock $${pair%%:*} $(ROCKSPEC) $${pair#*:} || exit 1; \
	done
	luarocks-admin --lua-version=5.4 make-manifest $(ROCK)

# --- What LuaRocks runs: the rockspec has the variables ----------------------------------------

# 5.4, or luajit, for the interpreter ROCK_LUA.
rock_version = $(shell $(ROCK_LUA) -e 'io.write(jit and "luajit" or _VERSION:match("%d.%d"))')
ROCK_MODULE ?= target/lua/$(rock_version)/xtoken.so

.PHONY: rock-module
rock-module:
	$(MAKE) $(ROCK_MODULE)

.PHONY: install-rock
install-rock: install-plugin-files
	scripts/place 755 $(ROCK_MODULE) $(ROCK_LIBDIR)/
