#ifndef SERVE_AUTH_H
#define SERVE_AUTH_H
/*
 * Who asks, and the brakes on guessing: identification by session cookie or bearer token, the
 * limits on sign-in tries, and the gate that keeps Argon2 within two runs' memory at once.
 */
#include "core/thread.h"
#include "ledger/ledger.h"
#include "serve/http.h"
#include "serve/rate.h"

enum {
    LOGINS_PER_MINUTE = 10, // A client's network; then 429.
    ACCOUNT_TRIES = 10, // Wrong ones of an account from one network in ACCOUNT_TRIES_S; then 429.
    ACCOUNT_TRIES_ALL = 100, // The same from everywhere.
    ACCOUNT_TRIES_S = 900,
    CODE_TRIES = 10,       // Wrong codes of a second factor, of a person, in ACCOUNT_TRIES_S.
    PASSWORDS_AT_ONCE = 2, // Argon2id takes its memory (64 MB or so) in each.
    PASSWORDS_WAITING = 4, // Further ones are told to come back: 503.
    SESSION_LIFETIME_S = 7 * 86400, // A shift tablet signs in once a week.
};

#define SESSION_COOKIE "maru_session"
#define LINK_SETUP     "setup" // Purposes of one-time links (hub_link_new).
#define LINK_RESET     "reset" // Sets an owner's password anew: maru owner HOME --reset.
#define LINK_SIGNIN    "signin"

struct auth {
    struct rate_table *logins;
    struct rate_table *accounts; // Wrong tries, by login name and network.
    struct rate_table *anywhere; // The same by login name alone.
    struct rate_table *codes;    // Wrong codes, by user: only who knows the password gets here.
    struct rate_table *denials;  // Audited refusals, by principal.
    struct mutex mutex;          // Of the two below.
    struct cond changed;
    uint32_t running;
    uint32_t waiting;
    char dummy_hash[PASSWORD_HASH_MAX]; // Compared for unknown users, so that they cost the same.
};

int auth_init(struct auth *auth, struct err *err);
void auth_fini(struct auth *auth);

/* Finds the caller. 1: known; 0: nobody, or a secret that is not valid (any more); negative: the
 * ledger failed. *ret_secret is borrowed from the request. */
struct auth_result {
    struct principal principal;
    struct str secret;
    bool by_cookie;
    bool presented; // A secret was sent, valid or not.
};
/* `plant`: the one the request is about, for the role in it; empty: none. */
int auth_identify(struct ledger *hub, const struct http_exchange *exchange, struct str plant,
    struct auth_result *ret_result, struct err *err);
/* The same for a secret that was kept (a stream asks again from time to time). */
struct auth_secret {
    struct str secret;
    bool is_session;
};
int auth_check(struct ledger *hub, const struct auth_secret *secret, struct str plant,
    struct principal *ret_principal, struct err *err);
/* Enters that the caller was seen, at most once a minute; what fails is left for the next time. */
void auth_seen(struct ledger *hub, const struct principal *principal,
    const struct http_address *address, int64_t now_ns);
/* "192.0.2.7" or "2001:db8::1". */
enum { ADDRESS_TEXT_BYTES = 48 };
void auth_address_text(const struct http_address *address, char to[ADDRESS_TEXT_BYTES]);

/* What a new person's login name and password must be like; the pages show the same rules. */
enum { LOGIN_MIN = 2, LOGIN_MAX = 32, PASSWORD_MIN = 10, PASSWORD_VARIED_MIN = 5 };
int auth_login_check(struct str login, struct err *err);
int auth_password_check(struct str login, struct str password, struct err *err);

/* Runs Argon2id within the gate. ERR_BUSY when too many wait. */
int auth_password_hash(
    struct auth *auth, struct str password, char ret_hash[PASSWORD_HASH_MAX], struct err *err);
/* 1: matches, 0: not; `hash` NULL: an unknown user, never matches. */
int auth_password_matches(
    struct auth *auth, const char *hash, struct str password, struct err *err);
/* What of an address stands for a client: all of IPv4, the /64 of IPv6, within which one client
 * chooses as it likes (RFC 4291 section 2.5.1). Borrowed. */
struct str auth_network(const struct http_address *address);
/* One more try from this network. ERR_LIMIT with the wait in words and *ret_wait_s. */
int auth_login_try(struct auth *auth, const struct http_address *address, int64_t now_mono_ns,
    uint32_t *ret_wait_s, struct err *err);
/* One more try for this account, existing or not, from this network. ERR_LIMIT as above. Somebody
 * who tries from one network shuts nobody elsewhere out; many networks together are stopped by the
 * higher count of the account. */
int auth_account_try(struct auth *auth, struct str login, const struct http_address *address,
    int64_t now_mono_ns, uint32_t *ret_wait_s, struct err *err);
/* The try was right: it does not count. */
void auth_account_forgive(
    struct auth *auth, struct str login, const struct http_address *address, int64_t now_mono_ns);
/* The same for a code of a person's second factor, wherever it comes from. */
int auth_code_try(struct auth *auth, struct str user_id, int64_t now_mono_ns, uint32_t *ret_wait_s,
    struct err *err);
void auth_code_forgive(struct auth *auth, struct str user_id, int64_t now_mono_ns);

#endif
