# The C tests with the sanitizers of the compilers, and the Lua module under valgrind.

needs_of_sanitizers := gcc libc6-dev python3 util-linux
VERIFIED ?= 100000

.PHONY: trust-address
trust-address: target/build-tools ## the C tests with AddressSanitizer and LeakSanitizer
	scripts/need $(needs_of_sanitizers)
	CARGO='$(CARGO)' $(figure) address tests/c/sanitized address capi,$(LEDGERS)

# Rust's own library is compiled from its sources, which rustup has.
.PHONY: trust-thread
trust-thread: target/build-tools ## the C tests that have threads with ThreadSanitizer
	scripts/need $(needs_of_sanitizers)
	@command -v rustup >/dev/null || { echo "trust-thread needs rustup: https://rustup.rs" >&2; exit 1; }
	rustup component add rust-src
	CARGO='$(CARGO)' $(figure) thread tests/c/sanitized thread capi,$(LEDGERS)

.PHONY: trust-valgrind
trust-valgrind: target/lua/5.4/xtoken.so ## verifications in Lua under valgrind
	scripts/need valgrind lua5.4
	$(figure) valgrind tests/lua/valgrind $(VERIFIED)
