/* Whether the time of a verification depends on a secret, as dudect tests it: measures two classes
 * of tokens in random order on the real processor, and compares them by Welch's t-test. Both
 * classes are refused for the same reason.
 *
 *     signature   all bits of the signature are right but the last four, or all are random
 *     otp         the OTP is right or random; the signature is random
 *
 * A try that was interrupted often has long measurements. So, as dudect does, the test is repeated
 * without those above each of 100 thresholds, and the largest |t| counts. Other programs on the
 * machine cause differences at random, and a leak causes them always. So the smallest |t| of
 * several tries counts, which end at the first below the limit.
 *
 * Prints a line for each: the name, |t|, and the difference in nanoseconds that would have been at
 * the limit, for the fastest nine of ten. Measurements and tries may be given as arguments. */
#include "check.h"

#include <math.h>
#include <time.h>

#define LIMIT 4.5
#define THRESHOLDS 100
/* The threshold under which nine of ten are. */
#define NINE_OF_TEN 33
/* The tokens of a class. */
#define POOL 128
#define SIGNATURE 41
#define END 83
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#define LAST "AEIMQUYcgkosw048"

typedef struct { double t, error; } result;
typedef void change(token *token, int class);

static size_t count = 2000000;
static unsigned *times, *sorted;
static unsigned char *classes;
static xtoken_verifier *verifier;
static token pools[2][POOL];

/* Marsaglia's xorshift. */
static uint64_t next(void)
{
	static uint64_t state = 88172645463325252u;
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* Reads the clock of the processor, and waits before it until all else is done. */
static uint64_t ticks(void)
{
#if defined __x86_64__
	unsigned low, high;
	__asm__ volatile("mfence; lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
#elif defined __aarch64__
	uint64_t now;
	__asm__ volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(now) : : "memory");
	return now;
#else
#error "the clock of this processor is not known here"
#endif
}

static double nanoseconds_a_tick(void)
{
	struct timespec from, to;
	uint64_t start = ticks();
	double elapsed;
	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		clock_gettime(CLOCK_MONOTONIC, &to);
		elapsed = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
	} while (elapsed < 1e8);
	return elapsed / (double)(ticks() - start);
}

static void random_signature(token *token)
{
	int at;
	for (at = SIGNATURE; at < END; at++)
		token->text[at] = BASE64[next() % 64];
	token->text[END] = LAST[next() % 16];
}

static void change_signature(token *token, int class)
{
	size_t last = (size_t)(strchr(LAST, token->text[END]) - LAST);
	if (class == 1)
		random_signature(token);
	else
		token->text[END] = LAST[(last + 1 + next() % 15) % 16];
}

static void change_otp(token *token, int class)
{
	int at;
	random_signature(token);
	for (at = 0; at < 8 && class == 1; at++)
		token->text[at] = (char)('0' + next() % 10);
}

/* Copies each token to the same place before its time is taken. */
static void measure(void)
{
	token presented;
	size_t at, wrong = 0;
	for (at = 0; at < count; at++) {
		uint64_t random = next() >> 8, start, end;
		xtoken_status status;
		classes[at] = random & 1;
		presented = pools[random & 1][(random >> 1) % POOL];
		start = ticks();
		status = verify(verifier, &presented);
		end = ticks();
		times[at] = end - start > 0xffffffffu ? 0xffffffffu : (unsigned)(end - start);
		wrong += status != XTOKEN_BAD_SIGNATURE;
	}
	CHECK(wrong == 0);
}

/* Compares the two classes, without what took longer than `threshold` ticks. */
static result welch(unsigned threshold)
{
	double n[2] = { 0, 0 }, mean[2] = { 0, 0 }, squares[2] = { 0, 0 };
	result result;
	size_t at;
	for (at = 0; at < count; at++) {
		int class = classes[at];
		double from_mean = times[at] - mean[class];
		if (times[at] > threshold)
			continue;
		mean[class] += from_mean / ++n[class];
		squares[class] += from_mean * (times[at] - mean[class]);
	}
	result.error = INFINITY;
	result.t = 0;
	if (n[0] < 1000 || n[1] < 1000)
		return result;
	result.error = sqrt(squares[0] / (n[0] - 1) / n[0] + squares[1] / (n[1] - 1) / n[1]);
	if (result.error > 0)
		result.t = fabs(mean[0] - mean[1]) / result.error;
	return result;
}

static int ascending(const void *a, const void *b)
{
	unsigned left = *(const unsigned *)a, right = *(const unsigned *)b;
	return (left > right) - (left < right);
}

/* Returns the largest t of all thresholds, and the error of the fastest nine of ten. */
static result test(void)
{
	result largest = welch(0xffffffffu);
	int at;
	memcpy(sorted, times, count * sizeof *times);
	qsort(sorted, count, sizeof *sorted, ascending);
	for (at = 1; at <= THRESHOLDS; at++) {
		double part = 1 - pow(0.5, 10.0 * at / THRESHOLDS);
		result cropped = welch(sorted[(size_t)(part * (double)(count - 1))]);
		largest.t = fmax(largest.t, cropped.t);
		if (at == NINE_OF_TEN)
			largest.error = cropped.error;
	}
	return largest;
}

static void compare(const char *name, const xtoken_minter *minter, change *change, int tries)
{
	result best = { INFINITY, 0 };
	int at, class;
	for (class = 0; class < 2; class++) {
		for (at = 0; at < POOL; at++) {
			pools[class][at] = mint(minter);
			change(&pools[class][at], class);
		}
	}
	for (at = 0; at < tries && !(best.t < LIMIT); at++) {
		result result;
		measure();
		result = test();
		if (result.t < best.t)
			best = result;
	}
	printf("%s %.1f %.3f\n", name, best.t, LIMIT * best.error * nanoseconds_a_tick());
}

int main(int argc, char **argv)
{
	xtoken_minter *minter = new_minter();
	int tries = argc > 2 ? atoi(argv[2]) : 5;
	if (argc > 1)
		count = (size_t)strtoul(argv[1], NULL, 10);
	times = (unsigned *)allocate(count, sizeof *times);
	sorted = (unsigned *)allocate(count, sizeof *sorted);
	classes = (unsigned char *)allocate(count, 1);
	verifier = new_verifier();
	compare("signature", minter, change_signature, tries);
	compare("otp", minter, change_otp, tries);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
	free(times);
	free(sorted);
	free(classes);
	return finish("timing");
}
