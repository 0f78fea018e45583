# The library and the command for another machine. zig compiles and links, so that they need no
# more than version 2.28 of glibc. docs/platforms.md says what works.

# A name of Rust's.
TARGET ?= aarch64-unknown-linux-gnu
CROSS := target/cross/$(TARGET)
# Debian's names of the same machine: of its compiler, and of its packages.
gnu_x86_64-unknown-linux-gnu := x86_64-linux-gnu
gnu_aarch64-unknown-linux-gnu := aarch64-linux-gnu
gnu_armv7-unknown-linux-gnueabihf := arm-linux-gnueabihf
debian_x86_64-linux-gnu := amd64
debian_aarch64-linux-gnu := arm64
debian_arm-linux-gnueabihf := armhf
GNU = $(or $(gnu_$(TARGET)),$(error TARGET is one of those in make/cross.mk, not $(TARGET)))
ARCHITECTURE = $(debian_$(GNU))
# zig has the functions that unwind the stack in a library of its own.
cross_make = $(MAKE) CARGO='scripts/zig $(TARGET) cargo' CC='scripts/zig $(TARGET) cc' \
	LD=$(GNU)-ld AR=$(GNU)-ar OBJCOPY=$(GNU)-objcopy LDFLAGS=-lunwind \
	CAPI=$(CROSS) CLI=$(CROSS) LUA=$(CROSS)/lua

.PHONY: cross
cross: cross-tools ## all of it for the machine TARGET (aarch64), in target/cross/TARGET/
	$(cross_make) capi $(CROSS)/lua/5.4/xtoken.so $(CROSS)/xtoken

.PHONY: cross-tools
cross-tools: target/build-tools
	scripts/need python3 python3-venv binutils$(addprefix -,$(filter-out x86%,$(GNU)))
	rustup target add $(TARGET)

# --- The C library as an archive ---------------------------------------------------------------

DIST := target/dist
ARCHIVE = xtoken-$(VERSION)-linux-$(ARCHITECTURE)

# Its paths begin at the file of pkg-config, so it works wherever it is unpacked.
.PHONY: c-archive
c-archive: cross-tools ## the C library for TARGET as an archive, in target/dist/
	rm -rf $(DIST)/$(ARCHIVE)
	$(cross_make) install-c DESTDIR=$(CURDIR)/$(DIST) PREFIX=/$(ARCHIVE)
	sed -i 's|^prefix=.*|prefix=$${pcfiledir}/../..|' $(DIST)/$(ARCHIVE)/lib/pkgconfig/xtoken.pc
	scripts/place 644 LICENSE README.md $(DIST)/$(ARCHIVE)/
	scripts/pack $(DIST)/$(ARCHIVE) $(DIST)/$(ARCHIVE).tar.gz
	rm -rf $(DIST)/$(ARCHIVE)

# --- Trying it out ------------------------------------------------------------------------------

# What a program is compiled with here is Debian's, not zig's.
c_compiler = gcc$(addprefix -,$(filter-out x86%,$(GNU))) \
	libc6-dev$(addsuffix -cross,$(addprefix -,$(filter-out amd64,$(ARCHITECTURE))))

.PHONY: test-cross
test-cross: cross c-archive ## what both built, under qemu: C, Lua, the command, Prosody
	scripts/need qemu-user $(c_compiler) binutils pkg-config python3 openssl
	tests/cross/run $(CROSS) $(GNU) $(ARCHITECTURE) $(DIST)/$(ARCHIVE).tar.gz

# Platforms for which nothing is linked. The C code in the dependencies is compiled, too.
CHECKED := x86_64-unknown-freebsd aarch64-apple-darwin x86_64-apple-darwin
check_platform = scripts/zig $1 cargo check --locked

.PHONY: check-platforms
check-platforms: target/build-tools ## compiles for FreeBSD and macOS, without linking
	scripts/need python3 python3-venv
	for platform in $(CHECKED); do \
		rustup target add $$platform && \
		$(call check_platform,$$platform) --lib --features capi,$(LEDGERS) && \
		$(call check_platform,$$platform) --lib --features lua54,$(LEDGERS) && \
		$(call check_platform,$$platform) --bin xtoken --features cli,$(LEDGERS) || exit 1; \
	done
