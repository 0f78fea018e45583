# The web application's side: recipes, browsers, client libraries.

# Node.js may be there from elsewhere than Debian's packages.
NODEJS = $(if $(shell command -v node && command -v npm),,nodejs npm)
WEBCHAT := examples/webchat/node_modules/.package-lock.json
BROWSER := tests/clients/node_modules/.package-lock.json

$(WEBCHAT) $(BROWSER): %/node_modules/.package-lock.json: %/package-lock.json
	scripts/need $(NODEJS)
	cd $* && npm ci --ignore-scripts --no-audit --no-fund

.PHONY: webchat
webchat: target/build-tools ## starts a Prosody on this machine with a web chat in front, until Ctrl-C
	scripts/need python3 openssl prosody $(NODEJS)
	tests/prosody/versions.py
	$(MAKE) plugins $(WEBCHAT)
	python3 examples/demo/webchat.py

.PHONY: webchat-picture
webchat-picture: lua/xtoken.so $(WEBCHAT) $(BROWSER) ## takes docs/webchat.png anew
	scripts/need python3 openssl prosody chromium
	python3 tests/clients/picture.py

.PHONY: test-clients
test-clients: capi lua/xtoken.so $(WEBCHAT) $(BROWSER) ## minting in every language, logging in from browsers and libraries
	scripts/need python3 python3-venv openssl prosody lua5.4 chromium
	scripts/need oathtool php-cli php-intl php-mbstring ruby golang-go golang-golang-x-text-dev default-jdk-headless gcc libc6-dev
	tests/clients/run

.PHONY: vectors
vectors: ## tests/vectors/conformance.json from conformance.py beside it
	python3 tests/vectors/conformance.py >target/conformance.json
	mv target/conformance.json tests/vectors/conformance.json
