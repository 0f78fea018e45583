# Cargo: what it needs, and what every build with it shares.

RUST_SOURCES := Cargo.toml Cargo.lock build.rs target/options \
	$(shell find src -name '*.rs' -not -path 'src/bin/*')
# Builds what is delivered. Cargo keeps what it compiled with other flags, so these builds and those
# of the tests do not undo each other's work.
release := scripts/release $(CARGO)
# scripts/build reads the messages of Cargo in this format.
as_json := --message-format json-render-diagnostics

# Cargo needs a linker, the headers of the C library, and certificates to fetch crates.
target/build-tools:
	scripts/check-rust $(CARGO)
	scripts/need gcc libc6-dev ca-certificates
	mkdir -p target
	touch $@

# What was built with other options is built anew: this file changes only if they do.
target/options: target/build-tools always
	$(if $(filter system,$(SQLITE)),@scripts/sqlite)
	@echo '$(LEDGERS)' | cmp -s - $@ || echo '$(LEDGERS)' >$@

.PHONY: always
always:
