# `make help` lists what can be made.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

CARGO ?= cargo
LUA_VERSIONS := 5.1 5.2 5.3 5.4 5.5 luajit
LUA_MODULES := $(LUA_VERSIONS:%=target/lua/%/xtoken.so)
RUST_SOURCES := Cargo.toml Cargo.lock build.rs $(shell find src -name '*.rs')

.PHONY: help
help: ## what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# --- Lua ---------------------------------------------------------------------------------------

# 5.4 -> lua54, luajit -> luajit
lua_feature = $(if $(filter luajit,$1),luajit,lua$(subst .,,$1))

target/lua/%/xtoken.so: $(RUST_SOURCES)
	$(CARGO) build --release --locked --lib --no-default-features \
		--features $(call lua_feature,$*) --target-dir target/lua/$*/build
	cp target/lua/$*/build/release/libxtoken.so $@

.PHONY: lua
lua: $(LUA_MODULES) ## the Lua module for every Lua version, in target/lua/VERSION/

# The version that Debian's Prosody runs, beside the plugins, where they look for it first.
lua/xtoken.so: target/lua/5.4/xtoken.so
	cp $< $@

.PHONY: plugins
plugins: lua/xtoken.so ## the native module for Prosody (Lua 5.4), in lua/ beside the plugins

# --- Tests -------------------------------------------------------------------------------------

.PHONY: test-rust
test-rust: ## the Rust tests
	$(CARGO) test --locked

.PHONY: clean
clean: ## removes what was built
	rm -rf target lua/xtoken.so
