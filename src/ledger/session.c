/*
 * Sessions and tokens: who asks.
 *
 * Every request looks one of them up, so both are found by the primary key or a unique index on the
 * hash of the secret, in one statement on a read connection. The stored hash is compared once more
 * in constant time, so that nothing rests on how the index compares.
 *
 * A user who was disabled, or whose role changed, is so at the next request: a session holds no
 * rights of its own. Sessions that have ended are removed when the next one begins.
 */
#include <string.h>

#include "core/limits.h"
#include "ledger/db.h"
#include "ledger/input.h"
#include "ledger/secret.h"

static const uint32_t ALL_SCOPES = SCOPE_READ | SCOPE_WRITE | SCOPE_SQL;

static int remove_ended_sessions(struct ledger_tx *tx, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "DELETE FROM sessions WHERE expires_ns <= ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, ledger_now_ns(tx));
    return ledger_step(stmt, err);
}

int session_new(struct ledger_tx *tx, struct str user_id, int64_t lifetime_ns,
    char ret_secret[SECRET_TEXT_MAX], struct err *err) {
    int result = input_lifetime(lifetime_ns, err);
    result = result < 0 ? result : remove_ended_sessions(tx, err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO sessions (hash, user_id, created_ns, expires_ns) VALUES (?1, ?2, ?3, ?4)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    char secret[SECRET_TEXT_MAX];
    uint8_t hash[HASH_BYTES];
    secret_new("", secret);
    secret_hash("session", str_of(secret), hash);
    int64_t now_ns = ledger_now_ns(tx);
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_str(stmt, 2, user_id);
    ledger_bind_i64(stmt, 3, now_ns);
    ledger_bind_i64(stmt, 4, now_ns + lifetime_ns);
    result = ledger_step(stmt, err);
    if (result == 0) {
        memcpy(ret_secret, secret, sizeof secret);
    }
    return result;
}

/* Runs a look-up by hash and time whose columns are hash, id, name, display, role, scopes, end. */
static int principal_find(struct ledger_tx *tx, const char *sql, const uint8_t hash[HASH_BYTES],
    struct principal *ret_principal, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, sql, &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    uint8_t stored[HASH_BYTES];
    struct principal found = {0};
    if (result != 1) {
        return result;
    }
    if (!db_column_bytes(stmt, 0, stored, HASH_BYTES) || !hash_equal(hash, stored) ||
        !role_of_name(ledger_column_str(stmt, 4), &found.role)) {
        return 0;
    }
    (void)str_copy_z(ledger_column_str(stmt, 1), found.id, sizeof found.id);     // 36 letters.
    (void)str_copy_z(ledger_column_str(stmt, 2), found.name, sizeof found.name); // May be cut.
    (void)str_copy_z(ledger_column_str(stmt, 3), found.display, sizeof found.display); // Fits.
    found.scopes = (uint32_t)ledger_column_i64(stmt, 5) & ALL_SCOPES;
    found.expires_ns = ledger_column_i64(stmt, 6);
    *ret_principal = found;
    return 1;
}

int session_find(
    struct ledger_tx *tx, struct str secret, struct principal *ret_principal, struct err *err) {
    uint8_t hash[HASH_BYTES];
    secret_hash("session", secret, hash);
    int result = principal_find(tx,
        "SELECT s.hash, u.id, u.login, u.display, u.role, 7, s.expires_ns"
        " FROM sessions s JOIN users u ON u.id = s.user_id"
        " WHERE s.hash = ?1 AND s.expires_ns > ?2 AND u.disabled = 0",
        hash, ret_principal, err);
    if (result == 0) {
        return err_set(err, ERR_UNAUTHENTICATED, MSG_LEDGER_SESSION_ENDED, NO_ARGS);
    }
    if (result == 1) {
        ret_principal->is_session = true;
        result = 0;
    }
    return result;
}

int session_end(struct ledger_tx *tx, struct str secret, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "DELETE FROM sessions WHERE hash = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    uint8_t hash[HASH_BYTES];
    secret_hash("session", secret, hash);
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    return ledger_step(stmt, err);
}

static int token_check(
    struct str label, enum role role, uint32_t scopes, int64_t lifetime_ns, struct err *err) {
    if (role < ROLE_VIEWER || role > ROLE_OWNER) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_ROLE_MISSING, NO_ARGS);
    }
    if (scopes == 0 || (scopes & ~ALL_SCOPES) != 0) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_SCOPES_BAD, NO_ARGS);
    }
    int result = lifetime_ns == 0 ? 0 : input_lifetime(lifetime_ns, err);
    return result < 0 ? result : input_text("label", label, LIMIT_DISPLAY_BYTES, err);
}

int token_new(struct ledger_tx *tx, struct str label, enum role role, uint32_t scopes,
    int64_t lifetime_ns, char ret_secret[SECRET_TEXT_MAX], struct err *err) {
    int result = token_check(label, role, scopes, lifetime_ns, err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO tokens (id, hash, label, role, scopes, created_ns, expires_ns)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    char id[40];
    char secret[SECRET_TEXT_MAX];
    uint8_t hash[HASH_BYTES];
    id_new(ledger_now_ns(tx), id);
    secret_new("maru_", secret);
    secret_hash("token", str_of(secret), hash);
    int64_t now_ns = ledger_now_ns(tx);
    ledger_bind_str(stmt, 1, str_of(id));
    ledger_bind_blob(stmt, 2, hash, HASH_BYTES);
    ledger_bind_str(stmt, 3, label);
    ledger_bind_str(stmt, 4, str_of(role_name(role)));
    ledger_bind_i64(stmt, 5, scopes);
    ledger_bind_i64(stmt, 6, now_ns);
    if (lifetime_ns > 0) {
        ledger_bind_i64(stmt, 7, now_ns + lifetime_ns);
    }
    result = ledger_step(stmt, err);
    if (result == 0) {
        memcpy(ret_secret, secret, sizeof secret);
    }
    return result;
}

int token_find(
    struct ledger_tx *tx, struct str secret, struct principal *ret_principal, struct err *err) {
    uint8_t hash[HASH_BYTES];
    secret_hash("token", secret, hash);
    int result = principal_find(tx,
        "SELECT hash, id, label, label, role, scopes, coalesce(expires_ns, 9223372036854775807)"
        " FROM tokens WHERE hash = ?1 AND coalesce(expires_ns, 9223372036854775807) > ?2",
        hash, ret_principal, err);
    if (result == 0) {
        return err_set(err, ERR_UNAUTHENTICATED, MSG_LEDGER_TOKEN_UNKNOWN, NO_ARGS);
    }
    return result < 0 ? result : 0;
}

int token_each(struct ledger_tx *tx,
    int (*each)(void *context, const struct token_facts *token, struct err *err), void *context,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT id, label, role, scopes, created_ns, coalesce(expires_ns, 0) FROM tokens"
        " WHERE coalesce(expires_ns, 9223372036854775807) > ?1 ORDER BY id",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, ledger_now_ns(tx));
    while (result >= 0 && (result = ledger_step(stmt, err)) == 1) {
        struct token_facts token = {.id = ledger_column_str(stmt, 0),
            .label = ledger_column_str(stmt, 1),
            .role = ledger_column_str(stmt, 2),
            .scopes = (uint32_t)ledger_column_i64(stmt, 3),
            .created_ns = ledger_column_i64(stmt, 4),
            .expires_ns = ledger_column_i64(stmt, 5)};
        result = each(context, &token, err);
    }
    return result;
}

int token_revoke(struct ledger_tx *tx, struct str id, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "DELETE FROM tokens WHERE id = ?1", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, id);
    result = ledger_step(stmt, err);
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_TOKEN_ID, ARGS(A_STR(id)));
    }
    return result;
}
