/*
 * Sessions, and finding who asks by a session or a token.
 *
 * Every request looks one of them up, so both are found by the primary key or a unique index on the
 * hash of the secret, in one statement on a read connection. The stored hash is compared once more
 * in constant time, so that nothing rests on how the index compares.
 *
 * A user who was disabled, or whose role in a plant changed, is so at the next request: a session
 * holds no rights of its own, it is joined with the access to the plant that is asked about.
 * A token ends with its maker: it answers to nobody while that person may not sign in.
 * Sessions that have ended are removed when the next one begins.
 */
#include <string.h>

#include "core/limits.h"
#include "ledger/input.h"
#include "ledger/people.h"
#include "ledger/run.h"
#include "ledger/secret.h"

enum { ADDRESS_MAX = 64, AGENT_MAX = 120 }; // As the schema has it.

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

/* What a client says of itself, as far as it can be shown: printable ASCII, cut. */
static struct str plain(struct str text, char *to, size_t max) {
    size_t size = text.size < max ? text.size : max;
    for (size_t i = 0; i < size; i++) {
        to[i] = text.data[i] >= 0x20 && text.data[i] < 0x7f ? text.data[i] : '?';
    }
    return (struct str){to, size};
}

int session_new(struct ledger_tx *tx, const struct session_wish *wish,
    char ret_secret[SECRET_TEXT_MAX], struct err *err) {
    int result = input_lifetime(wish->lifetime_ns, err);
    result = result < 0 ? result : remove_ended_sessions(tx, err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO sessions (hash, id, user_id, created_ns, expires_ns, seen_ns, address,"
            " agent) VALUES (?1, ?2, ?3, ?4, ?5, ?4, ?6, ?7)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    char secret[SECRET_TEXT_MAX];
    char id[40];
    char address[ADDRESS_MAX];
    char agent[AGENT_MAX];
    uint8_t hash[HASH_BYTES];
    int64_t now_ns = ledger_now_ns(tx);
    secret_new("", secret);
    secret_hash("session", str_of(secret), hash);
    id_new(now_ns, id);
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_str(stmt, 2, str_of(id));
    ledger_bind_str(stmt, 3, wish->user_id);
    ledger_bind_i64(stmt, 4, now_ns);
    ledger_bind_i64(stmt, 5, now_ns + wish->lifetime_ns);
    ledger_bind_str(stmt, 6, plain(wish->address, address, sizeof address));
    ledger_bind_str(stmt, 7, plain(wish->agent, agent, sizeof agent));
    result = ledger_step(stmt, err);
    if (result == 0) {
        memcpy(ret_secret, secret, sizeof secret);
    }
    return result;
}

/* Runs a look-up by hash (?1), time (?2) and plant (?3) whose columns are hash, id, name, display,
 * role, scopes, end, admin, organisation, the token's plant, the session's name, last seen. */
static int principal_find(struct ledger_tx *tx, const char *sql, const uint8_t hash[HASH_BYTES],
    struct str plant, struct principal *ret_principal, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, sql, &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_blob(stmt, 1, hash, HASH_BYTES);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    ledger_bind_str(stmt, 3, plant);
    result = ledger_step(stmt, err);
    uint8_t stored[HASH_BYTES];
    struct principal found = {0};
    if (result != 1) {
        return result;
    }
    if (!db_column_bytes(stmt, 0, stored, HASH_BYTES) || !hash_equal(hash, stored)) {
        return 0;
    }
    if (!role_of_name(ledger_column_str(stmt, 4), &found.role)) {
        found.role = ROLE_NONE; // No access to this plant.
    }
    (void)str_copy_z(ledger_column_str(stmt, 1), found.id, sizeof found.id);     // 36 letters.
    (void)str_copy_z(ledger_column_str(stmt, 2), found.name, sizeof found.name); // May be cut.
    (void)str_copy_z(ledger_column_str(stmt, 3), found.display, sizeof found.display); // Fits.
    found.scopes = (uint32_t)ledger_column_i64(stmt, 5) & ALL_SCOPES;
    found.expires_ns = ledger_column_i64(stmt, 6);
    found.admin = ledger_column_i64(stmt, 7) != 0;
    (void)str_copy_z(
        ledger_column_str(stmt, 8), found.organisation, sizeof found.organisation); // 36 letters.
    (void)str_copy_z(ledger_column_str(stmt, 9), found.plant, sizeof found.plant);  // An id.
    (void)str_copy_z(
        ledger_column_str(stmt, 10), found.session, sizeof found.session); // 36 letters.
    found.seen_ns = ledger_column_i64(stmt, 11);
    *ret_principal = found;
    return 1;
}

int session_find(struct ledger_tx *tx, struct str secret, struct str plant,
    struct principal *ret_principal, struct err *err) {
    uint8_t hash[HASH_BYTES];
    secret_hash("session", secret, hash);
    int result = principal_find(tx,
        "SELECT s.hash, u.id, u.login, u.display, coalesce(a.role, CASE WHEN " GRANT_STANDS("?3",
            "u.organisation_id", "?2") " THEN 'grantee' END), 7, s.expires_ns, u.admin,"
                                       " u.organisation_id, '', s.id, s.seen_ns"
                                       " FROM sessions s JOIN users u ON u.id = s.user_id"
                                       " LEFT JOIN access a ON a.user_id = u.id AND a.plant_id = ?3"
                                       " AND coalesce(a.until_ns, 9223372036854775807) > ?2"
                                       " WHERE s.hash = ?1 AND s.expires_ns > ?2 AND " ACTIVE_USER,
        hash, plant, ret_principal, err);
    if (result == 0) {
        return err_set(err, ERR_UNAUTHENTICATED, MSG_LEDGER_SESSION_ENDED, NO_ARGS);
    }
    if (result == 1) {
        ret_principal->is_session = true;
        result = 0;
    }
    return result;
}

int token_find(struct ledger_tx *tx, struct str secret, struct str plant,
    struct principal *ret_principal, struct err *err) {
    uint8_t hash[HASH_BYTES];
    secret_hash("token", secret, hash);
    int result = principal_find(tx,
        "SELECT hash, id, label, label,"
        " CASE WHEN ?3 = '' OR plant_id IS NULL OR plant_id = ?3 THEN role END, scopes,"
        " coalesce(expires_ns, 9223372036854775807), 0, '', plant_id, '', coalesce(seen_ns, 0)"
        " FROM tokens WHERE hash = ?1 AND revoked_ns IS NULL"
        " AND coalesce(expires_ns, 9223372036854775807) > ?2"
        " AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = created_by AND NOT " ACTIVE_USER ")",
        hash, plant, ret_principal, err);
    if (result == 0) {
        return err_set(err, ERR_UNAUTHENTICATED, MSG_LEDGER_TOKEN_UNKNOWN, NO_ARGS);
    }
    return result < 0 ? result : 0;
}

int principal_seen(
    struct ledger_tx *tx, const struct principal *principal, struct str address, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        principal->is_session ? "UPDATE sessions SET seen_ns = ?2, address = ?3 WHERE id = ?1"
                              : "UPDATE tokens SET seen_ns = ?2 WHERE id = ?1 AND ?3 IS NOT NULL",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    char kept[ADDRESS_MAX];
    ledger_bind_str(stmt, 1, str_of(principal->is_session ? principal->session : principal->id));
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    ledger_bind_str(stmt, 3, plain(address, kept, sizeof kept));
    return ledger_step(stmt, err);
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

int session_each(struct ledger_tx *tx, struct str user_id,
    int (*each)(void *context, const struct session_facts *session, struct err *err), void *context,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT id, created_ns, expires_ns, seen_ns, address, agent FROM sessions"
        " WHERE user_id = ?1 AND expires_ns > ?2 ORDER BY created_ns, id",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, user_id);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    while (result >= 0 && (result = ledger_step(stmt, err)) == 1) {
        struct session_facts session = {.id = ledger_column_str(stmt, 0),
            .created_ns = ledger_column_i64(stmt, 1),
            .expires_ns = ledger_column_i64(stmt, 2),
            .seen_ns = ledger_column_i64(stmt, 3),
            .address = ledger_column_str(stmt, 4),
            .agent = ledger_column_str(stmt, 5)};
        result = each(context, &session, err);
    }
    return result;
}

int session_end_named(struct ledger_tx *tx, struct str user_id, struct str id, struct err *err) {
    int result = run_texts(
        tx, "DELETE FROM sessions WHERE user_id = ?1 AND id = ?2", TEXTS(user_id, id), err);
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_SESSION_UNKNOWN, NO_ARGS);
    }
    return result;
}

int session_end_all(struct ledger_tx *tx, struct str user_id, struct str keep, struct err *err) {
    return run_texts(
        tx, "DELETE FROM sessions WHERE user_id = ?1 AND id <> ?2", TEXTS(user_id, keep), err);
}
