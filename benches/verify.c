/* One round: nanoseconds a token through C. `benches/run` makes many. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xtoken.h>

#define JID "alice@localhost"
#define NOW UINT64_C(1700000000)

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

static double verify_fresh(size_t remembered)
{
	xtoken_verifier *verifier;
	size_t at, length, batch = remembered / 2 < 50000 ? remembered / 2 : 50000;
	token_text *tokens = calloc(batch, sizeof *tokens);
	struct timespec start, end;

	require(xtoken_verifier_new(config, &verifier));
	for (at = 0; at < remembered; at++) {
		length = mint(tokens[0]);
		verify(verifier, tokens[0], length);
	}
	for (at = 0; at < batch; at++)
		length = mint(tokens[at]);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (at = 0; at < batch; at++)
		verify(verifier, tokens[at], length);
	clock_gettime(CLOCK_MONOTONIC, &end);
	xtoken_verifier_free(verifier);
	free(tokens);
	return ((double)(end.tv_sec - start.tv_sec) * 1e9 +
	        (double)(end.tv_nsec - start.tv_nsec)) / (double)batch;
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
	double rounds[201];
	size_t at;

	config = xtoken_config_new();
	require(xtoken_config_add_key(config, seed, strlen(seed),
	                              (const uint8_t *)secret, strlen(secret)));
	require(xtoken_minter_new(config, &minter));
	for (at = 0; at < 201; at++)
		rounds[at] = verify_fresh(1000);
	qsort(rounds, 201, sizeof *rounds, compare);
	printf("c/1000 %.1f\n", rounds[100]);
	printf("c/1000000 %.1f\n", verify_fresh(1000000));
	xtoken_minter_free(minter);
	xtoken_config_free(config);
	return 0;
}
