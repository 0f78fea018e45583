/* Mints, and verifies tokens that are accepted, and refused for each reason, under valgrind, with
 * the library whose secrets are marked as undefined. Valgrind reports what depends on one.
 *
 * The number of rounds may be given as an argument. */
#define _DEFAULT_SOURCE
#include "check.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <valgrind/memcheck.h>

#define OTHER_SEED "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define OTHER_SECRET "another secret"
/* What base64 is made of. The last character of a signature has only four bits. */
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#define LAST "AEIMQUYcgkosw048"
/* Where the signature begins, and where its last character before "=" is. */
#define SIGNATURE 41
#define END 83

static long counts[XTOKEN_UNDATED + 1], minted;
/* Seconds by which the boot clock is ahead. */
static long ahead;

/* The clock of the library, in place of that of the C library. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
	long status = syscall(SYS_clock_gettime, clock, time);
	if (clock == CLOCK_BOOTTIME)
		time->tv_sec += ahead;
	return (int)status;
}

/* A verifier with two keys, of which only the second has signed. */
static xtoken_verifier *make_verifier(xtoken_nonce_policy policy)
{
	xtoken_config *config = xtoken_config_new();
	xtoken_verifier *verifier;
	EXPECT(XTOKEN_OK, add_key(config, OTHER_SEED, OTHER_SECRET));
	EXPECT(XTOKEN_OK, add_key(config, SEED, SECRET));
	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_policy(config, policy));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	xtoken_config_free(config);
	return verifier;
}

static token mint_at(const xtoken_minter *minter, uint64_t time, const char *nonce)
{
	token made;
	size_t length = sizeof made.text;
	if (nonce == NULL)
		EXPECT(XTOKEN_OK,
			xtoken_minter_mint(minter, JID, strlen(JID), time, made.text, &length));
	else
		EXPECT(XTOKEN_OK, xtoken_minter_mint_with_nonce(minter, JID, strlen(JID), time, nonce,
			strlen(nonce), made.text, &length));
	minted++;
	return made;
}

/* Presents a token, which no check of this program reads before. */
static void present(xtoken_status expected, const xtoken_verifier *verifier, const token *token)
{
	EXPECT(expected, verify(verifier, token));
	counts[expected]++;
}

/* A verifier whose ledger has closed the steps around NOW: the wall clock was set back. */
static xtoken_verifier *make_closed(const xtoken_minter *minter)
{
	xtoken_verifier *verifier = make_verifier(XTOKEN_NONCE_EXACT);
	token first = mint_at(minter, NOW, NULL), later = mint_at(minter, NOW + 90, NULL);
	present(XTOKEN_OK, verifier, &first);
	ahead += 90;
	EXPECT(XTOKEN_OK, xtoken_verifier_verify(verifier, JID, strlen(JID), later.text,
		sizeof later.text - 1, NOW + 90));
	return verifier;
}

static void accept_and_refuse(const xtoken_minter *minter, const xtoken_verifier *verifier,
	const xtoken_verifier *dated, const xtoken_verifier *closed, int round)
{
	char nonce[33];
	token token = mint_at(minter, NOW, NULL), forged = token;
	int at;

	/* Every byte of the signature is right but the last. */
	forged.text[END] = LAST[(strchr(LAST, forged.text[END]) - LAST + 1 + round % 15) % 16];
	present(XTOKEN_BAD_SIGNATURE, verifier, &forged);
	for (at = SIGNATURE; at < END; at++)
		forged.text[at] = BASE64[rand() % 64];
	present(XTOKEN_BAD_SIGNATURE, verifier, &forged);
	/* Signed, but with another OTP. */
	forged = token;
	forged.text[round % 8] = (char)('0' + (forged.text[round % 8] - '0' + 1) % 10);
	present(XTOKEN_BAD_SIGNATURE, verifier, &forged);
	forged = token;
	forged.text[END + 1] = 'A';
	present(XTOKEN_MALFORMED, verifier, &forged);

	present(XTOKEN_UNAVAILABLE, closed, &token);
	present(XTOKEN_OK, verifier, &token);
	present(XTOKEN_REPLAYED, verifier, &token);
	token = mint_at(minter, NOW + 30, NULL);
	present(XTOKEN_OK, dated, &token);
	token = mint_at(minter, NOW - 3600 - (uint64_t)round, NULL);
	present(XTOKEN_EXPIRED, verifier, &token);

	snprintf(nonce, sizeof nonce, "9%031d", round);
	token = mint_at(minter, NOW - 30, nonce);
	present(XTOKEN_UNDATED, dated, &token);
	present(XTOKEN_OK, verifier, &token);
	token = mint_at(minter, NOW - 3600, nonce);
	present(XTOKEN_EXPIRED, verifier, &token);
	/* Its date is in the window, and its OTP is not. */
	snprintf(nonce, sizeof nonce, "%012ld%020d", (long)NOW, round);
	token = mint_at(minter, NOW - 3600, nonce);
	present(XTOKEN_EXPIRED, verifier, &token);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100, round;
	long status, total = 0;
	xtoken_minter *minter = new_minter();
	xtoken_verifier *closed = make_closed(minter);
	xtoken_verifier *verifier = make_verifier(XTOKEN_NONCE_EXACT);
	xtoken_verifier *dated = make_verifier(XTOKEN_NONCE_DATED);

	CHECK(RUNNING_ON_VALGRIND);
	for (round = 0; round < rounds; round++)
		accept_and_refuse(minter, verifier, dated, closed, round);
	xtoken_minter_free(minter);
	xtoken_verifier_free(verifier);
	xtoken_verifier_free(dated);
	xtoken_verifier_free(closed);
	/* XTOKEN_THROTTLED is no longer in use. */
	for (status = 0; status <= XTOKEN_UNDATED; status++) {
		CHECK(counts[status] > 0 || status == XTOKEN_THROTTLED);
		total += counts[status];
	}
	CHECK(VALGRIND_COUNT_ERRORS == 0);
	printf("%ld tokens minted, %ld verified, each reason among them\n", minted, total);
	return finish("memcheck");
}
