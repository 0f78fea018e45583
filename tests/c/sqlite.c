/* A program with functions of the same names as those of SQLite, and the ledger in a file: each
 * uses its own. */
#include "check.h"

#include <unistd.h>

static int calls;

int sqlite3_open_v2(const char *name, void **database, int flags, const char *vfs)
{
	(void)name, (void)database, (void)flags, (void)vfs;
	return ++calls;
}

int sqlite3_prepare_v3(void *database, const char *sql, int size, unsigned flags, void **statement,
	const char **tail)
{
	(void)database, (void)sql, (void)size, (void)flags, (void)statement, (void)tail;
	return ++calls;
}

int sqlite3_step(void *statement)
{
	(void)statement;
	return ++calls;
}

static void the_ledger_does_not_call_the_program(const char *folder)
{
	xtoken_minter *minter = new_minter();
	xtoken_config *config = new_config();
	xtoken_verifier *verifier;
	token fresh = mint(minter);
	char path[128], url[160], start[16] = "";
	FILE *file;

	snprintf(path, sizeof path, "%s/tokens.sqlite", folder);
	snprintf(url, sizeof url, "sqlite:%s", path);
	EXPECT(XTOKEN_OK, xtoken_config_set_ledger(config, url, strlen(url)));
	EXPECT(XTOKEN_OK, xtoken_verifier_new(config, &verifier));
	EXPECT(XTOKEN_OK, verify(verifier, &fresh));
	EXPECT(XTOKEN_REPLAYED, verify(verifier, &fresh));
	xtoken_verifier_free(verifier);
	xtoken_config_free(config);
	xtoken_minter_free(minter);

	file = fopen(path, "rb");
	CHECK(file != NULL && fread(start, 1, sizeof start, file) == sizeof start);
	CHECK(memcmp(start, "SQLite format 3", sizeof start) == 0);
	if (file != NULL)
		fclose(file);
	CHECK(calls == 0);
}

static void the_program_calls_its_own(void)
{
	CHECK(sqlite3_open_v2(":memory:", NULL, 0, NULL) == 1);
	CHECK(sqlite3_prepare_v3(NULL, "", 0, 0, NULL, NULL) == 2);
	CHECK(sqlite3_step(NULL) == 3);
}

int main(void)
{
	static const char *const files[] = { "", "-wal", "-shm", ".lock" };
	char folder[] = "/tmp/xtoken-sqlite-XXXXXX", name[128];
	size_t at;

	CHECK(mkdtemp(folder) != NULL);
	the_ledger_does_not_call_the_program(folder);
	the_program_calls_its_own();
	for (at = 0; at < sizeof files / sizeof *files; at++) {
		snprintf(name, sizeof name, "%s/tokens.sqlite%s", folder, files[at]);
		unlink(name);
	}
	CHECK(rmdir(folder) == 0);
	return finish("sqlite");
}
