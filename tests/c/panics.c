/* Calls every function of xtoken.h while a panic is planted in it. Each returns what it returns
 * after a mistake of the library, and works again afterwards. `panics` runs it. */
#include "check.h"

#include <unistd.h>

static xtoken_config *config;
static xtoken_verifier *verifier;
static xtoken_minter *minter;

/* While this file exists, the functions panic. */
static const char *file;

static void plant(int is_planted)
{
	FILE *made = NULL;
	if (!is_planted)
		CHECK(unlink(file) == 0);
	else
		CHECK((made = fopen(file, "w")) != NULL && fclose(made) == 0);
}

/* The calls return a status; those of functions that have none, what it would be. */

static xtoken_status of(int is_failure)
{
	return is_failure ? XTOKEN_INTERNAL_ERROR : XTOKEN_OK;
}

static xtoken_status version(void) { return of(strcmp(xtoken_version(), "unknown") == 0); }

static xtoken_status version_number(void) { return of(xtoken_version_number() == 0); }

static xtoken_status status_name(void)
{
	return of(strcmp(xtoken_status_name(XTOKEN_OK), "unknown") == 0);
}

static xtoken_status status_message(void)
{
	return of(strcmp(xtoken_status_message(XTOKEN_OK), "unknown") == 0);
}

static xtoken_status config_new(void)
{
	xtoken_config *made = xtoken_config_new();
	if (made != NULL)
		xtoken_config_free(made);
	return of(made == NULL);
}

static xtoken_status config_add_key(void) { return add_key(config, SEED, SECRET); }

static xtoken_status config_add_named_key(void)
{
	return xtoken_config_add_named_key(config, "2026-11", 7, SEED, strlen(SEED),
		(const uint8_t *)SECRET, strlen(SECRET), 0, UINT64_MAX);
}

static xtoken_status config_set_nonce_length(void)
{
	return xtoken_config_set_nonce_length(config, 32);
}

static xtoken_status config_set_nonce_policy(void)
{
	return xtoken_config_set_nonce_policy(config, XTOKEN_NONCE_EXACT);
}

static xtoken_status config_set_deviation(void) { return xtoken_config_set_deviation(config, 1); }

static xtoken_status config_set_ledger(void)
{
	return xtoken_config_set_ledger(config, "memory:", 7);
}

static xtoken_status ledger_url_message(void)
{
	return of(xtoken_ledger_url_message("memory:", 7) != NULL);
}

static xtoken_status verifier_new(void)
{
	xtoken_verifier *made = NULL;
	xtoken_status status = xtoken_verifier_new(config, &made);
	CHECK((made == NULL) == (status != XTOKEN_OK));
	if (made != NULL)
		xtoken_verifier_free(made);
	return status;
}

/* A fresh token, minted while nothing is planted. */
static token fresh;

static xtoken_status verifier_verify(void) { return verify(verifier, &fresh); }

static xtoken_status verifier_verify_detailed(void)
{
	const char *id = NULL;
	int32_t offset = 7;
	xtoken_status status = xtoken_verifier_verify_detailed(verifier, JID, strlen(JID), fresh.text,
		85, NOW, &id, &offset);
	CHECK(status == XTOKEN_OK ? id != NULL && offset == 0 : id == NULL && offset == 7);
	return status;
}

static xtoken_status verifier_verify_nonce(void)
{
	const char *id = NULL;
	uint32_t digits = 7;
	int32_t skew = 7;
	xtoken_status status = xtoken_verifier_verify_nonce(verifier, JID, strlen(JID), fresh.text, 85,
		NOW, &id, &digits, &skew);
	CHECK(status == XTOKEN_OK ? id != NULL && digits == 32 && skew == 0
		: id == NULL && digits == 7 && skew == 7);
	return status;
}

static xtoken_status verifier_explain(void)
{
	char text[4096];
	size_t length = sizeof text;
	return xtoken_verifier_explain(verifier, JID, strlen(JID), fresh.text, 85, NOW, NULL, 0, text,
		&length);
}

static xtoken_status verifier_last_error(void)
{
	char text[XTOKEN_LAST_ERROR_SIZE_MAX];
	size_t length = sizeof text;
	return xtoken_verifier_last_error(verifier, text, &length);
}

static xtoken_status verifier_seed_bits(void)
{
	return of(xtoken_verifier_seed_bits(verifier) == 0);
}

static xtoken_status minter_new(void)
{
	xtoken_minter *made = NULL;
	xtoken_status status = xtoken_minter_new(config, &made);
	CHECK((made == NULL) == (status != XTOKEN_OK));
	if (made != NULL)
		xtoken_minter_free(made);
	return status;
}

static xtoken_status minter_mint(void)
{
	char text[XTOKEN_TOKEN_SIZE_MAX];
	size_t length = sizeof text;
	return xtoken_minter_mint(minter, JID, strlen(JID), NOW, text, &length);
}

static xtoken_status minter_mint_with_nonce(void)
{
	char text[XTOKEN_TOKEN_SIZE_MAX];
	size_t length = sizeof text;
	return xtoken_minter_mint_with_nonce(minter, JID, strlen(JID), NOW,
		"31415926535897932384626433832795", 32, text, &length);
}

static xtoken_status generate_key(void)
{
	char seed[XTOKEN_OTP_SEED_SIZE], secret[XTOKEN_TOKEN_SECRET_SIZE];
	return xtoken_generate_key(seed, sizeof seed, secret, sizeof secret);
}

/* What frees returns nothing, whether it fails or not. */

static xtoken_config *spare_config;
static xtoken_verifier *spare_verifier;
static xtoken_minter *spare_minter;

static xtoken_status config_free(void)
{
	xtoken_config_free(spare_config);
	return XTOKEN_INTERNAL_ERROR;
}

static xtoken_status verifier_free(void)
{
	xtoken_verifier_free(spare_verifier);
	return XTOKEN_INTERNAL_ERROR;
}

static xtoken_status minter_free(void)
{
	xtoken_minter_free(spare_minter);
	return XTOKEN_INTERNAL_ERROR;
}

#define FUNCTION(name) { "xtoken_" #name, name }

static const struct { const char *name; xtoken_status (*call)(void); } functions[] = {
	FUNCTION(version), FUNCTION(version_number), FUNCTION(status_name), FUNCTION(status_message),
	FUNCTION(config_new), FUNCTION(config_add_key), FUNCTION(config_add_named_key),
	FUNCTION(config_set_nonce_length), FUNCTION(config_set_nonce_policy),
	FUNCTION(config_set_deviation), FUNCTION(config_set_ledger), FUNCTION(config_free),
	FUNCTION(ledger_url_message), FUNCTION(verifier_new), FUNCTION(verifier_verify),
	FUNCTION(verifier_verify_detailed), FUNCTION(verifier_verify_nonce),
	FUNCTION(verifier_explain), FUNCTION(verifier_last_error), FUNCTION(verifier_seed_bits),
	FUNCTION(verifier_free), FUNCTION(minter_new), FUNCTION(minter_mint),
	FUNCTION(minter_mint_with_nonce), FUNCTION(minter_free), FUNCTION(generate_key),
};

static void check(const char *name, xtoken_status (*call)(void))
{
	int frees = call == config_free || call == verifier_free || call == minter_free;
	token another = mint(minter);

	fresh = mint(minter);
	spare_config = new_config();
	spare_verifier = new_verifier();
	spare_minter = new_minter();

	plant(1);
	EXPECT(XTOKEN_INTERNAL_ERROR, call());
	plant(0);

	/* It works again, and so does the rest. */
	if (!frees)
		EXPECT(XTOKEN_OK, call());
	EXPECT(XTOKEN_OK, verify(verifier, &another));
	EXPECT(XTOKEN_REPLAYED, verify(verifier, &another));

	/* Nothing is freed twice. */
	if (call != config_free)
		xtoken_config_free(spare_config);
	if (call != verifier_free)
		xtoken_verifier_free(spare_verifier);
	if (call != minter_free)
		xtoken_minter_free(spare_minter);
	printf("%s\n", name);
}

int main(void)
{
	size_t i;
	file = getenv("XTOKEN_PANIC_WHILE");
	if (file == NULL) {
		fputs("panics: XTOKEN_PANIC_WHILE is not set\n", stderr);
		return 1;
	}
	config = new_config();
	verifier = new_verifier();
	minter = new_minter();
	for (i = 0; i < sizeof functions / sizeof *functions; i++)
		check(functions[i].name, functions[i].call);
	xtoken_config_free(config);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
	fprintf(stderr, "%ld checks, %ld failed\n", checks, failures);
	return failures == 0 ? 0 : 1;
}
