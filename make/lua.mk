# The Lua module, one build for each version of Lua.

LUA := target/lua
LUA_MODULES := $(LUA_VERSIONS:%=$(LUA)/%/xtoken.so)
# 5.4 -> lua54, luajit -> luajit
lua_feature = $(if $(filter luajit,$1),luajit,lua$(subst .,,$1))

.PHONY: lua
lua: $(LUA_MODULES) ## the Lua module for every Lua version, in target/lua/VERSION/

$(LUA)/%/xtoken.so: $(RUST_SOURCES) | target/build-tools
	scripts/build libxtoken.so $@ $(release) build $(as_json) --release --locked --lib \
		--features $(call lua_feature,$*),$(LEDGERS)
