# What a release consists of. CONTRIBUTING.md has the steps of a release.

SOURCE := $(DIST)/xtoken-$(VERSION)
VENDORED := $(SOURCE)-vendored

.PHONY: dist
dist: ## everything that a release consists of, in target/dist/, with checksums
	git diff --quiet HEAD # or else commit first: the sources are those of the last commit
	rm -rf $(DIST)
	$(MAKE) source-archives
	$(MAKE) c-archive TARGET=x86_64-unknown-linux-gnu
	$(MAKE) c-archive TARGET=aarch64-unknown-linux-gnu
	$(MAKE) cross TARGET=aarch64-unknown-linux-gnu
	$(MAKE) rock deb
	scripts/place 644 $(ROCK)/* $(DIST)/rocks/
	scripts/place 644 $(DEB)/*.deb $(DIST)/
	$(MAKE) sbom
	cd $(DIST) && find * -type f | LC_ALL=C sort | xargs sha256sum >../SHA256SUMS
	mv $(DIST)/../SHA256SUMS $(DIST)/

# The second has every crate in it, so it builds without a network.
.PHONY: source-archives
source-archives: target/build-tools
	scripts/need git
	mkdir -p $(DIST)
	git archive --prefix=xtoken-$(VERSION)/ HEAD | tar -x -C $(DIST)
	scripts/pack $(SOURCE) $(SOURCE).tar.gz
	mv $(SOURCE) $(VENDORED)
	mkdir -p $(VENDORED)/.cargo
	cd $(VENDORED) && $(CARGO) vendor --locked --quiet
	printf '%s\n' '[source.crates-io]' 'replace-with = "vendor"' \
		'[source.vendor]' 'directory = "vendor"' >$(VENDORED)/.cargo/config.toml
	scripts/pack $(VENDORED) $(VENDORED).tar.gz
	rm -rf $(VENDORED)

# A bill of materials for each kind of artefact, since each is built with other features.
CYCLONEDX := target/tools/bin/cargo-cyclonedx

$(CYCLONEDX): | target/build-tools
	$(CARGO) install --locked --quiet --root target/tools --version 0.5.9 cargo-cyclonedx

sbom = CARGO='$(CARGO)' scripts/bill $(CYCLONEDX) $2,$(LEDGERS) \
	$(DIST)/xtoken-$(VERSION)-$1.cdx.json

.PHONY: sbom
sbom: $(CYCLONEDX) ## what each artefact contains, as CycloneDX, in target/dist/
	scripts/need python3
	mkdir -p $(DIST)
	$(call sbom,c,capi)
	$(call sbom,lua,lua54)
	$(call sbom,command,cli)
