# Fuzzing, which is no part of `make test`: that only replays fuzz/corpus/. It counts its inputs in
# fuzz/executions.

CARGO_FUZZ := target/tools/bin/cargo-fuzz
# How long each target runs: by itself, and as a part of `make trust`.
SECONDS ?= 60
FUZZ_SECONDS ?= 600

$(CARGO_FUZZ): | target/build-tools
	$(CARGO) install --locked --quiet --root target/tools --version 0.13.1 cargo-fuzz

.PHONY: fuzz
fuzz: $(CARGO_FUZZ) lua/xtoken.so ## random inputs for each target, SECONDS= for each
	scripts/need g++ lua5.4 openssl prosody
	fuzz/run $(SECONDS)

.PHONY: trust-fuzz
trust-fuzz: $(CARGO_FUZZ) lua/xtoken.so ## the same, FUZZ_SECONDS= for each
	scripts/need g++ lua5.4 openssl prosody
	scripts/figure fuzz fuzz/run $(FUZZ_SECONDS)

.PHONY: fuzz-corpus
fuzz-corpus: $(CARGO_FUZZ) ## fuzz/corpus/ from all that libFuzzer has found
	scripts/need g++
	fuzz/minimise
