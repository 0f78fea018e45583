# What a verification costs, on each face.

.PHONY: bench
bench: capi lua/xtoken.so ## ns per token in Rust, C and Lua; REFERENCE= adds the Lua verifier
	scripts/need python3 lua5.4 prosody redis-server lua-sec lua-unbound
	scripts/prosody 0.12 13.0
	$(CARGO) build --locked --features $(LEDGERS) --benches --profile bench
	gcc -std=c11 -O2 -Wall -Wextra -Iinclude -o target/bench-c benches/verify.c \
		-L$(CAPI) -lxtoken -Wl,-rpath,$(CURDIR)/$(CAPI)
	$(CARGO) bench -q --locked --features $(LEDGERS) --bench redis
	LUA_CPATH='target/lua/5.4/?.so;;' benches/run \
		"$(CARGO) bench -q --locked --bench verify" target/bench-c "lua5.4 benches/verify.lua"
	$(CARGO) bench -q --locked --features $(LEDGERS) --bench ledgers
	benches/prosody
