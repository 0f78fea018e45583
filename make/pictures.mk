# The pictures of the docs, from their sources beside them.

.PHONY: pictures
pictures: target/build-tools ## docs/images/*.svg from docs/images/*.pikchr
	XTOKEN_WRITE_PICTURES=1 $(CARGO) test --locked --test pictures
