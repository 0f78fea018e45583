/*
 * xtoken: mints and verifies the one-time login tokens of Prosody's mod_auth_token.
 *
 * A web application and an XMPP server share an OTP seed and a token secret. The application
 * mints a token for a bare JID, the client presents it, the server verifies it alone and accepts
 * it once.
 *
 *     #include <stdio.h>
 *     #include <string.h>
 *     #include <time.h>
 *     #include <xtoken.h>
 *
 *     static const char seed[] = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
 *     static const char secret[] = "at least 32 random bytes, as text or not";
 *     static const char jid[] = "alice@example.com";
 *
 *     int main(void)
 *     {
 *         xtoken_config *config = xtoken_config_new();
 *         xtoken_minter *minter = NULL;
 *         xtoken_verifier *verifier = NULL;
 *         char token[XTOKEN_TOKEN_SIZE_MAX];
 *         size_t length = sizeof token;
 *         uint64_t now = (uint64_t)time(NULL);
 *         xtoken_status status;
 *
 *         status = xtoken_config_add_key(config, seed, strlen(seed),
 *                                        (const uint8_t *)secret, strlen(secret));
 *         if (status == XTOKEN_OK)
 *             status = xtoken_minter_new(config, &minter);
 *         if (status == XTOKEN_OK)
 *             status = xtoken_verifier_new(config, &verifier);
 *         if (status == XTOKEN_OK)
 *             status = xtoken_minter_mint(minter, jid, strlen(jid), now, token, &length);
 *         if (status == XTOKEN_OK)
 *             status = xtoken_verifier_verify(verifier, jid, strlen(jid), token, length, now);
 *         printf("%s: %s\n", xtoken_status_name(status), xtoken_status_message(status));
 *
 *         xtoken_verifier_free(verifier);
 *         xtoken_minter_free(minter);
 *         xtoken_config_free(config);
 *         return status == XTOKEN_OK ? 0 : 1;
 *     }
 *
 *     cc example.c $(pkg-config --cflags --libs xtoken)
 *
 * What holds everywhere:
 *
 * - Every object is opaque and owned by whoever called its _new function, until they call its
 *   _free function, once. Texts that are
 *   returned are static where nothing else is said.
 * - Bytes are a pointer and a length. They are only read, only during the call, and may hold any
 *   values, NUL too. A pointer may be NULL only where it is said; elsewhere NULL, whatever the
 *   length, is answered with XTOKEN_NULL_ARGUMENT. An argument that is not NULL must be valid.
 * - Functions that take a pointer to const may be called from many threads at once, on the same
 *   object. No function may run while another thread changes or frees its object.
 * - fork is safe while other threads are inside this library; the child may go on using every
 *   object. (Not so in a signal handler, nor with vfork or a bare clone.)
 * - When there is no memory left, the functions that verify with the ledger "memory:" answer
 *   XTOKEN_UNAVAILABLE and forget nothing. Everything else may end the process with abort(): making
 *   objects, minting, explaining, the ledgers in a file or a server, and a fork while there are
 *   verifiers.
 * - Seeds, secrets and tokens appear in no text, and copies of them are wiped when freed.
 *
 * Made by `make header` from src/capi/; change it there.
 */


#ifndef XTOKEN_H
#define XTOKEN_H

#include <stddef.h>
#include <stdint.h>

/* The version of this header; xtoken_version() tells that of the library. */
#define XTOKEN_VERSION_MAJOR 0
#define XTOKEN_VERSION_MINOR 1
#define XTOKEN_VERSION_PATCH 0
#define XTOKEN_VERSION "0.1.0"

#ifndef XTOKEN_MUST_USE
#if defined(__GNUC__) || defined(__clang__)
#define XTOKEN_MUST_USE __attribute__((warn_unused_result))
#else
#define XTOKEN_MUST_USE
#endif
#endif


/**
 * The clock skew of an undated token.
 */
#define XTOKEN_NO_DATE INT32_MAX

/**
 * A buffer of this many bytes holds every token and the NUL behind it.
 */
#define XTOKEN_TOKEN_SIZE_MAX 1024

/**
 * Bytes of a generated seed and the NUL behind it.
 */
#define XTOKEN_OTP_SEED_SIZE 33

/**
 * Bytes of a generated secret and the NUL behind it.
 */
#define XTOKEN_TOKEN_SECRET_SIZE 53

/**
 * Keys and settings, from which verifiers and minters are made.
 *
 * Owned by whoever called `xtoken_config_new`, until `xtoken_config_free`. Verifiers and minters
 * keep nothing of it: it may be used for several, changed in between, and freed as soon as they
 * are made. Not to be changed in one thread while another thread uses it.
 *
 * A call that fails changes nothing.
 */
typedef struct xtoken_config xtoken_config;

/**
 * Makes tokens.
 *
 * Owned by whoever called `xtoken_minter_new`, until `xtoken_minter_free`. Any number of threads
 * may mint with one minter at once, also after `fork`.
 */
typedef struct xtoken_minter xtoken_minter;

/**
 * Decides about tokens and remembers which it has accepted.
 *
 * Owned by whoever called `xtoken_verifier_new`, until `xtoken_verifier_free`. Any number of
 * threads may verify with one verifier at once: a token that several present together is
 * accepted for exactly one of them. Keep one verifier for the life of the server, since what it
 * has accepted is forgotten with it.
 *
 * After `fork` both processes may go on using it, whatever other threads were doing. With the
 * ledger "memory:" each process then remembers for itself, so a token can be accepted once in
 * each.
 */
typedef struct xtoken_verifier xtoken_verifier;

/**
 * What a call answers: one of the constants `XTOKEN_*` below, 0 for success.
 *
 * 1 to 99 say why a token was refused; from 100 on the call itself could not be carried out.
 * Later versions may add values, so treat one you do not know as a refusal. A value is never
 * used again for something else.
 */
typedef int32_t xtoken_status;

/**
 * Which nonces a verifier accepts: one of the constants `XTOKEN_NONCE_*`.
 *
 * A dated nonce has 24 digits or more. The first 12 are the Unix time in seconds at which the
 * token was made. A token is dated if its one-time password is that of the same time. A dated
 * token is accepted in its own window only, under each policy.
 */
typedef int32_t xtoken_nonce_policy;

/**
 * Done; from `xtoken_verifier_verify`: the token is good and now spent.
 */
#define XTOKEN_OK 0

/**
 * Refused: the bytes do not have the shape of a token, or its nonce has another length.
 */
#define XTOKEN_MALFORMED 1

/**
 * Refused: not signed for this JID with one of the keys.
 */
#define XTOKEN_BAD_SIGNATURE 2

/**
 * Refused: well signed, but too old or too far ahead. A dated token that is too old stays so for
 * ever.
 */
#define XTOKEN_EXPIRED 3

/**
 * Refused: it was accepted before.
 */
#define XTOKEN_REPLAYED 4

/**
 * Reserved: no function returns it any more. It belonged to a limit of expired tokens, which dated
 * nonces have replaced.
 */
#define XTOKEN_THROTTLED 5

/**
 * Refused, although it may be good: the ledger cannot tell whether it was spent, for instance
 * because there is no memory to remember it.
 */
#define XTOKEN_UNAVAILABLE 6

/**
 * Refused: well signed, but undated, while the policy is `XTOKEN_NONCE_DATED`.
 */
#define XTOKEN_UNDATED 7

/**
 * A pointer is NULL that must not be.
 */
#define XTOKEN_NULL_ARGUMENT 100

/**
 * A length is larger than memory can be (`PTRDIFF_MAX`), as a converted -1 is.
 */
#define XTOKEN_INVALID_LENGTH 101

/**
 * The seed is not base32.
 */
#define XTOKEN_INVALID_SEED 102

/**
 * The seed has fewer than 80 bits.
 */
#define XTOKEN_SHORT_SEED 103

/**
 * The secret has no bytes.
 */
#define XTOKEN_EMPTY_SECRET 104

/**
 * The config has no key.
 */
#define XTOKEN_NO_KEY 105

/**
 * The length of the nonce is out of range.
 */
#define XTOKEN_INVALID_NONCE_LENGTH 106

/**
 * The deviation is out of range.
 */
#define XTOKEN_INVALID_DEVIATION 107

/**
 * No ledger goes by this URL.
 */
#define XTOKEN_INVALID_LEDGER 108

/**
 * No server would accept a token for this JID.
 */
#define XTOKEN_INVALID_JID 109

/**
 * The result does not fit into the buffer.
 */
#define XTOKEN_BUFFER_TOO_SMALL 110

/**
 * The operating system gave no random bytes.
 */
#define XTOKEN_NO_RANDOM 111

/**
 * A mistake in this library was caught. Please report it.
 */
#define XTOKEN_INTERNAL_ERROR 112

/**
 * The id of a key is empty, too long, or not printable ASCII without spaces.
 */
#define XTOKEN_INVALID_KEY_ID 113

/**
 * Another key of the config has this id.
 */
#define XTOKEN_DUPLICATE_KEY_ID 114

/**
 * The key would become valid only after it has ceased to be.
 */
#define XTOKEN_INVALID_VALIDITY 115

/**
 * The nonce has another length than the config says, or something other than digits.
 */
#define XTOKEN_INVALID_NONCE 116

/**
 * No nonce policy has this number.
 */
#define XTOKEN_INVALID_NONCE_POLICY 117

/**
 * The nonce has fewer than 24 digits, too few for a date.
 */
#define XTOKEN_SHORT_NONCE 118

/**
 * The time has more than 12 digits: it is not in seconds.
 */
#define XTOKEN_INVALID_TIME 119

/**
 * Those of the length that is set, dated or not.
 */
#define XTOKEN_NONCE_EXACT 0

/**
 * Dated ones of the length that is set; others are `XTOKEN_UNDATED`.
 */
#define XTOKEN_NONCE_DATED 1

/**
 * Those of any length, for a migration only. Until another policy is set, a user can log in to
 * every account whose name differs by leading digits: a token of 7alice is one of alice, too.
 */
#define XTOKEN_NONCE_REPORT 2

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A stable name for logs and metrics: "ok", "replayed", "null-argument", ...; "unknown" for a
 * number that is no status.
 *
 * The text is static: never free it. Never NULL. May be called from any thread.
 */
XTOKEN_MUST_USE const char *xtoken_status_name(xtoken_status status);

/**
 * A sentence for the person who operates the program: what is wrong and what to do about it.
 * Do not show it to somebody whose token was refused; to them say "not authorized" only.
 *
 * The text is static: never free it. Never NULL. May be called from any thread. Later versions
 * may word it differently.
 */
XTOKEN_MUST_USE const char *xtoken_status_message(xtoken_status status);

/**
 * A config without keys, with nonces of 32 digits, a deviation of 1 step and the ledger
 * "memory:". NULL only if a mistake in this library was caught.
 */
XTOKEN_MUST_USE xtoken_config *xtoken_config_new(void);

/**
 * Adds a key: what the web application and the server share. Copies both values.
 *
 * `otp_seed`: base32 (RFC 4648), upper or lower case, padding optional, 80 bits or more; 160 are
 * recommended. `token_secret`: any bytes, at least one, used as they are and not decoded. Neither
 * may be NULL, neither needs a NUL at its end.
 *
 * A verifier accepts tokens of every key (old and new while keys are changed over); a minter uses
 * the first one. The key is always valid and its id is its position among the keys, from "1" on.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_INVALID_SEED`,
 * `XTOKEN_SHORT_SEED`, `XTOKEN_EMPTY_SECRET` or, if another key was given that id,
 * `XTOKEN_DUPLICATE_KEY_ID`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_config_add_key(xtoken_config *config,
                                    const char *otp_seed,
                                    size_t otp_seed_len,
                                    const uint8_t *token_secret,
                                    size_t token_secret_len);

/**
 * Adds a key with a name and a time, for keys that overlap while they are changed over. As
 * `xtoken_config_add_key`, and:
 *
 * `id` names the key in what is said of it: 1 to 64 printable ASCII characters, no spaces; not a
 * secret; must not be NULL and needs no NUL at its end. No two keys of a config have the same.
 *
 * A verifier accepts nothing signed with the key before the Unix time `not_before`, nor after
 * `not_after` (both in seconds, both still valid); 0 and `UINT64_MAX` set no limit. A minter does
 * not look at them.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_INVALID_KEY_ID`,
 * `XTOKEN_DUPLICATE_KEY_ID`, `XTOKEN_INVALID_SEED`, `XTOKEN_SHORT_SEED`, `XTOKEN_EMPTY_SECRET` or,
 * if `not_before` lies after `not_after`, `XTOKEN_INVALID_VALIDITY`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_config_add_named_key(xtoken_config *config,
                                          const char *id,
                                          size_t id_len,
                                          const char *otp_seed,
                                          size_t otp_seed_len,
                                          const uint8_t *token_secret,
                                          size_t token_secret_len,
                                          uint64_t not_before,
                                          uint64_t not_after);

/**
 * Sets how many digits the nonce of a token has: 1 to 970, 32 unless set. Minter and verifier
 * must agree; the Lua implementation's minters make 32. Minters make dated nonces if they have 24
 * digits or more.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_NONCE_LENGTH` or, for fewer than 24 digits
 * with `XTOKEN_NONCE_DATED`, `XTOKEN_SHORT_NONCE`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_config_set_nonce_length(xtoken_config *config,
                                             uint32_t digits);

/**
 * Sets which nonces are accepted: `XTOKEN_NONCE_EXACT` unless set. Minters ignore it.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_NONCE_POLICY` for a number that is none of
 * the constants, or `XTOKEN_SHORT_NONCE` for `XTOKEN_NONCE_DATED` if the nonce has fewer than 24
 * digits.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_config_set_nonce_policy(xtoken_config *config,
                                             xtoken_nonce_policy policy);

/**
 * Sets how many steps of 30 seconds the clocks of minter and verifier may be apart: 0 to 10, 1
 * unless set. Minters ignore it.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_INVALID_DEVIATION`.
 */
XTOKEN_MUST_USE xtoken_status xtoken_config_set_deviation(xtoken_config *config, uint32_t steps);

/**
 * Sets where spent tokens are remembered. Minters ignore it. `url` must not be NULL, needs no
 * NUL at its end and is copied. Files and connections are opened when the first token is
 * verified.
 *
 * - "memory:", unless set: in the verifier, for itself, and lost with it.
 * - "sqlite:PATH", if the library was built with it: in a file, shared by the processes of this
 *   machine, as long as the file is there. Verifying may then wait up to a quarter of a second
 *   for another process.
 * - "redis://[user][:password@]host[:port][/database]", "rediss://..." with TLS, or
 *   "redis+unix:///path", if the library was built with it: in a Redis or Valkey server, shared
 *   by machines. Verifying then waits for it, at most 2 seconds ("?timeout=" milliseconds at the
 *   end of the URL), and answers `XTOKEN_UNAVAILABLE` for the first 60 to 90 seconds after a
 *   server was started or emptied, since it may have forgotten tokens.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH` or `XTOKEN_INVALID_LEDGER`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_config_set_ledger(xtoken_config *config,
                                       const char *url,
                                       size_t url_len);

/**
 * Frees a config and wipes its keys. NULL is ignored.
 */
void xtoken_config_free(xtoken_config *config);

/**
 * Makes a verifier with all keys of `config` and opens its ledger.
 *
 * `*verifier` need not be initialised; on failure it is NULL.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_NO_KEY`, `XTOKEN_INVALID_LEDGER` or, if `fork`
 * cannot be made safe (`pthread_atfork` failed), `XTOKEN_UNAVAILABLE`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_verifier_new(const xtoken_config *config,
                                  xtoken_verifier **verifier);

/**
 * Accepts a token, once. Only `XTOKEN_OK` means that the user may log in.
 *
 * `jid` is the bare JID that the user claims, `user@host`, prepared (SASLprep and nodeprep for
 * the user, so lower case); `token` is what the client sent. Both may hold any bytes, must not
 * be NULL (an empty one is a valid pointer and length 0) and need no NUL at their ends.
 * `unix_time` is the present in seconds since 1970, UTC, as `time(NULL)` gives it.
 *
 * Tell a client nothing but success or failure; the reason is for your logs.
 *
 * `XTOKEN_OK`, or why not: `XTOKEN_MALFORMED`, `XTOKEN_BAD_SIGNATURE`, `XTOKEN_EXPIRED`,
 * `XTOKEN_REPLAYED`, `XTOKEN_UNAVAILABLE`, `XTOKEN_UNDATED`; `XTOKEN_NULL_ARGUMENT` or
 * `XTOKEN_INVALID_LENGTH`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_verifier_verify(const xtoken_verifier *verifier,
                                     const char *jid,
                                     size_t jid_len,
                                     const char *token,
                                     size_t token_len,
                                     uint64_t unix_time);

/**
 * As `xtoken_verifier_verify`, and tells which key made a token that is accepted, so that you see
 * when an old one is no longer in use, and how far the minter's clock is off.
 *
 * After `XTOKEN_OK`, `*key_id` is the id of the key, with a NUL behind it, valid as long as the
 * verifier; `*step_offset` is how many steps of 30 seconds the token is ahead of `unix_time`,
 * below zero if it is behind. Else both are as before. Either may be NULL.
 *
 * Statuses as for `xtoken_verifier_verify`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_verifier_verify_detailed(const xtoken_verifier *verifier,
                                              const char *jid,
                                              size_t jid_len,
                                              const char *token,
                                              size_t token_len,
                                              uint64_t unix_time,
                                              const char **key_id,
                                              int32_t *step_offset);

/**
 * As `xtoken_verifier_verify`, and tells about the nonce of an accepted token. So you see when
 * `XTOKEN_NONCE_DATED` can be set, and how many seconds the minter's clock is off.
 *
 * After `XTOKEN_OK`, `*key_id` is as for `xtoken_verifier_verify_detailed`; `*nonce_length` is the
 * number of digits of the nonce; `*clock_skew` is how many seconds the date of the token is ahead
 * of `unix_time`, below zero if it is behind, or `XTOKEN_NO_DATE` if the token is undated. After
 * any other status all are unchanged. Each may be NULL.
 *
 * Statuses as for `xtoken_verifier_verify`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_verifier_verify_nonce(const xtoken_verifier *verifier,
                                           const char *jid,
                                           size_t jid_len,
                                           const char *token,
                                           size_t token_len,
                                           uint64_t unix_time,
                                           const char **key_id,
                                           uint32_t *nonce_length,
                                           int32_t *clock_skew);

/**
 * Writes why a token is refused, or that it is not, for a person: a line for each thing found,
 * the one to begin with first, each a stable name, ": " and a sentence, with a NUL behind the
 * last. "good: ..." means that it would be accepted; other names are "malformed", "nonce-length",
 * "long-address", "other-address", "bad-signature", "inactive-key", "mixed-keys", "undated",
 * "clock", "unknown-otp", "replayed" and "unavailable". Later versions may add some.
 *
 * Spends nothing; takes some milliseconds, and waits for the ledger as a verification does. Never
 * show it to the client.
 *
 * `jid`, `token` and `unix_time` are as for `xtoken_verifier_verify`. `others` may be NULL; else it
 * has an address, or a host for the same user, in each line, that may have been signed by mistake;
 * more than 256 are not looked at. `buffer`, `*length` and a buffer that is too small are as for
 * `xtoken_minter_mint`, but for what is always enough: ask for the size, or try 4096 bytes.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH` or `XTOKEN_BUFFER_TOO_SMALL`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_verifier_explain(const xtoken_verifier *verifier,
                                      const char *jid,
                                      size_t jid_len,
                                      const char *token,
                                      size_t token_len,
                                      uint64_t unix_time,
                                      const char *others,
                                      size_t others_len,
                                      char *buffer,
                                      size_t *length);

/**
 * Writes what kept the ledger from answering, for the log of the program: after
 * `XTOKEN_UNAVAILABLE` a text with a NUL behind it, else an empty one.
 *
 * `buffer`, `*length` and a buffer that is too small are as for `xtoken_minter_mint`.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_BUFFER_TOO_SMALL`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_verifier_trouble(const xtoken_verifier *verifier,
                                      char *buffer,
                                      size_t *length);

/**
 * How many bits the weakest seed of the verifier has. Below 128 the operator should be told to
 * make a longer one. 0 if `verifier` is NULL.
 */
XTOKEN_MUST_USE size_t xtoken_verifier_seed_bits(const xtoken_verifier *verifier);

/**
 * Frees a verifier, wipes its keys and forgets what it has accepted. No other thread may be
 * using it. NULL is ignored.
 */
void xtoken_verifier_free(xtoken_verifier *verifier);

/**
 * Makes a minter with the first key of `config`.
 *
 * `*minter` need not be initialised; on failure it is NULL.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_NO_KEY`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_minter_new(const xtoken_config *config,
                                xtoken_minter **minter);

/**
 * Writes a fresh token for a bare JID into `buffer`, with a NUL behind it.
 *
 * `jid` is `user@host`, prepared (SASLprep and nodeprep for the user, so lower case), in UTF-8;
 * it must not be NULL and needs no NUL at its end. `unix_time` is the present in seconds since
 * 1970, UTC; the token is good around that time. If the nonce has 24 digits or more, it begins
 * with the time: the token is dated.
 *
 * `*length` is the size of `buffer` before the call and the length of the token, without the
 * NUL, after it. If the buffer is too small, nothing is written, `*length` becomes the size
 * needed, with the NUL, and the answer is `XTOKEN_BUFFER_TOO_SMALL`; NULL and size 0 ask for
 * just that. `XTOKEN_TOKEN_SIZE_MAX` is always enough. `length` must not be NULL, nor `buffer`
 * with another size than 0. After any other failure `buffer` and `*length` are as before.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_BUFFER_TOO_SMALL`,
 * `XTOKEN_INVALID_JID`, `XTOKEN_NO_RANDOM` or, for a time of more than 12 digits, such as
 * milliseconds, `XTOKEN_INVALID_TIME`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_minter_mint(const xtoken_minter *minter,
                                 const char *jid,
                                 size_t jid_len,
                                 uint64_t unix_time,
                                 char *buffer,
                                 size_t *length);

/**
 * As `xtoken_minter_mint`, with the nonce of a test: as many decimal digits as the config says.
 *
 * An application lets `xtoken_minter_mint` choose one: a nonce that is used twice for a JID
 * within 30 seconds makes the same token twice, and the second is refused.
 *
 * What `xtoken_minter_mint` answers, or `XTOKEN_INVALID_NONCE`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_minter_mint_with_nonce(const xtoken_minter *minter,
                                            const char *jid,
                                            size_t jid_len,
                                            uint64_t unix_time,
                                            const char *nonce,
                                            size_t nonce_len,
                                            char *buffer,
                                            size_t *length);

/**
 * Frees a minter and wipes its key. No other thread may be using it. NULL is ignored.
 */
void xtoken_minter_free(xtoken_minter *minter);

/**
 * Writes fresh values for `otp_seed` (160 bits) and `token_secret` (256 bits), both as base32
 * text with a NUL behind it, for the configuration of the web application and the server.
 *
 * Neither buffer may be NULL; `otp_seed_size` is at least `XTOKEN_OTP_SEED_SIZE`,
 * `token_secret_size` at least `XTOKEN_TOKEN_SECRET_SIZE`. On failure nothing is written. Wipe
 * the buffers when you are done with them.
 *
 * `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_BUFFER_TOO_SMALL` or `XTOKEN_NO_RANDOM`.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_generate_key(char *otp_seed,
                                  size_t otp_seed_size,
                                  char *token_secret,
                                  size_t token_secret_size);

/**
 * The version of the library that runs, such as "1.2.3"; `XTOKEN_VERSION` is the one that your
 * program was compiled for.
 *
 * The text is static: never free it. Never NULL. May be called from any thread.
 */
XTOKEN_MUST_USE const char *xtoken_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* XTOKEN_H */
