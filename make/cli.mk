# The command xtoken, its manual and its completions.

CLI := target/cli
CLI_SOURCES := $(shell find src/bin -type f) tests/vectors/conformance.json
COMMANDS := generate-key mint verify explain inspect vectors
MANUALS := xtoken.1 $(COMMANDS:%=xtoken-%.1)

.PHONY: cli
cli: $(CLI)/xtoken $(CLI)/share/xtoken.1 ## the command, its manual and completions, in target/cli/

$(CLI)/xtoken: $(RUST_SOURCES) $(CLI_SOURCES) | target/build-tools
	scripts/build xtoken $@ $(release) build $(as_json) --release --locked --bin xtoken \
		--features cli,$(LEDGERS)

MANUAL_SOURCES := src/bin/xtoken/arguments.rs packaging/manual.rs packaging/manual.roff Cargo.lock

$(CLI)/share/xtoken.1: $(MANUAL_SOURCES) | target/build-tools
	rm -rf $(@D)
	mkdir -p $(@D)
	$(CARGO) run --quiet --locked --example manual --features cli -- $(@D)
