# The C library: how it is made, tested and installed. Part of ../Makefile.

CAPI := target/capi
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

# Debian keeps libraries in a folder per architecture under /usr, and only there.
MULTIARCH := $(shell gcc -print-multiarch 2>/dev/null)
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib$(if $(filter /usr,$(PREFIX)),$(MULTIARCH:%=/%))
INCLUDEDIR ?= $(PREFIX)/include
LUADIR ?= $(LIBDIR)/lua
PROSODYDIR ?= $(PREFIX)/lib/prosody/modules

# --- The library -------------------------------------------------------------------------------

.PHONY: header
header: ## include/xtoken.h from src/capi/
	XTOKEN_WRITE_HEADER=1 $(CARGO) test --locked --test header

.PHONY: capi
capi: $(CAPI)/libxtoken.so.0 $(CAPI)/libxtoken.so $(CAPI)/libxtoken.a ## the C library, in target/capi/

# Cargo builds only once. The second time it repeats what the compiler printed.
capi_build = $(CARGO) rustc --release --locked --lib --no-default-features \
	--features capi,$(LEDGERS)
capi_print := -- --print native-static-libs

$(CAPI)/libxtoken.so.0 $(CAPI)/libxtoken.a &: $(RUST_SOURCES) | target/build-tools
	scripts/build libxtoken.so $(CAPI)/libxtoken.so.0 $(capi_build) $(as_json) $(capi_print)
	scripts/build libxtoken.a $(CAPI)/libxtoken.a $(capi_build) $(as_json) $(capi_print)
	$(capi_build) --color never $(capi_print) 2>&1 | \
		sed -n 's/^note: native-static-libs: //p' >$(CAPI)/native-static-libs
	test -s $(CAPI)/native-static-libs

$(CAPI)/libxtoken.so: $(CAPI)/libxtoken.so.0
	ln -sf libxtoken.so.0 $@

# --- Its tests ---------------------------------------------------------------------------------

.PHONY: test-c
test-c: capi ## the C tests: as C11 and C++17, shared and static, under valgrind
	scripts/need gcc g++ libc6-dev binutils valgrind pkg-config python3
	tests/c/run

# --- Installing --------------------------------------------------------------------------------

# LuaJIT looks where Lua 5.1 does and loads the same module: one build serves both.
INSTALLED_LUA := $(filter-out luajit,$(LUA_VERSIONS))
PLUGINS := $(notdir $(wildcard lua/*.lua))

.PHONY: install
install: install-c install-lua install-plugins install-cli ## everything, to PREFIX (/usr/local) under DESTDIR

.PHONY: install-c
install-c: capi
	scripts/place 644 $(CAPI)/libxtoken.so.0 $(DESTDIR)$(LIBDIR)/libxtoken.so.$(VERSION)
	ln -sf libxtoken.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libxtoken.so.0
	ln -sf libxtoken.so.0 $(DESTDIR)$(LIBDIR)/libxtoken.so
	scripts/place 644 $(CAPI)/libxtoken.a $(DESTDIR)$(LIBDIR)/
	scripts/place 644 include/xtoken.h $(DESTDIR)$(INCLUDEDIR)/
	sed -e 's|@PREFIX@|$(PREFIX)|' \
		-e 's|@LIBDIR@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR:$(PREFIX)/%=$${prefix}/%)|' \
		-e 's|@VERSION@|$(VERSION)|' -e "s|@LIBS_PRIVATE@|$$(cat $(CAPI)/native-static-libs)|" \
		packaging/xtoken.pc.in >$(CAPI)/xtoken.pc
	scripts/place 644 $(CAPI)/xtoken.pc $(DESTDIR)$(LIBDIR)/pkgconfig/
	if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" -eq 0 ]; then ldconfig; fi

.PHONY: install-lua
install-lua: $(INSTALLED_LUA:%=target/lua/%/xtoken.so)
	for version in $(INSTALLED_LUA); do \
		scripts/place 644 target/lua/$$version/xtoken.so $(DESTDIR)$(LUADIR)/$$version/ || exit 1; \
	done

.PHONY: install-plugins
install-plugins: lua/xtoken.so ## the plugins and their native module, to PROSODYDIR
	scripts/place 644 $(PLUGINS:%=lua/%) lua/xtoken.so $(DESTDIR)$(PROSODYDIR)/

.PHONY: uninstall
uninstall: uninstall-cli ## removes what install put there
	rm -f $(DESTDIR)$(LIBDIR)/libxtoken.so $(DESTDIR)$(LIBDIR)/libxtoken.so.0 \
		$(DESTDIR)$(LIBDIR)/libxtoken.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libxtoken.a \
		$(DESTDIR)$(LIBDIR)/pkgconfig/xtoken.pc $(DESTDIR)$(INCLUDEDIR)/xtoken.h \
		$(INSTALLED_LUA:%=$(DESTDIR)$(LUADIR)/%/xtoken.so) \
		$(patsubst %,$(DESTDIR)$(PROSODYDIR)/%,$(PLUGINS) xtoken.so)
