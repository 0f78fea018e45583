/* Every pointer of every function leads to the edge of a page that cannot be touched: no function
 * reads a byte before or after its input, writes to it, or writes outside of a buffer.
 *
 * The number of random tokens may be given as an argument. */
#define _DEFAULT_SOURCE
#include "check.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The pages of an area; there is one before and one after that cannot be touched. */
#define PAGES 4
#define AREAS 6

static size_t page;
static unsigned char *areas[AREAS];
/* Whether what is placed is at the end of its area, or at the beginning. */
static int at_end;
static long calls, mistakes;
static xtoken_verifier *verifier;
static xtoken_minter *minter;

#define CALL(call) (calls++, (call))

static void protect(int area, int rights)
{
	if (mprotect(areas[area], PAGES * page, rights) != 0) {
		perror("mprotect");
		exit(1);
	}
}

static void make_areas(void)
{
	int area;
	page = (size_t)sysconf(_SC_PAGESIZE);
	for (area = 0; area < AREAS; area++) {
		void *memory = mmap(NULL, (PAGES + 2) * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
		if (memory == MAP_FAILED) {
			perror("mmap");
			exit(1);
		}
		areas[area] = (unsigned char *)memory + page;
		protect(area, PROT_READ | PROT_WRITE);
	}
}

static unsigned char *place(int area, size_t length)
{
	return areas[area] + (at_end ? PAGES * page - length : 0);
}

/* Returns a copy at the edge of an area, which can only be read. */
static const char *input(int area, const void *bytes, size_t length)
{
	unsigned char *placed = place(area, length);
	protect(area, PROT_READ | PROT_WRITE);
	if (length > 0)
		memcpy(placed, bytes, length);
	protect(area, PROT_READ);
	return (const char *)placed;
}

/* Returns a buffer at the edge of an area. The rest of the area has the same bytes. */
static char *buffer(int area, size_t length)
{
	protect(area, PROT_READ | PROT_WRITE);
	memset(areas[area], 0xa5, PAGES * page);
	return (char *)place(area, length);
}

/* Counts the bytes of an area that changed outside of its buffer. */
static void check_rest(int area, size_t length)
{
	const unsigned char *placed = place(area, length);
	size_t at;
	for (at = 0; at < PAGES * page; at++) {
		const unsigned char *byte = areas[area] + at;
		if ((byte < placed || byte >= placed + length) && *byte != 0xa5)
			mistakes++;
	}
}

static size_t *size_at_edge(int area, size_t value)
{
	/* Both edges are aligned for it. */
	size_t *size = (size_t *)(void *)buffer(area, sizeof value);
	*size = value;
	return size;
}

/* Presents a token to each function that verifies or explains. */
static void present(const char *jid, size_t jid_length, const char *text, size_t length,
	xtoken_status expected)
{
	const char *at_edge = input(0, jid, jid_length);
	const char *presented = input(1, text, length);
	const char **id = (const char **)(void *)buffer(2, sizeof *id);
	int32_t *number = (int32_t *)(void *)buffer(3, sizeof *number);
	uint32_t *digits = (uint32_t *)(void *)buffer(4, sizeof *digits);
	xtoken_status status = CALL(xtoken_verifier_verify(verifier, at_edge, jid_length, presented,
		length, NOW));
	EXPECT(expected, status);
	if (status == XTOKEN_OK)
		expected = XTOKEN_REPLAYED;
	EXPECT(expected, CALL(xtoken_verifier_verify_detailed(verifier, at_edge, jid_length, presented,
		length, NOW, id, number)));
	EXPECT(expected, CALL(xtoken_verifier_verify_nonce(verifier, at_edge, jid_length, presented,
		length, NOW, id, digits, number)));
	check_rest(2, sizeof *id);
	check_rest(3, sizeof *number);
	check_rest(4, sizeof *digits);
}

static void explain(const char *text, size_t length, const char *others, size_t others_length,
	size_t size)
{
	char *written = buffer(3, size);
	size_t *in_out = size_at_edge(4, size);
	xtoken_status status = CALL(xtoken_verifier_explain(verifier, input(0, JID, strlen(JID)),
		strlen(JID), input(1, text, length), length, NOW, input(2, others, others_length),
		others_length, written, in_out));
	CHECK(status == (*in_out < size ? XTOKEN_OK : XTOKEN_BUFFER_TOO_SMALL));
	check_rest(3, size);
	check_rest(4, sizeof *in_out);
}

static void tokens(void)
{
	static const char hostile[] = " \t\n\0\xff\xc3=+/-_0123456789AZaz";
	token good = mint(minter);
	char text[2048];
	size_t length, n;

	present(JID, strlen(JID), good.text, 85, XTOKEN_OK);
	for (length = 0; length < 85; length++)
		present(JID, strlen(JID), good.text, length, XTOKEN_MALFORMED);
	for (length = 0; length < strlen(JID); length++)
		present(JID, length, good.text, 85, XTOKEN_BAD_SIGNATURE);
	for (n = 0; n < 85 * (sizeof hostile - 1); n++) {
		const char byte = hostile[n % (sizeof hostile - 1)];
		memcpy(text, good.text, 85);
		if (text[n / (sizeof hostile - 1)] == byte)
			continue;
		text[n / (sizeof hostile - 1)] = byte;
		input(0, JID, strlen(JID));
		input(1, text, 85);
		CHECK(CALL(xtoken_verifier_verify(verifier, (char *)place(0, strlen(JID)), strlen(JID),
			(char *)place(1, 85), 85, NOW)) != XTOKEN_OK);
	}
	memset(text, '1', sizeof text);
	for (length = 86; length < sizeof text; length += 61)
		present(JID, strlen(JID), text, length, XTOKEN_MALFORMED);
	for (n = 0; n <= 4096; n += n < 64 ? 1 : 64) {
		explain(good.text, 85, "bob@example.com\ncarol@example.com", 33, n);
		explain(text, n / 4, "\n\n\xff", 3, n);
		explain(good.text, n % 86, text, n / 2, 4096);
	}
}

static void random_tokens(long count)
{
	uint64_t state = 88172645463325252u;
	char text[128];
	while (count-- > 0) {
		size_t length, at;
		state ^= state << 13, state ^= state >> 7, state ^= state << 17;
		length = (size_t)(state >> 32) % sizeof text;
		for (at = 0; at < length; at++) {
			state ^= state << 13, state ^= state >> 7, state ^= state << 17;
			text[at] = (char)(at < 40 && state % 16 ? '0' + state % 10 : state >> 24);
		}
		input(0, text, length / 2);
		input(1, text, length);
		CHECK(CALL(xtoken_verifier_verify(verifier, (char *)place(0, length / 2), length / 2,
			(char *)place(1, length), length, NOW)) != XTOKEN_OK);
	}
}

static void configs(void)
{
	static const char *const urls[] = { "memory:", "nonsense:", "sqlite:", "redis://:p@h:1/2",
		"rediss://[::1]:1?timeout=2000", "\xff" };
	static const char id[] = "2026-11";
	size_t seed_length, secret_length, n, i;

	for (seed_length = 0; seed_length <= strlen(SEED); seed_length++) {
		for (secret_length = 0; secret_length <= strlen(SECRET); secret_length += 5) {
			xtoken_config *config = xtoken_config_new();
			const char *seed = input(0, SEED, seed_length);
			const uint8_t *secret = (const uint8_t *)input(1, SECRET, secret_length);
			xtoken_status status = CALL(xtoken_config_add_key(config, seed, seed_length, secret,
				secret_length));
			CHECK((status == XTOKEN_OK) == (seed_length % 8 != 1 && seed_length % 8 != 3
				&& seed_length % 8 != 6 && seed_length >= 16 && secret_length > 0));
			n = seed_length % sizeof id;
			CHECK((n > 0 && status == XTOKEN_OK) == (XTOKEN_OK == CALL(
				xtoken_config_add_named_key(config, input(2, id, n), n, seed, seed_length, secret,
					secret_length, 0, UINT64_MAX))));
			xtoken_config_free(config);
		}
	}
	for (i = 0; i < sizeof urls / sizeof *urls; i++) {
		for (n = 0; n <= strlen(urls[i]); n++) {
			xtoken_config *config = new_config();
			const char *url = input(0, urls[i], n);
			xtoken_status status = CALL(xtoken_config_set_ledger(config, url, n));
			CHECK((status == XTOKEN_OK) == (CALL(xtoken_ledger_url_message(url, n)) == NULL));
			xtoken_config_free(config);
		}
	}
}

static void outputs(void)
{
	static const char nonce[] = "31415926535897932384626433832795";
	xtoken_config *config = new_config();
	xtoken_verifier **made = (xtoken_verifier **)(void *)buffer(4, sizeof *made);
	xtoken_minter **another;
	size_t size, *in_out;

	EXPECT(XTOKEN_OK, CALL(xtoken_verifier_new(config, made)));
	for (size = 0; size <= 128; size++) {
		char *written = buffer(3, size);
		in_out = size_at_edge(5, size);
		CHECK(CALL(xtoken_verifier_last_error(*made, written, in_out))
			== (size > 0 ? XTOKEN_OK : XTOKEN_BUFFER_TOO_SMALL));
		check_rest(3, size);
		in_out = size_at_edge(5, size);
		CHECK(CALL(xtoken_minter_mint(minter, input(0, JID, strlen(JID)), strlen(JID), NOW,
			written = buffer(3, size), in_out)) == (size > 85 ? XTOKEN_OK
			: XTOKEN_BUFFER_TOO_SMALL));
		check_rest(3, size);
		in_out = size_at_edge(5, size);
		CHECK(CALL(xtoken_minter_mint_with_nonce(minter, input(0, JID, strlen(JID)), strlen(JID),
			NOW, input(1, nonce, 32), 32, buffer(3, size), in_out)) == (size > 85 ? XTOKEN_OK
			: XTOKEN_BUFFER_TOO_SMALL));
		check_rest(3, size);
		CHECK(CALL(xtoken_generate_key(buffer(2, size), size, buffer(3, size), size))
			== (size >= XTOKEN_TOKEN_SECRET_SIZE ? XTOKEN_OK : XTOKEN_BUFFER_TOO_SMALL));
		check_rest(2, size);
		check_rest(3, size);
		if (size < 33) {
			in_out = size_at_edge(5, 128);
			CHECK(CALL(xtoken_minter_mint_with_nonce(minter, input(0, JID, size % 18), size % 18,
				NOW, input(1, nonce, size), size, buffer(3, 128), in_out)) != XTOKEN_OK
				|| size == 32);
			CHECK(CALL(xtoken_generate_key(buffer(2, 33), 33, buffer(3, size), size))
				== XTOKEN_BUFFER_TOO_SMALL);
		}
	}
	xtoken_verifier_free(*made);
	another = (xtoken_minter **)(void *)buffer(4, sizeof *another);
	EXPECT(XTOKEN_OK, CALL(xtoken_minter_new(config, another)));
	check_rest(4, sizeof *another);
	xtoken_minter_free(*another);
	xtoken_config_free(config);
}

/* The guard works: a length that is one too large ends the process, of input and of a buffer. */
static void is_noticed(int writes)
{
	int status;
	pid_t child;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		token good = mint(minter);
		size_t length = 86;
		if (writes)
			status = xtoken_minter_mint(minter, JID, strlen(JID), NOW, (char *)place(3, 85),
				&length);
		else
			status = xtoken_verifier_verify(verifier, JID, strlen(JID),
				input(1, good.text, 84), 85, NOW);
		_exit(status);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(int argc, char **argv)
{
	make_areas();
	for (at_end = 0; at_end < 2; at_end++) {
		verifier = new_verifier();
		minter = new_minter();
		tokens();
		random_tokens(argc > 1 ? atol(argv[1]) : 2000);
		configs();
		outputs();
		if (at_end) {
			is_noticed(0);
			is_noticed(1);
		}
		xtoken_verifier_free(verifier);
		xtoken_minter_free(minter);
	}
	CHECK(mistakes == 0);
	printf("guard-pages: %ld calls with input and buffers at the edge of a page, at both ends: no"
		" byte outside was touched\n", calls);
	return failures == 0 ? 0 : 1;
}
