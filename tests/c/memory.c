/* What xtoken.h says about a lack of memory: verifying with the ledger in memory returns a status
 * and forgets nothing. Everything else may end the process, and does nothing worse.
 *
 * Replaces malloc and its relatives, so it does not run under valgrind. With the argument "all",
 * each allocation of every function fails. */
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
/* Whether there is memory again after one allocation has failed. */
static volatile int fails_once;

#ifdef __cplusplus
extern "C" {
#endif
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static int refuse(void)
{
	int is_last = left >= 0 && left-- == 0;
	if (is_last && !fails_once)
		exhausted = 1;
	if (is_last || exhausted)
		refused++;
	return is_last || exhausted;
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
			/* Not spent: it is accepted as soon as there is memory again. */
			EXPECT(XTOKEN_OK, verify(verifier, &tokens[i]));
		} else {
			accepted++;
			EXPECT(XTOKEN_OK, status);
		}
	}
	for (i = 0; i < TOKENS; i++)
		EXPECT(XTOKEN_REPLAYED, verify_at(verifier, &tokens[i], NOW));
	/* Tables grow rarely: most tokens need no memory. */
	CHECK(unavailable > 64 && accepted > TOKENS / 2);
	CHECK(refused >= unavailable);
	printf("%ld accepted without new memory, %ld unavailable\n", accepted, unavailable);
	free(tokens);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
}

/* The table of a step that is over is dropped, which needs no memory either. */
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

/* --- Whether a call ends the process ------------------------------------------------ */

/* More than any call makes. */
#define ALLOCATIONS_MAX 5000
/* What a child exits with, if the call returned what it may: no allocation failed, or one did. */
#define NONE_FAILED 76
#define FINISHED 77

static long failing, aborting, calls;

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

static int makes_a_verifier(void)
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

/* The calls that only `memory all` makes. */

static int verifies_with_details(void)
{
	const char *id;
	int32_t offset;
	return is_verified(xtoken_verifier_verify_detailed(verifier, JID, strlen(JID), presented.text,
		85, NOW, &id, &offset));
}

static int verifies_any_nonce(void)
{
	const char *id;
	uint32_t digits;
	int32_t skew;
	return is_verified(xtoken_verifier_verify_nonce(verifier, JID, strlen(JID), presented.text, 85,
		NOW, &id, &digits, &skew));
}

static int reads_the_last_error(void)
{
	char text[XTOKEN_LAST_ERROR_SIZE_MAX];
	size_t length = sizeof text;
	return xtoken_verifier_last_error(verifier, text, &length) == XTOKEN_OK;
}

static int mints_with_a_nonce(void)
{
	char text[XTOKEN_TOKEN_SIZE_MAX];
	size_t length = sizeof text;
	return xtoken_minter_mint_with_nonce(minter, JID, strlen(JID), NOW,
		"31415926535897932384626433832795", 32, text, &length) == XTOKEN_OK;
}

static int makes_a_minter(void)
{
	xtoken_minter *another = NULL;
	xtoken_status status = xtoken_minter_new(config, &another);
	xtoken_minter_free(another);
	return status == XTOKEN_OK;
}

static int makes_a_config(void)
{
	xtoken_config *another = xtoken_config_new();
	xtoken_config_free(another);
	return another != NULL;
}

static int adds_a_key(void)
{
	return add_key(config, SEED, "another secret") == XTOKEN_OK;
}

static int adds_a_named_key(void)
{
	return xtoken_config_add_named_key(config, "2026-11", 7, SEED, strlen(SEED),
		(const uint8_t *)SECRET, strlen(SECRET), 0, UINT64_MAX) == XTOKEN_OK;
}

static int sets_the_ledger(void)
{
	return xtoken_config_set_ledger(config, "memory:", 7) == XTOKEN_OK;
}

static int asks_about_a_ledger(void)
{
	const char *message = xtoken_ledger_url_message("nonsense:", 9);
	return message != NULL && *message != '\0';
}

static int generates_a_key(void)
{
	char seed[XTOKEN_OTP_SEED_SIZE], secret[XTOKEN_TOKEN_SECRET_SIZE];
	return xtoken_generate_key(seed, sizeof seed, secret, sizeof secret) == XTOKEN_OK;
}

/* Makes the call in a child process, in which an allocation fails after this many. Returns SIGABRT
 * if the call aborted, or what the child exited with. Anything else is a failed check. */
static int outcome_of(int (*call)(void), long allocations)
{
	int status;
	pid_t child;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		int is_good;
		close(STDERR_FILENO);
		refused = 0;
		left = allocations;
		is_good = call();
		left = -1;
		exhausted = 0;
		_exit(!is_good ? 1 : refused == 0 ? NONE_FAILED : FINISHED);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
		return SIGABRT;
	CHECK(WIFEXITED(status)
		&& (WEXITSTATUS(status) == FINISHED || WEXITSTATUS(status) == NONE_FAILED));
	return WIFEXITED(status) ? WEXITSTATUS(status) : FINISHED;
}

/* Makes the call until each of its allocations has failed. Returns how often it aborted. */
static int aborts(const char *what, const char *url, int (*call)(void))
{
	int count = 0, outcome = FINISHED;
	long allocations;
	prepare(url);
	for (allocations = 0; allocations < ALLOCATIONS_MAX; allocations++) {
		outcome = outcome_of(call, allocations);
		if (outcome == NONE_FAILED)
			break;
		count += outcome == SIGABRT;
	}
	CHECK(outcome == NONE_FAILED);
	release();
	printf("%s, %.7s: ended the process %d times of %ld%s\n", what, url, count, allocations,
		fails_once ? ", with memory again" : "");
	calls++;
	failing += allocations;
	aborting += count;
	return count;
}

static void what_ends_the_process(void)
{
	char folder[] = "/tmp/xtoken-memory-XXXXXX";
	CHECK(mkdtemp(folder) != NULL);
	sprintf(ledger, "sqlite:%s/tokens", folder);

	CHECK(aborts("verifying", "memory:", verifies) == 0);
	/* The header says that these may abort. */
	CHECK(aborts("explaining", "memory:", explains) > 0);
	CHECK(aborts("minting", "memory:", mints) > 0);
	CHECK(aborts("making a verifier", "memory:", makes_a_verifier) > 0);
	CHECK(aborts("a fork", "memory:", forks) > 0);
	CHECK(aborts("verifying", ledger, verifies) > 0);
	/* No server listens on this port. */
	CHECK(aborts("verifying", "redis://127.0.0.1:1?timeout=20", verifies) > 0);

	sprintf(ledger, "rm -r %s", folder);
	CHECK(system(ledger) == 0);
}

/* Lets each allocation of each call fail, alone and with all that follow. */
static void every_call(void)
{
	static const struct { const char *name; int (*call)(void); int never_aborts; } all[] = {
		{ "verifying with details", verifies_with_details, 1 },
		{ "verifying any nonce", verifies_any_nonce, 1 },
		{ "reading the last error", reads_the_last_error, 0 },
		{ "minting with a nonce", mints_with_a_nonce, 0 },
		{ "making a minter", makes_a_minter, 0 },
		{ "making a config", makes_a_config, 0 },
		{ "adding a key", adds_a_key, 0 },
		{ "adding a named key", adds_a_named_key, 0 },
		{ "setting the ledger", sets_the_ledger, 0 },
		{ "asking about a ledger", asks_about_a_ledger, 0 },
		{ "generating a key", generates_a_key, 0 },
	};
	size_t i;
	failing = aborting = calls = 0;
	for (fails_once = 0; fails_once < 2; fails_once++) {
		for (i = 0; i < sizeof all / sizeof *all; i++) {
			int count = aborts(all[i].name, "memory:", all[i].call);
			CHECK(!all[i].never_aborts || count == 0);
		}
		what_ends_the_process();
	}
	printf("allocator: %ld failed allocations in %ld calls: %ld ended the process, where the header"
		" allows it, and %ld calls returned a status\n", failing, calls, aborting,
		failing - aborting);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "all") == 0) {
		every_call();
		return failures == 0 ? 0 : 1;
	}
	growth();
	end_of_a_step();
	what_ends_the_process();
	return finish("memory");
}
