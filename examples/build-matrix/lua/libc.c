/* Say, by Lua, which C library this program runs with. */
#include <stdio.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static const char script[] = "io.write(_VERSION, ' with ', ..., '\\n')";

static const char *c_library(char *text, size_t size)
{
#ifdef __GLIBC__
	snprintf(text, size, "glibc %s", gnu_get_libc_version());
#else
	snprintf(text, size, "musl");
#endif
	return text;
}

int main(void)
{
	char text[64];
	lua_State *lua = luaL_newstate();
	int status;

	if (!lua)
		return EXIT_FAILURE;
	luaL_openlibs(lua);
	status = luaL_loadstring(lua, script);
	lua_pushstring(lua, c_library(text, sizeof text));
	if (status == LUA_OK)
		status = lua_pcall(lua, 1, 0, 0);
	lua_close(lua);
	return status == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
