# What can be checked without running anything.

clippy = $(CARGO) clippy --locked

.PHONY: lint
lint: target/build-tools ## lines, words, docs, format, clippy, rustdoc, luacheck, shellcheck
	scripts/need lua-check shellcheck python3 git
	scripts/check-lines
	scripts/check-words
	scripts/c-api include/xtoken.h | cmp - docs/c-api.md # or else: make docs
	$(CARGO) fmt --check
	$(clippy) --all-targets -- -D warnings
	$(clippy) --all-targets --features capi,$(LEDGERS) -- -D warnings
	$(clippy) --lib --features lua54,$(LEDGERS) -- -D warnings
	$(clippy) --bin xtoken --example manual --features cli,$(LEDGERS) -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps
	luacheck --quiet lua tests benches examples fuzz src
	shellcheck $$(git grep -lE '^#!/bin/sh' ':!*.md')
