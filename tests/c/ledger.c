/* The ledger in a file: over restarts, forks and changes of the working directory. */
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

/* The parent frees its verifier, which closes the file, before the child goes on. */
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

/* A relative path counts from the working directory at the time of xtoken_config_set_ledger. */
static void paths_count_from_where_they_were_set(const xtoken_minter *minter)
{
	char token[XTOKEN_TOKEN_SIZE_MAX], before[256], folder[sizeof path];
	xtoken_config *config = new_config();
	xtoken_verifier *verifier;

	make(minter, token, NOW);
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	CHECK(getcwd(before, sizeof before) != NULL && chdir(folder) == 0);
	EXPECT(XTOKEN_OK, xtoken_config_set_ledger(config, "sqlite:tokens.sqlite", 20));
	CHECK(chdir("/") == 0);
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	EXPECT(XTOKEN_OK, decide(verifier, token, NOW));
	CHECK(chdir(before) == 0);
	xtoken_verifier_free(verifier);
	xtoken_config_free(config);
	verifier = on_file(url);
	EXPECT(XTOKEN_REPLAYED, decide(verifier, token, NOW));
	xtoken_verifier_free(verifier);
}

static void names_of_sqlite_are_refused(void)
{
	static const char *const refused[] = {
		"sqlite:", "sqlite::memory:", "sqlite:file:tokens.sqlite?mode=memory",
	};
	xtoken_config *config = new_config();
	size_t at;

	for (at = 0; at < sizeof refused / sizeof *refused; at++)
		EXPECT(XTOKEN_INVALID_LEDGER,
			xtoken_config_set_ledger(config, refused[at], strlen(refused[at])));
	EXPECT(XTOKEN_OK, xtoken_config_set_ledger(config, "sqlite:./:memory:", 17));
	xtoken_config_free(config);
}

static void a_url_that_is_refused_is_explained(void)
{
	static const char *const cases[][2] = {
		{ "redis://:12/34@localhost", "percent-encode the password" },
		{ "redis://localhost/zero", "must be a number" },
		{ "redis://localhost?timeout=9", "10 to 60000 milliseconds" },
		{ "rediss://localhost?ca_file=ca.pem", "absolute paths" },
		{ "postgres:", "no such ledger" },
	};
	xtoken_config *config = new_config();
	size_t at;

	for (at = 0; at < sizeof cases / sizeof *cases; at++) {
		const char *url = cases[at][0];
		EXPECT(XTOKEN_INVALID_LEDGER, xtoken_config_set_ledger(config, url, strlen(url)));
		CHECK(strstr(xtoken_ledger_url_message(url, strlen(url)), cases[at][1]) != NULL);
	}
	CHECK(xtoken_ledger_url_message("redis://localhost?password_file=/p", 34) == NULL);
	CHECK(xtoken_ledger_url_message("memory:", 7) == NULL);
	CHECK(strstr(xtoken_ledger_url_message(NULL, 0), "no such ledger") != NULL);
	CHECK(strstr(xtoken_ledger_url_message(NULL, 7), "no such ledger") != NULL);
	CHECK(strstr(xtoken_ledger_url_message("memory:", (size_t)-1), "no such ledger") != NULL);
	xtoken_config_free(config);
}

static void the_last_error_is_told(const xtoken_minter *minter)
{
	char token[XTOKEN_TOKEN_SIZE_MAX], text[512] = "x";
	xtoken_verifier *verifier = on_file("sqlite:/nonexistent/folder/file");
	size_t length = sizeof text;

	make(minter, token, NOW);
	EXPECT(XTOKEN_OK, xtoken_verifier_last_error(verifier, text, &length));
	CHECK(length == 0 && text[0] == '\0');
	EXPECT(XTOKEN_UNAVAILABLE, decide(verifier, token, NOW));
	length = 0;
	EXPECT(XTOKEN_BUFFER_TOO_SMALL, xtoken_verifier_last_error(verifier, NULL, &length));
	CHECK(length > 1 && length <= sizeof text && length <= XTOKEN_LAST_ERROR_SIZE_MAX);
	length = sizeof text;
	EXPECT(XTOKEN_OK, xtoken_verifier_last_error(verifier, text, &length));
	CHECK(length == strlen(text) && strstr(text, "the file of the ledger: ") == text);
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_last_error(NULL, text, &length));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_last_error(verifier, text, NULL));
	EXPECT(XTOKEN_NULL_ARGUMENT, xtoken_verifier_last_error(verifier, NULL, &length));
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
	/* Valgrind would report the memory of the parent as lost by the child. */
	if (argc < 2 || strcmp(argv[1], "--no-fork") != 0)
		parent_and_child_share_the_file(minter);
	paths_count_from_where_they_were_set(minter);
	names_of_sqlite_are_refused();
	a_url_that_is_refused_is_explained();
	the_last_error_is_told(minter);
	xtoken_minter_free(minter);
	for (at = 0; at < 4; at++) {
		char file[160];
		snprintf(file, sizeof file, "%s%s", path, suffixes[at]);
		unlink(file);
	}
	rmdir(folder);
	return finish("ledger");
}
