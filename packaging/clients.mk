# The web application's side: recipes, browsers, client libraries.

.PHONY: test-clients
test-clients: capi lua/xtoken.so ## minting in every language, logging in from browsers and libraries
	scripts/need python3 python3-venv openssl prosody lua5.4
	scripts/need oathtool php-cli php-intl php-mbstring ruby golang-go golang-golang-x-text-dev default-jdk-headless gcc libc6-dev
	command -v node >/dev/null || scripts/need nodejs
	tests/clients/run

.PHONY: vectors
vectors: ## tests/vectors/conformance.json from conformance.py beside it
	python3 tests/vectors/conformance.py >target/conformance.json
	mv target/conformance.json tests/vectors/conformance.json
