# The Lua specs.

.PHONY: test-lua
test-lua: lua ## the Lua module, under every Lua
	scripts/need gcc libc6-dev python3 lua5.1 lua5.2 lua5.3 lua5.4 luajit lua-busted
	tests/lua/run
