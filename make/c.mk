# The C library and its header.

CAPI := target/capi
# The number in libxtoken.so.0 and XTOKEN_0. CONTRIBUTING.md says when it grows.
SOVERSION := 0
# For another machine, tools that make code for it: `make capi CC=aarch64-linux-gnu-gcc …`.
OBJCOPY ?= objcopy
c_tools = CC='$(CC)' LD='$(LD)' AR='$(AR)' OBJCOPY='$(OBJCOPY)'
# Cargo compiles once; the second call repeats what the compiler printed.
capi_build = $(release) rustc --release --locked --lib --crate-type staticlib \
	--features capi,$(LEDGERS)
capi_print := -- --print native-static-libs

.PHONY: capi
capi: ## the C library and its manual, in target/capi/
capi: $(addprefix $(CAPI)/,libxtoken.so.$(SOVERSION) libxtoken.so libxtoken.a xtoken.3)

# What Cargo compiled, with all that is in it visible. The compiler of C knows best which library
# unwinds the stack, so that is not named.
$(CAPI)/compiled.a: $(RUST_SOURCES) | target/build-tools
	scripts/build libxtoken.a $@ $(capi_build) $(as_json) $(capi_print)
	$(capi_build) --color never $(capi_print) 2>&1 | \
		sed -n 's/^note: native-static-libs: //p' | sed 's/-lgcc_s *//' >$(CAPI)/native-static-libs
	test -s $(CAPI)/native-static-libs

$(CAPI)/libxtoken.so.$(SOVERSION) $(CAPI)/libxtoken.a &: $(CAPI)/compiled.a include/xtoken.h \
		scripts/c-library
	$(c_tools) scripts/c-library $(CAPI) include/xtoken.h $(SOVERSION)

$(CAPI)/libxtoken.so: $(CAPI)/libxtoken.so.$(SOVERSION)
	ln -sf $(<F) $@

$(CAPI)/xtoken.3: include/xtoken.h scripts/man3 scripts/c_header.py | target/build-tools
	scripts/need python3
	mkdir -p $(@D)
	scripts/man3 $< $(@D)

.PHONY: header
header: ## include/xtoken.h from src/capi/
	XTOKEN_WRITE_HEADER=1 $(CARGO) test --locked --test header

.PHONY: abi
abi: capi ## tests/c/xtoken.abi anew, with what was added since
	scripts/need abigail-tools
	tests/c/abi $(CAPI) --write

# `make test-c` does the same, among other things.
.PHONY: trust-abi
trust-abi: capi ## programs of the first release run with today's library
	scripts/need gcc libc6-dev abigail-tools
	tests/c/abi $(CAPI)
	scripts/figure abi tests/c/released/run $(CAPI)
