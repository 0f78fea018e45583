/* Verifies while a timer interrupts the process all the time, with SA_RESTART and without: each
 * token is accepted once, and no call returns another status than without signals.
 *
 * The number of verifications may be given as an argument. */
#define _DEFAULT_SOURCE
#include "check.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

/* Microseconds between two signals. */
#define INTERVAL 20
/* The ledger in a file is slower, so it gets only one of these. */
#define SLOWER 20

static volatile sig_atomic_t in_call;
static volatile long signals, interrupted;

static void count(int signal)
{
	(void)signal;
	signals++;
	interrupted += in_call;
}

static void set_timer(int microseconds)
{
	struct itimerval timer;
	memset(&timer, 0, sizeof timer);
	timer.it_interval.tv_usec = timer.it_value.tv_usec = microseconds;
	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static xtoken_status verify_interrupted(const xtoken_verifier *verifier, const token *presented)
{
	xtoken_status status;
	in_call = 1;
	status = verify(verifier, presented);
	in_call = 0;
	return status;
}

/* Presents each token twice. */
static void present(const char *url, int flags, long count_of_calls)
{
	xtoken_config *config = new_config();
	xtoken_minter *minter = new_minter();
	xtoken_verifier *verifier;
	struct sigaction action;
	long n;

	memset(&action, 0, sizeof action);
	action.sa_handler = count;
	action.sa_flags = flags;
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	EXPECT(XTOKEN_OK, xtoken_config_set_ledger(config, url, strlen(url)));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	signals = interrupted = 0;
	set_timer(INTERVAL);
	for (n = 0; n < count_of_calls; n += 2) {
		token minted = mint(minter);
		EXPECT(XTOKEN_OK, verify_interrupted(verifier, &minted));
		EXPECT(XTOKEN_REPLAYED, verify_interrupted(verifier, &minted));
	}
	set_timer(0);
	CHECK(interrupted > 10);
	printf("%.7s, %s: %ld verifications, %ld signals, %ld of them in a verification\n", url,
		flags ? "SA_RESTART" : "no SA_RESTART", count_of_calls, signals, interrupted);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
	xtoken_config_free(config);
}

int main(int argc, char **argv)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	static const int flags[] = { SA_RESTART, 0 };
	char folder[] = "/tmp/xtoken-signals-XXXXXX", url[64], file[96];
	long verifications = argc > 1 ? atol(argv[1]) : 20000, all = 0;
	size_t i;

	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	snprintf(url, sizeof url, "sqlite:%s/tokens.sqlite", folder);
	for (i = 0; i < 2; i++) {
		present("memory:", flags[i], verifications);
		all += interrupted;
		present(url, flags[i], verifications / SLOWER);
		all += interrupted;
	}
	for (i = 0; i < 4; i++) {
		snprintf(file, sizeof file, "%s/tokens.sqlite%s", folder, suffixes[i]);
		unlink(file);
	}
	CHECK(rmdir(folder) == 0);
	printf("signals: %ld verifications, interrupted by %ld signals: each token accepted once, with"
		" SA_RESTART and without\n", 2 * (verifications + verifications / SLOWER), all);
	return failures == 0 ? 0 : 1;
}
