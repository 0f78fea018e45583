/* Dated nonces: that minters make them, and what verifiers report about them. */
#include "check.h"

static xtoken_status decide(const xtoken_verifier *verifier, const char *token, uint64_t now,
                            const char **key_id, uint32_t *nonce_length, int32_t *clock_skew)
{
	return xtoken_verifier_verify_nonce(verifier, JID, strlen(JID), token, strlen(token), now,
		key_id, nonce_length, clock_skew);
}

static void make(uint32_t digits, const char *nonce, char *token)
{
	size_t length = XTOKEN_TOKEN_SIZE_MAX;
	xtoken_config *config = new_config();
	xtoken_minter *minter;

	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_length(config, digits));
	EXPECT(XTOKEN_OK, xtoken_minter_new(config, &minter));
	if (nonce == NULL)
		EXPECT(XTOKEN_OK, xtoken_minter_mint(minter, JID, strlen(JID), NOW, token, &length));
	else
		EXPECT(XTOKEN_OK, xtoken_minter_mint_with_nonce(minter, JID, strlen(JID), NOW, nonce,
			strlen(nonce), token, &length));
	xtoken_minter_free(minter);
	xtoken_config_free(config);
}

static void minted_nonces_are_dated(void)
{
	char token[XTOKEN_TOKEN_SIZE_MAX];
	size_t length = sizeof token;
	xtoken_minter *minter = new_minter();

	make(32, NULL, token);
	CHECK(memcmp(token + 8, "001700000000", 12) == 0);
	EXPECT(XTOKEN_INVALID_TIME, xtoken_minter_mint(minter, JID, strlen(JID),
		UINT64_C(1000000000000), token, &length));
	CHECK(length == sizeof token);
	EXPECT(XTOKEN_OK, xtoken_minter_mint(minter, JID, strlen(JID), UINT64_C(999999999999), token,
		&length));
	CHECK(memcmp(token + 8, "999999999999", 12) == 0);
	xtoken_minter_free(minter);
}

static void nonces_are_reported(void)
{
	char dated[XTOKEN_TOKEN_SIZE_MAX], undated[XTOKEN_TOKEN_SIZE_MAX], of_16[XTOKEN_TOKEN_SIZE_MAX];
	xtoken_config *config = new_config();
	xtoken_verifier *verifier;
	const char *id = "unchanged";
	uint32_t digits = 77;
	int32_t skew = 77;

	make(32, NULL, dated);
	make(32, "31415926535897932384626433832795", undated);
	make(16, NULL, of_16);
	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_policy(config, XTOKEN_NONCE_REPORT));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	xtoken_config_free(config);

	EXPECT(XTOKEN_EXPIRED, decide(verifier, dated, NOW + 90, &id, &digits, &skew));
	EXPECT(XTOKEN_NULL_ARGUMENT, decide(NULL, dated, NOW, &id, &digits, &skew));
	CHECK(strcmp(id, "unchanged") == 0 && digits == 77 && skew == 77);
	EXPECT(XTOKEN_OK, decide(verifier, dated, NOW + 25, &id, &digits, &skew));
	CHECK(strcmp(id, "1") == 0 && digits == 32 && skew == -25);
	EXPECT(XTOKEN_OK, decide(verifier, undated, NOW, NULL, &digits, &skew));
	CHECK(digits == 32 && skew == XTOKEN_NO_DATE);
	EXPECT(XTOKEN_OK, decide(verifier, of_16, NOW, NULL, &digits, NULL));
	CHECK(digits == 16);
	EXPECT(XTOKEN_REPLAYED, decide(verifier, of_16, NOW, NULL, NULL, NULL));
	xtoken_verifier_free(verifier);
}

static void dates_need_24_digits(void)
{
	xtoken_config *config = new_config();

	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_length(config, 23));
	EXPECT(XTOKEN_SHORT_NONCE, xtoken_config_set_nonce_policy(config, XTOKEN_NONCE_DATED));
	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_policy(config, XTOKEN_NONCE_REPORT));
	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_length(config, 24));
	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_policy(config, XTOKEN_NONCE_DATED));
	EXPECT(XTOKEN_SHORT_NONCE, xtoken_config_set_nonce_length(config, 23));
	EXPECT(XTOKEN_INVALID_NONCE_LENGTH, xtoken_config_set_nonce_length(config, 0));
	xtoken_config_free(config);
}

int main(void)
{
	minted_nonces_are_dated();
	nonces_are_reported();
	dates_need_24_digits();
	return finish("dated");
}
