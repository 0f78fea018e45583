/* Every mistake of a caller that is valid C gets a status, and never crashes. */
#include "check.h"

#define HUGE_LENGTH ((size_t)10 * 1024 * 1024)

static void null_everywhere(void)
{
	xtoken_config *config = new_config();
	xtoken_verifier *verifier = new_verifier(), *no_verifier;
	xtoken_minter *minter = new_minter(), *no_minter;
	const uint8_t *secret = (const uint8_t *)SECRET;
	char buffer[XTOKEN_TOKEN_SIZE_MAX];
	size_t length = sizeof buffer;

	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_config_add_key(NULL, SEED, 32, secret, 4));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_config_add_key(config, NULL, 32, secret, 4));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_config_add_key(config, SEED, 32, NULL, 4));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_config_set_nonce_length(NULL, 32));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_config_set_nonce_policy(NULL, XTOKEN_NONCE_EXACT));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_config_set_deviation(NULL, 1));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_config_set_ledger(NULL, "memory:", 7));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_config_set_ledger(config, NULL, 7));

	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_new(config, NULL));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_new(NULL, NULL));
	no_verifier = verifier;
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_new(NULL, &no_verifier));
	CHECK(no_verifier == NULL);
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_verify(NULL, JID, 17, "", 0, NOW));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_verify(verifier, NULL, 17, "", 0, NOW));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_verify(verifier, JID, 17, NULL, 85, NOW));
	CHECK(xtoken_verifier_seed_bits(NULL) == 0);
	CHECK(xtoken_verifier_seed_bits(verifier) == 160);

	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_minter_new(config, NULL));
	no_minter = minter;
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_minter_new(NULL, &no_minter));
	CHECK(no_minter == NULL);
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_minter_mint(NULL, JID, 17, NOW, buffer, &length));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_minter_mint(minter, NULL, 17, NOW, buffer, &length));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_minter_mint(minter, JID, 17, NOW, buffer, NULL));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_minter_mint(minter, JID, 17, NOW, NULL, &length));
	CHECK(length == sizeof buffer);

	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_generate_key(NULL, 33, buffer, 53));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_generate_key(buffer, 33, NULL, 53));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_generate_key(NULL, 0, NULL, 0));

	xtoken_config_free(NULL);
	xtoken_verifier_free(NULL);
	xtoken_minter_free(NULL);
	xtoken_config_free(config);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
}

static void empty_input_may_be_null(void)
{
	xtoken_config *config = new_config();
	xtoken_verifier *verifier = new_verifier();
	xtoken_minter *minter = new_minter();
	token minted = mint(minter);
	char buffer[XTOKEN_TOKEN_SIZE_MAX];
	size_t length = sizeof buffer;

	EXPECT(XTOKEN_INVALID_SEED, xtoken_config_add_key(config, NULL, 0, (const uint8_t *)SECRET, 4));
	EXPECT(XTOKEN_EMPTY_SECRET, xtoken_config_add_key(config, SEED, 32, NULL, 0));
	EXPECT(XTOKEN_INVALID_LEDGER, xtoken_config_set_ledger(config, NULL, 0));
	EXPECT(XTOKEN_BAD_SIGNATURE, xtoken_verifier_verify(verifier, NULL, 0, minted.text, 85, NOW));
	EXPECT(XTOKEN_MALFORMED, xtoken_verifier_verify(verifier, JID, 17, NULL, 0, NOW));
	EXPECT(XTOKEN_MALFORMED, xtoken_verifier_verify(verifier, NULL, 0, NULL, 0, NOW));
	EXPECT(XTOKEN_OK,
		xtoken_verifier_explain(verifier, NULL, 0, NULL, 0, NOW, NULL, 0, buffer, &length));
	length = sizeof buffer;
	EXPECT(XTOKEN_INVALID_JID, xtoken_minter_mint(minter, NULL, 0, NOW, buffer, &length));
	EXPECT(XTOKEN_INVALID_NONCE,
		xtoken_minter_mint_with_nonce(minter, JID, 17, NOW, NULL, 0, buffer, &length));
	CHECK(length == sizeof buffer);
	xtoken_config_free(config);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
}

static void bad_options_change_nothing(void)
{
	xtoken_config *config = xtoken_config_new();
	xtoken_verifier *verifier;
	xtoken_minter *minter;
	token minted;

	EXPECT(XTOKEN_NO_KEY, xtoken_verifier_new(config, &verifier));
	CHECK(verifier == NULL);
	EXPECT(XTOKEN_NO_KEY, xtoken_minter_new(config, &minter));
	CHECK(minter == NULL);
	EXPECT(XTOKEN_INVALID_SEED, add_key(config, "", SECRET));
	EXPECT(XTOKEN_INVALID_SEED, add_key(config, "not base32!", SECRET));
	EXPECT(XTOKEN_INVALID_SEED, add_key(config, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PX\xff", SECRET));
	EXPECT(XTOKEN_INVALID_SEED, xtoken_config_add_key(config, SEED "\0", 33,
		(const uint8_t *)SECRET, 4));
	EXPECT(XTOKEN_SHORT_SEED, add_key(config, "JBSWY3DP", SECRET));
	EXPECT(XTOKEN_EMPTY_SECRET, add_key(config, SEED, ""));
	EXPECT(XTOKEN_NO_KEY, xtoken_verifier_new(config, &verifier));

	EXPECT(XTOKEN_OK, add_key(config, SEED, SECRET));
	EXPECT(XTOKEN_INVALID_NONCE_LENGTH, xtoken_config_set_nonce_length(config, 0));
	EXPECT(XTOKEN_INVALID_NONCE_LENGTH, xtoken_config_set_nonce_length(config, 971));
	EXPECT(XTOKEN_INVALID_NONCE_LENGTH, xtoken_config_set_nonce_length(config, UINT32_MAX));
	EXPECT(XTOKEN_INVALID_NONCE_POLICY, xtoken_config_set_nonce_policy(config, -1));
	EXPECT(XTOKEN_INVALID_NONCE_POLICY, xtoken_config_set_nonce_policy(config, 3));
	EXPECT(XTOKEN_INVALID_DEVIATION, xtoken_config_set_deviation(config, 11));
	EXPECT(XTOKEN_INVALID_DEVIATION, xtoken_config_set_deviation(config, UINT32_MAX));
	EXPECT(XTOKEN_INVALID_LEDGER, xtoken_config_set_ledger(config, "", 0));
	EXPECT(XTOKEN_INVALID_LEDGER, xtoken_config_set_ledger(config, "\xff\xfe", 2));
	EXPECT(XTOKEN_INVALID_LEDGER, xtoken_config_set_ledger(config, "memory:\0", 8));
	EXPECT(XTOKEN_OK, xtoken_config_set_ledger(config, "memory:", 7));

	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	EXPECT(XTOKEN_OK, xtoken_minter_new(config, &minter));
	minted = mint(minter);
	EXPECT(XTOKEN_OK, verify(verifier, &minted));
	EXPECT(XTOKEN_REPLAYED, verify(verifier, &minted));
	xtoken_config_free(config);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
}

static void options_are_heeded(void)
{
	xtoken_config *config = new_config();
	xtoken_verifier *verifier, *other;
	xtoken_minter *minter;
	char buffer[XTOKEN_TOKEN_SIZE_MAX];
	size_t length = sizeof buffer;

	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &other));
	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_length(config, 970));
	EXPECT(XTOKEN_OK, xtoken_config_set_deviation(config, 10));
	EXPECT(XTOKEN_OK, add_key(config, "xvgr73kmzh2m4xmy", "another"));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	EXPECT(XTOKEN_OK, xtoken_minter_new(config, &minter));
	EXPECT(XTOKEN_OK, xtoken_minter_mint(minter, JID, 17, NOW, buffer, &length));
	CHECK(length == XTOKEN_TOKEN_SIZE_MAX - 1 && buffer[length] == '\0');
	CHECK(xtoken_verifier_seed_bits(verifier) == 80);
	EXPECT(XTOKEN_EXPIRED,
		xtoken_verifier_verify(verifier, JID, 17, buffer, length, NOW + 11 * 30));
	EXPECT(XTOKEN_OK, xtoken_verifier_verify(verifier, JID, 17, buffer, length, NOW + 10 * 30));
	EXPECT(XTOKEN_REPLAYED, xtoken_verifier_verify(verifier, JID, 17, buffer, length, NOW));
	/* Made before the config was changed. */
	EXPECT(XTOKEN_MALFORMED, xtoken_verifier_verify(other, JID, 17, buffer, length, NOW));
	xtoken_minter_free(minter);
	xtoken_verifier_free(verifier);
	xtoken_verifier_free(other);
	xtoken_config_free(config);

	/* A token of the second key is accepted too. */
	config = xtoken_config_new();
	EXPECT(XTOKEN_OK, add_key(config, "xvgr73kmzh2m4xmy", "another"));
	EXPECT(XTOKEN_OK, add_key(config, SEED, SECRET));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	xtoken_config_free(config);
	minter = new_minter();
	length = sizeof buffer;
	EXPECT(XTOKEN_OK, xtoken_minter_mint(minter, JID, 17, NOW, buffer, &length));
	EXPECT(XTOKEN_BAD_SIGNATURE,
		xtoken_verifier_verify(verifier, "bob@example.com", 15, buffer, length, NOW));
	EXPECT(XTOKEN_OK, xtoken_verifier_verify(verifier, JID, 17, buffer, length, NOW));
	xtoken_minter_free(minter);
	xtoken_verifier_free(verifier);
}

static void odd_bytes_and_lengths(void)
{
	xtoken_verifier *verifier = new_verifier();
	xtoken_minter *minter = new_minter();
	xtoken_config *config = new_config();
	token good = mint(minter);
	char *huge = (char *)allocate(HUGE_LENGTH, 1);
	char buffer[XTOKEN_TOKEN_SIZE_MAX];
	size_t i, length = sizeof buffer;
	static const size_t impossible[] = { SIZE_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 7 };

	/* A NUL is a byte like others. */
	EXPECT(XTOKEN_BAD_SIGNATURE,
		xtoken_verifier_verify(verifier, JID "\0", 18, good.text, 85, NOW));
	EXPECT(XTOKEN_MALFORMED, xtoken_verifier_verify(verifier, JID, 17, good.text, 86, NOW));
	EXPECT(XTOKEN_INVALID_JID, xtoken_minter_mint(minter, "a\0@b", 4, NOW, buffer, &length));

	memset(huge, '1', HUGE_LENGTH);
	EXPECT(XTOKEN_MALFORMED, xtoken_verifier_verify(verifier, JID, 17, huge, HUGE_LENGTH, NOW));
	EXPECT(XTOKEN_MALFORMED,
		xtoken_verifier_verify(verifier, huge, HUGE_LENGTH, good.text, 85, NOW));
	EXPECT(XTOKEN_INVALID_JID,
		xtoken_minter_mint(minter, huge, HUGE_LENGTH, NOW, buffer, &length));
	EXPECT(XTOKEN_INVALID_SEED,
		xtoken_config_add_key(config, huge, HUGE_LENGTH, (const uint8_t *)huge, 4));
	EXPECT(XTOKEN_OK,
		xtoken_config_add_key(config, SEED, 32, (const uint8_t *)huge, HUGE_LENGTH));
	EXPECT(XTOKEN_INVALID_LEDGER, xtoken_config_set_ledger(config, huge, HUGE_LENGTH));

	/* Nothing is read if the length is impossible. */
	for (i = 0; i < sizeof impossible / sizeof *impossible; i++) {
		size_t n = impossible[i];
		EXPECT(XTOKEN_INVALID_LENGTH, xtoken_verifier_verify(verifier, JID, n, "", 0, NOW));
		EXPECT(XTOKEN_INVALID_LENGTH, xtoken_verifier_verify(verifier, JID, 17, "", n, NOW));
		EXPECT(XTOKEN_INVALID_LENGTH, xtoken_minter_mint(minter, JID, n, NOW, buffer, &length));
		EXPECT(XTOKEN_INVALID_LENGTH,
			xtoken_config_add_key(config, SEED, n, (const uint8_t *)SECRET, 4));
		EXPECT(XTOKEN_INVALID_LENGTH,
			xtoken_config_add_key(config, SEED, 32, (const uint8_t *)SECRET, n));
		EXPECT(XTOKEN_INVALID_LENGTH, xtoken_config_set_ledger(config, "memory:", n));
	}

	CHECK(length == sizeof buffer);

	/* None of this spent the token. */
	EXPECT(XTOKEN_OK, verify(verifier, &good));

	free(huge);
	xtoken_config_free(config);
	xtoken_minter_free(minter);
	xtoken_verifier_free(verifier);
}

static void small_buffers(void)
{
	xtoken_minter *minter = new_minter();
	char otp_seed[XTOKEN_OTP_SEED_SIZE], token_secret[XTOKEN_TOKEN_SECRET_SIZE];
	size_t size, length = 0;

	EXPECT(XTOKEN_BUFFER_TOO_SMALL, xtoken_minter_mint(minter, JID, 17, NOW, NULL, &length));
	CHECK(length == 86);
	for (size = 0; size <= 86; size++) {
		/* As long as the size says, so that valgrind sees a write past the end. */
		char *buffer = (char *)allocate(size ? size : 1, 1);
		length = size;
		if (size < 86) {
			EXPECT(XTOKEN_BUFFER_TOO_SMALL,
				xtoken_minter_mint(minter, JID, 17, NOW, buffer, &length));
			CHECK(length == 86 && buffer[0] == '\0');
		} else {
			EXPECT(XTOKEN_OK, xtoken_minter_mint(minter, JID, 17, NOW, buffer, &length));
			CHECK(length == 85 && strlen(buffer) == 85);
		}
		free(buffer);
	}
	xtoken_minter_free(minter);

	memset(otp_seed, 'x', sizeof otp_seed);
	memset(token_secret, 'x', sizeof token_secret);
	EXPECT(XTOKEN_BUFFER_TOO_SMALL, xtoken_generate_key(otp_seed, 32, token_secret, 53));
	EXPECT(XTOKEN_BUFFER_TOO_SMALL, xtoken_generate_key(otp_seed, 33, token_secret, 52));
	CHECK(otp_seed[0] == 'x' && token_secret[0] == 'x');
}

static void odd_nonces(void)
{
	static const char *const nonces[] = {
		"3141592653589793238462643383279", "314159265358979323846264338327950",
		"3141592653589793238462643383279x",
	};
	static const char good[] = "31415926535897932384626433832795";
	xtoken_minter *minter = new_minter();
	char buffer[XTOKEN_TOKEN_SIZE_MAX];
	size_t i, length = sizeof buffer, none = 0;

	for (i = 0; i < sizeof nonces / sizeof *nonces; i++)
		EXPECT(XTOKEN_INVALID_NONCE, xtoken_minter_mint_with_nonce(minter, JID, 17, NOW, nonces[i],
			strlen(nonces[i]), buffer, &length));
	EXPECT(XTOKEN_NULL_ARGUMENT,
		xtoken_minter_mint_with_nonce(NULL, JID, 17, NOW, good, 32, buffer, &length));
	EXPECT(XTOKEN_NULL_ARGUMENT,
		xtoken_minter_mint_with_nonce(minter, NULL, 17, NOW, good, 32, buffer, &length));
	EXPECT(XTOKEN_NULL_ARGUMENT,
		xtoken_minter_mint_with_nonce(minter, JID, 17, NOW, NULL, 32, buffer, &length));
	EXPECT(XTOKEN_NULL_ARGUMENT,
		xtoken_minter_mint_with_nonce(minter, JID, 17, NOW, good, 32, NULL, &length));
	EXPECT(XTOKEN_NULL_ARGUMENT,
		xtoken_minter_mint_with_nonce(minter, JID, 17, NOW, good, 32, buffer, NULL));
	EXPECT(XTOKEN_INVALID_LENGTH,
		xtoken_minter_mint_with_nonce(minter, JID, 17, NOW, good, (size_t)-1, buffer, &length));
	EXPECT(XTOKEN_INVALID_JID,
		xtoken_minter_mint_with_nonce(minter, "alice", 5, NOW, good, 32, buffer, &length));
	CHECK(length == sizeof buffer);
	EXPECT(XTOKEN_BUFFER_TOO_SMALL,
		xtoken_minter_mint_with_nonce(minter, JID, 17, NOW, good, 32, NULL, &none));
	CHECK(none == 86);
	EXPECT(XTOKEN_OK,
		xtoken_minter_mint_with_nonce(minter, JID, 17, NOW, good, 32, buffer, &length));
	CHECK(length == 85 && memcmp(buffer + 8, good, 32) == 0);
	xtoken_minter_free(minter);
}

static void generated_keys(void)
{
	static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	char otp_seed[XTOKEN_OTP_SEED_SIZE], token_secret[XTOKEN_TOKEN_SECRET_SIZE];
	char first[XTOKEN_OTP_SEED_SIZE];
	xtoken_config *config = xtoken_config_new();

	EXPECT(XTOKEN_OK, xtoken_generate_key(otp_seed, sizeof otp_seed, token_secret,
		sizeof token_secret));
	CHECK(strlen(otp_seed) == 32 && strspn(otp_seed, base32) == 32);
	CHECK(strlen(token_secret) == 52 && strspn(token_secret, base32) == 52);
	EXPECT(XTOKEN_OK, add_key(config, otp_seed, token_secret));
	memcpy(first, otp_seed, sizeof first);
	EXPECT(XTOKEN_OK, xtoken_generate_key(otp_seed, sizeof otp_seed, token_secret,
		sizeof token_secret));
	CHECK(strcmp(first, otp_seed) != 0);
	xtoken_config_free(config);
}

static void ends_of_time(void)
{
	static const uint64_t ends[] = { 0, 1, UINT64_MAX - 1, UINT64_MAX };
	xtoken_minter *minter = new_minter();
	char buffer[XTOKEN_TOKEN_SIZE_MAX];
	size_t i;

	for (i = 0; i < sizeof ends / sizeof *ends; i++) {
		xtoken_verifier *verifier = new_verifier();
		size_t length = sizeof buffer;
		EXPECT(ends[i] > 1 ? XTOKEN_INVALID_TIME : XTOKEN_OK,
			xtoken_minter_mint(minter, JID, 17, ends[i], buffer, &length));
		length = sizeof buffer;
		EXPECT(XTOKEN_OK, xtoken_minter_mint_with_nonce(minter, JID, 17, ends[i],
			"31415926535897932384626433832795", 32, buffer, &length));
		EXPECT(XTOKEN_EXPIRED, xtoken_verifier_verify(verifier, JID, 17, buffer, length, NOW));
		EXPECT(XTOKEN_OK, xtoken_verifier_verify(verifier, JID, 17, buffer, length, ends[i]));
		EXPECT(XTOKEN_REPLAYED,
			xtoken_verifier_verify(verifier, JID, 17, buffer, length, ends[i]));
		xtoken_verifier_free(verifier);
	}
	xtoken_minter_free(minter);
}

int main(void)
{
	null_everywhere();
	empty_input_may_be_null();
	bad_options_change_nothing();
	options_are_heeded();
	odd_bytes_and_lengths();
	small_buffers();
	odd_nonces();
	generated_keys();
	ends_of_time();
	return finish("misuse");
}
