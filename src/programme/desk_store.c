/*
 * What the desk keeps besides cases: who is what in a programme, programmes as they were at each
 * time, and calls.
 *
 * A programme that ships is entered as a version on first use, so that a case never hangs on what
 * the next release ships. When a release changes it, the next use enters that as the next version,
 * unless the agency has put its own file in its place.
 */
#include "programme/desk_store.h"

#include <stdio.h>

#include "core/mem.h"
#include "ledger/seal.h"
#include "programme/shelf.h"
#include "programme/words.h"

/* ---- Roles ---- */

static const struct {
    uint32_t role;
    const char *name;
} ROLES[] = {{CASE_OFFICER, "officer"}, {CASE_EVALUATOR, "evaluator"},
    {CASE_APPLICANT, "applicant"}, {CASE_SUPPLIER, "supplier"}, {CASE_AUDITOR, "auditor"}};

const char *case_role_name(uint32_t role) {
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        if (ROLES[i].role == role) {
            return ROLES[i].name;
        }
    }
    return "";
}

bool case_role_of_name(struct str name, uint32_t *ret_role) {
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        if (str_eq(str_of(ROLES[i].name), name)) {
            *ret_role = ROLES[i].role;
            return true;
        }
    }
    return false;
}

int case_roles(struct ledger_tx *tx, struct str user, struct str programme, uint32_t *ret_roles,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT role FROM programme_role WHERE user_id = ?1 AND (?2 = '' OR programme = ?2 OR"
        " programme = '*')",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, user);
    ledger_bind_str(stmt, 2, programme);
    uint32_t roles = 0;
    while ((rc = ledger_step(stmt, err)) > 0) {
        uint32_t role = 0;
        if (case_role_of_name(ledger_column_str(stmt, 0), &role)) {
            roles |= role;
        }
    }
    *ret_roles = rc < 0 ? 0 : roles;
    return rc;
}

static int user_known(struct ledger_tx *tx, struct str user, struct err *err) {
    struct str organisation = STR_NONE;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 4096);
    return desk_organisation_of(tx, user, &arena, &organisation, err);
}

int case_role_put(struct ledger_tx *tx, struct str user, struct str programme, uint32_t role,
    bool given, struct str by, struct err *err) {
    static const char *const TEXTS[] = {
        "DELETE FROM programme_role WHERE user_id = ?1 AND programme = ?2 AND role = ?3",
        "INSERT INTO programme_role (user_id, programme, role, given_by, created_ns)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING"};
    struct ledger_stmt *stmt = NULL;
    int rc = user_known(tx, user, err);
    rc = rc < 0 ? rc : ledger_prepare(tx, TEXTS[given], &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, user);
    ledger_bind_str(stmt, 2, programme);
    ledger_bind_str(stmt, 3, str_of(case_role_name(role)));
    if (given) {
        ledger_bind_str(stmt, 4, by);
        ledger_bind_i64(stmt, 5, ledger_now_ns(tx));
    }
    rc = ledger_step(stmt, err);
    if (rc < 0) {
        return rc;
    }
    char subject[200];
    (void)snprintf(subject, sizeof subject, "%.*s %.*s %s", STR_ARG(user), STR_ARG(programme),
        case_role_name(role));
    return audit_append(tx, by, given ? STR("programme.role.give") : STR("programme.role.take"),
        str_of(subject), STR("{}"), err);
}

int case_roles_write(
    struct ledger_tx *tx, struct str programme, struct json *json, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT r.user_id, u.login, u.display, coalesce(u.organisation_id, ''), r.role, r.given_by,"
        " r.created_ns, r.programme FROM programme_role r JOIN users u ON u.id = r.user_id"
        " WHERE r.programme IN (?1, '*') ORDER BY r.created_ns, r.user_id, r.role",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, programme);
    while ((rc = ledger_step(stmt, err)) > 0) {
        static const char *const NAMES[] = {
            "user", "login", "display", "organisation", "role", "given_by"};
        json_object_begin(json);
        for (int i = 0; i < 6; i++) {
            json_put_str(json, NAMES[i], ledger_column_str(stmt, i));
        }
        json_put_time(json, "created", ledger_column_i64(stmt, 6));
        json_put_str(json, "programme", ledger_column_str(stmt, 7));
        json_object_end(json);
    }
    return rc;
}

int desk_organisation_of(struct ledger_tx *tx, struct str user, struct arena *arena,
    struct str *ret_organisation, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT coalesce(organisation_id, '') FROM users WHERE id = ?1 AND erased_ns IS NULL",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, user);
    rc = ledger_step(stmt, err);
    if (rc > 0) {
        *ret_organisation = arena_copy(arena, ledger_column_str(stmt, 0));
        return 0;
    }
    return rc < 0 ? rc : err_set(err, ERR_NOT_FOUND, MSG_LEDGER_USER_UNKNOWN, NO_ARGS);
}

/* ---- Versions ---- */

/* The newest version of the hub: 1; 0: none. `ret_ships`: it is what shipped, by its digest. */
struct newest {
    int64_t version;
    bool ships;
    char sha256[DIGEST_TEXT_MAX];
    struct programme *programme;
};

static int read_newest(
    struct ledger_tx *tx, struct str id, struct newest *newest, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT version, sha256, by, json FROM programme_version WHERE programme = ?1"
        " ORDER BY version DESC LIMIT 1",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, id);
    rc = ledger_step(stmt, err);
    if (rc <= 0) {
        return rc;
    }
    newest->version = ledger_column_i64(stmt, 0);
    (void)str_copy_z(ledger_column_str(stmt, 1), newest->sha256, sizeof newest->sha256);
    newest->ships = str_eq(ledger_column_str(stmt, 2), STR("maru"));
    rc = programme_parse(ledger_column_str(stmt, 3), &newest->programme, err);
    return rc < 0 ? rc : 1;
}

int programme_newest(
    struct ledger_tx *tx, struct str id, struct programme_now *ret, struct err *err) {
    struct newest newest = {0};
    struct str ships = shelf_text(id);
    int rc = read_newest(tx, id, &newest, err);
    if (rc < 0) {
        return rc;
    }
    bool replaced = rc > 0 && !newest.ships;
    if (ships.size > 0 && !replaced) {
        char sha256[DIGEST_TEXT_MAX];
        sha256_text(ships, sha256);
        if (rc == 0 || !str_eq(str_of(sha256), str_of(newest.sha256))) { // As it ships now.
            programme_free(newest.programme);
            *ret = (struct programme_now){.version = 0};
            return programme_parse(ships, &ret->programme, err);
        }
    }
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY_DESK(DESK_PROGRAMME), ARGS(A_STR(id)));
    }
    *ret = (struct programme_now){.programme = newest.programme, .version = newest.version};
    return 0;
}

static int version_insert(struct ledger_tx *tx, struct str id, struct str json, struct str by,
    int64_t *ret_version, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "INSERT INTO programme_version (programme, version, sha256, json, from_ns, by) VALUES (?1,"
        " (SELECT coalesce(max(version), 0) + 1 FROM programme_version WHERE programme = ?1),"
        " ?2, ?3, ?4, ?5) RETURNING version",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    char sha256[DIGEST_TEXT_MAX];
    sha256_text(json, sha256);
    ledger_bind_str(stmt, 1, id);
    ledger_bind_str(stmt, 2, str_of(sha256));
    ledger_bind_str(stmt, 3, json);
    ledger_bind_i64(stmt, 4, ledger_now_ns(tx));
    ledger_bind_str(stmt, 5, by);
    rc = ledger_step(stmt, err);
    if (rc > 0) {
        *ret_version = ledger_column_i64(stmt, 0);
        rc = ledger_step(stmt, err);
    }
    char payload[160];
    (void)snprintf(payload, sizeof payload, "{\"version\":%lld,\"sha256\":\"%s\"}",
        rc < 0 ? 0LL : (long long)*ret_version, sha256);
    return rc < 0 ? rc : audit_append(tx, by, STR("programme.version"), id, str_of(payload), err);
}

int desk_programme_used(
    struct ledger_tx *tx, struct str id, struct programme_now *ret, struct err *err) {
    int rc = programme_newest(tx, id, ret, err);
    if (rc < 0 || ret->version > 0) {
        return rc;
    }
    rc = version_insert(tx, id, shelf_text(id), STR("maru"), &ret->version, err);
    if (rc < 0) {
        programme_free(ret->programme);
    }
    return rc;
}

int programme_at(struct ledger_tx *tx, struct str id, int64_t version,
    struct programme **ret_programme, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(
        tx, "SELECT json FROM programme_version WHERE programme = ?1 AND version = ?2", &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_i64(stmt, 2, version);
    rc = ledger_step(stmt, err);
    if (rc > 0) {
        return programme_parse(ledger_column_str(stmt, 0), ret_programme, err);
    }
    return rc < 0 ? rc : err_set(err, ERR_NOT_FOUND, SAY_DESK(DESK_PROGRAMME), ARGS(A_STR(id)));
}

int programme_put(struct ledger_tx *tx, struct str json, int64_t expected, struct str by,
    int64_t *ret_version, struct err *err) {
    struct programme *programme = NULL;
    struct newest newest = {0};
    int rc = programme_parse(json, &programme, err);
    if (rc < 0) {
        return rc;
    }
    struct str id = programme_id(programme);
    rc = read_newest(tx, id, &newest, err);
    programme_free(newest.programme);
    if (rc >= 0 && expected > 0 && expected != newest.version) {
        rc = err_set(
            err, ERR_CONFLICT, SAY_DESK(CASE_PROGRAMME_VERSION), ARGS(A_INT(newest.version)));
    }
    rc = rc < 0 ? rc : version_insert(tx, id, json, by, ret_version, err);
    programme_free(programme);
    return rc;
}

int programme_own_each(struct ledger_tx *tx,
    int (*each)(void *context, struct str id, struct err *err), void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(
        tx, "SELECT DISTINCT programme FROM programme_version ORDER BY programme", &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        struct str id = ledger_column_str(stmt, 0);
        rc = shelf_text(id).size > 0 ? 0 : each(context, id, err);
    }
    return rc;
}

/* ---- Calls ---- */

int desk_call_get(
    struct ledger_tx *tx, struct str id, int64_t number, struct desk_call *ret, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    *ret = (struct desk_call){.budget_won = -1};
    int rc = ledger_prepare(tx,
        "SELECT number, state, coalesce(budget_won, -1), announced_ns, coalesce(closed_ns, 0)"
        " FROM programme_call WHERE programme = ?1 AND (?2 = 0 OR number = ?2)"
        " ORDER BY number DESC LIMIT 1",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_i64(stmt, 2, number);
    rc = ledger_step(stmt, err);
    if (rc > 0) {
        ret->number = ledger_column_i64(stmt, 0);
        ret->announced = str_eq(ledger_column_str(stmt, 1), STR("announced"));
        ret->budget_won = ledger_column_i64(stmt, 2);
        ret->announced_ns = ledger_column_i64(stmt, 3);
        ret->closed_ns = ledger_column_i64(stmt, 4);
        return desk_call_used(tx, id, ret->number, &ret->used_won, err);
    }
    return rc;
}

int desk_call_used(
    struct ledger_tx *tx, struct str id, int64_t call, int64_t *ret_won, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT coalesce(sum(reserved_won), 0) FROM cases WHERE programme = ?1 AND call = ?2",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_i64(stmt, 2, call);
    rc = ledger_step(stmt, err);
    if (rc > 0) {
        *ret_won = ledger_column_i64(stmt, 0);
    }
    return rc < 0 ? rc : 0;
}

int programme_announce(
    struct ledger_tx *tx, struct str id, int64_t budget_won, struct str by, struct err *err) {
    struct programme_now now = {0};
    struct desk_call call;
    int rc = desk_programme_used(tx, id, &now, err);
    if (rc < 0) {
        return rc;
    }
    struct str state = programme_text(now.programme, "state");
    bool has_steps = json_in_count(json_in_get(programme_root(now.programme), "steps")) > 0;
    if (str_eq(state, STR("continuing"))) {
        rc = err_set(err, ERR_CONFLICT, SAY_DESK(CASE_CONTINUING), ARGS(A_STR(id)));
    } else if (str_eq(state, STR("details_pending")) || !has_steps) {
        rc = err_set(err, ERR_CONFLICT, SAY_DESK(CASE_NO_STEPS), ARGS(A_STR(id)));
    }
    programme_free(now.programme);
    rc = rc < 0 ? rc : desk_call_get(tx, id, 0, &call, err);
    if (rc >= 0 && call.announced) {
        rc = err_set(err, ERR_CONFLICT, SAY_DESK(CASE_CALL_OPEN), ARGS(A_STR(id)));
    }
    struct ledger_stmt *stmt = NULL;
    rc = rc < 0 ? rc
                : ledger_prepare(tx,
                      "INSERT INTO programme_call (programme, number, state, budget_won,"
                      " announced_ns, announced_by) VALUES (?1, ?2, 'announced', ?3, ?4, ?5)",
                      &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_i64(stmt, 2, call.number + 1);
    if (budget_won >= 0) {
        ledger_bind_i64(stmt, 3, budget_won);
    } else {
        ledger_bind_null(stmt, 3);
    }
    ledger_bind_i64(stmt, 4, ledger_now_ns(tx));
    ledger_bind_str(stmt, 5, by);
    rc = ledger_step(stmt, err);
    char payload[64];
    (void)snprintf(payload, sizeof payload, "{\"budget_won\":%lld}", (long long)budget_won);
    return rc < 0 ? rc : audit_append(tx, by, STR("programme.announce"), id, str_of(payload), err);
}

int programme_close(
    struct ledger_tx *tx, struct str id, struct str reason, struct str by, struct err *err) {
    struct desk_call call;
    struct ledger_stmt *stmt = NULL;
    int rc = desk_call_get(tx, id, 0, &call, err);
    if (rc >= 0 && !call.announced) {
        rc = err_set(err, ERR_CONFLICT, SAY_DESK(CASE_CALL_CLOSED), ARGS(A_STR(id)));
    }
    rc = rc < 0 ? rc
                : ledger_prepare(tx,
                      "UPDATE programme_call SET state = 'closed', closed_ns = ?3, closed_by = ?4"
                      " WHERE programme = ?1 AND number = ?2",
                      &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, id);
    ledger_bind_i64(stmt, 2, call.number);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    ledger_bind_str(stmt, 4, by);
    rc = ledger_step(stmt, err);
    AUTO_BUF struct buf payload;
    struct json json;
    buf_init(&payload, 32768);
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_str(&json, "reason", reason);
    json_object_end(&json);
    return rc < 0 ? rc : audit_append(tx, by, STR("programme.close"), id, buf_str(&payload), err);
}

/* ---- Telling ---- */

static void put_call(const struct desk_call *call, struct json *json) {
    json_key(json, "call");
    if (call->number == 0) {
        json_null(json);
        return;
    }
    json_object_begin(json);
    json_put_i64(json, "number", call->number);
    json_put_str(json, "state", call->announced ? STR("announced") : STR("closed"));
    json_put_time(json, "announced", call->announced_ns);
    if (call->closed_ns > 0) {
        json_put_time(json, "closed", call->closed_ns);
    } else {
        json_put_null(json, "closed");
    }
    if (call->budget_won >= 0) {
        json_put_i64(json, "budget_won", call->budget_won);
        json_put_i64(json, "left_won", call->budget_won - call->used_won);
    } else {
        json_put_null(json, "budget_won");
        json_put_null(json, "left_won");
    }
    json_put_i64(json, "used_won", call->used_won);
    json_object_end(json);
}

int programme_write(struct ledger_tx *tx, const struct programme_now *now, bool whole,
    struct json *json, struct err *err) {
    static const char *const NAMES[] = {
        "kind", "ko", "en", "state", "parent", "issuer", "agency", "number", "announced"};
    struct desk_call call;
    const struct json_in *root = programme_root(now->programme);
    int64_t year = 0;
    int rc = desk_call_get(tx, programme_id(now->programme), 0, &call, err);
    if (rc < 0) {
        return rc;
    }
    json_object_begin(json);
    json_put_str(json, "id", programme_id(now->programme));
    json_put_i64(json, "version", now->version);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct str text = programme_text(now->programme, NAMES[i]);
        if (text.size > 0) {
            json_put_str(json, NAMES[i], text);
        }
    }
    if (json_in_whole(json_in_get(root, "year"), &year)) {
        json_put_i64(json, "year", year);
    }
    put_call(&call, json);
    if (whole) {
        AUTO_BUF struct buf text;
        buf_init(&text, 2 * PROGRAMME_BYTES_MAX);
        json_in_put(root, &text);
        json_key(json, "document");
        json_raw(json, buf_str(&text));
    }
    json_object_end(json);
    return 0;
}
