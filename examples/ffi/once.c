/* Mints a token, verifies it, and verifies it again: the second time, it is refused.
 *
 *     cc -o once once.c $(pkg-config --cflags --libs xtoken)
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <xtoken.h>

static const char seed[] = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
static const char secret[] = "at least 32 random bytes, as text or not";
static const char jid[] = "alice@example.com";

int main(void)
{
	xtoken_config *config = xtoken_config_new();
	xtoken_minter *minter = NULL;
	xtoken_verifier *verifier = NULL;
	char token[XTOKEN_TOKEN_SIZE_MAX] = "";
	size_t length = sizeof token, jid_length = strlen(jid);
	uint64_t now = (uint64_t)time(NULL);
	xtoken_status status;
	int attempt;

	status = xtoken_config_add_key(config, seed, strlen(seed), (const uint8_t *)secret,
	                               strlen(secret));
	if (status == XTOKEN_OK)
		status = xtoken_minter_new(config, &minter);
	if (status == XTOKEN_OK)
		status = xtoken_verifier_new(config, &verifier);
	if (status == XTOKEN_OK)
		status = xtoken_minter_mint(minter, jid, jid_length, now, token, &length);
	if (status == XTOKEN_OK)
		printf("minted: %lu bytes\n", (unsigned long)length);
	else
		fprintf(stderr, "%s\n", xtoken_status_message(status));
	for (attempt = 0; status == XTOKEN_OK && attempt < 2; attempt++) {
		status = xtoken_verifier_verify(verifier, jid, jid_length, token, length, now);
		printf("verified: %s\n", xtoken_status_name(status));
	}
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
	xtoken_config_free(config);
	return status == XTOKEN_REPLAYED ? 0 : 1;
}
