/* Names, numbers and versions that compiled programs rely on. */
#include "check.h"

static const struct { xtoken_status status; int number; const char *name; } known[] = {
	{ XTOKEN_OK, 0, "ok" },
	{ XTOKEN_MALFORMED, 1, "malformed" },
	{ XTOKEN_BAD_SIGNATURE, 2, "bad-signature" },
	{ XTOKEN_EXPIRED, 3, "expired" },
	{ XTOKEN_REPLAYED, 4, "replayed" },
	{ XTOKEN_THROTTLED, 5, "throttled" },
	{ XTOKEN_UNAVAILABLE, 6, "unavailable" },
	{ XTOKEN_UNDATED, 7, "undated" },
	{ XTOKEN_NULL_ARGUMENT, 100, "null-argument" },
	{ XTOKEN_INVALID_LENGTH, 101, "invalid-length" },
	{ XTOKEN_INVALID_SEED, 102, "invalid-seed" },
	{ XTOKEN_SHORT_SEED, 103, "short-seed" },
	{ XTOKEN_EMPTY_SECRET, 104, "empty-secret" },
	{ XTOKEN_NO_KEY, 105, "no-key" },
	{ XTOKEN_INVALID_NONCE_LENGTH, 106, "invalid-nonce-length" },
	{ XTOKEN_INVALID_DEVIATION, 107, "invalid-deviation" },
	{ XTOKEN_INVALID_LEDGER, 108, "invalid-ledger" },
	{ XTOKEN_INVALID_JID, 109, "invalid-jid" },
	{ XTOKEN_BUFFER_TOO_SMALL, 110, "buffer-too-small" },
	{ XTOKEN_NO_RANDOM, 111, "no-random" },
	{ XTOKEN_INTERNAL_ERROR, 112, "internal-error" },
	{ XTOKEN_INVALID_KEY_ID, 113, "invalid-key-id" },
	{ XTOKEN_DUPLICATE_KEY_ID, 114, "duplicate-key-id" },
	{ XTOKEN_INVALID_VALIDITY, 115, "invalid-validity" },
	{ XTOKEN_INVALID_NONCE, 116, "invalid-nonce" },
	{ XTOKEN_INVALID_NONCE_POLICY, 117, "invalid-nonce-policy" },
	{ XTOKEN_SHORT_NONCE, 118, "short-nonce" },
	{ XTOKEN_INVALID_TIME, 119, "invalid-time" },
};

int main(void)
{
	static const int unknown[] = { -2147483647 - 1, -1, 8, 99, 120, 2147483647 };
	char version[32];
	size_t i;

	for (i = 0; i < sizeof known / sizeof *known; i++) {
		CHECK(known[i].status == known[i].number);
		CHECK(strcmp(xtoken_status_name(known[i].status), known[i].name) == 0);
		CHECK(strcmp(xtoken_status_message(known[i].status), "not a status of this version") != 0);
	}
	for (i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		CHECK(strcmp(xtoken_status_name(unknown[i]), "unknown") == 0);
		CHECK(strcmp(xtoken_status_message(unknown[i]), "not a status of this version") == 0);
	}
	CHECK(sizeof(xtoken_status) == 4);
	CHECK(XTOKEN_NONCE_EXACT == 0 && XTOKEN_NONCE_DATED == 1 && XTOKEN_NONCE_REPORT == 2);

	sprintf(version, "%d.%d.%d", XTOKEN_VERSION_MAJOR, XTOKEN_VERSION_MINOR, XTOKEN_VERSION_PATCH);
	CHECK(strncmp(XTOKEN_VERSION, version, strlen(version)) == 0);
	CHECK(strcmp(xtoken_version(), XTOKEN_VERSION) == 0);
	CHECK(XTOKEN_VERSION_NUMBER == (XTOKEN_VERSION_MAJOR << 16 | XTOKEN_VERSION_MINOR << 8
		| XTOKEN_VERSION_PATCH));
	CHECK(xtoken_version_number() == XTOKEN_VERSION_NUMBER);
	return finish("names");
}
