# Mutation testing: code that is changed in one place must fail a test.

CARGO_MUTANTS := target/tools/bin/cargo-mutants

$(CARGO_MUTANTS): | target/build-tools
	$(CARGO) install --locked --quiet --debug --root target/tools --version 27.1.0 cargo-mutants

.PHONY: trust-mutants
trust-mutants: $(CARGO_MUTANTS) ## changes the code in each place: a test must fail
	scripts/need gcc libc6-dev python3 git
	CARGO='$(CARGO)' $(figure) mutants nice tests/mutants/run
