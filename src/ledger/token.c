/*
 * Tokens: how programs ask. A token is of one plant, or, made by whoever holds the folder, of all.
 *
 * For scope sql a SCRAM-SHA-256 verifier (RFC 5802, RFC 7677) is kept beside the hash, because an
 * SQL client proves that it knows the token without sending it, and what is needed to check that
 * cannot be had from the hash afterwards. It is no weaker: the token is 256 random bits, so that
 * guessing through 4,096 rounds or one makes no difference. A revoked token keeps its row, so that
 * a list of what was made can be told from the audit chain.
 */
#include <string.h>

#include "core/limits.h"
#include "ledger/input.h"
#include "ledger/run.h"
#include "ledger/secret.h"

static const uint32_t ALL_SCOPES = SCOPE_READ | SCOPE_WRITE | SCOPE_SQL;

static int token_check(const struct token_wish *wish, struct err *err) {
    if (wish->role < ROLE_VIEWER || wish->role > ROLE_OWNER) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_ROLE_MISSING, NO_ARGS);
    }
    if (wish->scopes == 0 || (wish->scopes & ~ALL_SCOPES) != 0) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_SCOPES_BAD, NO_ARGS);
    }
    int result = wish->lifetime_ns == 0 ? 0 : input_lifetime(wish->lifetime_ns, err);
    return result < 0 ? result : input_text("label", wish->label, LIMIT_DISPLAY_BYTES, err);
}

int token_new(struct ledger_tx *tx, const struct token_wish *wish, char ret_id[40],
    char ret_secret[SECRET_TEXT_MAX], struct err *err) {
    int result = token_check(wish, err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO tokens (id, hash, label, role, scopes, created_ns, expires_ns, plant_id,"
            " created_by, verifier) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    char id[40];
    char secret[SECRET_TEXT_MAX];
    uint8_t hash[HASH_BYTES];
    int64_t now_ns = ledger_now_ns(tx);
    id_new(now_ns, id);
    secret_new("maru_", secret);
    secret_hash("token", str_of(secret), hash);
    ledger_bind_str(stmt, 1, str_of(id));
    ledger_bind_blob(stmt, 2, hash, HASH_BYTES);
    ledger_bind_str(stmt, 3, wish->label);
    ledger_bind_str(stmt, 4, str_of(role_name(wish->role)));
    ledger_bind_i64(stmt, 5, wish->scopes);
    ledger_bind_i64(stmt, 6, now_ns);
    if (wish->lifetime_ns > 0) {
        ledger_bind_i64(stmt, 7, now_ns + wish->lifetime_ns);
    }
    if (wish->plant.size > 0) {
        ledger_bind_str(stmt, 8, wish->plant);
    }
    ledger_bind_str(stmt, 9, wish->created_by.size > 0 ? wish->created_by : STR_NONE);
    if ((wish->scopes & SCOPE_SQL) != 0) {
        char verifier[SCRAM_TEXT_MAX];
        scram_verifier(str_of(secret), verifier);
        ledger_bind_str(stmt, 10, str_of(verifier));
    }
    result = ledger_step(stmt, err);
    if (result == 0) {
        memcpy(ret_secret, secret, sizeof secret);
        memcpy(ret_id, id, sizeof id);
    }
    return result;
}

int token_each(struct ledger_tx *tx, struct str plant,
    int (*each)(void *context, const struct token_facts *token, struct err *err), void *context,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT id, label, role, coalesce(plant_id, ''), " GIVEN_BY(
            "created_by") ", scopes,"
                          " created_ns,"
                          " coalesce(expires_ns, 0), coalesce(seen_ns, 0) FROM tokens"
                          " WHERE coalesce(expires_ns, 9223372036854775807) > ?1 AND revoked_ns IS "
                          "NULL"
                          " AND (?2 = '' OR plant_id = ?2) ORDER BY id",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, ledger_now_ns(tx));
    ledger_bind_str(stmt, 2, plant);
    while (result >= 0 && (result = ledger_step(stmt, err)) == 1) {
        struct token_facts token = {.id = ledger_column_str(stmt, 0),
            .label = ledger_column_str(stmt, 1),
            .role = ledger_column_str(stmt, 2),
            .plant = ledger_column_str(stmt, 3),
            .created_by = ledger_column_str(stmt, 4),
            .scopes = (uint32_t)ledger_column_i64(stmt, 5),
            .created_ns = ledger_column_i64(stmt, 6),
            .expires_ns = ledger_column_i64(stmt, 7),
            .seen_ns = ledger_column_i64(stmt, 8)};
        result = each(context, &token, err);
    }
    return result;
}

int token_revoke(struct ledger_tx *tx, struct str id, struct str plant, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "UPDATE tokens SET revoked_ns = ?3, verifier = NULL"
        " WHERE id = ?1 AND (?2 = '' OR plant_id = ?2) AND revoked_ns IS NULL",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_str(stmt, 2, plant);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_TOKEN_ID, ARGS(A_STR(id)));
    }
    return result;
}
