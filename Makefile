# `make help` lists what can be made. make/ has one file for each part; what they share is here.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# All variants of the library are built in one folder, so that common parts are built once. Each
# variant is copied to its place before the next build begins.
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

CARGO ?= cargo
# The SQLite of the ledger: `bundled` in the library, or the one of the `system`.
SQLITE ?= bundled
# The ledgers that are built in beside memory:.
LEDGERS ?= $(or $(sqlite_$(SQLITE)),$(error SQLITE is bundled or system, not $(SQLITE))),redis
sqlite_bundled := sqlite-bundled
sqlite_system := sqlite
LUA_VERSIONS := 5.1 5.2 5.3 5.4 5.5 luajit

.PHONY: help
help: ## lists what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | \
		awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }' | LC_ALL=C sort

# What is built.
include make/rust.mk
include make/c.mk
include make/lua.mk
include make/musl.mk
include make/cli.mk
include make/deb.mk
include make/rock.mk
include make/book.mk
# What is tried out.
include make/prosody.mk
include make/webchat.mk
# What is done with all of it.
include make/install.mk
include make/cross.mk
include make/dist.mk
include make/test.mk
include make/pictures.mk
include make/lint.mk
include make/bench.mk
include make/hostile.mk
include make/constant_time.mk
include make/sanitizers.mk
include make/fuzz.mk
include make/mutants.mk
include make/supply.mk
include make/trust.mk

.PHONY: clean
clean: ## removes what was built
	rm -rf target lua/xtoken.so examples/webchat/node_modules tests/clients/node_modules
