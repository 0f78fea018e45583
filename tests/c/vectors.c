/* The conformance vectors, and the decisions recorded from the Lua implementation.
 *
 * vectors.py writes them as lines of fields with tabs in between, texts in hexadecimal:
 *
 *     key LENGTH POLICY SEED SECRET     makes a new minter and a new verifier
 *     mint TIME JID NONCE TOKEN         the minter makes this token
 *     refuse JID                        the minter makes no token
 *     verify TIME STATUS JID TOKEN      the verifier returns this status, or any rejection for
 *                                       "refused"
 *     end */
#include "check.h"

typedef struct { unsigned char *bytes; size_t length; } bytes;

static bytes from_hex(const char *hex)
{
	bytes out;
	size_t i;
	unsigned byte;
	out.length = strlen(hex) / 2;
	/* As long as the value, so that valgrind sees a read past the end. */
	out.bytes = (unsigned char *)allocate(out.length ? out.length : 1, 1);
	for (i = 0; i < out.length; i++) {
		sscanf(hex + 2 * i, "%2x", &byte);
		out.bytes[i] = (unsigned char)byte;
	}
	return out;
}

static char *next_field(char **line)
{
	char *field = *line;
	char *end = field + strcspn(field, "\t\n");
	*line = *end ? end + 1 : end;
	*end = '\0';
	return field;
}

static xtoken_minter *minter;
static xtoken_verifier *verifier;

static void drop_key(void)
{
	xtoken_minter_free(minter);
	xtoken_verifier_free(verifier);
	minter = NULL;
	verifier = NULL;
}

static void use_key(char *line)
{
	uint32_t length = (uint32_t)strtoul(next_field(&line), NULL, 10);
	const char *policy = next_field(&line);
	bytes seed = from_hex(next_field(&line)), secret = from_hex(next_field(&line));
	xtoken_config *config = xtoken_config_new();

	drop_key();
	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_length(config, length));
	EXPECT(XTOKEN_OK, xtoken_config_set_nonce_policy(config, strcmp(policy, "dated") == 0
		? XTOKEN_NONCE_DATED : strcmp(policy, "report") == 0 ? XTOKEN_NONCE_REPORT
		: XTOKEN_NONCE_EXACT));
	EXPECT(XTOKEN_OK, xtoken_config_add_key(config, (const char *)seed.bytes, seed.length,
		secret.bytes, secret.length));
	EXPECT(XTOKEN_OK, xtoken_minter_new(config, &minter));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	xtoken_config_free(config);
	free(seed.bytes);
	free(secret.bytes);
}

static void run_mint(char *line)
{
	uint64_t now = (uint64_t)strtoull(next_field(&line), NULL, 10);
	bytes jid = from_hex(next_field(&line)), nonce = from_hex(next_field(&line));
	bytes wanted = from_hex(next_field(&line));
	char minted[XTOKEN_TOKEN_SIZE_MAX];
	size_t length = sizeof minted;

	EXPECT(XTOKEN_OK, xtoken_minter_mint_with_nonce(minter, (const char *)jid.bytes, jid.length,
		now, (const char *)nonce.bytes, nonce.length, minted, &length));
	CHECK(length == wanted.length && memcmp(minted, wanted.bytes, length) == 0);
	free(jid.bytes);
	free(nonce.bytes);
	free(wanted.bytes);
}

static void run_refuse(char *line)
{
	bytes jid = from_hex(next_field(&line));
	char minted[XTOKEN_TOKEN_SIZE_MAX];
	size_t length = sizeof minted;

	EXPECT(XTOKEN_INVALID_JID, xtoken_minter_mint(minter, (const char *)jid.bytes, jid.length, 0,
		minted, &length));
	free(jid.bytes);
}

static void run_verify(char *line)
{
	uint64_t now = (uint64_t)strtoull(next_field(&line), NULL, 10);
	const char *wanted = next_field(&line);
	bytes jid = from_hex(next_field(&line)), presented = from_hex(next_field(&line));
	xtoken_status status = xtoken_verifier_verify(verifier, (const char *)jid.bytes, jid.length,
		(const char *)presented.bytes, presented.length, now);

	if (strcmp(wanted, "refused") == 0)
		CHECK(status == XTOKEN_MALFORMED || status == XTOKEN_BAD_SIGNATURE
			|| status == XTOKEN_EXPIRED);
	else
		CHECK(strcmp(xtoken_status_name(status), wanted) == 0);
	free(jid.bytes);
	free(presented.bytes);
}

int main(int argc, char **argv)
{
	FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
	char *line = NULL;
	size_t size = 0;
	int ended = 0;

	if (file == NULL) {
		fputs("usage: vectors FILE\n", stderr);
		return 2;
	}
	while (getline(&line, &size, file) > 0) {
		char *rest = line;
		const char *word = next_field(&rest);
		if (strcmp(word, "key") == 0)
			use_key(rest);
		else if (strcmp(word, "mint") == 0)
			run_mint(rest);
		else if (strcmp(word, "refuse") == 0)
			run_refuse(rest);
		else if (strcmp(word, "verify") == 0)
			run_verify(rest);
		else
			ended = strcmp(word, "end") == 0;
	}
	CHECK(ended);
	CHECK(checks > 5000);
	drop_key();
	free(line);
	fclose(file);
	return finish("vectors");
}
