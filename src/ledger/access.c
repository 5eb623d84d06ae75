/*
 * Plants of the folder, and who may enter which.
 *
 * A plant is a folder; the hub learns of it when a home is opened. What a person may do there is
 * one row of `access`; without it the plant does not exist for them. An end in the row needs nobody
 * to act: it is compared at every look.
 *
 * Homes of the former schema had one role for a person everywhere. The migration keeps it aside
 * (former_roles); the first entering of plants gives it on all of them and forgets it, in one
 * transaction, so that a kill leaves either the old or the new state.
 */
#include <string.h>

#include "core/limits.h"
#include "ledger/people.h"
#include "ledger/run.h"
#include "ledger/secret.h"

/* ---- Plants ---- */

static int is_known(struct ledger_tx *tx, struct str plant, bool *ret_known, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = run_first(tx, "SELECT 1 FROM plants WHERE id = ?1", TEXTS(plant), &stmt, err);
    if (result >= 0) {
        *ret_known = result == 1;
    }
    return result < 0 ? result : 0;
}

int hub_plants_known(
    struct ledger_tx *tx, const struct str *ids, uint32_t count, bool *ret_known, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = run_first(tx, "SELECT 1 FROM former_roles LIMIT 1", NULL, 0, &stmt, err);
    bool known = result == 0;
    for (uint32_t i = 0; i < count && known && result >= 0; i++) {
        result = is_known(tx, ids[i], &known, err);
    }
    if (result >= 0) {
        *ret_known = known;
    }
    return result < 0 ? result : 0;
}

static int enter(struct ledger_tx *tx, struct str plant, struct str organisation, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(
        tx, "INSERT INTO plants (id, organisation_id, created_ns) VALUES (?1, ?2, ?3)", &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_str(stmt, 2, organisation);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT INTO access (user_id, plant_id, role, given_by, created_ns)"
            " SELECT id, ?1, 'owner', 'maru', ?3 FROM users"
            " WHERE admin = 1 AND organisation_id = ?2 AND erased_ns IS NULL"
            " AND id NOT IN (SELECT user_id FROM former_roles)",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, plant);
    ledger_bind_str(stmt, 2, organisation);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    return result < 0 ? result
                      : audit_append(tx, STR("maru"), STR("plant.enter"), plant, STR_NONE, err);
}

static int give_former(struct ledger_tx *tx, struct str organisation, struct err *err) {
    int result =
        run_texts(tx, "UPDATE users SET organisation_id = ?1 WHERE organisation_id IS NULL",
            TEXTS(organisation), err);
    struct ledger_stmt *stmt = NULL;
    if (result == 0) {
        result = ledger_prepare(tx,
            "INSERT OR IGNORE INTO access (user_id, plant_id, role, given_by, created_ns)"
            " SELECT f.user_id, p.id, f.role, 'maru', ?1 FROM former_roles f, plants p",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_i64(stmt, 1, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    return result < 0 ? result : run_texts(tx, "DELETE FROM former_roles", NULL, 0, err);
}

int hub_plants_enter(struct ledger_tx *tx, const struct str *ids, uint32_t count, struct err *err) {
    char organisation[40];
    int result = organisation_first(tx, organisation, err);
    for (uint32_t i = 0; i < count && result >= 0; i++) {
        bool known = false;
        result = is_known(tx, ids[i], &known, err);
        if (result >= 0 && !known) {
            result = enter(tx, ids[i], str_of(organisation), err);
        }
    }
    return result < 0 ? result : give_former(tx, str_of(organisation), err);
}

/* ---- Access ---- */

int access_put(struct ledger_tx *tx, const struct access *access, struct err *err) {
    if (access->role < ROLE_VIEWER || access->role > ROLE_OWNER) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_ROLE_MISSING, NO_ARGS);
    }
    struct keepers before;
    struct ledger_stmt *stmt = NULL;
    int result = run_first(tx, "SELECT 1 FROM users WHERE id = ?1 AND erased_ns IS NULL",
        TEXTS(access->user_id), &stmt, err);
    if (result == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
    }
    result = result < 0 ? result : keepers_count(tx, &before, err);
    /* Whoever could reset their password knew of less. */
    result = result < 0 ? result : reset_links_drop(tx, access->user_id, err);
    if (result >= 0) {
        result = ledger_prepare(tx,
            "INSERT INTO access (user_id, plant_id, role, until_ns, given_by, created_ns)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (user_id, plant_id) DO UPDATE"
            " SET role = ?3, until_ns = ?4, given_by = ?5, created_ns = ?6",
            &stmt, err);
    }
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, access->user_id);
    ledger_bind_str(stmt, 2, access->plant);
    ledger_bind_str(stmt, 3, str_of(role_name(access->role)));
    if (access->until_ns != 0) {
        ledger_bind_i64(stmt, 4, access->until_ns);
    }
    ledger_bind_str(stmt, 5, access->given_by);
    ledger_bind_i64(stmt, 6, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    return result < 0 ? result : keepers_check(tx, &before, err);
}

int access_remove(struct ledger_tx *tx, struct str user_id, struct str plant, struct err *err) {
    struct keepers before;
    int result = keepers_count(tx, &before, err);
    if (result >= 0) {
        result = run_texts(tx, "DELETE FROM access WHERE user_id = ?1 AND plant_id = ?2",
            TEXTS(user_id, plant), err);
    }
    if (result >= 0 && db_changes(tx->db) != 1) {
        return err_set(err, ERR_NOT_FOUND, MSG_LEDGER_ACCESS_NONE, NO_ARGS);
    }
    return result < 0 ? result : keepers_check(tx, &before, err);
}

int access_role(struct ledger_tx *tx, struct str user_id, struct str plant, enum role *ret_role,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx,
        "SELECT role FROM access WHERE user_id = ?1 AND plant_id = ?2"
        " AND coalesce(until_ns, 9223372036854775807) > ?3",
        &stmt, err);
    if (result < 0) {
        return result;
    }
    ledger_bind_str(stmt, 1, user_id);
    ledger_bind_str(stmt, 2, plant);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    result = ledger_step(stmt, err);
    if (result < 0) {
        return result;
    }
    enum role role = ROLE_NONE;
    if (result == 1) {
        (void)role_of_name(ledger_column_str(stmt, 0), &role); // As the schema allows.
    }
    *ret_role = role;
    return 0;
}
