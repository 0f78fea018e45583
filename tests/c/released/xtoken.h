/* The declarations of xtoken.h 0.2.0, the first release, without its comments. Programs were
 * compiled with them, and today's library must run those. So this file changes only when SOVERSION
 * grows: then the declarations of that release replace it. */
#ifndef XTOKEN_H
#define XTOKEN_H

#include <stddef.h>
#include <stdint.h>

#define XTOKEN_VERSION_MAJOR 0
#define XTOKEN_VERSION_MINOR 2
#define XTOKEN_VERSION_PATCH 0
#define XTOKEN_VERSION "0.2.0"
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
    XTOKEN_NO_DATE = 2147483647
};

enum {
    XTOKEN_LAST_ERROR_SIZE_MAX = 4096,
    XTOKEN_TOKEN_SIZE_MAX = 1024,
    XTOKEN_OTP_SEED_SIZE = 33,
    XTOKEN_TOKEN_SECRET_SIZE = 53
};

typedef struct xtoken_config xtoken_config;

typedef struct xtoken_minter xtoken_minter;

typedef struct xtoken_verifier xtoken_verifier;

typedef int32_t xtoken_status;

enum {
    XTOKEN_OK = 0,
    XTOKEN_MALFORMED = 1,
    XTOKEN_BAD_SIGNATURE = 2,
    XTOKEN_EXPIRED = 3,
    XTOKEN_REPLAYED = 4,
    XTOKEN_THROTTLED = 5,
    XTOKEN_UNAVAILABLE = 6,
    XTOKEN_UNDATED = 7,
    XTOKEN_NULL_ARGUMENT = 100,
    XTOKEN_INVALID_LENGTH = 101,
    XTOKEN_INVALID_SEED = 102,
    XTOKEN_SHORT_SEED = 103,
    XTOKEN_EMPTY_SECRET = 104,
    XTOKEN_NO_KEY = 105,
    XTOKEN_INVALID_NONCE_LENGTH = 106,
    XTOKEN_INVALID_DEVIATION = 107,
    XTOKEN_INVALID_LEDGER = 108,
    XTOKEN_INVALID_JID = 109,
    XTOKEN_BUFFER_TOO_SMALL = 110,
    XTOKEN_NO_RANDOM = 111,
    XTOKEN_INTERNAL_ERROR = 112,
    XTOKEN_INVALID_KEY_ID = 113,
    XTOKEN_DUPLICATE_KEY_ID = 114,
    XTOKEN_INVALID_VALIDITY = 115,
    XTOKEN_INVALID_NONCE = 116,
    XTOKEN_INVALID_NONCE_POLICY = 117,
    XTOKEN_SHORT_NONCE = 118,
    XTOKEN_INVALID_TIME = 119
};

typedef int32_t xtoken_nonce_policy;

enum {
    XTOKEN_NONCE_EXACT = 0,
    XTOKEN_NONCE_DATED = 1,
    XTOKEN_NONCE_REPORT = 2
};

XTOKEN_MUST_USE const char *xtoken_version(void);

XTOKEN_MUST_USE uint32_t xtoken_version_number(void);

XTOKEN_MUST_USE const char *xtoken_status_name(xtoken_status status);

XTOKEN_MUST_USE const char *xtoken_status_message(xtoken_status status);

XTOKEN_MUST_USE xtoken_config *xtoken_config_new(void);

XTOKEN_MUST_USE
xtoken_status xtoken_config_add_key(xtoken_config *config,
                                    const char *otp_seed,
                                    size_t otp_seed_len,
                                    const uint8_t *token_secret,
                                    size_t token_secret_len);

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

XTOKEN_MUST_USE
xtoken_status xtoken_config_set_nonce_length(xtoken_config *config,
                                             uint32_t digits);

XTOKEN_MUST_USE
xtoken_status xtoken_config_set_nonce_policy(xtoken_config *config,
                                             xtoken_nonce_policy policy);

XTOKEN_MUST_USE xtoken_status xtoken_config_set_deviation(xtoken_config *config, uint32_t steps);

XTOKEN_MUST_USE
xtoken_status xtoken_config_set_ledger(xtoken_config *config,
                                       const char *url,
                                       size_t url_len);

void xtoken_config_free(xtoken_config *config);

XTOKEN_MUST_USE
xtoken_status xtoken_verifier_new(const xtoken_config *config,
                                  xtoken_verifier **verifier);

XTOKEN_MUST_USE
xtoken_status xtoken_verifier_verify(const xtoken_verifier *verifier,
                                     const char *jid,
                                     size_t jid_len,
                                     const char *token,
                                     size_t token_len,
                                     uint64_t unix_time);

XTOKEN_MUST_USE
xtoken_status xtoken_verifier_verify_detailed(const xtoken_verifier *verifier,
                                              const char *jid,
                                              size_t jid_len,
                                              const char *token,
                                              size_t token_len,
                                              uint64_t unix_time,
                                              const char **key_id,
                                              int32_t *step_offset);

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

XTOKEN_MUST_USE
xtoken_status xtoken_verifier_last_error(const xtoken_verifier *verifier,
                                         char *buffer,
                                         size_t *length);

XTOKEN_MUST_USE size_t xtoken_verifier_seed_bits(const xtoken_verifier *verifier);

void xtoken_verifier_free(xtoken_verifier *verifier);

XTOKEN_MUST_USE
xtoken_status xtoken_minter_new(const xtoken_config *config,
                                xtoken_minter **minter);

XTOKEN_MUST_USE
xtoken_status xtoken_minter_mint(const xtoken_minter *minter,
                                 const char *jid,
                                 size_t jid_len,
                                 uint64_t unix_time,
                                 char *buffer,
                                 size_t *length);

XTOKEN_MUST_USE
xtoken_status xtoken_minter_mint_with_nonce(const xtoken_minter *minter,
                                            const char *jid,
                                            size_t jid_len,
                                            uint64_t unix_time,
                                            const char *nonce,
                                            size_t nonce_len,
                                            char *buffer,
                                            size_t *length);

void xtoken_minter_free(xtoken_minter *minter);

XTOKEN_MUST_USE
xtoken_status xtoken_generate_key(char *otp_seed,
                                  size_t otp_seed_size,
                                  char *token_secret,
                                  size_t token_secret_size);

#ifdef __cplusplus
}
#endif

#endif
