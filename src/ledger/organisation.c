/*
 * Organisations: whose people they are. Belonging to one opens nothing; access to a plant does. The
 * first one is this company: it is made with the first person or the first plant, without a name
 * until somebody gives it one.
 */
#include <string.h>

#include "core/limits.h"
#include "ledger/input.h"
#include "ledger/people.h"
#include "ledger/run.h"
#include "ledger/secret.h"

/* For so long a grant that is over is given anew as if it stood. */
static const int64_t RENEWAL_NS = 90 * 86400 * NS_PER_S;

static int check(const struct organisation *organisation, struct err *err) {
    static const char *const KINDS[] = {"manufacturer", "supplier", "agency", "assessor"};
    bool known = false;
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        known = known || str_eq(organisation->kind, str_of(KINDS[i]));
    }
    if (!known) {
        return err_set(
            err, ERR_INVALID, MSG_LEDGER_ORGANISATION_KIND, ARGS(A_STR(organisation->kind)));
    }
    int result = input_text("name", organisation->name, LIMIT_DISPLAY_BYTES, err);
    return result < 0 ? result
                      : input_text("number", organisation->number, ORGANISATION_NUMBER_BYTES, err);
}

int organisation_new(struct ledger_tx *tx, const struct organisation *organisation, char ret_id[40],
    struct err *err) {
    int result = check(organisation, err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO organisations (id, kind, name, number, created_ns)"
            " VALUES (?1, ?2, ?3, ?4, ?5)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    char id[40];
    id_new(ledger_now_ns(tx), id);
    ledger_bind_str(stmt, 1, str_of(id));
    ledger_bind_str(stmt, 2, organisation->kind);
    ledger_bind_str(stmt, 3, organisation->name);
    ledger_bind_str(stmt, 4, organisation->number);
    ledger_bind_i64(stmt, 5, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result == 0) {
        memcpy(ret_id, id, sizeof id);
    }
    return result;
}

int organisation_change(
    struct ledger_tx *tx, const struct organisation *organisation, struct err *err) {
    struct keepers before;
    int result = check(organisation, err);
    result = result < 0 ? result : keepers_count(tx, &before, err);
    struct ledger_stmt *stmt = NULL;
    if (result >= 0) {
        result = ledger_prepare(tx,
            "UPDATE organisations SET kind = ?2, name = ?3, number = ?4, disabled = ?5"
            " WHERE id = ?1",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, organisation->id);
    ledger_bind_str(stmt, 2, organisation->kind);
    ledger_bind_str(stmt, 3, organisation->name);
    ledger_bind_str(stmt, 4, organisation->number);
    ledger_bind_i64(stmt, 5, organisation->disabled ? 1 : 0);
    result = ledger_step(stmt, err);
    if (result == 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_ORGANISATION_UNKNOWN, NO_ARGS);
    }
    if (result == 0 && organisation->disabled) { // Enabling it brings no old sign-in back.
        result = run_texts(tx,
            "DELETE FROM sessions WHERE user_id IN"
            " (SELECT id FROM users WHERE organisation_id = ?1)",
            TEXTS(organisation->id), err);
    }
    return result < 0 ? result : keepers_check(tx, &before, err);
}

static struct organisation row(struct ledger_stmt *stmt) {
    return (struct organisation){.id = ledger_column_str(stmt, 0),
        .kind = ledger_column_str(stmt, 1),
        .name = ledger_column_str(stmt, 2),
        .number = ledger_column_str(stmt, 3),
        .disabled = ledger_column_i64(stmt, 4) != 0,
        .created_ns = ledger_column_i64(stmt, 5)};
}

int organisation_get(struct ledger_tx *tx, struct str id, struct arena *arena,
    struct organisation *ret_organisation, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = run_first(tx,
        "SELECT id, kind, name, number, disabled, created_ns FROM organisations WHERE id = ?1",
        TEXTS(id), &stmt, err);
    if (result <= 0) {
        return result < 0 ? result
                          : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_ORGANISATION_UNKNOWN, NO_ARGS);
    }
    struct organisation found = row(stmt);
    found.id = arena_copy(arena, found.id);
    found.kind = arena_copy(arena, found.kind);
    found.name = arena_copy(arena, found.name);
    found.number = arena_copy(arena, found.number);
    *ret_organisation = found;
    return 0;
}

int organisation_of_plant(struct ledger_tx *tx, struct str plant, struct arena *arena,
    struct organisation *ret_organisation, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result =
        run_first(tx, "SELECT organisation_id FROM plants WHERE id = ?1", TEXTS(plant), &stmt, err);
    if (result <= 0) {
        return result < 0 ? result
                          : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_ORGANISATION_UNKNOWN, NO_ARGS);
    }
    char id[40];
    (void)str_copy_z(ledger_column_str(stmt, 0), id, sizeof id); // 36 letters.
    return organisation_get(tx, str_of(id), arena, ret_organisation, err);
}

int organisation_first(struct ledger_tx *tx, char ret_id[40], struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result =
        run_first(tx, "SELECT id FROM organisations ORDER BY rowid LIMIT 1", NULL, 0, &stmt, err);
    if (result == 1) {
        (void)str_copy_z(ledger_column_str(stmt, 0), ret_id, 40); // 36 letters.
        return 0;
    }
    struct organisation first = {.kind = STR("manufacturer"), .name = STR_NONE, .number = STR_NONE};
    return result < 0 ? result : organisation_new(tx, &first, ret_id, err);
}

int organisation_each(struct ledger_tx *tx, struct str for_user,
    int (*each)(void *context, const struct organisation *organisation, struct err *err),
    void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT id, kind, name, number, disabled, created_ns FROM organisations"
        " WHERE ?1 = '' OR id = (SELECT organisation_id FROM users WHERE id = ?1)"
        " OR id IN (SELECT u.organisation_id FROM users u JOIN access a ON a.user_id = u.id"
        " JOIN access mine ON mine.plant_id = a.plant_id WHERE mine.user_id = ?1"
        " AND mine.role IN ('manager', 'owner')"
        " AND coalesce(mine.until_ns, 9223372036854775807) > ?2)"
        " OR id IN (SELECT g.organisation_id FROM grants g JOIN access mine"
        " ON mine.plant_id = g.plant_id WHERE mine.user_id = ?1 AND mine.role IN ('manager', "
        "'owner') AND min(g.until_ns, coalesce(g.revoked_ns, g.until_ns)) > ?3"
        " AND coalesce(mine.until_ns, 9223372036854775807) > ?2) ORDER BY created_ns, id",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, for_user);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx) - RENEWAL_NS);
    while (result >= 0 && (result = ledger_step(stmt, err)) == 1) {
        struct organisation organisation = row(stmt);
        result = each(context, &organisation, err);
    }
    return result;
}

/* Plants in which the user ?2 is not owner or manager now (?3). */
#define NOT_MANAGED                                                                                \
    "NOT IN (SELECT plant_id FROM access WHERE user_id = ?2 AND role IN ('owner', 'manager')"      \
    " AND coalesce(until_ns, 9223372036854775807) > ?3)"

int organisation_takes(
    struct ledger_tx *tx, struct str id, struct str by, bool *ret_takes, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?2 AND erased_ns IS NULL"
        " AND (admin = 1 OR organisation_id = ?1))"
        " OR NOT (EXISTS (SELECT 1 FROM plants WHERE organisation_id = ?1 AND id " NOT_MANAGED ")"
        " OR EXISTS (SELECT 1 FROM access a JOIN users u ON u.id = a.user_id"
        " WHERE u.organisation_id = ?1 AND coalesce(a.until_ns, 9223372036854775807) > ?3"
        " AND a.plant_id " NOT_MANAGED ")"
        " OR " GRANT_COMES(NOT_MANAGED, "?1", "?3") ")",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_str(stmt, 2, by);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result >= 0) {
        *ret_takes = ledger_column_i64(stmt, 0) != 0;
    }
    return result < 0 ? result : 0;
}
