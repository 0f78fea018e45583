/* Shared by all programs here: checks that are counted, a key, and objects made from it. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xtoken.h>

#define SEED "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
#define SECRET "at least 32 random bytes, as text or not"
#define JID "alice@example.com"
#define NOW ((uint64_t)1700000000)

static long checks, failures;

#define CHECK(condition) \
	(checks++, (condition) ? (void)0 : failed(__FILE__, __LINE__, #condition))

/* Compares with an expected status and prints both names if they differ. */
#define EXPECT(expected, call) expect((expected), (call), __FILE__, __LINE__, #call)

static inline void failed(const char *file, int line, const char *what)
{
	failures++;
	fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
}

static inline void expect(xtoken_status expected, xtoken_status got, const char *file, int line,
	const char *what)
{
	checks++;
	if (got != expected) {
		failed(file, line, what);
		fprintf(stderr, "  expected %s, got %s (%d)\n", xtoken_status_name(expected),
			xtoken_status_name(got), (int)got);
	}
}

/* Prints the counts and returns the exit status, for the end of main. */
static inline int finish(const char *what)
{
	printf("%s: %ld checks, %ld failed\n", what, checks, failures);
	return failures == 0 ? 0 : 1;
}

static inline void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (memory == NULL) {
		fputs("no memory for the test itself\n", stderr);
		exit(1);
	}
	return memory;
}

static inline xtoken_status add_key(xtoken_config *config, const char *seed, const char *secret)
{
	return xtoken_config_add_key(config, seed, strlen(seed), (const uint8_t *)secret,
		strlen(secret));
}

static inline xtoken_config *new_config(void)
{
	xtoken_config *config = xtoken_config_new();
	CHECK(config != NULL);
	EXPECT(XTOKEN_OK, add_key(config, SEED, SECRET));
	return config;
}

static inline xtoken_verifier *new_verifier(void)
{
	xtoken_config *config = new_config();
	xtoken_verifier *verifier;
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	xtoken_config_free(config);
	return verifier;
}

static inline xtoken_minter *new_minter(void)
{
	xtoken_config *config = new_config();
	xtoken_minter *minter;
	EXPECT(XTOKEN_OK, xtoken_minter_new(config, &minter));
	xtoken_config_free(config);
	return minter;
}

/* A token with a nonce of 32 digits, and its NUL. */
typedef struct { char text[86]; } token;

static inline token mint(const xtoken_minter *minter)
{
	token minted;
	size_t length = sizeof minted.text;
	EXPECT(XTOKEN_OK, xtoken_minter_mint(minter, JID, strlen(JID), NOW, minted.text, &length));
	CHECK(length == strlen(minted.text) && length == sizeof minted.text - 1);
	return minted;
}

static inline xtoken_status verify(const xtoken_verifier *verifier, const token *presented)
{
	return xtoken_verifier_verify(verifier, JID, strlen(JID), presented->text,
		sizeof presented->text - 1, NOW);
}

#endif
