# The web chat: what it and its tests need from npm, and a Prosody to try it on.

# Nothing to install if Node.js is there already, from Debian or elsewhere.
NODEJS = $(if $(shell command -v node && command -v npm),,nodejs npm)
WEBCHAT := examples/webchat/node_modules/.package-lock.json
BROWSER := tests/clients/node_modules/.package-lock.json
EXPRESS := examples/servers/express/node_modules/.package-lock.json
NPM := $(WEBCHAT) $(BROWSER) $(EXPRESS)

$(NPM): %/node_modules/.package-lock.json: %/package-lock.json
	scripts/need $(NODEJS)
	cd $* && npm ci --ignore-scripts --no-audit --no-fund

.PHONY: webchat
webchat: target/build-tools ## starts a Prosody on this machine and a web chat for it, until Ctrl-C
	scripts/need python3 openssl prosody $(NODEJS)
	tests/prosody/versions.py
	$(MAKE) plugins $(WEBCHAT)
	python3 examples/demo/webchat.py

.PHONY: webchat-picture
webchat-picture: lua/xtoken.so $(WEBCHAT) $(BROWSER) ## takes docs/webchat.png anew
	scripts/need python3 openssl prosody chromium
	python3 tests/clients/picture.py
