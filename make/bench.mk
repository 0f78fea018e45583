# What a verification and a login cost.

BENCH := target/bench
needs_of_bench := git python3 lua5.4 prosody redis-server lua-sec lua-unbound gcc libc6-dev \
	liboath-dev libssl-dev valgrind

.PHONY: bench
bench: capi target/lua/5.4/xtoken.so lua/xtoken.so ## measures, and writes docs/benchmarks.md
	scripts/need $(needs_of_bench) $(if $(REFERENCE),lua-luaossl)
	scripts/prosody 0.12 13.0
	scripts/build 'rust-[0-9a-f]*' $(BENCH)/rust $(release) bench --no-run $(as_json) --locked \
		--features $(LEDGERS) --bench rust
	gcc -std=c11 -O2 -Wall -Wextra -Iinclude -o $(BENCH)/c benches/c/verify.c -L$(CAPI) -lxtoken
	gcc -std=c11 -O2 -Wall -Wextra -o $(BENCH)/liboath benches/c/liboath.c -loath -lcrypto
	ROUNDS='$(ROUNDS)' TOKENS='$(TOKENS)' LARGEST='$(LARGEST)' REFERENCE='$(abspath $(REFERENCE))' \
		benches/run $(CURDIR)/$(CAPI) $(CURDIR)/$(LUA)/5.4
	benches/page

.PHONY: bench-scale
bench-scale: lua/xtoken.so ## what a core, a file and a Redis carry, into docs/scale.md
	scripts/need python3 openssl lua5.4 prosody redis-server lua-sec lua-unbound
	scripts/prosody 0.12 13.0
	benches/scale --write

.PHONY: bench-page
bench-page: ## docs/benchmarks.md anew, from the figures of the last make bench
	scripts/need python3
	benches/page

.PHONY: bench-baseline
bench-baseline: capi ## tests/c/instructions.txt anew, the counts that make test-c compares with
	scripts/need gcc libc6-dev valgrind python3
	tests/c/instructions $(CAPI) --write
