# `make help` lists what can be made.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# All flavours of the library are built in one folder, where what they share is built once; each is
# copied to its place before the next is begun.
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

CARGO ?= cargo
# scripts/build needs the messages of Cargo in this format.
as_json := --message-format json-render-diagnostics
# Which ledgers are built in beside memory:.
LEDGERS ?= sqlite,redis
LUA_VERSIONS := 5.1 5.2 5.3 5.4 5.5 luajit
LUA_MODULES := $(LUA_VERSIONS:%=target/lua/%/xtoken.so)
RUST_SOURCES := Cargo.toml Cargo.lock build.rs $(shell find src -name '*.rs' -not -path 'src/bin/*')

.PHONY: help
help: ## what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# Cargo needs a linker, the headers of the C library, and certificates to fetch crates.
target/build-tools:
	scripts/rust $(CARGO)
	scripts/need gcc libc6-dev ca-certificates
	mkdir -p target
	touch $@

# --- Lua ---------------------------------------------------------------------------------------

# 5.4 -> lua54, luajit -> luajit
lua_feature = $(if $(filter luajit,$1),luajit,lua$(subst .,,$1))

target/lua/%/xtoken.so: $(RUST_SOURCES) | target/build-tools
	scripts/build libxtoken.so $@ $(CARGO) build $(as_json) --release --locked --lib \
		--no-default-features --features $(call lua_feature,$*),$(LEDGERS)

.PHONY: lua
lua: $(LUA_MODULES) ## the Lua module for every Lua version, in target/lua/VERSION/

# The version that Debian's Prosody runs, beside the plugins, where they look for it first.
lua/xtoken.so: target/lua/5.4/xtoken.so
	scripts/place 644 $< $@

.PHONY: plugins
plugins: lua/xtoken.so ## the native module for Prosody (Lua 5.4), in lua/ beside the plugins

include packaging/lua.mk
include packaging/c.mk
include packaging/clients.mk
include packaging/cli.mk

# --- Prosody -----------------------------------------------------------------------------------

# Reports what is missing before anything is built.
.PHONY: demo
demo: target/build-tools ## builds the module, starts a Prosody on this machine, logs in with a token
	scripts/need python3 lua5.4 prosody
	tests/prosody/versions.py
	$(MAKE) plugins
	python3 examples/demo/demo.py

.PHONY: test-prosody
test-prosody: lua/xtoken.so ## logins on real Prosody servers, 0.12 and 13.0
	scripts/need python3 python3-venv openssl prosody redis-server lua5.4 lua-sec lua-unbound lua-event curl faketime
	tests/prosody/run

# --- All ---------------------------------------------------------------------------------------

SUITES := test-rust test-shuttle test-c test-lua test-make test-cli test-readme test-prosody test-clients

.PHONY: test
test: ## every test; a suite that fails is named at the end
	@failed=; \
	for suite in $(SUITES); do $(MAKE) $$suite || failed="$$failed $$suite"; done; \
	if [ -n "$$failed" ]; then echo "These failed:$$failed"; exit 1; fi

.PHONY: test-make
test-make: target/build-tools ## what make delivers, wherever Cargo builds it
	scripts/need python3 python3-venv openssl prosody lua5.4
	tests/make/run

.PHONY: test-debian
test-debian: lua/xtoken.so ## the steps of the README in fresh roots of Debian 12 and 13, as root
	scripts/need debootstrap iproute2 openssl python3
	tests/debian/run

.PHONY: soak
soak: lua/xtoken.so ## the long tests: 50 million tokens, 200 times kill -9, many processes and servers
	scripts/need python3 python3-venv openssl prosody redis-server lua5.4 lua-sec lua-unbound lua-event
	$(CARGO) test --locked --release --features $(LEDGERS) --test soak -- --ignored --nocapture
	XTOKEN_MODEL_STEPS=10000000 $(CARGO) test --locked --release --features $(LEDGERS) --lib is_proven -- --nocapture
	XTOKEN_MODEL_STEPS=5000 $(CARGO) test --locked --release --features $(LEDGERS) --test model -- --nocapture
	XTOKEN_SOAK=1 tests/prosody/run tests/prosody/test_ledger.py -k 'kill_9 or eight_processes'
	XTOKEN_SOAK=1 tests/prosody/run tests/prosody/test_redis.py -k two_servers

.PHONY: test-rust
test-rust: target/build-tools ## the Rust tests
	scripts/need redis-server
	$(CARGO) test --locked --no-fail-fast --features $(LEDGERS)

# A folder of its own: otherwise `--cfg shuttle` would have everything built anew each time.
.PHONY: test-shuttle
test-shuttle: target/build-tools ## threads on the memory ledger, in every order that shuttle tries
	RUSTFLAGS='--cfg shuttle' $(CARGO) test --locked --no-default-features --lib \
		--target-dir target/shuttle ledger::memory::interleaved

.PHONY: test-readme
test-readme: lua/xtoken.so ## the code that the README shows
	scripts/need python3 lua5.4
	tests/readme/run

.PHONY: lint
lint: target/build-tools ## formatting, clippy, luacheck, shellcheck
	scripts/need lua-check shellcheck
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --all-targets --features $(LEDGERS) -- -D warnings
	$(CARGO) clippy --locked --lib --no-default-features --features lua54,$(LEDGERS) -- -D warnings
	$(CARGO) clippy --locked --bin xtoken --example manual $(cli_features) -- -D warnings
	luacheck --quiet lua tests benches examples src
	shellcheck scripts/* tests/*/run tests/c/installed tests/exports examples/mint/mint.sh .ci/run

.PHONY: bench
bench: capi lua/xtoken.so ## ns a token through Rust, C and Lua; REFERENCE= adds the Lua verifier
	scripts/need python3 lua5.4 prosody redis-server lua-sec lua-unbound
	scripts/prosody 0.12 13.0
	$(CARGO) build --locked --features $(LEDGERS) --benches --profile bench
	gcc -std=c11 -O2 -Wall -Wextra -Iinclude -o target/bench-c benches/verify.c -Ltarget/capi -lxtoken -Wl,-rpath,$(CURDIR)/target/capi
	$(CARGO) bench -q --locked --features $(LEDGERS) --bench redis
	LUA_CPATH='target/lua/5.4/?.so;;' benches/run "$(CARGO) bench -q --locked --bench verify" target/bench-c "lua5.4 benches/verify.lua"
	$(CARGO) bench -q --locked --features $(LEDGERS) --bench ledgers
	benches/prosody

.PHONY: clean
clean: ## removes what was built
	rm -rf target lua/xtoken.so examples/webchat/node_modules tests/clients/node_modules
