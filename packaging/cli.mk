# The command: how it is made, tested and installed. Part of ../Makefile.

CLI := target/cli
COMMANDS := generate-key mint verify explain inspect vectors
CLI_SOURCES := $(shell find src/bin -type f) lua/token_keys.lib.lua lua/token_ledger_url.lib.lua tests/vectors/conformance.json
MANUALS := xtoken.1 $(COMMANDS:%=xtoken-%.1)
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
cli_features := --no-default-features --features cli,$(LEDGERS)

.PHONY: cli
cli: $(CLI)/xtoken $(CLI)/share/xtoken.1 ## the command xtoken, its manual and completions, in target/cli/

$(CLI)/xtoken: $(RUST_SOURCES) $(CLI_SOURCES) | target/build-tools
	scripts/build xtoken $@ $(CARGO) build $(as_json) --release --locked --bin xtoken $(cli_features)

$(CLI)/share/xtoken.1: src/bin/xtoken/arguments.rs packaging/manual.rs packaging/manual.roff Cargo.lock | target/build-tools
	rm -rf $(@D)
	mkdir -p $(@D)
	$(CARGO) run --quiet --locked --example manual --no-default-features --features cli -- $(@D)

.PHONY: test-cli
test-cli: cli lua/xtoken.so ## the command: what it prints, exit statuses, Prosody's loader, manual, completions
	scripts/need python3 python3-venv openssl prosody lua5.4 man-db mandoc zsh fish
	tests/cli/run

.PHONY: install-cli
install-cli: cli
	scripts/place 755 $(CLI)/xtoken $(DESTDIR)$(BINDIR)/
	scripts/place 644 $(MANUALS:%=$(CLI)/share/%) $(DESTDIR)$(DATADIR)/man/man1/
	scripts/place 644 $(CLI)/share/xtoken.bash $(DESTDIR)$(DATADIR)/bash-completion/completions/xtoken
	scripts/place 644 $(CLI)/share/_xtoken $(DESTDIR)$(DATADIR)/zsh/site-functions/
	scripts/place 644 $(CLI)/share/xtoken.fish $(DESTDIR)$(DATADIR)/fish/vendor_completions.d/

.PHONY: uninstall-cli
uninstall-cli:
	rm -f $(DESTDIR)$(BINDIR)/xtoken $(MANUALS:%=$(DESTDIR)$(DATADIR)/man/man1/%) \
		$(DESTDIR)$(DATADIR)/bash-completion/completions/xtoken \
		$(DESTDIR)$(DATADIR)/zsh/site-functions/_xtoken \
		$(DESTDIR)$(DATADIR)/fish/vendor_completions.d/xtoken.fish
