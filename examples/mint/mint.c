/* Mints the tokens with which the users of a web application log in to Prosody.
 *
 *     cc -o mint mint.c $(pkg-config --cflags --libs xtoken)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xtoken.h>

/* Writes a fresh token for jid, a prepared "user@host", to a buffer of XTOKEN_TOKEN_SIZE_MAX bytes.
 * Only tests give another now than time(NULL), and a nonce that is not NULL. A program that mints
 * many tokens keeps the minter. */
static xtoken_status mint(const char *jid, const char *otp_seed, const char *token_secret,
                          uint64_t now, const char *nonce, char *token)
{
	size_t length = XTOKEN_TOKEN_SIZE_MAX;
	xtoken_minter *minter = NULL;
	xtoken_config *config = xtoken_config_new();
	const uint8_t *secret = (const uint8_t *)token_secret;
	xtoken_status status = xtoken_config_add_key(config, otp_seed, strlen(otp_seed),
	                                             secret, strlen(token_secret));

	if (status == XTOKEN_OK)
		status = xtoken_minter_new(config, &minter);
	if (status == XTOKEN_OK && nonce == NULL)
		status = xtoken_minter_mint(minter, jid, strlen(jid), now, token, &length);
	else if (status == XTOKEN_OK)
		status = xtoken_minter_mint_with_nonce(minter, jid, strlen(jid), now, nonce, strlen(nonce),
		                                       token, &length);
	xtoken_minter_free(minter);
	xtoken_config_free(config);
	return status;
}

int main(int argc, char **argv)
{
	const char *otp_seed = getenv("XTOKEN_OTP_SEED"), *token_secret = getenv("XTOKEN_TOKEN_SECRET");
	char token[XTOKEN_TOKEN_SIZE_MAX], *end = NULL;
	uint64_t now = argc > 2 ? strtoull(argv[2], &end, 10) : (uint64_t)time(NULL);
	xtoken_status status;

	if (argc < 2 || argc > 4 || (end != NULL && *end != '\0') || !otp_seed || !token_secret) {
		fputs("usage: mint JID [UNIX_TIME [NONCE]], "
		      "with XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET set\n",
		      stderr);
		return 2;
	}
	status = mint(argv[1], otp_seed, token_secret, now, argc > 3 ? argv[3] : NULL, token);
	if (status != XTOKEN_OK) {
		fprintf(stderr, "mint: %s\n", xtoken_status_message(status));
		return 2;
	}
	puts(token);
	return 0;
}
