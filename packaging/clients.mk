# The web application's side: recipes, browsers, client libraries.

.PHONY: test-clients
test-clients: capi lua/xtoken.so ## minting in every language, logging in from browsers and libraries
	scripts/need python3 python3-venv openssl prosody lua5.4
	tests/clients/run
