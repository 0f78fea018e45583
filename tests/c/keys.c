/* Keys with ids and validities, the key of a token, and the reasons for a refusal. */
#include "check.h"

static const char old_seed[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

static xtoken_status add(xtoken_config *config, const char *id, const char *seed,
                         const char *secret, uint64_t not_before, uint64_t not_after)
{
	return xtoken_config_add_named_key(config, id, strlen(id), seed, strlen(seed),
		(const uint8_t *)secret, strlen(secret), not_before, not_after);
}

static void make(xtoken_config *config, char *token, const char *jid, uint64_t now)
{
	size_t length = XTOKEN_TOKEN_SIZE_MAX;
	xtoken_minter *minter;
	EXPECT(XTOKEN_OK, xtoken_minter_new(config, &minter));
	EXPECT(XTOKEN_OK, xtoken_minter_mint(minter, jid, strlen(jid), now, token, &length));
	xtoken_minter_free(minter);
	xtoken_config_free(config);
}

static void make_old(char *token, const char *jid, uint64_t now)
{
	xtoken_config *config = xtoken_config_new();
	EXPECT(XTOKEN_OK, add(config, "2026-05", old_seed, "old", 0, UINT64_MAX));
	make(config, token, jid, now);
}

/* Makes a verifier with a key for all times up to NOW and one for all times from NOW. */
static xtoken_verifier *of_two_keys(void)
{
	xtoken_config *config = xtoken_config_new();
	xtoken_verifier *verifier;
	EXPECT(XTOKEN_OK, add(config, "2026-11", SEED, SECRET, NOW, UINT64_MAX));
	EXPECT(XTOKEN_OK, add(config, "2026-05", old_seed, "old", 0, NOW));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	xtoken_config_free(config);
	return verifier;
}

static xtoken_status decide(const xtoken_verifier *verifier, const char *token, uint64_t now,
                            const char **key_id, int32_t *step_offset)
{
	return xtoken_verifier_verify_detailed(verifier, JID, strlen(JID), token, strlen(token), now,
		key_id, step_offset);
}

static void each_key_has_its_time(void)
{
	char token[XTOKEN_TOKEN_SIZE_MAX];
	xtoken_verifier *verifier = of_two_keys();
	const char *id = "unchanged";
	int32_t offset = 77;

	make_old(token, JID, NOW - 30);
	EXPECT(XTOKEN_BAD_SIGNATURE, decide(verifier, token, NOW + 1, &id, &offset));
	CHECK(strcmp(id, "unchanged") == 0 && offset == 77);
	EXPECT(XTOKEN_OK, decide(verifier, token, NOW, &id, &offset));
	CHECK(strcmp(id, "2026-05") == 0 && offset == -1);
	EXPECT(XTOKEN_REPLAYED, decide(verifier, token, NOW, NULL, NULL));
	make(new_config(), token, JID, NOW + 30);
	EXPECT(XTOKEN_BAD_SIGNATURE, decide(verifier, token, NOW - 1, NULL, NULL));
	EXPECT(XTOKEN_OK, decide(verifier, token, NOW + 30, &id, NULL));
	CHECK(strcmp(id, "2026-11") == 0);
	make(new_config(), token, JID, NOW);
	EXPECT(XTOKEN_OK, decide(verifier, token, NOW, NULL, &offset));
	CHECK(offset == 0);
	EXPECT(XTOKEN_NULL_ARGUMENT, decide(NULL, token, NOW, &id, &offset));
	xtoken_verifier_free(verifier);
}

static void keys_that_cannot_be_used(void)
{
	char long_id[66];
	xtoken_config *config = xtoken_config_new();

	memset(long_id, 'x', 65);
	long_id[65] = '\0';
	EXPECT(XTOKEN_INVALID_KEY_ID, add(config, "", SEED, SECRET, 0, 1));
	EXPECT(XTOKEN_INVALID_KEY_ID, add(config, "two words", SEED, SECRET, 0, 1));
	EXPECT(XTOKEN_INVALID_KEY_ID, add(config, "\xff", SEED, SECRET, 0, 1));
	EXPECT(XTOKEN_INVALID_KEY_ID, add(config, long_id, SEED, SECRET, 0, 1));
	EXPECT(XTOKEN_INVALID_VALIDITY, add(config, "x", SEED, SECRET, 2, 1));
	EXPECT(XTOKEN_SHORT_SEED, add(config, "x", "GEZDGNBV", SECRET, 0, 1));
	EXPECT(XTOKEN_EMPTY_SECRET, add(config, "x", SEED, "", 0, 1));
	EXPECT(XTOKEN_NULL_ARGUMENT, add(NULL, "x", SEED, SECRET, 0, 1));
	EXPECT(XTOKEN_INVALID_KEY_ID, xtoken_config_add_named_key(config, NULL, 0, SEED, strlen(SEED),
		(const uint8_t *)SECRET, strlen(SECRET), 0, 1));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_config_add_named_key(config, NULL, 1, SEED, strlen(SEED),
		(const uint8_t *)SECRET, strlen(SECRET), 0, 1));
	EXPECT(XTOKEN_OK, add(config, long_id + 1, SEED, SECRET, 1, 1));
	EXPECT(XTOKEN_DUPLICATE_KEY_ID, add(config, long_id + 1, old_seed, SECRET, 0, 1));
	/* The id of a key without a name is its position. */
	EXPECT(XTOKEN_OK, add(config, "3", SEED, SECRET, 0, 1));
	EXPECT(XTOKEN_DUPLICATE_KEY_ID, xtoken_config_add_key(config, SEED, strlen(SEED),
		(const uint8_t *)SECRET, strlen(SECRET)));
	xtoken_config_free(config);
}

static void expect_lines(const xtoken_verifier *verifier, const char *token, const char *others,
                         const char *first, const char *second)
{
	char text[2048], *end;
	size_t length = 0, needed;

	EXPECT(XTOKEN_BUFFER_TOO_SMALL, xtoken_verifier_explain(verifier, JID, strlen(JID), token,
		strlen(token), NOW, others, others ? strlen(others) : 0, NULL, &length));
	needed = length;
	length = sizeof text;
	EXPECT(XTOKEN_OK, xtoken_verifier_explain(verifier, JID, strlen(JID), token, strlen(token), NOW,
		others, others ? strlen(others) : 0, text, &length));
	CHECK(length + 1 == needed && length == strlen(text));
	CHECK(strncmp(text, first, strlen(first)) == 0);
	end = strchr(text, '\n');
	CHECK((end == NULL) == (second == NULL));
	if (end != NULL && second != NULL)
		CHECK(strncmp(end + 1, second, strlen(second)) == 0);
}

static void a_refusal_is_explained(void)
{
	char token[XTOKEN_TOKEN_SIZE_MAX];
	xtoken_verifier *verifier = of_two_keys();
	size_t length = 0;

	make(new_config(), token, JID, NOW);
	expect_lines(verifier, token, NULL, "accepted: ", NULL);
	EXPECT(XTOKEN_OK, decide(verifier, token, NOW, NULL, NULL));
	expect_lines(verifier, token, NULL, "replayed: ", NULL);
	expect_lines(verifier, "nonsense", "", "malformed: ", NULL);
	make(new_config(), token, JID, NOW + 30);
	expect_lines(verifier, strcat(token, "\n"), NULL, "malformed: ", NULL);
	make_old(token, "alice@chat.example.org", NOW - 3600);
	expect_lines(verifier, token, "x\n\nchat.example.org\n", "other-jid: ", "clock: ");
	expect_lines(verifier, token, NULL, "bad-signature: ", NULL);
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_explain(NULL, JID, strlen(JID), token,
		strlen(token), NOW, NULL, 0, NULL, &length));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_explain(verifier, JID, strlen(JID), token,
		strlen(token), NOW, NULL, 0, NULL, NULL));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_explain(verifier, JID, strlen(JID), token,
		strlen(token), NOW, NULL, 1, NULL, &length));
	EXPECT(XTOKEN_INVALID_LENGTH, xtoken_verifier_explain(verifier, JID, strlen(JID), token,
		strlen(token), NOW, "x", (size_t)-1, NULL, &length));
	xtoken_verifier_free(verifier);
}

int main(void)
{
	each_key_has_its_time();
	keys_that_cannot_be_used();
	a_refusal_is_explained();
	return finish("keys");
}
