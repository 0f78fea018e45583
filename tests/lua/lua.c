/* Runs a file of Lua, as much of the program `lua` as the specs need: lua FILE [ARGUMENT...] */

#include <stdio.h>
#include <stdlib.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static int traced(lua_State *state)
{
	luaL_traceback(state, state, luaL_tolstring(state, 1, NULL), 1);
	return 1;
}

int main(int count, char *words[])
{
	lua_State *state = luaL_newstate();
	int failed;
	if (state == NULL || count < 2) {
		return EXIT_FAILURE;
	}
	luaL_openlibs(state);
	lua_newtable(state);
	for (int word = 0; word < count; word++) {
		lua_pushstring(state, words[word]);
		lua_rawseti(state, -2, word - 1);
	}
	lua_setglobal(state, "arg");
	lua_pushcfunction(state, traced);
	failed = luaL_loadfile(state, words[1]);
	if (!failed) {
		for (int word = 2; word < count; word++) {
			lua_pushstring(state, words[word]);
		}
		failed = lua_pcall(state, count - 2, 0, 1);
	}
	if (failed) {
		fprintf(stderr, "%s\n", lua_tostring(state, -1));
	}
	lua_close(state);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
