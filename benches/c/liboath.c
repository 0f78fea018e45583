/* One round: nanoseconds a token through liboath and OpenSSL, as a C program would verify it
 * without xtoken. It has no ledger: it would accept each token again. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <liboath/oath.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define JID "alice@localhost"
#define NOW 1700000010
#define OTP 8
#define NONCE 32
#define ROUNDS 101
#define TIMED 500

static char *seed;
static size_t seed_length;
/* Has the key already, so that no token pays for preparing it. */
static EVP_MAC_CTX *mac;

static void require(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "liboath.c: %s failed\n", what);
		exit(1);
	}
}

static void sign(const char *digits, unsigned char signature[32])
{
	size_t length;
	require(EVP_MAC_init(mac, NULL, 0, NULL) &&
	        EVP_MAC_update(mac, (const unsigned char *)digits, OTP + NONCE) &&
	        EVP_MAC_update(mac, (const unsigned char *)JID, strlen(JID)) &&
	        EVP_MAC_final(mac, signature, &length, 32), "EVP_MAC");
}

/* Returns whether a token is good. Its shape is checked before: 8 and 32 digits, a space, and the
 * 44 characters of a signature. */
static int verify(const char *token)
{
	unsigned char expected[32], found[33];
	char otp[OTP + 1];
	if (strlen(token) != OTP + NONCE + 1 + 44 ||
	    strspn(token, "0123456789") != OTP + NONCE || token[OTP + NONCE] != ' ' ||
	    EVP_DecodeBlock(found, (const unsigned char *)token + OTP + NONCE + 1, 44) != 33)
		return 0;
	memcpy(otp, token, OTP);
	otp[OTP] = '\0';
	sign(token, expected);
	return CRYPTO_memcmp(expected, found, 32) == 0 &&
	       oath_totp_validate(seed, seed_length, NOW, 30, 0, 1, otp) >= 0;
}

static void mint(unsigned number, char token[OTP + NONCE + 1 + 44 + 1])
{
	unsigned char signature[32];
	require(oath_totp_generate(seed, seed_length, NOW, 30, 0, OTP, token) == OATH_OK,
	        "oath_totp_generate");
	sprintf(token + OTP, "%012d%020u ", NOW, number);
	sign(token, signature);
	EVP_EncodeBlock((unsigned char *)token + OTP + NONCE + 1, signature, 32);
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;
	return (difference > 0) - (difference < 0);
}

int main(void)
{
	static const char seed32[] = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
	static const char secret[] = "JYXEX4IQOEYFYQ2S3MC5P4ZT4SDHYEA8";
	static char tokens[TIMED][OTP + NONCE + 1 + 44 + 1];
	static char digest[] = "SHA256";
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_construct_end()
	};
	struct timespec start, end;
	double rounds[ROUNDS];
	size_t round, at;

	require(oath_init() == OATH_OK, "oath_init");
	require(oath_base32_decode(seed32, strlen(seed32), &seed, &seed_length) == OATH_OK,
	        "oath_base32_decode");
	mac = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));
	require(EVP_MAC_init(mac, (const unsigned char *)secret, strlen(secret), parameters),
	        "EVP_MAC_init");
	for (at = 0; at < TIMED; at++)
		mint((unsigned)at, tokens[at]);
	for (round = 0; round < ROUNDS; round++) {
		clock_gettime(CLOCK_MONOTONIC, &start);
		for (at = 0; at < TIMED; at++)
			require(verify(tokens[at]), "verify");
		clock_gettime(CLOCK_MONOTONIC, &end);
		rounds[round] = ((double)(end.tv_sec - start.tv_sec) * 1e9 +
		                 (double)(end.tv_nsec - start.tv_nsec)) / TIMED;
	}
	tokens[0][50] ^= 1;
	require(!verify(tokens[0]), "refusing a forged token");
	qsort(rounds, ROUNDS, sizeof *rounds, compare);
	printf("liboath/accepted %.1f\n", rounds[ROUNDS / 2]);
	return 0;
}
