/* The decisions recorded from the Lua implementation, each by a fresh verifier.
 *
 * Reads lines of: expectation, unix time, then seed, secret, JID and token in hexadecimal. */
#include "check.h"

typedef struct { unsigned char *bytes; size_t length; } bytes;

static bytes from_hex(const char *hex)
{
	bytes out;
	size_t i;
	unsigned byte;
	out.length = strlen(hex) / 2;
	/* Exactly as long as the value, so that valgrind sees a byte read too many. */
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

static void run_case(char *line)
{
	char *rest = line;
	int accept = strcmp(next_field(&rest), "accept") == 0;
	uint64_t now = (uint64_t)strtoull(next_field(&rest), NULL, 10);
	bytes seed = from_hex(next_field(&rest));
	bytes secret = from_hex(next_field(&rest));
	bytes jid = from_hex(next_field(&rest));
	bytes presented = from_hex(next_field(&rest));
	xtoken_config *config = xtoken_config_new();
	xtoken_verifier *verifier;
	xtoken_status status;

	EXPECT(XTOKEN_OK, xtoken_config_add_key(config, (const char *)seed.bytes, seed.length,
		secret.bytes, secret.length));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	status = xtoken_verifier_verify(verifier, (const char *)jid.bytes, jid.length,
		(const char *)presented.bytes, presented.length, now);
	CHECK((status == XTOKEN_OK) == accept);
	CHECK(status >= XTOKEN_OK && status <= XTOKEN_EXPIRED);

	xtoken_verifier_free(verifier);
	xtoken_config_free(config);
	free(seed.bytes);
	free(secret.bytes);
	free(jid.bytes);
	free(presented.bytes);
}

int main(int argc, char **argv)
{
	FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
	char *line = NULL;
	size_t size = 0;
	long cases = 0;

	if (file == NULL) {
		fputs("usage: vectors FILE\n", stderr);
		return 2;
	}
	while (getline(&line, &size, file) > 0) {
		run_case(line);
		cases++;
	}
	free(line);
	fclose(file);
	CHECK(cases == 1200);
	printf("%ld recorded decisions\n", cases);
	return finish("vectors");
}
