/* Forks while 8 threads verify: no child hangs on a lock that it inherited.
 *
 * The number of children may be given as an argument. */
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define TOKENS 2000
#define DEADLINE_MILLISECONDS 20000

static xtoken_verifier *verifiers[2];
static token tokens[TOKENS];
static int stop;
static char folder[] = "/tmp/xtoken-fork-XXXXXX", url[64];

/* Makes a verifier on the file that all processes share. */
static xtoken_verifier *on_file(void)
{
	xtoken_config *config = xtoken_config_new();
	xtoken_verifier *verifier = NULL;
	xtoken_status ignored = add_key(config, SEED, SECRET);
	ignored = xtoken_config_set_ledger(config, url, strlen(url));
	ignored = xtoken_verifier_new(config, &verifier);
	(void)ignored;
	xtoken_config_free(config);
	return verifier;
}

/* Verifies the same tokens until the end, so that memory does not grow. Also makes and frees
 * verifiers, because a fork may happen in the middle of that too. */
static void *verify_for_ever(void *argument)
{
	size_t i = (size_t)argument;
	xtoken_status ignored = XTOKEN_OK;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		ignored = verify(verifiers[i % 2], &tokens[1 + i % (TOKENS - 1)]);
		if (i % 64 == 0) {
			xtoken_verifier *own = on_file();
			ignored = verify(own, &tokens[0]);
			xtoken_verifier_free(own);
		}
		i++;
	}
	(void)ignored;
	return NULL;
}

/* Runs in the child. Returns the number of the step that failed, 0 for none. */
static int child(const xtoken_minter *minter)
{
	xtoken_status status;
	size_t v, i;
	for (v = 0; v < 2; v++) {
		/* Enough to meet every shard of the ledger. */
		for (i = 0; i < 200; i++) {
			token fresh = mint(minter);
			if (verify(verifiers[v], &fresh) != XTOKEN_OK)
				return 1;
			if (verify(verifiers[v], &fresh) != XTOKEN_REPLAYED)
				return 2;
		}
		if (verify(verifiers[v], &tokens[0]) != XTOKEN_REPLAYED)
			return 3;
	}
	verifiers[0] = new_verifier();
	if (verify(verifiers[0], &tokens[0]) != XTOKEN_OK)
		return 4;
	xtoken_verifier_free(verifiers[0]);
	verifiers[0] = on_file();
	/* On a busy machine, others may hold the lock for too long. */
	do
		status = verify(verifiers[0], &tokens[0]);
	while (status == XTOKEN_UNAVAILABLE);
	if (status != XTOKEN_REPLAYED)
		return 5;
	xtoken_verifier_free(verifiers[0]);
	return failures == 0 ? 0 : 6;
}

/* What a new child answered, or -1 if it did not. */
static int ask_child(const xtoken_minter *minter)
{
	int ends[2];
	struct pollfd answer;
	char byte = -1;
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0) {
		perror("fork");
		exit(1);
	}
	if (pid == 0) {
		byte = (char)child(minter);
		/* Then waits to be killed: at an exit valgrind would blame the child for the memory of
		 * the threads that it does not have. */
		while (write(ends[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	answer.fd = ends[0];
	answer.events = POLLIN;
	if (poll(&answer, 1, DEADLINE_MILLISECONDS) == 1 && read(ends[0], &byte, 1) != 1)
		byte = -1;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	return byte;
}

int main(int argc, char **argv)
{
	xtoken_minter *minter = new_minter();
	pthread_t threads[THREADS];
	long children = argc > 1 ? atol(argv[1]) : 200, hung = 0, wrong = 0, n;
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	xtoken_verifier *first;
	size_t i;

	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	snprintf(url, sizeof url, "sqlite:%s/tokens.sqlite", folder);
	for (i = 0; i < TOKENS; i++)
		tokens[i] = mint(minter);
	first = on_file();
	EXPECT(XTOKEN_OK, verify(first, &tokens[0]));
	xtoken_verifier_free(first);
	for (i = 0; i < 2; i++) {
		verifiers[i] = new_verifier();
		EXPECT(XTOKEN_OK, verify(verifiers[i], &tokens[0]));
	}
	for (i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, verify_for_ever, (void *)i) == 0);

	/* Stop after three that hang. */
	for (n = 0; n < children && hung < 3; n++) {
		int answer = ask_child(minter);
		hung += answer == -1;
		wrong += answer > 0;
		if (answer > 0)
			fprintf(stderr, "child %ld stopped at step %d\n", n, answer);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(hung == 0);
	CHECK(wrong == 0);
	CHECK(n == children);

	/* The parent works as before. */
	for (i = 0; i < 2; i++) {
		token fresh = mint(minter);
		EXPECT(XTOKEN_OK, verify(verifiers[i], &fresh));
		EXPECT(XTOKEN_REPLAYED, verify(verifiers[i], &tokens[0]));
		xtoken_verifier_free(verifiers[i]);
	}
	xtoken_minter_free(minter);
	for (i = 0; i < 4; i++) {
		char file[96];
		snprintf(file, sizeof file, "%s/tokens.sqlite%s", folder, suffixes[i]);
		unlink(file);
	}
	CHECK(rmdir(folder) == 0);
	printf("forks: %ld children, forked while %d threads verify: %ld hung, %ld wrong\n", n, THREADS,
		hung, wrong);
	return finish("fork");
}
