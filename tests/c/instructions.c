/* Verifies and mints under callgrind, which counts the instructions between two requests.
 *
 * All tokens are the same in each run, except those that are minted last. */
#include <stdio.h>

#include <valgrind/callgrind.h>

#include "check.h"

#define REMEMBERED 1000
#define TIMED 1000

static token tokens[REMEMBERED + TIMED];

/* Mints a token with the nonce `DATE NUMBER`, for a step `ago` seconds before NOW. */
static token mint_with(const xtoken_minter *minter, uint64_t ago, uint64_t date, unsigned number)
{
	token minted;
	char nonce[33];
	size_t length = sizeof minted.text;
	snprintf(nonce, sizeof nonce, "%012llu%020u", (unsigned long long)date, number);
	EXPECT(XTOKEN_OK, xtoken_minter_mint_with_nonce(minter, JID, strlen(JID), NOW - ago, nonce,
		strlen(nonce), minted.text, &length));
	return minted;
}

/* Counts what it takes to decide about some tokens, or many times about one. */
static void count(const char *name, const xtoken_verifier *verifier, const token *presented,
	size_t step, xtoken_status expected)
{
	size_t at, others = 0;
	CALLGRIND_ZERO_STATS;
	for (at = 0; at < TIMED; at++)
		others += verify(verifier, presented + at * step) != expected;
	CALLGRIND_DUMP_STATS_AT(name);
	CHECK(others == 0);
}

static void count_mints(const xtoken_minter *minter)
{
	size_t at;
	CALLGRIND_ZERO_STATS;
	for (at = 0; at < TIMED; at++)
		tokens[at] = mint(minter);
	CALLGRIND_DUMP_STATS_AT("minted");
}

static xtoken_verifier *new_insisting_verifier(void)
{
	xtoken_config *config = new_config();
	xtoken_verifier *verifier;
	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_policy(config, XTOKEN_NONCE_DATED));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	xtoken_config_free(config);
	return verifier;
}

int main(void)
{
	xtoken_minter *minter = new_minter();
	xtoken_verifier *verifier = new_verifier(), *insisting = new_insisting_verifier();
	token malformed, forged, expired, expired_undated, undated;
	size_t at;

	for (at = 0; at < REMEMBERED + TIMED; at++)
		tokens[at] = mint_with(minter, 0, NOW, (unsigned)at);
	malformed = forged = tokens[0];
	malformed.text[sizeof malformed.text - 2] = 'A';
	forged.text[50] ^= 1;
	expired = mint_with(minter, 3600, NOW - 3600, 1);
	expired_undated = mint_with(minter, 3600, 777777777777, 1);
	undated = mint_with(minter, 0, 777777777777, 1);
	for (at = 0; at < REMEMBERED; at++)
		EXPECT(XTOKEN_OK, verify(verifier, &tokens[at]));

	count("accepted", verifier, tokens + REMEMBERED, 1, XTOKEN_OK);
	count("replayed", verifier, tokens + REMEMBERED, 1, XTOKEN_REPLAYED);
	count("malformed", verifier, &malformed, 0, XTOKEN_MALFORMED);
	count("bad-signature", verifier, &forged, 0, XTOKEN_BAD_SIGNATURE);
	count("expired", verifier, &expired, 0, XTOKEN_EXPIRED);
	count("expired-undated", verifier, &expired_undated, 0, XTOKEN_EXPIRED);
	count("undated", insisting, &undated, 0, XTOKEN_UNDATED);
	count_mints(minter);

	xtoken_verifier_free(insisting);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
	return finish("instructions");
}
