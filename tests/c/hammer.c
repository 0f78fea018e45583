/* 8 threads present the same tokens to one verifier: each token is accepted exactly once.
 *
 * The number of tokens may be given as an argument. */
#include "check.h"

#include <pthread.h>

#define THREADS 8

static xtoken_verifier *verifier;
static token *tokens;
static size_t count = 100000;
static pthread_barrier_t start;

typedef struct { pthread_t thread; size_t from; unsigned char *accepted; long others; } worker;

static void *present_all(void *argument)
{
	worker *self = (worker *)argument;
	size_t i;
	pthread_barrier_wait(&start);
	for (i = 0; i < count; i++) {
		/* Half of the threads start with the first token, the others in the middle. */
		size_t at = (self->from + i) % count;
		xtoken_status status = verify(verifier, &tokens[at]);
		if (status == XTOKEN_OK)
			self->accepted[at]++;
		else if (status != XTOKEN_REPLAYED)
			self->others++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	xtoken_minter *minter = new_minter();
	worker workers[THREADS];
	size_t i, t, once = 0;

	if (argc > 1)
		count = (size_t)strtoul(argv[1], NULL, 10);
	verifier = new_verifier();
	tokens = (token *)allocate(count, sizeof *tokens);
	for (i = 0; i < count; i++)
		tokens[i] = mint(minter);

	pthread_barrier_init(&start, NULL, THREADS);
	for (t = 0; t < THREADS; t++) {
		workers[t].from = t % 2 ? count / 2 : 0;
		workers[t].accepted = (unsigned char *)allocate(count, 1);
		workers[t].others = 0;
		CHECK(pthread_create(&workers[t].thread, NULL, present_all, &workers[t]) == 0);
	}
	for (t = 0; t < THREADS; t++) {
		pthread_join(workers[t].thread, NULL);
		CHECK(workers[t].others == 0);
	}
	for (i = 0; i < count; i++) {
		unsigned accepted = 0;
		for (t = 0; t < THREADS; t++)
			accepted += workers[t].accepted[i];
		CHECK(accepted == 1);
		once += accepted == 1;
	}
	printf("%lu of %lu tokens accepted exactly once by %d threads\n", (unsigned long)once,
		(unsigned long)count, THREADS);

	for (t = 0; t < THREADS; t++)
		free(workers[t].accepted);
	pthread_barrier_destroy(&start);
	free(tokens);
	xtoken_verifier_free(verifier);
	xtoken_minter_free(minter);
	return finish("hammer");
}
