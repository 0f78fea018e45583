# The Debian packages. A packager who has the sources only copies packaging/debian to debian/ and
# runs dpkg-buildpackage; this does the same in target/deb/, and shares what is built already.

DEB := target/deb
DEB_LUA := 5.1 5.2 5.3 5.4

.PHONY: deb
deb: capi cli $(DEB_LUA:%=target/lua/%/xtoken.so) ## the Debian packages, in target/deb/
	scripts/need debhelper fakeroot lintian
	rm -rf $(DEB)
	mkdir -p $(DEB)/xtoken
	cp -r packaging/debian CHANGELOG.md README.md $(DEB)/xtoken/
	cd $(DEB)/xtoken && XTOKEN_SOURCE=$(CURDIR) \
		dpkg-buildpackage --build=binary --no-sign --no-check-builddeps
	lintian --fail-on error,warning $(DEB)/*.changes
