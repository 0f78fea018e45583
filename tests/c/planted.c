/* Mistakes in the use of the library, each of which one sanitizer must report from inside of it:
 *
 *     read    a verifier is used after it was freed         AddressSanitizer
 *     leak    a verifier is never freed                     LeakSanitizer
 *     race    two threads change a config                   ThreadSanitizer */
#include "check.h"

#include <pthread.h>

static pthread_barrier_t start;

static void *change(void *config)
{
	uint32_t at;
	pthread_barrier_wait(&start);
	for (at = 0; at < 1000; at++)
		EXPECT(XTOKEN_OK, xtoken_config_set_deviation((xtoken_config *)config, at % 10));
	return NULL;
}

static void race(void)
{
	xtoken_config *config = new_config();
	pthread_t other;
	pthread_barrier_init(&start, NULL, 2);
	CHECK(pthread_create(&other, NULL, change, config) == 0);
	change(config);
	pthread_join(other, NULL);
	xtoken_config_free(config);
}

int main(int argc, char **argv)
{
	const char *mistake = argc > 1 ? argv[1] : "";
	xtoken_verifier *verifier = new_verifier();
	xtoken_minter *minter = new_minter();
	token minted = mint(minter);

	xtoken_minter_free(minter);
	if (strcmp(mistake, "leak") != 0)
		xtoken_verifier_free(verifier);
	if (strcmp(mistake, "read") == 0)
		EXPECT(XTOKEN_OK, verify(verifier, &minted));
	if (strcmp(mistake, "race") == 0)
		race();
	verifier = NULL;
	return finish("planted");
}
