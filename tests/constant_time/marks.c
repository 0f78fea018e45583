/* What src/taint.rs calls under `--cfg memcheck`. */
#include <stddef.h>

#include <valgrind/memcheck.h>

void xtoken_make_undefined(void *address, size_t length);
void xtoken_make_defined(void *address, size_t length);

void xtoken_make_undefined(void *address, size_t length)
{
	VALGRIND_MAKE_MEM_UNDEFINED(address, length);
}

void xtoken_make_defined(void *address, size_t length)
{
	VALGRIND_MAKE_MEM_DEFINED(address, length);
}
