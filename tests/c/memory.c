/* No memory left, as xtoken.h describes it: verifying with the ledger in memory gives an answer and
 * forgets nothing; everything else may end the process, and never does anything worse.
 *
 * Takes the place of malloc and its relatives, so it does not run under valgrind. */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOKENS 20000

static volatile int exhausted;
static volatile long refused;
/* How many allocations succeed before the memory is exhausted; below zero: all. */
static volatile long left = -1;

#ifdef __cplusplus
extern "C" {
#endif
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static int refuse(void)
{
	if (left >= 0 && left-- == 0)
		exhausted = 1;
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

/* --- Whether a call ends the process ------------------------------------------------------------ */

#define ALLOCATIONS 200
#define FINISHED 77

/* Objects for the calls below, made while there is memory. */
static xtoken_config *config;
static xtoken_verifier *verifier;
static xtoken_minter *minter;
static token presented;
static char ledger[64];

static void prepare(const char *url)
{
	config = new_config();
	EXPECT(XTOKEN_OK, xtoken_config_set_ledger(config, url, strlen(url)));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	minter = new_minter();
	presented = mint(minter);
}

static void release(void)
{
	xtoken_config_free(config);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
}

static int is_verified(xtoken_status status)
{
	return status == XTOKEN_OK || status == XTOKEN_UNAVAILABLE;
}

static int verifies(void)
{
	return is_verified(verify(verifier, &presented));
}

static int explains(void)
{
	char text[4096];
	size_t length = sizeof text;
	return xtoken_verifier_explain(verifier, JID, strlen(JID), presented.text, 85, NOW, NULL, 0,
		text, &length) == XTOKEN_OK;
}

static int mints(void)
{
	char text[XTOKEN_TOKEN_SIZE_MAX];
	size_t length = sizeof text;
	return xtoken_minter_mint(minter, JID, strlen(JID), NOW, text, &length) == XTOKEN_OK;
}

static int makes_objects(void)
{
	xtoken_verifier *another = NULL;
	xtoken_status status = xtoken_verifier_new(config, &another);
	xtoken_verifier_free(another);
	return is_verified(status);
}

static int forks(void)
{
	int status;
	pid_t child = fork();
	if (child == 0)
		_exit(is_verified(verify(verifier, &presented)) ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* Calls it in a child for which the memory ends after so many allocations. Returns 1 if it ended the
 * process and 0 if it returned what it may; anything else is a failure. */
static int ends_the_process(int (*call)(void), long allocations)
{
	int status;
	pid_t child;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		int is_good;
		close(STDERR_FILENO);
		left = allocations;
		is_good = call();
		left = -1;
		exhausted = 0;
		_exit(is_good ? FINISHED : 1);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
		return 1;
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == FINISHED);
	return 0;
}

/* Tries a call with every number of allocations that succeed; returns how often it ended the
 * process. */
static int aborts(const char *what, const char *url, int (*call)(void))
{
	int count = 0;
	long allocations;
	prepare(url);
	for (allocations = 0; allocations < ALLOCATIONS; allocations++)
		count += ends_the_process(call, allocations);
	release();
	printf("%s, %.7s: ended the process %d times of %d\n", what, url, count, ALLOCATIONS);
	return count;
}

static void what_ends_the_process(void)
{
	char folder[] = "/tmp/xtoken-memory-XXXXXX";
	CHECK(mkdtemp(folder) != NULL);
	sprintf(ledger, "sqlite:%s/tokens", folder);

	CHECK(aborts("verifying", "memory:", verifies) == 0);
	/* These may, and the header says so. */
	CHECK(aborts("explaining", "memory:", explains) > 0);
	CHECK(aborts("minting", "memory:", mints) > 0);
	CHECK(aborts("making a verifier", "memory:", makes_objects) > 0);
	CHECK(aborts("a fork", "memory:", forks) > 0);
	CHECK(aborts("verifying", ledger, verifies) > 0);
	/* No server listens there. */
	CHECK(aborts("verifying", "redis://127.0.0.1:1?timeout=20", verifies) > 0);

	sprintf(ledger, "rm -r %s", folder);
	CHECK(system(ledger) == 0);
}

int main(void)
{
	growth();
	end_of_a_step();
	what_ends_the_process();
	return finish("memory");
}
