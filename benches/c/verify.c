/* One round: nanoseconds a token through C. `benches/run` makes many. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xtoken.h>

#define JID "alice@localhost"
#define NOW UINT64_C(1700000010)
#define ROUNDS 101
#define REMEMBERED 1000
#define TIMED 500

typedef char token_text[XTOKEN_TOKEN_SIZE_MAX];

static xtoken_config *config;
static xtoken_minter *minter;

static void require(xtoken_status status)
{
	if (status != XTOKEN_OK) {
		fprintf(stderr, "%s\n", xtoken_status_name(status));
		exit(1);
	}
}

static size_t mint(token_text token)
{
	size_t length = sizeof(token_text);
	require(xtoken_minter_mint(minter, JID, strlen(JID), NOW, token, &length));
	return length;
}

static void verify(const xtoken_verifier *verifier, const char *token, size_t length)
{
	require(xtoken_verifier_verify(verifier, JID, strlen(JID), token, length, NOW));
}

static double verify_fresh(void)
{
	xtoken_verifier *verifier;
	static token_text tokens[TIMED];
	size_t at, length;
	struct timespec start, end;

	require(xtoken_verifier_new(config, &verifier));
	for (at = 0; at < REMEMBERED; at++) {
		length = mint(tokens[0]);
		verify(verifier, tokens[0], length);
	}
	for (at = 0; at < TIMED; at++)
		length = mint(tokens[at]);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (at = 0; at < TIMED; at++)
		verify(verifier, tokens[at], length);
	clock_gettime(CLOCK_MONOTONIC, &end);
	xtoken_verifier_free(verifier);
	return ((double)(end.tv_sec - start.tv_sec) * 1e9 +
	        (double)(end.tv_nsec - start.tv_nsec)) / TIMED;
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;
	return (difference > 0) - (difference < 0);
}

int main(void)
{
	static const char seed[] = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
	static const char secret[] = "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA8";
	double rounds[ROUNDS];
	size_t at;

	config = xtoken_config_new();
	require(xtoken_config_add_key(config, seed, strlen(seed),
	                              (const uint8_t *)secret, strlen(secret)));
	require(xtoken_minter_new(config, &minter));
	for (at = 0; at < ROUNDS; at++)
		rounds[at] = verify_fresh();
	qsort(rounds, ROUNDS, sizeof *rounds, compare);
	printf("c/accepted %.1f\n", rounds[ROUNDS / 2]);
	xtoken_minter_free(minter);
	xtoken_config_free(config);
	return 0;
}
