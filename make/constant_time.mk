# Whether the time of a verification depends on a secret. See tests/constant_time/README.md.

MEASUREMENTS ?= 2000000

.PHONY: trust-constant-time
trust-constant-time: target/build-tools ## no branch or address depends on a secret: valgrind
	scripts/need valgrind patch
	CARGO='$(CARGO)' $(figure) constant-time tests/constant_time/run-memcheck

.PHONY: trust-timing
trust-timing: capi ## no time depends on a secret: measurements on this processor
	scripts/need patch
	CARGO='$(CARGO)' $(figure) timing tests/constant_time/run-timing $(CAPI)/libxtoken.a \
		$(MEASUREMENTS)
