# The Lua module for systems with musl instead of glibc, such as Alpine. zig links it, because what
# Cargo links by itself needs a library that these systems do not have.

MUSL_TARGET := $(shell uname -m)-unknown-linux-musl
MUSL := target/musl

.PHONY: lua-musl
lua-musl: ## the Lua module for musl, for every Lua version, in target/musl/lua/VERSION/
lua-musl: $(LUA_VERSIONS:%=$(MUSL)/lua/%/xtoken.so)

# A module that is loaded shares the C library with the interpreter.
$(MUSL)/lua/%/xtoken.so: $(RUST_SOURCES) | target/build-tools
	scripts/need python3 python3-venv
	rustup target add $(MUSL_TARGET)
	RUSTFLAGS="-C target-feature=-crt-static" scripts/build libxtoken.so $@ scripts/release \
		scripts/zig $(MUSL_TARGET) cargo build $(as_json) --release --locked --lib \
		--features $(call lua_feature,$*),$(LEDGERS)

.PHONY: test-musl
test-musl: lua-musl ## the specs of the Lua module, in a Lua 5.4 that is built with musl
	scripts/need musl-tools python3
	CC=musl-gcc scripts/lua 5.4 $(MUSL)/bin
	tests/lua/musl $(MUSL)
