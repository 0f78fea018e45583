/* A program of the first release: calls every function of xtoken.h as it was then. `run` compiles
 * and links it with what there was then, and runs it with today's library. */
#include <stdio.h>
#include <string.h>

#include <xtoken.h>

#define SEED "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
#define SECRET "at least 32 random bytes, as text or not"
#define JID "alice@example.com"
#define NONCE "001700000000314159265358979323846"
#define NOW ((uint64_t)1700000000)
#define KEY SEED, strlen(SEED), (const uint8_t *)SECRET, strlen(SECRET)
#define LENGTH(text) (text), strlen(text)

static int checks, failures;

static void check(int is_good, int line, const char *what)
{
	checks++;
	if (!is_good) {
		failures++;
		fprintf(stderr, "program.c:%d: failed: %s\n", line, what);
	}
}

#define CHECK(condition) check((condition), __LINE__, #condition)
#define IS(status, call) CHECK((call) == (status))

static xtoken_config *config;
static xtoken_verifier *verifier;
static xtoken_minter *minter;

static void makes_objects(void)
{
	config = xtoken_config_new();
	CHECK(config != NULL);
	IS(XTOKEN_OK, xtoken_config_add_key(config, KEY));
	IS(XTOKEN_OK, xtoken_config_add_named_key(config, LENGTH("2026-11"), KEY, 0, UINT64_MAX));
	IS(XTOKEN_DUPLICATE_KEY_ID,
		xtoken_config_add_named_key(config, LENGTH("2026-11"), KEY, 0, UINT64_MAX));
	IS(XTOKEN_OK, xtoken_config_set_nonce_length(config, 33));
	IS(XTOKEN_OK, xtoken_config_set_nonce_policy(config, XTOKEN_NONCE_DATED));
	IS(XTOKEN_INVALID_NONCE_POLICY, xtoken_config_set_nonce_policy(config, 3));
	IS(XTOKEN_OK, xtoken_config_set_deviation(config, 2));
	IS(XTOKEN_OK, xtoken_config_set_ledger(config, LENGTH("memory:")));
	IS(XTOKEN_INVALID_LEDGER, xtoken_config_set_ledger(config, LENGTH("nonsense:")));
	IS(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	IS(XTOKEN_OK, xtoken_minter_new(config, &minter));
	CHECK(xtoken_verifier_seed_bits(verifier) == 160);
}

static void mints_and_verifies(void)
{
	char token[XTOKEN_TOKEN_SIZE_MAX], text[XTOKEN_LAST_ERROR_SIZE_MAX];
	size_t length = sizeof token, size = sizeof text;
	const char *id = NULL;
	int32_t offset = 7, skew = 7;
	uint32_t digits = 7;

	IS(XTOKEN_OK, xtoken_minter_mint(minter, LENGTH(JID), NOW, token, &length));
	CHECK(length == 86 && strlen(token) == length);
	IS(XTOKEN_OK, xtoken_verifier_explain(verifier, LENGTH(JID), token, length, NOW,
		LENGTH("bob@example.com"), text, &size));
	CHECK(strncmp(text, "accepted: ", 10) == 0 && strlen(text) == size);
	IS(XTOKEN_OK, xtoken_verifier_verify(verifier, LENGTH(JID), token, length, NOW));
	IS(XTOKEN_REPLAYED, xtoken_verifier_verify(verifier, LENGTH(JID), token, length, NOW));

	length = sizeof token;
	IS(XTOKEN_OK, xtoken_minter_mint(minter, LENGTH(JID), NOW, token, &length));
	IS(XTOKEN_EXPIRED, xtoken_verifier_verify_detailed(verifier, LENGTH(JID), token, length,
		NOW + 90, &id, &offset));
	CHECK(id == NULL && offset == 7);
	IS(XTOKEN_OK, xtoken_verifier_verify_detailed(verifier, LENGTH(JID), token, length, NOW + 60,
		&id, &offset));
	CHECK(id != NULL && strcmp(id, "1") == 0 && offset == -2);

	length = sizeof token;
	IS(XTOKEN_OK, xtoken_minter_mint_with_nonce(minter, LENGTH(JID), NOW, LENGTH(NONCE), token,
		&length));
	IS(XTOKEN_OK, xtoken_verifier_verify_nonce(verifier, LENGTH(JID), token, length, NOW + 1, &id,
		&digits, &skew));
	CHECK(id != NULL && strcmp(id, "1") == 0 && digits == 33 && skew == -1);

	size = sizeof text;
	IS(XTOKEN_OK, xtoken_verifier_last_error(verifier, text, &size));
	CHECK(size == 0 && *text == '\0');
}

static void asks(void)
{
	char seed[XTOKEN_OTP_SEED_SIZE], secret[XTOKEN_TOKEN_SECRET_SIZE];

	IS(XTOKEN_OK, xtoken_generate_key(seed, sizeof seed, secret, sizeof secret));
	CHECK(strlen(seed) == sizeof seed - 1 && strlen(secret) == sizeof secret - 1);
	CHECK(strcmp(xtoken_status_name(XTOKEN_UNDATED), "undated") == 0);
	CHECK(strlen(xtoken_status_message(XTOKEN_INVALID_TIME)) > 0);
	CHECK(xtoken_version_number() >= XTOKEN_VERSION_NUMBER);
	CHECK(strlen(xtoken_version()) > 0);
}

int main(void)
{
	makes_objects();
	mints_and_verifies();
	asks();
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
	xtoken_config_free(config);
	printf("%d checks of " XTOKEN_VERSION " hold in %s\n", checks, xtoken_version());
	return failures == 0 ? 0 : 1;
}
