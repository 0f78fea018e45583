# Installing everything, and removing it.

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Debian has a folder of libraries for each architecture under /usr, and nowhere else.
MULTIARCH := $(shell gcc -print-multiarch 2>/dev/null)
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
INCLUDEDIR ?= $(PREFIX)/include
LIBDIR ?= $(PREFIX)/lib$(if $(filter /usr,$(PREFIX)),$(MULTIARCH:%=/%))
LUADIR ?= $(LIBDIR)/lua
PROSODYDIR ?= $(PREFIX)/lib/prosody/modules

.PHONY: install
install: ## installs everything, to PREFIX (/usr/local) under DESTDIR
install: install-c install-lua install-plugins install-cli

.PHONY: uninstall
uninstall: ## removes what install put there
uninstall: uninstall-c uninstall-lua uninstall-plugins uninstall-cli

# --- The C library -----------------------------------------------------------------------------

# Where CMake looks for a package, and man for the functions.
CMAKEDIR ?= $(LIBDIR)/cmake/xtoken
MAN3DIR ?= $(DATADIR)/man/man3
SHARED := libxtoken.so.$(SOVERSION)
MAN3 = xtoken.3 $(addsuffix .3,$(shell scripts/functions include/xtoken.h))

# $(call fill_in,TEMPLATE,FILE) writes a file with the values of this installation.
fill_in = sed -e 's|@VERSION@|$(VERSION)|' -e 's|@SOVERSION@|$(SOVERSION)|' \
	-e 's|@PREFIX@|$(PREFIX)|' \
	-e 's|@LIBDIR@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|' \
	-e 's|@INCLUDEDIR@|$(INCLUDEDIR:$(PREFIX)/%=$${prefix}/%)|' \
	-e "s|@INCLUDE_FROM_LIB@|$$(realpath -ms --relative-to=$(LIBDIR) $(INCLUDEDIR))|" \
	-e "s|@LIBRARIES@|$$(tr ' ' ';' <$(CAPI)/native-static-libs)|" \
	-e "s|@LIBS_PRIVATE@|$$(sed 's/-lsqlite3 *//' $(CAPI)/native-static-libs)|" \
	-e "s|@REQUIRES_PRIVATE@|$$(grep -o sqlite3 $(CAPI)/native-static-libs)|" \
	-e '/^Requires.private: $$/d' $1 >$2

.PHONY: install-c
install-c: capi
	scripts/place 644 $(CAPI)/$(SHARED) $(DESTDIR)$(LIBDIR)/libxtoken.so.$(VERSION)
	ln -sf libxtoken.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SHARED)
	ln -sf $(SHARED) $(DESTDIR)$(LIBDIR)/libxtoken.so
	scripts/place 644 $(CAPI)/libxtoken.a $(DESTDIR)$(LIBDIR)/
	scripts/place 644 include/xtoken.h $(DESTDIR)$(INCLUDEDIR)/
	$(call fill_in,packaging/xtoken.pc.in,$(CAPI)/xtoken.pc)
	scripts/place 644 $(CAPI)/xtoken.pc $(DESTDIR)$(LIBDIR)/pkgconfig/
	for name in xtokenConfig xtokenConfigVersion; do \
		$(call fill_in,packaging/cmake/$$name.cmake.in,$(CAPI)/$$name.cmake) && \
		scripts/place 644 $(CAPI)/$$name.cmake $(DESTDIR)$(CMAKEDIR)/ || exit 1; \
	done
	scripts/place 644 $(MAN3:%=$(CAPI)/%) $(DESTDIR)$(MAN3DIR)/
	if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" -eq 0 ]; then ldconfig; fi

.PHONY: uninstall-c
uninstall-c:
	rm -f $(DESTDIR)$(LIBDIR)/libxtoken.so $(DESTDIR)$(LIBDIR)/$(SHARED) \
		$(DESTDIR)$(LIBDIR)/libxtoken.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libxtoken.a \
		$(DESTDIR)$(LIBDIR)/pkgconfig/xtoken.pc $(DESTDIR)$(INCLUDEDIR)/xtoken.h \
		$(MAN3:%=$(DESTDIR)$(MAN3DIR)/%)
	rm -f $(DESTDIR)$(CMAKEDIR)/xtokenConfig.cmake $(DESTDIR)$(CMAKEDIR)/xtokenConfigVersion.cmake
	[ ! -d $(DESTDIR)$(CMAKEDIR) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(CMAKEDIR)

# --- The Lua modules ---------------------------------------------------------------------------

# LuaJIT searches the folder of Lua 5.1 and loads the same module, so one build serves both.
INSTALLED_LUA := $(filter-out luajit,$(LUA_VERSIONS))

.PHONY: install-lua
install-lua: $(INSTALLED_LUA:%=target/lua/%/xtoken.so)
	for version in $(INSTALLED_LUA); do \
		scripts/place 644 target/lua/$$version/xtoken.so $(DESTDIR)$(LUADIR)/$$version/ || exit 1; \
	done

.PHONY: uninstall-lua
uninstall-lua:
	rm -f $(INSTALLED_LUA:%=$(DESTDIR)$(LUADIR)/%/xtoken.so)

# --- The Prosody plugins -----------------------------------------------------------------------

# Modules are in lua/ itself, their libraries in folders below it.
PLUGINS := $(shell cd lua && find * -name '*.lua')
PLUGIN_FOLDERS := $(sort $(dir $(PLUGINS)))
# Version 0.1 had these libraries beside the modules.
FORMER_LIBRARIES := address check_fast check_host check_ledger check_options check_plugins command \
	command_check command_explain command_generate_key command_mint command_user drift encryption \
	explain fast grants guard handler hosts key_use keys ledger_url metrics mint native \
	nonce_report options plain report secrets settings shell skew store users waiting watch
# And version 0.2 this one.
FORMER_FILES := $(FORMER_LIBRARIES:%=token_%.lib.lua) xtoken/mint.lib.lua

.PHONY: install-plugins
install-plugins: ## installs the plugins and their native module, to PROSODYDIR
install-plugins: lua/xtoken.so install-plugin-files
	scripts/place 644 lua/xtoken.so $(DESTDIR)$(PROSODYDIR)/

.PHONY: install-plugin-files
install-plugin-files:
	for folder in $(PLUGIN_FOLDERS); do \
		scripts/place 644 lua/$$folder*.lua $(DESTDIR)$(PROSODYDIR)/$$folder || exit 1; \
	done

# Removes the folders of the libraries unless something else is in them, and what earlier versions
# installed.
.PHONY: uninstall-plugins
uninstall-plugins:
	rm -f $(patsubst %,$(DESTDIR)$(PROSODYDIR)/%,$(PLUGINS) xtoken.so)
	rm -f $(FORMER_FILES:%=$(DESTDIR)$(PROSODYDIR)/%)
	[ ! -d $(DESTDIR)$(PROSODYDIR)/xtoken ] || \
		find $(DESTDIR)$(PROSODYDIR)/xtoken -type d -empty -delete

# --- The command -------------------------------------------------------------------------------

# Where bash, zsh and fish look for completions.
BASHDIR ?= $(DATADIR)/bash-completion/completions
ZSHDIR ?= $(DATADIR)/zsh/site-functions
FISHDIR ?= $(DATADIR)/fish/vendor_completions.d

.PHONY: install-cli
install-cli: cli
	scripts/place 755 $(CLI)/xtoken $(DESTDIR)$(BINDIR)/
	scripts/place 644 $(MANUALS:%=$(CLI)/share/%) $(DESTDIR)$(DATADIR)/man/man1/
	scripts/place 644 $(CLI)/share/xtoken.bash $(DESTDIR)$(BASHDIR)/xtoken
	scripts/place 644 $(CLI)/share/_xtoken $(DESTDIR)$(ZSHDIR)/
	scripts/place 644 $(CLI)/share/xtoken.fish $(DESTDIR)$(FISHDIR)/

.PHONY: uninstall-cli
uninstall-cli:
	rm -f $(DESTDIR)$(BINDIR)/xtoken $(MANUALS:%=$(DESTDIR)$(DATADIR)/man/man1/%) \
		$(DESTDIR)$(BASHDIR)/xtoken $(DESTDIR)$(ZSHDIR)/_xtoken $(DESTDIR)$(FISHDIR)/xtoken.fish
