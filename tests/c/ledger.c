/* The ledger in a file, also over a fork. */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static char path[128], url[160];

static xtoken_status decide(const xtoken_verifier *verifier, const char *token, uint64_t now)
{
	return xtoken_verifier_verify(verifier, JID, strlen(JID), token, strlen(token), now);
}

static void make(const xtoken_minter *minter, char *token, uint64_t now)
{
	size_t length = XTOKEN_TOKEN_SIZE_MAX;
	EXPECT(XTOKEN_OK, xtoken_minter_mint(minter, JID, strlen(JID), now, token, &length));
}

static xtoken_verifier *on_file(const char *ledger)
{
	xtoken_config *config = new_config();
	xtoken_verifier *verifier;
	EXPECT(XTOKEN_OK, xtoken_config_set_ledger(config, ledger, strlen(ledger)));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	xtoken_config_free(config);
	return verifier;
}

static void spent_tokens_outlive_the_verifier(const xtoken_minter *minter)
{
	char spent[XTOKEN_TOKEN_SIZE_MAX], fresh[XTOKEN_TOKEN_SIZE_MAX];
	xtoken_verifier *verifier = on_file(url);

	make(minter, spent, NOW);
	make(minter, fresh, NOW);
	CHECK(access(path, F_OK) != 0);
	EXPECT(XTOKEN_OK, decide(verifier, spent, NOW));
	EXPECT(XTOKEN_REPLAYED, decide(verifier, spent, NOW));
	CHECK(access(path, F_OK) == 0);
	xtoken_verifier_free(verifier);

	verifier = on_file(url);
	EXPECT(XTOKEN_REPLAYED, decide(verifier, spent, NOW));
	EXPECT(XTOKEN_OK, decide(verifier, fresh, NOW));
	xtoken_verifier_free(verifier);
}

/* The parent frees its verifier, and with it the file, before the child goes on. */
static void parent_and_child_share_the_file(const xtoken_minter *minter)
{
	char tokens[4][XTOKEN_TOKEN_SIZE_MAX];
	xtoken_verifier *verifier = on_file(url);
	int status = -1, at, gone[2];
	char byte = 0;
	pid_t child;

	for (at = 0; at < 4; at++)
		make(minter, tokens[at], NOW);
	EXPECT(XTOKEN_OK, decide(verifier, tokens[0], NOW));
	CHECK(pipe(gone) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		int ok = decide(verifier, tokens[0], NOW) == XTOKEN_REPLAYED
			&& decide(verifier, tokens[1], NOW) == XTOKEN_OK
			&& read(gone[0], &byte, 1) == 1
			&& decide(verifier, tokens[2], NOW) == XTOKEN_OK;
		_exit(ok ? 0 : 1);
	}
	EXPECT(XTOKEN_OK, decide(verifier, tokens[3], NOW));
	xtoken_verifier_free(verifier);
	CHECK(write(gone[1], &byte, 1) == 1);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	close(gone[0]);
	close(gone[1]);
	verifier = on_file(url);
	for (at = 0; at < 4; at++)
		EXPECT(XTOKEN_REPLAYED, decide(verifier, tokens[at], NOW));
	xtoken_verifier_free(verifier);
}

static void trouble_is_told(const xtoken_minter *minter)
{
	char token[XTOKEN_TOKEN_SIZE_MAX], text[512] = "x";
	xtoken_verifier *verifier = on_file("sqlite:/nonexistent/folder/file");
	size_t length = sizeof text;

	make(minter, token, NOW);
	EXPECT(XTOKEN_OK, xtoken_verifier_trouble(verifier, text, &length));
	CHECK(length == 0 && text[0] == '\0');
	EXPECT(XTOKEN_UNAVAILABLE, decide(verifier, token, NOW));
	length = 0;
	EXPECT(XTOKEN_BUFFER_TOO_SMALL, xtoken_verifier_trouble(verifier, NULL, &length));
	CHECK(length > 1 && length <= sizeof text);
	length = sizeof text;
	EXPECT(XTOKEN_OK, xtoken_verifier_trouble(verifier, text, &length));
	CHECK(length == strlen(text) && strstr(text, "the file of the ledger: ") == text);
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_trouble(NULL, text, &length));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_trouble(verifier, text, NULL));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_trouble(verifier, NULL, &length));
	xtoken_verifier_free(verifier);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/xtoken-ledger-XXXXXX";
	xtoken_minter *minter = new_minter();
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	size_t at;

	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	snprintf(path, sizeof path, "%s/tokens.sqlite", folder);
	snprintf(url, sizeof url, "sqlite:%s", path);
	spent_tokens_outlive_the_verifier(minter);
	/* Valgrind takes what the child leaves to its parent for lost. */
	if (argc < 2 || strcmp(argv[1], "--no-fork") != 0)
		parent_and_child_share_the_file(minter);
	trouble_is_told(minter);
	xtoken_minter_free(minter);
	for (at = 0; at < 4; at++) {
		char file[160];
		snprintf(file, sizeof file, "%s%s", path, suffixes[at]);
		unlink(file);
	}
	rmdir(folder);
	return finish("ledger");
}
