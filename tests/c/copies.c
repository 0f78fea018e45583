/* Two copies of the library in one process use one file: the second is refused, because the locks
 * of SQLite do not exclude a process from itself.
 *
 * usage: copies LIBRARY COPY */
#include "check.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#define TOKENS 3000

/* The functions of a copy that this test calls. */
typedef struct {
	xtoken_config *(*config_new)(void);
	xtoken_status (*add_key)(xtoken_config *, const char *, size_t, const uint8_t *, size_t);
	xtoken_status (*set_ledger)(xtoken_config *, const char *, size_t);
	void (*config_free)(xtoken_config *);
	xtoken_status (*verifier_new)(const xtoken_config *, xtoken_verifier **);
	xtoken_status (*verify)(const xtoken_verifier *, const char *, size_t, const char *, size_t,
		uint64_t);
	xtoken_status (*last_error)(const xtoken_verifier *, char *, size_t *);
	void (*verifier_free)(xtoken_verifier *);
	xtoken_verifier *verifier;
	char accepted[TOKENS];
} copy;

static token tokens[TOKENS];

static void find(void *library, const char *name, void *function)
{
	void *symbol = dlsym(library, name);
	if (symbol == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	memcpy(function, &symbol, sizeof symbol);
}

static void load(copy *self, const char *path, const char *url)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	xtoken_config *config;

	if (library == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	find(library, "xtoken_config_new", &self->config_new);
	find(library, "xtoken_config_add_key", &self->add_key);
	find(library, "xtoken_config_set_ledger", &self->set_ledger);
	find(library, "xtoken_config_free", &self->config_free);
	find(library, "xtoken_verifier_new", &self->verifier_new);
	find(library, "xtoken_verifier_verify", &self->verify);
	find(library, "xtoken_verifier_last_error", &self->last_error);
	find(library, "xtoken_verifier_free", &self->verifier_free);
	config = self->config_new();
	EXPECT(XTOKEN_OK, self->add_key(config, SEED, strlen(SEED), (const uint8_t *)SECRET,
		strlen(SECRET)));
	EXPECT(XTOKEN_OK, self->set_ledger(config, url, strlen(url)));
	EXPECT(XTOKEN_OK, self->verifier_new(config, &self->verifier));
	self->config_free(config);
}

static xtoken_status spend(const copy *self, const token *presented)
{
	return self->verify(self->verifier, JID, strlen(JID), presented->text,
		sizeof presented->text - 1, NOW);
}

/* Presents every token once. */
static void *spend_all(void *argument)
{
	copy *self = (copy *)argument;
	size_t at;
	for (at = 0; at < TOKENS; at++)
		self->accepted[at] = spend(self, &tokens[at]) == XTOKEN_OK;
	return NULL;
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/xtoken-copies-XXXXXX", url[128], text[512];
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	static copy copies[2];
	xtoken_minter *minter = new_minter();
	pthread_t threads[2];
	size_t at, length = sizeof text;
	long twice = 0, accepted = 0;

	if (argc != 3 || mkdtemp(folder) == NULL) {
		fprintf(stderr, "usage: copies LIBRARY COPY\n");
		return 1;
	}
	snprintf(url, sizeof url, "sqlite:%s/tokens.sqlite", folder);
	load(&copies[0], argv[1], url);
	load(&copies[1], argv[2], url);
	CHECK(copies[0].verify != copies[1].verify);
	for (at = 0; at < TOKENS; at++)
		tokens[at] = mint(minter);
	/* The first opens the file before the second starts. */
	EXPECT(XTOKEN_OK, spend(&copies[0], &tokens[0]));
	for (at = 0; at < 2; at++)
		CHECK(pthread_create(&threads[at], NULL, spend_all, &copies[at]) == 0);
	for (at = 0; at < 2; at++)
		pthread_join(threads[at], NULL);
	for (at = 0; at < TOKENS; at++) {
		twice += copies[0].accepted[at] && copies[1].accepted[at];
		accepted += copies[0].accepted[at] || copies[1].accepted[at];
	}
	CHECK(twice == 0);
	CHECK(accepted == TOKENS - 1);
	EXPECT(XTOKEN_OK, copies[1].last_error(copies[1].verifier, text, &length));
	CHECK(strstr(text, "another copy of the library") != NULL);
	/* Now the second may open the file. Tokens that the first spent stay spent. */
	copies[0].verifier_free(copies[0].verifier);
	for (at = 0; at < TOKENS; at++)
		EXPECT(XTOKEN_REPLAYED, spend(&copies[1], &tokens[at]));
	copies[1].verifier_free(copies[1].verifier);
	xtoken_minter_free(minter);
	for (at = 0; at < 4; at++) {
		char file[160];
		snprintf(file, sizeof file, "%s/tokens.sqlite%s", folder, suffixes[at]);
		unlink(file);
	}
	CHECK(rmdir(folder) == 0);
	printf("%ld of %d tokens accepted, %ld twice\n", accepted, TOKENS, twice);
	return finish("copies");
}
