# The evidence: each part is a target trust-…, and leaves its figure in tests/trust/figures/. A page
# is made from these.

# All of them, in whatever file they are.
TRUST = $(sort $(filter-out trust-page,$(shell grep -hoE '^trust-[a-z0-9-]+' $(MAKEFILE_LIST))))
# Only with a checkout of prosody-modules, which has the Lua implementation.
needs_reference := trust-differential
not_run = $(if $(REFERENCE),,$(needs_reference))

.PHONY: trust
trust: ## all the evidence, and docs/trust.md; takes hours; REFERENCE= compares, too
	@failed=; \
	for part in $(filter-out $(not_run),$(TRUST)); do \
		echo "== $$part"; $(MAKE) $$part || failed="$$failed $$part"; \
	done; \
	$(MAKE) trust-page || failed="$$failed trust-page"; \
	if [ -n "$(not_run)" ]; then \
		echo "NOT RUN, because REFERENCE= names no checkout of prosody-modules:" $(not_run); \
		echo "The page shows the figures of an earlier day for that."; \
	fi; \
	if [ -n "$$failed" ]; then echo "These failed:$$failed"; exit 1; fi

.PHONY: trust-page
trust-page: ## docs/trust.md from tests/trust/promises.toml and the figures that are there
	scripts/need python3
	tests/trust/page
