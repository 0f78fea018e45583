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
 * What holds for every function:
 *
 * - Objects: each is opaque. The caller of its _new function owns it, and frees it once with its
 *   _free function.
 * - Input: bytes are a pointer and a length. They are read only during the call, may have any
 *   values, and need no NUL at the end. Empty input may be NULL with length 0. NULL with another
 *   length is XTOKEN_NULL_ARGUMENT; a length above PTRDIFF_MAX is XTOKEN_INVALID_LENGTH.
 * - Any other pointer that is NULL is XTOKEN_NULL_ARGUMENT, unless the function allows it. One that
 *   is not NULL must be valid.
 * - Output: a function that fails changes nothing, unless it says so. Returned texts are in UTF-8
 *   and end with a NUL. They are static, unless the function says so: do not free them.
 * - Threads: functions that take a pointer to a const object may be called from many threads at
 *   once, with the same object. No other function may run while another thread uses its object.
 * - Ledgers: a file is opened, and a server connected to, by the first call that needs it: the
 *   first xtoken_verifier_verify*() or xtoken_verifier_explain() of a verifier. Nothing before that
 *   call creates a file, connects or starts a thread.
 * - Fork: safe while other threads are inside this library. The child may use every object. Do not
 *   use this library in a signal handler, or after vfork or a bare clone.
 * - Memory: when none is left, verifying with the ledger "memory:" returns XTOKEN_UNAVAILABLE and
 *   forgets nothing. Everything else may end the process with abort(): making objects, minting,
 *   explaining, the other ledgers, and a fork while there are verifiers.
 * - Secrets: no text contains a seed, a secret or a token. Copies of them are wiped when freed.
 *
 * The header is valid C89 and C++98, apart from <stdint.h>, which compilers offer to both.
 *
 * Made by `make header` from src/capi/; change it there.
 */
#ifndef XTOKEN_H
#define XTOKEN_H

#include <stddef.h>
#include <stdint.h>

/* The version of this header. xtoken_version() and xtoken_version_number() return the library's. */
#define XTOKEN_VERSION_MAJOR 0
#define XTOKEN_VERSION_MINOR 2
#define XTOKEN_VERSION_PATCH 0
#define XTOKEN_VERSION "0.2.0"
/* Two hexadecimal digits each for major, minor and patch, to compare with >=. */
#define XTOKEN_VERSION_NUMBER 0x000200

#ifndef XTOKEN_MUST_USE
#if defined(__GNUC__) || defined(__clang__)
#define XTOKEN_MUST_USE __attribute__((warn_unused_result))
#else
#define XTOKEN_MUST_USE
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /** The clock skew of an undated token. */
    XTOKEN_NO_DATE = 2147483647
};

enum {
    /** The size of a buffer that holds every last error and its NUL. */
    XTOKEN_LAST_ERROR_SIZE_MAX = 4096,
    /** The size of a buffer that holds every token and its NUL. */
    XTOKEN_TOKEN_SIZE_MAX = 1024,
    /** The size of a generated seed and its NUL. */
    XTOKEN_OTP_SEED_SIZE = 33,
    /** The size of a generated secret and its NUL. */
    XTOKEN_TOKEN_SECRET_SIZE = 53
};

/**
 * Keys and options, from which verifiers and minters are made.
 *
 * Verifiers and minters copy what they need. So one config may serve several of them, be changed
 * in between, and be freed as soon as they are made.
 */
typedef struct xtoken_config xtoken_config;

/**
 * Mints tokens. Many threads may mint with one minter at once, also after `fork`.
 */
typedef struct xtoken_minter xtoken_minter;

/**
 * Decides about tokens and remembers the spent ones in its ledger.
 *
 * Keep one verifier for the life of the server: with the ledger "memory:" it forgets the spent
 * tokens when it is freed. Many threads may verify with it at once. A token that several of them
 * present is accepted for exactly one.
 *
 * After `fork` both processes may use it. With the ledger "memory:" each remembers for itself from
 * then on, so a token can be accepted once in each.
 */
typedef struct xtoken_verifier xtoken_verifier;

/**
 * What a call returns: 0 for success, else one of the constants below.
 *
 * 1 to 99 say why a token was refused. From 100 on, the call itself failed. Treat a value that you
 * do not know as a refusal, since later versions may add some. A value is never reused.
 */
typedef int32_t xtoken_status;

enum {
    /** Success. From a function that verifies: the token is accepted, and now spent. */
    XTOKEN_OK = 0,
    /** Refused: the token has another shape, or a nonce of another length. */
    XTOKEN_MALFORMED = 1,
    /** Refused: not signed for this JID with one of the keys. */
    XTOKEN_BAD_SIGNATURE = 2,
    /** Refused: well signed, but too old or too new. */
    XTOKEN_EXPIRED = 3,
    /** Refused: accepted before. */
    XTOKEN_REPLAYED = 4,
    /** Reserved. No function returns it. */
    XTOKEN_THROTTLED = 5,
    /** Refused, though it may be valid: the ledger cannot tell whether the token was spent. */
    XTOKEN_UNAVAILABLE = 6,
    /** Refused: well signed, but undated, and the policy is `XTOKEN_NONCE_DATED`. */
    XTOKEN_UNDATED = 7,
    /** A pointer that must not be NULL is NULL. */
    XTOKEN_NULL_ARGUMENT = 100,
    /** A length is above `PTRDIFF_MAX`, such as a converted -1. */
    XTOKEN_INVALID_LENGTH = 101,
    /** The seed is not base32. */
    XTOKEN_INVALID_SEED = 102,
    /** The seed has fewer than 80 bits. */
    XTOKEN_SHORT_SEED = 103,
    /** The secret is empty. */
    XTOKEN_EMPTY_SECRET = 104,
    /** The config has no key. */
    XTOKEN_NO_KEY = 105,
    /** The length of the nonce is out of range. */
    XTOKEN_INVALID_NONCE_LENGTH = 106,
    /** The deviation is out of range. */
    XTOKEN_INVALID_DEVIATION = 107,
    /** The library has no ledger for this URL. */
    XTOKEN_INVALID_LEDGER = 108,
    /** No server would accept a token for this JID. */
    XTOKEN_INVALID_JID = 109,
    /** The result does not fit into the buffer. */
    XTOKEN_BUFFER_TOO_SMALL = 110,
    /** The operating system gave no random bytes. */
    XTOKEN_NO_RANDOM = 111,
    /** The library caught a mistake of its own. Please report it. */
    XTOKEN_INTERNAL_ERROR = 112,
    /** The id of a key is empty, too long, or not printable ASCII without spaces. */
    XTOKEN_INVALID_KEY_ID = 113,
    /** Another key of the config has this id. */
    XTOKEN_DUPLICATE_KEY_ID = 114,
    /** The key would be valid at no time: `not_before` is after `not_after`. */
    XTOKEN_INVALID_VALIDITY = 115,
    /** The nonce has another length than the config says, or is not all digits. */
    XTOKEN_INVALID_NONCE = 116,
    /** No nonce policy has this number. */
    XTOKEN_INVALID_NONCE_POLICY = 117,
    /** The nonce has fewer than 24 digits, too few for a date. */
    XTOKEN_SHORT_NONCE = 118,
    /** The time has more than 12 digits: it is not in seconds. */
    XTOKEN_INVALID_TIME = 119
};

/**
 * Which nonces a verifier accepts: one of the constants below.
 *
 * A dated nonce has 24 digits or more, and begins with 12 digits of the Unix time in seconds at
 * which the token was minted. A token is dated if its one-time password is that of the same time.
 * Whatever the policy, a dated token is accepted only in its own time window.
 */
typedef int32_t xtoken_nonce_policy;

enum {
    /** Nonces of the configured length, dated or not. */
    XTOKEN_NONCE_EXACT = 0,
    /** Dated nonces of the configured length. Undated ones are `XTOKEN_UNDATED`. */
    XTOKEN_NONCE_DATED = 1,
    /**
     * Nonces of any length, for a migration only: it lets a user log in to every account whose name
     * differs from theirs by leading digits. A token of 7alice is also one of alice.
     */
    XTOKEN_NONCE_REPORT = 2
};

/**
 * Returns the version of the library that runs, such as "1.2.3". `XTOKEN_VERSION` is the one that
 * your program was compiled for.
 *
 * Never returns NULL. The text is static. May be called from any thread.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE const char *xtoken_version(void);

/**
 * Returns the version of the library that runs as a number that can be compared: 0x010203 is
 * 1.2.3. `XTOKEN_VERSION_NUMBER` is the one that your program was compiled for.
 *
 * May be called from any thread.
 *
 * Since 0.2.
 */
XTOKEN_MUST_USE uint32_t xtoken_version_number(void);

/**
 * Returns a stable name for logs and metrics, such as "ok", "replayed" or "null-argument", and
 * "unknown" for a number that is no status.
 *
 * Never returns NULL. The text is static. May be called from any thread.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE const char *xtoken_status_name(xtoken_status status);

/**
 * Returns a sentence for the operator of the program: what is wrong, and what to do. Do not show
 * it to the client whose token was refused: tell it "not authorized" only.
 *
 * Never returns NULL. The text is static. Later versions may word it differently. May be called
 * from any thread.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE const char *xtoken_status_message(xtoken_status status);

/**
 * Makes a config without keys, with nonces of 32 digits, the policy `XTOKEN_NONCE_EXACT`, a
 * deviation of 1 step and the ledger "memory:". Free it with `xtoken_config_free`.
 *
 * Returns NULL only if the library caught a mistake of its own.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE xtoken_config *xtoken_config_new(void);

/**
 * Adds a key, which the web application and the server share. Copies both values.
 *
 * `otp_seed` is base32 (RFC 4648), in upper or lower case, padding optional, of 80 bits or more;
 * 160 bits are recommended. `token_secret` is any bytes, at least one, used as they are, not
 * decoded.
 *
 * A verifier accepts the tokens of every key, so that old and new ones work during a change of
 * keys. A minter uses the first key. The key is valid at all times. Its id is its position among
 * the keys, from "1".
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_INVALID_SEED`,
 * `XTOKEN_SHORT_SEED`, `XTOKEN_EMPTY_SECRET`, or `XTOKEN_DUPLICATE_KEY_ID` if a named key has that
 * id.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_config_add_key(xtoken_config *config,
                                    const char *otp_seed,
                                    size_t otp_seed_len,
                                    const uint8_t *token_secret,
                                    size_t token_secret_len);

/**
 * Adds a key as `xtoken_config_add_key` does, with an id and a validity, for keys that overlap
 * during a change.
 *
 * `id` names the key in texts and results: 1 to 64 printable ASCII characters without spaces,
 * unique in the config, not a secret.
 *
 * A verifier accepts tokens of this key only from `not_before` to `not_after`: Unix times in
 * seconds, both included. 0 and `UINT64_MAX` set no limit. A minter ignores them.
 *
 * Returns what `xtoken_config_add_key` returns, `XTOKEN_INVALID_KEY_ID`, or
 * `XTOKEN_INVALID_VALIDITY` if `not_before` is after `not_after`.
 *
 * Since 0.1.
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
 * Sets the number of digits of a nonce: 1 to 970, by default 32. Minter and verifier must agree.
 * The minters of the Lua implementation use 32. Minters date nonces of 24 digits or more.
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_NONCE_LENGTH`, or
 * `XTOKEN_SHORT_NONCE` for fewer than 24 digits with the policy `XTOKEN_NONCE_DATED`.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_config_set_nonce_length(xtoken_config *config,
                                             uint32_t digits);

/**
 * Sets which nonces a verifier accepts, by default `XTOKEN_NONCE_EXACT`. A minter ignores it.
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_NONCE_POLICY` for a number that is
 * no policy, or `XTOKEN_SHORT_NONCE` for `XTOKEN_NONCE_DATED` with nonces of fewer than 24 digits.
 *
 * Since 0.2.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_config_set_nonce_policy(xtoken_config *config,
                                             xtoken_nonce_policy policy);

/**
 * Sets how many steps of 30 seconds the clocks of minter and verifier may be apart: 0 to 10, by
 * default 1. A minter ignores it.
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_INVALID_DEVIATION`.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE xtoken_status xtoken_config_set_deviation(xtoken_config *config, uint32_t steps);

/**
 * Sets the ledger, which remembers the spent tokens. Copies the URL. A minter ignores it.
 *
 * - "memory:", the default: in the memory of each verifier. It is lost when the verifier is freed.
 * - "sqlite:PATH": in a file that the processes of this machine share. Verifying may wait up to
 *   250 ms for another process. A relative PATH counts from the working directory at this call; a
 *   later chdir changes nothing. PATH is no SQLite URI: "sqlite::memory:" and "sqlite:file:..."
 *   are refused. To name a file that begins with ":" or "file:", write "./" before it.
 * - "redis://[user][:password@]host[:port][/database]", "rediss://..." with TLS, or
 *   "redis+unix:///path": in a Redis or Valkey server that machines share. Verifying waits for the
 *   server for 2 seconds at most. After the server was started or emptied, tokens are
 *   `XTOKEN_UNAVAILABLE` for 60 to 90 seconds, because it may have forgotten some.
 *
 * The URL of a server may end with "?" and parameters, with "&" in between. Percent-encode a
 * character in a password or a parameter that has a meaning in a URL.
 *
 * - timeout=MILLISECONDS: the limit, 10 to 60000.
 * - prefix=TEXT: begins the names of all keys, "xtoken:" if left out.
 * - password_file=/PATH: a file with the password, in place of one in the URL. One line break at
 *   its end does not count.
 * - ca_file=/PATH, for "rediss:": certificates in PEM of the CAs that may have signed the one of
 *   the server.
 * - cert_file=/PATH and key_file=/PATH, for "rediss:": certificate and key in PEM, for a server
 *   that asks for one.
 *
 * These files are read at each connection. Others must not have permission to write them.
 *
 * A library can be built without the ledgers "sqlite:" and "redis:".
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH` or `XTOKEN_INVALID_LEDGER`,
 * about which `xtoken_ledger_url_message` says more.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_config_set_ledger(xtoken_config *config,
                                       const char *url,
                                       size_t url_len);

/**
 * Frees a config and wipes its keys. NULL is ignored.
 *
 * Since 0.1.
 */
void xtoken_config_free(xtoken_config *config);

/**
 * Returns what is wrong with the URL of a ledger, and what to do: a sentence for the operator of
 * the program. Call it when `xtoken_config_set_ledger` returned `XTOKEN_INVALID_LEDGER`, whose
 * message is the same for all URLs.
 *
 * `url` has `url_len` bytes, need not end with NUL, and is not kept. If it is NULL or too long,
 * the text is that for a ledger that does not exist.
 *
 * Returns NULL if `xtoken_config_set_ledger` would accept the URL. Opens nothing. The text is
 * static: do not free it. It shows no part of the URL. Later versions may word it differently.
 * May be called from any thread.
 *
 * Since 0.3.
 */
XTOKEN_MUST_USE const char *xtoken_ledger_url_message(const char *url, size_t url_len);

/**
 * Makes a verifier with all keys of `config`. Free it with `xtoken_verifier_free`.
 *
 * `*verifier` need not be initialised. After a failure it is NULL.
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_NO_KEY`, `XTOKEN_INVALID_LEDGER`, or
 * `XTOKEN_UNAVAILABLE` if `pthread_atfork` failed.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_verifier_new(const xtoken_config *config,
                                  xtoken_verifier **verifier);

/**
 * Accepts a token, once. Only `XTOKEN_OK` means that the user may log in.
 *
 * `jid` is the bare JID that the user claims, `user@host`, after SASLprep and nodeprep of the
 * user, so in lower case. `token` is what the client sent. `unix_time` is the present in seconds
 * since 1970, UTC, as `time(NULL)` returns it.
 *
 * Tell the client only whether it succeeded. The reason is for your log.
 *
 * Returns `XTOKEN_OK`; the reason of a refusal: `XTOKEN_MALFORMED`, `XTOKEN_BAD_SIGNATURE`,
 * `XTOKEN_EXPIRED`, `XTOKEN_REPLAYED`, `XTOKEN_UNAVAILABLE` or `XTOKEN_UNDATED`; or
 * `XTOKEN_NULL_ARGUMENT` or `XTOKEN_INVALID_LENGTH`.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_verifier_verify(const xtoken_verifier *verifier,
                                     const char *jid,
                                     size_t jid_len,
                                     const char *token,
                                     size_t token_len,
                                     uint64_t unix_time);

/**
 * Verifies as `xtoken_verifier_verify` does, and reports which key signed an accepted token and
 * how many steps the clock of the minter is off. Use it to see when an old key is no longer used.
 *
 * After `XTOKEN_OK`, `*key_id` is the id of the key, which the verifier owns: it is valid until
 * the verifier is freed. `*step_offset` is how many steps of 30 seconds the token is ahead of
 * `unix_time`, and negative if it is behind. After any other status both are unchanged. Each may
 * be NULL.
 *
 * Returns what `xtoken_verifier_verify` returns.
 *
 * Since 0.1.
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
 * Verifies as `xtoken_verifier_verify` does, and reports on the nonce of an accepted token. Use it
 * to see when `XTOKEN_NONCE_DATED` can be set, and how many seconds the clock of a minter is off.
 *
 * After `XTOKEN_OK`, `*key_id` is as for `xtoken_verifier_verify_detailed`, and `*nonce_length` is
 * the number of digits of the nonce. `*clock_skew` is how many seconds the date of the token is
 * ahead of `unix_time`, negative if it is behind, or `XTOKEN_NO_DATE` if the token is undated.
 * After any other status all are unchanged. Each may be NULL.
 *
 * Returns what `xtoken_verifier_verify` returns.
 *
 * Since 0.2.
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
 * Writes why a token is refused, or that it would be accepted, for a person. Spends nothing.
 *
 * The text has a line for each finding, the most important first: a stable name, ": " and a
 * sentence. "accepted: ..." means that the token would be accepted. Other names say why not:
 * "malformed", "nonce-length", "long-jid", "invalid-jid", "other-jid", "bad-signature",
 * "inactive-key", "mixed-keys", "undated", "clock", "unknown-otp", "replayed" and "unavailable";
 * or what the minter did in another way: "otp-zeros", "otp-padding", "otp-digits", "nonce-zeros",
 * "otp-hash", "otp-interval", "otp-milliseconds", "otp-seed", "otp-clock", "nonce-date",
 * "signature-hash", "no-hmac", "hmac-exchanged", "signature-secret" and "signed-text". Later
 * versions may add some. Do not show the text to the client.
 *
 * If `jid` is not as a server prepares it, the text has "invalid-jid" and never "accepted", even
 * if verifying would accept a token that was signed for it.
 *
 * `jid`, `token` and `unix_time` are as for `xtoken_verifier_verify`. `others` has lines, each
 * with a JID, or a host for the same user, that the token may have been signed for by mistake.
 * Only the first 256 are tried. `buffer` and `*length` are as for `xtoken_minter_mint`, but no
 * size is always enough: try 4096 bytes, or ask for the size.
 *
 * Takes some milliseconds, and waits for the ledger as verifying does. Hashes 13 MB at most,
 * beside what a few calls of `xtoken_verifier_verify` hash: about 50 ms, or three times as long
 * on a processor without instructions for SHA.
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH` or
 * `XTOKEN_BUFFER_TOO_SMALL`.
 *
 * Since 0.1.
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
 * Writes the last error of the ledger, for your log: why it could not answer. Writes an empty text
 * if the ledger answered the last time. The text can be empty after an `XTOKEN_UNAVAILABLE`, too:
 * a ledger that lost tokens answers, but refuses those that it may have known.
 *
 * The error is that of the ledger of this verifier, not of the calling thread: any thread may have
 * met it, and a later answer to any thread removes it. To log it beside a refusal, call this right
 * after.
 *
 * `buffer` and `*length` are as for `xtoken_minter_mint`. `XTOKEN_LAST_ERROR_SIZE_MAX` bytes are
 * always enough: a longer text is cut off.
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_BUFFER_TOO_SMALL`.
 *
 * Since 0.2.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_verifier_last_error(const xtoken_verifier *verifier,
                                         char *buffer,
                                         size_t *length);

/**
 * Returns how many bits the shortest seed of the verifier has. Below 128, tell the operator to use
 * a longer one. Returns 0 if `verifier` is NULL.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE size_t xtoken_verifier_seed_bits(const xtoken_verifier *verifier);

/**
 * Frees a verifier, wipes its keys and closes its ledger. NULL is ignored.
 *
 * Since 0.1.
 */
void xtoken_verifier_free(xtoken_verifier *verifier);

/**
 * Makes a minter with the first key of `config`. Free it with `xtoken_minter_free`.
 *
 * `*minter` need not be initialised. After a failure it is NULL.
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT` or `XTOKEN_NO_KEY`.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_minter_new(const xtoken_config *config,
                                xtoken_minter **minter);

/**
 * Writes a fresh token for a bare JID, and a NUL, into `buffer`.
 *
 * `jid` is `user@host` in UTF-8, after SASLprep and nodeprep of the user, so in lower case. Text
 * that is no such JID, such as `Alice@example.com`, `alice` or `a b@example.com`, is
 * `XTOKEN_INVALID_JID`. This does not find every spelling that a server never asks for.
 *
 * `unix_time` is the present in seconds since 1970, UTC: the token is valid around that time. If
 * the nonce has 24 digits or more, it begins with the time, so the token is dated.
 *
 * Before the call, `*length` is the size of `buffer` in bytes. After success it is the length of
 * the token without the NUL. If the buffer is too small, nothing is written, and `*length` becomes
 * the size that is needed, with the NUL. To ask only for the size, pass NULL for `buffer` and a
 * `*length` of 0. `XTOKEN_TOKEN_SIZE_MAX` bytes are always enough.
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_INVALID_LENGTH`, `XTOKEN_BUFFER_TOO_SMALL`,
 * `XTOKEN_INVALID_JID`, `XTOKEN_NO_RANDOM`, or `XTOKEN_INVALID_TIME` for a time of more than 12
 * digits, such as milliseconds.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_minter_mint(const xtoken_minter *minter,
                                 const char *jid,
                                 size_t jid_len,
                                 uint64_t unix_time,
                                 char *buffer,
                                 size_t *length);

/**
 * Mints as `xtoken_minter_mint` does, with a given nonce, for tests. The nonce has as many decimal
 * digits as the config says.
 *
 * Do not use it in an application: the same nonce for the same JID within the same 30 seconds
 * makes the same token, which is refused the second time.
 *
 * Returns what `xtoken_minter_mint` returns, or `XTOKEN_INVALID_NONCE`.
 *
 * Since 0.1.
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
 * Frees a minter and wipes its key. NULL is ignored.
 *
 * Since 0.1.
 */
void xtoken_minter_free(xtoken_minter *minter);

/**
 * Writes a fresh `otp_seed` of 160 bits and a fresh `token_secret` of 256 bits, both as base32
 * text and a NUL. They consist of letters and digits, and are for the configuration of the web
 * application and of the server. Wipe the buffers after use.
 *
 * `otp_seed_size` is at least `XTOKEN_OTP_SEED_SIZE` bytes, `token_secret_size` at least
 * `XTOKEN_TOKEN_SECRET_SIZE`.
 *
 * Returns `XTOKEN_OK`, `XTOKEN_NULL_ARGUMENT`, `XTOKEN_BUFFER_TOO_SMALL` or `XTOKEN_NO_RANDOM`.
 * May be called from any thread.
 *
 * Since 0.1.
 */
XTOKEN_MUST_USE
xtoken_status xtoken_generate_key(char *otp_seed,
                                  size_t otp_seed_size,
                                  char *token_secret,
                                  size_t token_secret_size);

#ifdef __cplusplus
}
#endif

#endif
