/* No memory left while tokens are verified: an answer, no abort, and nothing is forgotten.
 *
 * Takes the place of malloc and its relatives, so it does not run under valgrind. */
#include "check.h"

#include <errno.h>

#define TOKENS 20000

static volatile int exhausted;
static volatile long refused;

#ifdef __cplusplus
extern "C" {
#endif
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static int refuse(void)
{
	if (exhausted)
		refused++;
	return exhausted;
}

/* As glibc declares them. */
#ifdef __cplusplus
#define NOTHROW throw()
#else
#define NOTHROW
#endif
void *malloc(size_t size) NOTHROW { return refuse() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) NOTHROW
{
	return refuse() ? NULL : __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) NOTHROW
{
	return refuse() ? NULL : __libc_realloc(memory, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) NOTHROW
{
	*memory = refuse() ? NULL : __libc_memalign(alignment, size);
	return *memory ? 0 : ENOMEM;
}
#ifdef __cplusplus
}
#endif

static xtoken_status verify_at(const xtoken_verifier *verifier, const token *presented,
	uint64_t now)
{
	xtoken_status status;
	exhausted = 1;
	status = xtoken_verifier_verify(verifier, JID, strlen(JID), presented->text, 85, now);
	exhausted = 0;
	return status;
}

static void growth(void)
{
	xtoken_verifier *verifier = new_verifier();
	xtoken_minter *minter = new_minter();
	token *tokens = (token *)allocate(TOKENS, sizeof *tokens);
	long unavailable = 0, accepted = 0;
	size_t i;

	for (i = 0; i < TOKENS; i++) {
		xtoken_status status;
		tokens[i] = mint(minter);
		status = verify_at(verifier, &tokens[i], NOW);
		if (status == XTOKEN_UNAVAILABLE) {
			unavailable++;
			/* Not spent: with memory again it is as good as before. */
			EXPECT(XTOKEN_OK, verify(verifier, &tokens[i]));
		} else {
			accepted++;
			EXPECT(XTOKEN_OK, status);
		}
	}
	for (i = 0; i < TOKENS; i++)
		EXPECT(XTOKEN_REPLAYED, verify_at(verifier, &tokens[i], NOW));
	/* Tables grow now and then only; most tokens need no memory. */
	CHECK(unavailable > 64 && accepted > TOKENS / 2);
	CHECK(refused >= unavailable);
	printf("%ld accepted without new memory, %ld unavailable\n", accepted, unavailable);
	free(tokens);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
}

/* A step is over and its table is dropped: that needs no memory either. */
static void end_of_a_step(void)
{
	xtoken_config *config = new_config();
	xtoken_minter *minter = new_minter();
	xtoken_verifier *verifier;
	uint64_t last_second = NOW - NOW % 30 + 29;
	token minted = mint(minter);
	size_t length;
	int step;

	EXPECT(XTOKEN_OK, xtoken_config_set_deviation(config, 0));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	for (step = 0; step < 40; step += 2) {
		uint64_t now = last_second + 30 * (uint64_t)step;
		xtoken_status status;
		length = sizeof minted.text;
		EXPECT(XTOKEN_OK, xtoken_minter_mint(minter, JID, 17, now, minted.text, &length));
		EXPECT(XTOKEN_OK,
			xtoken_verifier_verify(verifier, JID, 17, minted.text, length, now));
		length = sizeof minted.text;
		EXPECT(XTOKEN_OK, xtoken_minter_mint(minter, JID, 17, now + 1, minted.text, &length));
		status = verify_at(verifier, &minted, now + 1);
		CHECK(status == XTOKEN_OK || status == XTOKEN_UNAVAILABLE);
		status = xtoken_verifier_verify(verifier, JID, 17, minted.text, length, now + 1);
		CHECK(status == XTOKEN_OK || status == XTOKEN_REPLAYED);
	}
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
	xtoken_config_free(config);
}

int main(void)
{
	growth();
	end_of_a_step();
	return finish("memory");
}
