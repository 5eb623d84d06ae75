/*
 * Identification and the brakes on guessing.
 *
 * A bearer token is looked at first; a request that shows one is never taken for a browser's, so
 * the rule about X-Requested-With (a change made with a cookie must carry it) cannot be dodged and
 * cannot get in a program's way. Secrets are 256 bits of randomness and stored as hashes only, so
 * looking them up needs no brake; passwords do.
 *
 * Argon2id (RFC 9106) costs tens of megabytes and tens of milliseconds on purpose. Two run at once,
 * four wait, further tries are told to come back, so a storm of sign-ins cannot take the memory or
 * all workers. An unknown name is compared with a hash made at start: telling whether a name
 * exists by the time of the answer would otherwise be easy.
 */
#include "serve/auth.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/random.h"
#include "serve/query.h"

enum { SEEN_EVERY_S = 60, ACCOUNT_KEY_BYTES = 64 };

int auth_init(struct auth *auth, struct err *err) {
    memset(auth, 0, sizeof *auth);
    mutex_init(&auth->mutex);
    cond_init(&auth->changed);
    auth->logins = rate_new(LOGINS_PER_MINUTE / 60.0, LOGINS_PER_MINUTE);
    auth->accounts = rate_new((double)ACCOUNT_TRIES / ACCOUNT_TRIES_S, ACCOUNT_TRIES);
    auth->anywhere = rate_new((double)ACCOUNT_TRIES_ALL / ACCOUNT_TRIES_S, ACCOUNT_TRIES_ALL);
    auth->codes = rate_new((double)CODE_TRIES / ACCOUNT_TRIES_S, CODE_TRIES);
    auth->denials = rate_new(LOGINS_PER_MINUTE / 60.0, LOGINS_PER_MINUTE);
    struct random random;
    random_seed_system(&random);
    char nobody[40];
    uuid_v7(&random, 0, nobody);
    return password_hash(str_of(nobody), auth->dummy_hash, err);
}

void auth_fini(struct auth *auth) {
    rate_free(auth->logins);
    rate_free(auth->accounts);
    rate_free(auth->anywhere);
    rate_free(auth->codes);
    rate_free(auth->denials);
    cond_fini(&auth->changed);
    mutex_fini(&auth->mutex);
}

struct find_request {
    struct str secret;
    bool is_session;
    struct str plant;
    struct principal *principal;
};

static int find_principal(struct ledger_tx *tx, void *context, struct err *err) {
    struct find_request *request = context;
    return request->is_session
               ? session_find(tx, request->secret, request->plant, request->principal, err)
               : token_find(tx, request->secret, request->plant, request->principal, err);
}

int auth_check(struct ledger *hub, const struct auth_secret *secret, struct str plant,
    struct principal *ret_principal, struct err *err) {
    struct find_request request = {secret->secret, secret->is_session, plant, ret_principal};
    int rc = ledger_read(hub, find_principal, &request, err);
    if (rc == -ERR_UNAUTHENTICATED || rc == -ERR_NOT_FOUND || rc == -ERR_FORBIDDEN) {
        return 0;
    }
    return rc < 0 ? rc : 1;
}

int auth_identify(struct ledger *hub, const struct http_exchange *exchange, struct str plant,
    struct auth_result *ret_result, struct err *err) {
    memset(ret_result, 0, sizeof *ret_result);
    struct str authorization = str_trim(http_header(exchange, "Authorization"));
    struct str secret = STR_NONE;
    if (authorization.size > 0) {
        struct str rest = authorization;
        struct str scheme = str_cut(&rest, ' ');
        if (str_eq_nocase(scheme, STR("Bearer")) && rest.data) {
            secret = str_trim(rest);
        }
        ret_result->presented = true;
    } else {
        secret = cookie_find(http_header(exchange, "Cookie"), STR(SESSION_COOKIE));
        ret_result->by_cookie = secret.size > 0;
        ret_result->presented = secret.size > 0;
    }
    if (secret.size == 0 || secret.size >= 2 * SECRET_TEXT_MAX) {
        return 0;
    }
    ret_result->secret = secret;
    struct auth_secret shown = {secret, ret_result->by_cookie};
    return auth_check(hub, &shown, plant, &ret_result->principal, err);
}

/* ::ffff:a.b.c.d, as a listener of both families shows it. */
static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const struct http_address *address) {
    return memcmp(address->bytes, MAPPED, sizeof MAPPED) == 0;
}

void auth_address_text(const struct http_address *address, char to[ADDRESS_TEXT_BYTES]) {
    bool v4 = is_v4(address);
    if (inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? sizeof MAPPED : 0), to,
            ADDRESS_TEXT_BYTES) == NULL) {
        to[0] = '\0';
    }
}

struct seeing {
    const struct principal *principal;
    struct str address;
};

static int enter_seen(struct ledger_tx *tx, void *context, struct err *err) {
    const struct seeing *seeing = context;
    return principal_seen(tx, seeing->principal, seeing->address, err);
}

void auth_seen(struct ledger *hub, const struct principal *principal,
    const struct http_address *address, int64_t now_ns) {
    if (now_ns - principal->seen_ns < SEEN_EVERY_S * NS_PER_S && now_ns >= principal->seen_ns) {
        return;
    }
    char text[ADDRESS_TEXT_BYTES];
    auth_address_text(address, text);
    struct seeing seeing = {principal, str_of(text)};
    struct err err = ERR_INIT;
    (void)ledger_write(hub, enter_seen, &seeing, &err); // A request must not fail for this.
}

static int gate_enter(struct auth *auth, struct err *err) {
    mutex_lock(&auth->mutex);
    if (auth->running == PASSWORDS_AT_ONCE && auth->waiting == PASSWORDS_WAITING) {
        mutex_unlock(&auth->mutex);
        return err_set(err, ERR_BUSY, MSG_SERVE_LOGIN_BUSY, NO_ARGS);
    }
    auth->waiting++;
    while (auth->running == PASSWORDS_AT_ONCE) {
        (void)cond_wait_until(&auth->changed, &auth->mutex, INT64_MAX);
    }
    auth->waiting--;
    auth->running++;
    mutex_unlock(&auth->mutex);
    return 0;
}

static void gate_leave(struct auth *auth) {
    mutex_lock(&auth->mutex);
    auth->running--;
    cond_signal(&auth->changed);
    mutex_unlock(&auth->mutex);
}

int auth_password_hash(
    struct auth *auth, struct str password, char ret_hash[PASSWORD_HASH_MAX], struct err *err) {
    int rc = gate_enter(auth, err);
    if (rc >= 0) {
        rc = password_hash(password, ret_hash, err);
        gate_leave(auth);
    }
    return rc;
}

int auth_password_matches(
    struct auth *auth, const char *hash, struct str password, struct err *err) {
    int rc = gate_enter(auth, err);
    if (rc < 0) {
        return rc;
    }
    bool same = password_matches(hash ? hash : auth->dummy_hash, password);
    gate_leave(auth);
    return hash && same ? 1 : 0;
}

struct str auth_network(const struct http_address *address) {
    const char *bytes = (const char *)address->bytes;
    return (struct str){bytes, is_v4(address) ? sizeof address->bytes : 8};
}

int auth_login_try(struct auth *auth, const struct http_address *address, int64_t now_mono_ns,
    uint32_t *ret_wait_s, struct err *err) {
    struct str network = auth_network(address);
    if (!rate_take(auth->logins, network.data, network.size, now_mono_ns, ret_wait_s)) {
        return err_set(err, ERR_LIMIT, MSG_SERVE_LOGIN_RATE, ARGS(A_INT(*ret_wait_s)));
    }
    return 0;
}

/* The login and behind it the network. */
struct account_key {
    char bytes[ACCOUNT_KEY_BYTES + sizeof((struct http_address *)0)->bytes];
    size_t login_size;
    size_t size;
};

/* Capitals are folded as the hub folds them, or they would be other buckets of one account. */
static void account_key(
    struct str login, const struct http_address *address, struct account_key *ret_key) {
    size_t size = login.size < ACCOUNT_KEY_BYTES - 1 ? login.size : ACCOUNT_KEY_BYTES - 1;
    for (size_t i = 0; i < size; i++) {
        char c = login.data[i];
        ret_key->bytes[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    struct str network = auth_network(address);
    ret_key->bytes[size] = '\0';
    memcpy(ret_key->bytes + size + 1, network.data, network.size);
    ret_key->login_size = size;
    ret_key->size = size + 1 + network.size;
}

int auth_account_try(struct auth *auth, struct str login, const struct http_address *address,
    int64_t now_mono_ns, uint32_t *ret_wait_s, struct err *err) {
    struct account_key key;
    account_key(login, address, &key);
    bool good = rate_take(auth->accounts, key.bytes, key.size, now_mono_ns, ret_wait_s);
    if (good && !rate_take(auth->anywhere, key.bytes, key.login_size, now_mono_ns, ret_wait_s)) {
        rate_give(auth->accounts, key.bytes, key.size, now_mono_ns);
        good = false;
    }
    return good ? 0 : err_set(err, ERR_LIMIT, MSG_SERVE_LOGIN_LOCKED, ARGS(A_INT(*ret_wait_s)));
}

void auth_account_forgive(
    struct auth *auth, struct str login, const struct http_address *address, int64_t now_mono_ns) {
    struct account_key key;
    account_key(login, address, &key);
    rate_give(auth->accounts, key.bytes, key.size, now_mono_ns);
    rate_give(auth->anywhere, key.bytes, key.login_size, now_mono_ns);
}

int auth_code_try(struct auth *auth, struct str user_id, int64_t now_mono_ns, uint32_t *ret_wait_s,
    struct err *err) {
    if (!rate_take(auth->codes, user_id.data, user_id.size, now_mono_ns, ret_wait_s)) {
        return err_set(err, ERR_LIMIT, MSG_SERVE_LOGIN_LOCKED, ARGS(A_INT(*ret_wait_s)));
    }
    return 0;
}

void auth_code_forgive(struct auth *auth, struct str user_id, int64_t now_mono_ns) {
    rate_give(auth->codes, user_id.data, user_id.size, now_mono_ns);
}

/* ---- Rules for new names and passwords ---- */

static bool is_login_char(char c, bool first) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    return plain || (!first && (c == '.' || c == '_' || c == '-'));
}

int auth_login_check(struct str login, struct err *err) {
    bool good = login.size >= LOGIN_MIN && login.size <= LOGIN_MAX;
    for (size_t i = 0; i < login.size && good; i++) {
        good = is_login_char(login.data[i], i == 0);
    }
    if (!good) {
        return err_set(
            err, ERR_INVALID, MSG_SERVE_LOGIN_FORM, ARGS(A_STR(login), A_INT(LOGIN_MAX)));
    }
    return 0;
}

/* The character at *at, moving on; a byte that begins none counts as one. */
static struct str next_char(struct str text, size_t *at) {
    size_t size = str_utf8_length(text, *at);
    struct str one = str_slice(text, *at, *at + (size > 0 ? size : 1));
    *at += one.size;
    return one;
}

static bool contains(struct str text, struct str what) {
    for (size_t i = 0; what.size > 0 && i + what.size <= text.size; i++) {
        if (str_eq_nocase(str_slice(text, i, i + what.size), what)) {
            return true;
        }
    }
    return false;
}

int auth_password_check(struct str login, struct str password, struct err *err) {
    struct str different[PASSWORD_VARIED_MIN];
    size_t different_count = 0;
    size_t count = 0;
    for (size_t at = 0; at < password.size; count++) {
        struct str one = next_char(password, &at);
        size_t i = 0;
        while (i < different_count && !str_eq_nocase(different[i], one)) {
            i++;
        }
        if (i == different_count && different_count < PASSWORD_VARIED_MIN) {
            different[different_count++] = one;
        }
    }
    if (count < PASSWORD_MIN) {
        return err_set(
            err, ERR_INVALID, MSG_SERVE_PASSWORD_SHORT, ARGS(A_INT(count), A_INT(PASSWORD_MIN)));
    }
    if (contains(password, login)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_PASSWORD_LOGIN, NO_ARGS);
    }
    if (different_count < PASSWORD_VARIED_MIN) {
        return err_set(
            err, ERR_INVALID, MSG_SERVE_PASSWORD_VARIED, ARGS(A_INT(PASSWORD_VARIED_MIN)));
    }
    return 0;
}
