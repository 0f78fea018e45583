# What xtoken is made of, and that everybody makes the same of it.

CARGO_DENY := target/tools/bin/cargo-deny

$(CARGO_DENY): | target/build-tools
	$(CARGO) install --locked --quiet --root target/tools --version 0.20.2 cargo-deny

.PHONY: trust-deny
trust-deny: $(CARGO_DENY) ## licences, duplicates and sources of all crates, by deny.toml
	scripts/need python3
	scripts/figure deny tests/trust/deny $(CARGO_DENY)

.PHONY: trust-sbom
trust-sbom: sbom ## the bills of materials: valid, and they list what Cargo compiles
	scripts/need python3 python3-venv
	XTOKEN_BOMS=$(DIST) XTOKEN_LEDGERS=$(LEDGERS) XTOKEN_VERSION=$(VERSION) CARGO='$(CARGO)' \
		scripts/figure sbom scripts/pytest tests/trust -s

.PHONY: trust-reproducible
trust-reproducible: target/build-tools ## two builds, in two folders, with two homes of Cargo
	scripts/need git binutils
	scripts/figure reproducible tests/reproducible
