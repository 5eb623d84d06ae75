/*
 * Grants between organisations. Nobody has to act when one ends: its end is compared at every look,
 * as that of an access is.
 */
#include "ledger/grant.h"

#include <string.h>

#include "core/limits.h"
#include "ledger/input.h"
#include "ledger/people.h"
#include "ledger/run.h"
#include "ledger/secret.h"

static const int64_t YEAR_NS = 366 * 86400 * NS_PER_S;

bool grant_step_good(int64_t step_s) {
    static const int64_t STEPS[] = {10, 60, 600, 3600, GRANT_STEP_S_MAX};
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        if (STEPS[i] == step_s) {
            return true;
        }
    }
    return false;
}

/* ---- Giving ---- */

static bool is_pattern_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '*' || (unsigned char)c >= 0x80;
}

static int check_tags(struct str tags, struct err *err) {
    uint32_t count = 0;
    struct str rest = tags;
    while (rest.size > 0) {
        struct str pattern = str_cut(&rest, ' ');
        bool good = pattern.size > 0 && pattern.size <= LIMIT_TAG_NAME_BYTES;
        for (size_t i = 0; i < pattern.size && good; i++) {
            good = is_pattern_char(pattern.data[i]);
        }
        if (!good) {
            return err_set(err, ERR_INVALID, MSG_LEDGER_GRANT_PATTERN, ARGS(A_STR(pattern)));
        }
        count++;
    }
    if (count == 0 || count > GRANT_PATTERNS_MAX) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_GRANT_TAGS, ARGS(A_INT(GRANT_PATTERNS_MAX)));
    }
    return 0;
}

static int check_terms(struct ledger_tx *tx, const struct grant *wish, struct err *err) {
    int64_t now_ns = ledger_now_ns(tx);
    int result = check_tags(wish->tags, err);
    result = result < 0 ? result : input_text("purpose", wish->purpose, GRANT_PURPOSE_BYTES, err);
    if (result < 0) {
        return result;
    }
    if (str_trim(wish->purpose).size == 0) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_GRANT_PURPOSE, NO_ARGS);
    }
    if (wish->step_s != 0 && !grant_step_good(wish->step_s)) {
        return err_set(err, ERR_RANGE, MSG_LEDGER_GRANT_STEP, ARGS(A_INT(wish->step_s)));
    }
    if (wish->until_ns <= now_ns || wish->until_ns <= wish->from_ns ||
        wish->until_ns - now_ns > GRANT_YEARS_MAX * YEAR_NS) {
        return err_set(err, ERR_RANGE, MSG_LEDGER_GRANT_UNTIL, ARGS(A_INT(GRANT_YEARS_MAX)));
    }
    return 0;
}

static int check_room(struct ledger_tx *tx, const struct grant *wish, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT count(*), count(*) FILTER (WHERE organisation_id = ?2 AND revoked_ns IS NULL"
        " AND until_ns > ?3) FROM grants WHERE plant_id = ?1",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, wish->plant);
    ledger_bind_str(stmt, 2, wish->organisation_id);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result >= 0 && (ledger_column_i64(stmt, 0) >= GRANTS_OF_PLANT_MAX ||
                           ledger_column_i64(stmt, 1) >= GRANTS_OF_ONE_MAX)) {
        return err_set(err, ERR_LIMIT, MSG_LEDGER_GRANTS_FULL,
            ARGS(A_INT(GRANTS_OF_ONE_MAX), A_INT(GRANTS_OF_PLANT_MAX)));
    }
    return result < 0 ? result : 0;
}

static int check(struct ledger_tx *tx, const struct grant *wish, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct organisation found;
    int result = check_terms(tx, wish, err);
    result = result < 0 ? result : organisation_get(tx, wish->organisation_id, &arena, &found, err);
    return result < 0 ? result : check_room(tx, wish, err);
}

int grant_new(struct ledger_tx *tx, const struct grant *wish, char ret_id[40], struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = check(tx, wish, err);
    if (result >= 0) {
        result = ledger_prepare(tx,
            "INSERT INTO grants (id, plant_id, organisation_id, tags, purpose, hide_names, step_s,"
            " from_ns, until_ns, given_by, created_ns)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    char id[40];
    id_new(ledger_now_ns(tx), id);
    ledger_bind_str(stmt, 1, str_of(id));
    ledger_bind_str(stmt, 2, wish->plant);
    ledger_bind_str(stmt, 3, wish->organisation_id);
    ledger_bind_str(stmt, 4, wish->tags);
    ledger_bind_str(stmt, 5, wish->purpose);
    ledger_bind_i64(stmt, 6, wish->hide_names);
    ledger_bind_i64(stmt, 7, wish->step_s);
    ledger_bind_i64(stmt, 8, wish->from_ns);
    ledger_bind_i64(stmt, 9, wish->until_ns);
    ledger_bind_str(stmt, 10, wish->given_by);
    ledger_bind_i64(stmt, 11, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    /* Whoever could reset the password of one of them knew of less, as when they get a role. */
    result = result < 0 ? result
                        : run_texts(tx,
                              "DELETE FROM links WHERE user_id IN"
                              " (SELECT id FROM users WHERE organisation_id = ?1)",
                              TEXTS(wish->organisation_id), err);
    if (result == 0) {
        memcpy(ret_id, id, sizeof id);
    }
    return result;
}

/* ---- Revoking ---- */

static int is_there(struct ledger_tx *tx, struct str plant, struct str id, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    return run_first(
        tx, "SELECT 1 FROM grants WHERE plant_id = ?1 AND id = ?2", TEXTS(plant, id), &stmt, err);
}

int grant_revoke(
    struct ledger_tx *tx, struct str plant, struct str id, struct str actor, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = is_there(tx, plant, id, err);
    if (result == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_GRANT_UNKNOWN, NO_ARGS);
    }
    if (result > 0) {
        result = ledger_prepare(tx,
            "UPDATE grants SET revoked_ns = ?3, revoked_by = ?4"
            " WHERE plant_id = ?1 AND id = ?2 AND revoked_ns IS NULL AND until_ns > ?3",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_str(stmt, 2, id);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    ledger_bind_str(stmt, 4, actor);
    result = ledger_step(stmt, err);
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_CONFLICT, MSG_LEDGER_GRANT_ENDED, NO_ARGS);
    }
    return result;
}

int grant_revoke_all(struct ledger_tx *tx, struct str actor, uint64_t *ret_count, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "UPDATE grants SET revoked_ns = ?1, revoked_by = ?2"
        " WHERE revoked_ns IS NULL AND until_ns > ?1",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, ledger_now_ns(tx));
    ledger_bind_str(stmt, 2, actor);
    result = ledger_step(stmt, err);
    if (result == 0) {
        *ret_count = (uint64_t)db_changes(tx->db);
    }
    return result;
}

/* ---- Looking ---- */

#define GRANT_BY      GIVEN_BY("t.given_by")
#define GRANT_REVOKER GIVEN_BY("t.revoked_by")
#define GRANT_FROM                                                                                 \
    "SELECT t.id, t.plant_id, t.organisation_id, o.name, o.kind, t.tags, t.purpose, t.hide_names," \
    " t.step_s, t.from_ns, t.until_ns, " GRANT_BY                                                  \
    ", t.created_ns, coalesce(t.revoked_ns, 0), " GRANT_REVOKER                                    \
    " FROM grants t JOIN organisations o ON o.id = t.organisation_id "

static struct grant row(struct ledger_stmt *stmt) {
    return (struct grant){.id = ledger_column_str(stmt, 0),
        .plant = ledger_column_str(stmt, 1),
        .organisation_id = ledger_column_str(stmt, 2),
        .organisation_name = ledger_column_str(stmt, 3),
        .organisation_kind = ledger_column_str(stmt, 4),
        .tags = ledger_column_str(stmt, 5),
        .purpose = ledger_column_str(stmt, 6),
        .hide_names = ledger_column_i64(stmt, 7) != 0,
        .step_s = ledger_column_i64(stmt, 8),
        .from_ns = ledger_column_i64(stmt, 9),
        .until_ns = ledger_column_i64(stmt, 10),
        .given_by = ledger_column_str(stmt, 11),
        .created_ns = ledger_column_i64(stmt, 12),
        .revoked_ns = ledger_column_i64(stmt, 13),
        .revoked_by = ledger_column_str(stmt, 14)};
}

static int each_row(struct ledger_stmt *stmt, grant_fn each, void *context, struct err *err) {
    int result = 0;
    while (result >= 0 && (result = ledger_step(stmt, err)) == 1) {
        struct grant grant = row(stmt);
        result = each(context, &grant, err);
    }
    return result;
}

int grant_each(
    struct ledger_tx *tx, struct str plant, grant_fn each, void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(
        tx, GRANT_FROM "WHERE t.plant_id = ?1 ORDER BY t.created_ns DESC, t.id DESC", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, plant);
    return each_row(stmt, each, context, err);
}

int grant_each_to(struct ledger_tx *tx, struct str plant, struct str organisation_id, grant_fn each,
    void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        GRANT_FROM "WHERE t.plant_id = ?1 AND t.organisation_id = ?2 AND t.revoked_ns IS NULL"
                   " AND t.until_ns > ?3 ORDER BY t.created_ns, t.id",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_str(stmt, 2, organisation_id);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    return each_row(stmt, each, context, err);
}

int grant_stands(struct ledger_tx *tx, struct str plant, struct str organisation_id,
    bool *ret_stands, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, "SELECT 1 WHERE " GRANT_STANDS("?1", "?2", "?3"), &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_str(stmt, 2, organisation_id);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result >= 0) {
        *ret_stands = result == 1;
    }
    return result < 0 ? result : 0;
}

int grant_until(struct ledger_tx *tx, struct str plant, struct str organisation_id,
    int64_t *ret_until_ns, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT coalesce(max(until_ns), 0) FROM grants WHERE plant_id = ?1"
        " AND organisation_id = ?2 AND revoked_ns IS NULL AND from_ns <= ?3 AND until_ns > ?3",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_str(stmt, 2, organisation_id);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result == 1) {
        *ret_until_ns = ledger_column_i64(stmt, 0);
    }
    return result < 0 ? result : 0;
}
