/*
 * Cases as they are read: the officer's queue, and one case with its history, what may be done next
 * and where each figure comes from.
 *
 * Who sees what is decided here, in one place: the agency all of it; a company its own case without
 * the evaluators and their sheets; an evaluator no sheet of another before all that were assigned
 * have sent theirs.
 */
#include <stdio.h>

#include "core/mem.h"
#include "programme/case_store.h"
#include "programme/day.h"
#include "programme/words.h"

enum { TEXT_BYTES = 4 << 20, WORD_BYTES = 300 };

/* ---- The queue ---- */

static const char LIST_SQL[] =
    "SELECT c.id, c.number, c.programme, c.version, c.call, c.organisation, c.name, c.corporation,"
    " c.type, c.state, c.step, c.due, c.opened_ns, c.sequence, c.agreed_won, c.paid_won FROM cases "
    "c"
    " WHERE (c.due, c.id) > (?1, ?2)"
    " AND (?3 = '' OR c.programme = ?3) AND (?4 = '' OR c.step = ?4) AND (?5 = '' OR c.state = ?5)"
    " AND (?6 = '' OR c.due < ?6)"
    " AND (?7 = '' OR instr(lower(c.number), lower(?7)) > 0 OR instr(lower(c.name), lower(?7)) > 0)"
    " AND (?8 = 1"
    " OR EXISTS (SELECT 1 FROM programme_role r WHERE r.user_id = ?9"
    "  AND r.programme IN (c.programme, '*') AND r.role IN ('officer', 'auditor'))"
    " OR (c.organisation <> '' AND c.organisation = ?10 AND EXISTS (SELECT 1 FROM programme_role r"
    "  WHERE r.user_id = ?9 AND r.programme IN (c.programme, '*') AND r.role = 'applicant'))"
    " OR EXISTS (SELECT 1 FROM case_evaluator e JOIN programme_role r ON r.user_id = e.user_id"
    "  WHERE e.case_id = c.id AND e.user_id = ?9 AND r.role = 'evaluator'"
    "  AND r.programme IN (c.programme, '*'))"
    " OR EXISTS (SELECT 1 FROM case_party p JOIN programme_role r ON r.user_id = ?9"
    "  WHERE p.case_id = c.id AND p.organisation = ?10 AND r.role = 'supplier'"
    "  AND r.programme IN (c.programme, '*')))"
    " ORDER BY c.due, c.id LIMIT ?11";

static void put_due(struct json *json, struct str due) {
    if (due.size == 0 || str_eq(due, STR("9999-12-31"))) {
        json_put_null(json, "due");
    } else {
        json_put_str(json, "due", due);
    }
}

static void put_item(struct json *json, struct ledger_stmt *stmt) {
    json_object_begin(json);
    json_put_str(json, "id", ledger_column_str(stmt, 0));
    json_put_str(json, "number", ledger_column_str(stmt, 1));
    json_put_str(json, "programme", ledger_column_str(stmt, 2));
    json_put_i64(json, "version", ledger_column_i64(stmt, 3));
    json_put_i64(json, "call", ledger_column_i64(stmt, 4));
    json_put_str(json, "organisation", ledger_column_str(stmt, 5));
    json_put_str(json, "name", ledger_column_str(stmt, 6));
    json_put_str(json, "corporation", ledger_column_str(stmt, 7));
    json_put_str(json, "type", ledger_column_str(stmt, 8));
    json_put_str(json, "state", ledger_column_str(stmt, 9));
    json_put_str(json, "step", ledger_column_str(stmt, 10));
    put_due(json, ledger_column_str(stmt, 11));
    json_put_time(json, "opened", ledger_column_i64(stmt, 12));
    json_put_i64(json, "sequence", ledger_column_i64(stmt, 13));
    json_put_i64(json, "agreed_won", ledger_column_i64(stmt, 14));
    json_put_i64(json, "paid_won", ledger_column_i64(stmt, 15));
    json_object_end(json);
}

int cases_list(struct ledger_tx *tx, const struct case_query *query, struct json *json,
    struct arena *arena, struct str *ret_next, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    struct str id = query->cursor;
    struct str due = str_cut(&id, ' ');
    struct str last = STR_NONE;
    uint32_t limit = query->limit == 0 ? CASE_LIST_USUAL : query->limit;
    limit = limit > CASE_LIST_MAX ? CASE_LIST_MAX : limit;
    int rc = ledger_prepare(tx, LIST_SQL, &stmt, err);
    if (rc < 0) {
        return rc;
    }
    const struct str texts[] = {due, id.data ? id : STR_NONE, query->programme, query->step,
        query->state, query->due_before, query->q};
    for (int i = 0; i < 7; i++) {
        ledger_bind_str(stmt, i + 1, texts[i]);
    }
    ledger_bind_i64(stmt, 8, query->all);
    ledger_bind_str(stmt, 9, query->actor->user);
    ledger_bind_str(stmt, 10, query->actor->organisation);
    ledger_bind_i64(stmt, 11, (int64_t)limit + 1);
    *ret_next = STR_NONE;
    for (uint32_t count = 0; (rc = ledger_step(stmt, err)) > 0; count++) {
        if (count == limit) {
            *ret_next = last;
            break;
        }
        char cursor[64];
        (void)snprintf(cursor, sizeof cursor, "%.*s %.*s", STR_ARG(ledger_column_str(stmt, 11)),
            STR_ARG(ledger_column_str(stmt, 0)));
        last = arena_copy(arena, str_of(cursor));
        put_item(json, stmt);
    }
    return rc < 0 ? rc : 0;
}

/* ---- One case ---- */

struct view {
    struct ledger_tx *tx;
    const struct case_look *look;
    struct case_row row;
    struct json *json;
    struct arena *arena;
    uint32_t roles;
    bool sees_all;    // The agency's.
    bool sheets_open; // Every assigned evaluator has sent one, or declared a conflict.
};

static bool sheets_are_in(const struct json_in *state) {
    const struct json_in *all = json_in_get(state, "evaluators");
    const struct json_in *value = NULL;
    struct str who = STR_NONE;
    for (size_t at = 0; json_in_next(all, &at, &who, &value);) {
        struct str declared = json_in_text(json_in_find(json_in_get(state, "declared"), who));
        if (!json_in_find(json_in_get(state, "sheets"), who) && !str_eq(declared, STR("yes"))) {
            return false;
        }
    }
    return true;
}

/* Sheets and declarations: all, one's own, or none. */
static void put_own(struct view *view, const char *part) {
    const struct json_in *all = json_in_get(view->row.state, part);
    const struct json_in *own = json_in_find(all, view->look->actor->user);
    if (!all || (!view->sees_all && (view->roles & CASE_EVALUATOR) == 0)) {
        return;
    }
    if (view->sees_all || view->sheets_open) {
        turn_put_raw(view->json, part, all);
        return;
    }
    json_key(view->json, part);
    json_object_begin(view->json);
    if (own) {
        json_key_str(view->json, view->look->actor->user);
        json_value(view->json, own);
    }
    json_object_end(view->json);
}

static void put_state(struct view *view) {
    static const char *const PARTS[] = {"facts", "cost", "documents", "decisions", "options",
        "days", "insurance", "amounts", "done", "extension_months", "score", "rank", "award",
        "verdict", "level", "certificate", "certificate_from", "certificate_until", "expert",
        "cause", "objection", "received", "checked", "through", "breach"};
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        turn_put_raw(view->json, PARTS[i], json_in_get(view->row.state, PARTS[i]));
    }
    put_own(view, "evaluators");
    put_own(view, "declared");
    put_own(view, "sheets");
}

static const struct json_in *step_now(const struct view *view) {
    return list_find(json_in_get(programme_root(view->row.rules), "steps"),
        case_state_text(view->row.state, "step"));
}

static void put_step(struct view *view) {
    const struct json_in *step = step_now(view);
    struct json *json = view->json;
    int64_t number = 0;
    json_key(json, "step");
    json_object_begin(json);
    json_put_str(json, "id", step_id(step));
    if (json_in_whole(json_in_get(step, "no"), &number)) {
        json_put_i64(json, "no", number);
    }
    json_put_str(json, "kind", step_kind(step));
    answer_put_names(json, step);
    json_put_str(json, "source", json_in_text(json_in_get(step, "src")));
    json_object_end(json);
}

static bool has_ended(struct str state) {
    static const char *const ENDS[] = {
        "refused", "cancelled", "withdrawn", "closed", "failed", "clawback", "clawed_back"};
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        if (str_eq(state, str_of(ENDS[i]))) {
            return true;
        }
    }
    return false;
}

static void put_roles(struct json *json, uint32_t roles) {
    json_key(json, "roles");
    json_array_begin(json);
    for (uint32_t role = 1; role <= CASE_ROLES_ALL; role <<= 1) {
        if ((roles & role) != 0) {
            json_str(json, str_of(case_role_name(role)));
        }
    }
    json_array_end(json);
}

/* What may be done now, by whom, with which members. */
static void put_next(struct view *view) {
    struct json *json = view->json;
    struct str state = case_state_text(view->row.state, "state");
    const struct json_in *step = step_now(view);
    const struct case_action *action = NULL;
    json_key(json, "next");
    json_array_begin(json);
    for (size_t i = 0; (action = case_action_at(i)) != NULL; i++) {
        bool fits = has_ended(state)                ? action->ends
                    : str_eq(state, STR("waiting")) ? action->waits
                                                    : true;
        if (!fits || !case_action_fits(action, step) || i == 0) {
            continue;
        }
        uint32_t roles = case_action_roles(action, step);
        json_object_begin(json);
        json_put_str(json, "action", str_of(action->name));
        put_roles(json, roles);
        json_put_bool(json, "yours", (roles & view->roles) != 0);
        json_key(json, "needs");
        json_array_begin(json);
        for (struct str rest = str_of(action->needs); rest.size > 0;) {
            json_str(json, str_cut(&rest, ' '));
        }
        json_array_end(json);
        json_put_bool(json, "ends_step", str_eq(str_of(action->name), step_kind(step)));
        json_object_end(json);
    }
    json_array_end(json);
}

static int put_documents(struct view *view, int64_t sequence, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(view->tx,
        "SELECT id, name, issued, sha256, size FROM case_document WHERE case_id = ?1"
        " AND sequence = ?2 ORDER BY place",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, view->row.id);
    ledger_bind_i64(stmt, 2, sequence);
    json_key(view->json, "documents");
    json_array_begin(view->json);
    while ((rc = ledger_step(stmt, err)) > 0) {
        static const char *const NAMES[] = {"id", "name", "issued", "sha256"};
        json_object_begin(view->json);
        for (int i = 0; i < 4; i++) {
            json_put_str(view->json, NAMES[i], ledger_column_str(stmt, i));
        }
        json_put_i64(view->json, "size", ledger_column_i64(stmt, 4));
        json_object_end(view->json);
    }
    json_array_end(view->json);
    return rc;
}

/* What evaluators do among themselves. */
static bool is_inner(struct str action) {
    return str_eq(action, STR("assign")) || str_eq(action, STR("declare")) ||
           str_eq(action, STR("sheet"));
}

/* Whose answer holds what single evaluators gave. */
static bool is_graded(struct str action) {
    return str_eq(action, STR("score")) || str_eq(action, STR("visit")) ||
           str_eq(action, STR("sheet"));
}

static bool sees_event(const struct view *view, struct str action, struct str actor) {
    if (view->sees_all || !is_inner(action)) {
        return true;
    }
    bool evaluator = (view->roles & CASE_EVALUATOR) != 0;
    return evaluator && (view->sheets_open || str_eq(actor, view->look->actor->user));
}

static int put_event(struct view *view, struct ledger_stmt *stmt, struct err *err) {
    static const char *const NAMES[] = {"at", "step", "action", "actor", "role", "reason"};
    struct json *json = view->json;
    json_object_begin(json);
    json_put_i64(json, "sequence", ledger_column_i64(stmt, 0));
    json_put_time(json, "time", ledger_column_i64(stmt, 1));
    for (int i = 0; i < 6; i++) {
        json_put_str(json, NAMES[i], ledger_column_str(stmt, 2 + i));
    }
    json_put_i64(json, "audit", ledger_column_i64(stmt, 11));
    struct str action = ledger_column_str(stmt, 4);
    bool tells = view->sees_all || (!is_graded(action) && !str_eq(action, STR("decide")));
    if (tells) {
        json_key(json, "answer");
        json_raw(json, ledger_column_str(stmt, 9));
    }
    if (view->look->whole) {
        json_key(json, "payload");
        json_raw(json, ledger_column_str(stmt, 8));
        json_key(json, "effect");
        json_raw(json, ledger_column_str(stmt, 10));
    }
    int rc = put_documents(view, ledger_column_i64(stmt, 0), err);
    json_object_end(json);
    return rc;
}

static int put_history(struct view *view, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(view->tx,
        "SELECT sequence, time_ns, at, step, action, actor, role, reason, payload, answer, effect,"
        " audit FROM case_event WHERE case_id = ?1 ORDER BY sequence",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, view->row.id);
    json_key(view->json, "history");
    json_array_begin(view->json);
    while ((rc = ledger_step(stmt, err)) > 0) {
        if (sees_event(view, ledger_column_str(stmt, 4), ledger_column_str(stmt, 5))) {
            rc = put_event(view, stmt, err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    json_array_end(view->json);
    return rc;
}

/* Until when each thing may be done, with its source: the agreement's end, changes, the report...
 */
static int put_deadlines(struct view *view, struct err *err) {
    AUTO_JSON_IN struct json_in *answer = NULL;
    if (!json_in_get(view->row.state, "days")) {
        return 0;
    }
    int rc = case_days(view->row.rules, view->row.state, &answer, err);
    if (rc >= 0) {
        turn_put_raw(view->json, "deadlines", answer);
    }
    return rc;
}

/* Which event a figure comes from: its answer has the derivation down to the source. */
static int put_figures(struct view *view, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(view->tx,
        "SELECT j.key, max(e.sequence), e.action FROM case_event e,"
        " json_each(e.effect, '$.amounts') j WHERE e.case_id = ?1 GROUP BY j.key ORDER BY 2, 1",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, view->row.id);
    json_key(view->json, "figures");
    json_array_begin(view->json);
    const struct json_in *amounts = json_in_get(view->row.state, "amounts");
    while ((rc = ledger_step(stmt, err)) > 0) {
        int64_t won = 0;
        struct str name = ledger_column_str(stmt, 0);
        (void)json_in_whole(json_in_find(amounts, name), &won);
        json_object_begin(view->json);
        json_put_str(view->json, "figure", name);
        json_put_i64(view->json, "won", won);
        json_put_i64(view->json, "sequence", ledger_column_i64(stmt, 1));
        json_put_str(view->json, "action", ledger_column_str(stmt, 2));
        json_object_end(view->json);
    }
    json_array_end(view->json);
    return rc;
}

/* The rules, and the rankings in which the case stood. */
static int put_rules(struct view *view, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(view->tx,
        "SELECT sha256, json FROM programme_version WHERE programme = ?1 AND version = ?2", &stmt,
        err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, view->row.programme);
    ledger_bind_i64(stmt, 2, view->row.version);
    rc = ledger_step(stmt, err);
    if (rc > 0) {
        json_key(view->json, "rules");
        json_object_begin(view->json);
        json_put_str(view->json, "sha256", ledger_column_str(stmt, 0));
        json_key(view->json, "document");
        json_raw(view->json, ledger_column_str(stmt, 1));
        json_object_end(view->json);
    }
    rc = rc < 0 ? rc
                : ledger_prepare(view->tx,
                      "SELECT number, time_ns, by, reason, input, answer FROM programme_ranking"
                      " WHERE programme = ?1 AND call = ?2 ORDER BY number",
                      &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, view->row.programme);
    ledger_bind_i64(stmt, 2, view->row.call);
    json_key(view->json, "rankings");
    json_array_begin(view->json);
    while ((rc = ledger_step(stmt, err)) > 0) {
        json_object_begin(view->json);
        json_put_i64(view->json, "number", ledger_column_i64(stmt, 0));
        json_put_time(view->json, "time", ledger_column_i64(stmt, 1));
        json_put_str(view->json, "by", ledger_column_str(stmt, 2));
        json_put_str(view->json, "reason", ledger_column_str(stmt, 3));
        json_key(view->json, "input");
        json_raw(view->json, ledger_column_str(stmt, 4));
        json_key(view->json, "answer");
        json_raw(view->json, ledger_column_str(stmt, 5));
        json_object_end(view->json);
    }
    json_array_end(view->json);
    return rc;
}

static int write_view(struct view *view, struct err *err) {
    struct json *json = view->json;
    struct case_columns columns;
    case_columns_of(view->row.state, &columns);
    json_object_begin(json);
    json_put_str(json, "id", view->row.id);
    json_put_str(json, "number", view->row.number);
    json_put_str(json, "programme", view->row.programme);
    json_put_i64(json, "version", view->row.version);
    json_put_i64(json, "call", view->row.call);
    json_put_str(json, "organisation", columns.organisation);
    json_put_str(json, "name", columns.name);
    json_put_str(json, "corporation", columns.corporation);
    json_put_str(json, "type", columns.type);
    json_put_str(json, "state", columns.state);
    put_step(view);
    put_due(json, columns.due);
    json_put_time(json, "opened", view->row.opened_ns);
    json_put_i64(json, "sequence", view->row.sequence);
    json_put_i64(json, "agreed_won", columns.agreed_won);
    json_put_i64(json, "paid_won", columns.paid_won);
    put_state(view);
    put_next(view);
    int rc = put_deadlines(view, err);
    rc = rc < 0 ? rc : put_figures(view, err);
    rc = rc < 0 ? rc : put_history(view, err);
    if (rc >= 0 && view->look->whole) {
        rc = put_rules(view, err);
    }
    json_object_end(json);
    return rc;
}

int cases_write(
    struct ledger_tx *tx, const struct case_look *look, struct json *json, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct view view = {.tx = tx, .look = look, .json = json, .arena = &arena};
    int rc = case_row_get(tx, look->id, true, &arena, &view.row, err);
    if (rc < 0) {
        return rc;
    }
    view.roles = case_roles_in(&view.row, look->actor);
    view.sees_all = (view.roles & (CASE_OFFICER | CASE_AUDITOR)) != 0;
    view.sheets_open = sheets_are_in(view.row.state);
    rc = view.roles == 0 ? err_set(err, ERR_NOT_FOUND, SAY_DESK(CASE_UNKNOWN), NO_ARGS)
                         : write_view(&view, err);
    case_row_fini(&view.row);
    return rc;
}
