# The native module for the Prosody plugins, and a Prosody to try them on.

.PHONY: plugins
plugins: lua/xtoken.so ## the native module for Prosody (Lua 5.4), in lua/ with the plugins

# Debian's Prosody runs Lua 5.4. The plugins look for the module in their own folder first.
lua/xtoken.so: target/lua/5.4/xtoken.so
	scripts/place 644 $< $@

# Packages that are missing are reported before anything is built.
.PHONY: demo
demo: target/build-tools ## starts a Prosody on this machine and logs in with a token
	scripts/need python3 lua5.4 prosody
	tests/prosody/versions.py
	$(MAKE) plugins
	python3 examples/demo/demo.py
