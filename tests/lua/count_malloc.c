/*
 * Preloaded: counts the calls into the allocator that are made from xtoken.so itself. Those of
 * Lua, which the module asks for strings and errors, come from elsewhere and do not count.
 *
 * package.loadlib(…, "count_malloc_start")()  -> true if xtoken.so is loaded; counts from 0
 * package.loadlib(…, "count_malloc_read")()   -> calls since then
 *
 * Also leaves other callers without memory, Lua among them:
 *
 * package.loadlib(…, "fail_malloc")(calls)  after so many calls of this thread, until it is called
 *                                           with -1
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Of every Lua from 5.1 on; weak because other processes, such as sh, preload this too. */
typedef struct lua_State lua_State;
extern void lua_pushinteger(lua_State *, ptrdiff_t) __attribute__((weak));
extern void lua_pushboolean(lua_State *, int) __attribute__((weak));
extern ptrdiff_t luaL_checkinteger(lua_State *, int) __attribute__((weak));

/* The allocator behind the names that this file takes. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

int count_malloc_start(lua_State *);
int count_malloc_read(lua_State *);
int fail_malloc(lua_State *);

static uintptr_t first, last;
static ptrdiff_t calls;

/* The calls that other callers have left; below zero without a limit. */
static _Thread_local ptrdiff_t left = -1;

#define COUNT() count((uintptr_t)__builtin_return_address(0))

/* Whether there is memory. */
static int count(uintptr_t caller)
{
	if (caller >= first && caller < last)
		__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
	else if (left >= 0)
		return left > 0 && left--;
	return 1;
}

void *malloc(size_t size)
{
	return COUNT() ? __libc_malloc(size) : NULL;
}

void *calloc(size_t number, size_t size)
{
	return COUNT() ? __libc_calloc(number, size) : NULL;
}

void *realloc(void *old, size_t size)
{
	return COUNT() ? __libc_realloc(old, size) : NULL;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	COUNT();
	return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
	COUNT();
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
	COUNT();
	*result = __libc_memalign(alignment, size);
	return *result ? 0 : ENOMEM;
}

static int find_module(struct dl_phdr_info *object, size_t size, void *unused)
{
	static const char name[] = "/xtoken.so";
	size_t length = strlen(object->dlpi_name);
	(void)size, (void)unused;
	if (length < sizeof name - 1 ||
	    strcmp(object->dlpi_name + length - (sizeof name - 1), name) != 0)
		return 0;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X) {
			first = object->dlpi_addr + segment->p_vaddr;
			last = first + segment->p_memsz;
			return 1;
		}
	}
	return 0;
}

int count_malloc_start(lua_State *L)
{
	lua_pushboolean(L, dl_iterate_phdr(find_module, NULL));
	calls = 0;
	return 1;
}

int count_malloc_read(lua_State *L)
{
	lua_pushinteger(L, calls);
	return 1;
}

int fail_malloc(lua_State *L)
{
	left = luaL_checkinteger(L, 1);
	return 0;
}
