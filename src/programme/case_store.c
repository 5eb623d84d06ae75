/*
 * Events of cases and the row they add up to.
 *
 * An event is appended together with an entry of the hub's audit chain that holds its digest, in
 * one transaction: changing an event afterwards, or taking one out, shows against the chain, and
 * the chain shows against itself. The row is what lists read; it is written from the same merged
 * facts that replaying the events gives.
 */
#include "programme/case_store.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/random.h"
#include "ledger/seal.h"
#include "programme/words.h"

enum { SEOUL_S = 9 * 3600, DOCUMENTS_MAX = 100 };

int64_t case_local_second(int64_t time_ns) {
    return time_ns / NS_PER_S + SEOUL_S;
}

/* ---- The row ---- */

int case_row_get(struct ledger_tx *tx, struct str id, bool rules, struct arena *arena,
    struct case_row *ret_row, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT id, number, programme, version, call, sequence, opened_ns, due, facts FROM cases"
        " WHERE id = ?1 OR number = ?1",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, id);
    rc = ledger_step(stmt, err);
    if (rc <= 0) {
        return rc < 0 ? rc : err_set(err, ERR_NOT_FOUND, SAY_DESK(CASE_UNKNOWN), NO_ARGS);
    }
    *ret_row = (struct case_row){.id = arena_copy(arena, ledger_column_str(stmt, 0)),
        .number = arena_copy(arena, ledger_column_str(stmt, 1)),
        .programme = arena_copy(arena, ledger_column_str(stmt, 2)),
        .version = ledger_column_i64(stmt, 3),
        .call = ledger_column_i64(stmt, 4),
        .sequence = ledger_column_i64(stmt, 5),
        .opened_ns = ledger_column_i64(stmt, 6),
        .due = arena_copy(arena, ledger_column_str(stmt, 7)),
        .facts = arena_copy(arena, ledger_column_str(stmt, 8))};
    rc = json_in_parse(ret_row->facts, &ret_row->state, err);
    if (rc >= 0 && rules) {
        rc = programme_at(tx, ret_row->programme, ret_row->version, &ret_row->rules, err);
    }
    if (rc < 0) {
        case_row_fini(ret_row);
    }
    return rc;
}

void case_row_fini(struct case_row *row) {
    json_in_free(row->state);
    programme_free(row->rules);
    row->state = NULL;
    row->rules = NULL;
}

static int64_t won_of_state(const struct json_in *state, const char *name) {
    int64_t won = 0;
    (void)json_in_whole(json_in_get(json_in_get(state, "amounts"), name), &won);
    return won;
}

static int64_t reserved_of(const struct json_in *state) {
    static const char *const ENDS[] = {
        "refused", "cancelled", "withdrawn", "failed", "clawback", "clawed_back"};
    int64_t reviewed = won_of_state(state, "reviewed");
    int64_t agreed = won_of_state(state, "agreed");
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        if (str_eq(case_state_text(state, "state"), str_of(ENDS[i]))) {
            return won_of_state(state, "paid") - won_of_state(state, "returned");
        }
    }
    if (agreed > 0 || !str_eq(case_state_text(state, "award"), STR("selected"))) {
        return agreed;
    }
    return reviewed > 0 ? reviewed : won_of_state(state, "requested");
}

void case_columns_of(const struct json_in *state, struct case_columns *ret) {
    struct str due = case_state_text(state, "due");
    *ret = (struct case_columns){.organisation = case_state_text(state, "organisation"),
        .name = case_state_text(state, "name"),
        .corporation = case_state_text(state, "corporation"),
        .type = case_state_text(state, "type"),
        .state = case_state_text(state, "state"),
        .step = case_state_text(state, "step"),
        .due = due.size > 0 ? due : STR("9999-12-31"),
        .agreed_won = won_of_state(state, "agreed"),
        .paid_won = won_of_state(state, "paid"),
        .reserved_won = reserved_of(state)};
}

static void bind_columns(
    struct ledger_stmt *stmt, const struct case_columns *columns, struct str facts) {
    ledger_bind_str(stmt, 3, columns->organisation);
    ledger_bind_str(stmt, 4, columns->name);
    ledger_bind_str(stmt, 5, columns->corporation);
    ledger_bind_str(stmt, 6, columns->type);
    ledger_bind_str(stmt, 7, columns->state);
    ledger_bind_str(stmt, 8, columns->step);
    ledger_bind_str(stmt, 9, columns->due);
    ledger_bind_i64(stmt, 10, columns->agreed_won);
    ledger_bind_i64(stmt, 11, columns->paid_won);
    ledger_bind_str(stmt, 12, facts);
    ledger_bind_i64(stmt, 13, columns->reserved_won);
}

static int put_row(struct ledger_tx *tx, const struct case_entry *entry, int64_t sequence,
    const struct json_in *state, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    struct case_columns columns;
    case_columns_of(state, &columns);
    int rc = ledger_prepare(tx,
        entry->opens
            ? "INSERT INTO cases (id, sequence, organisation, name, corporation, type, state, step,"
              " due, agreed_won, paid_won, facts, reserved_won, number, programme, version, call,"
              " opened_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
              " ?15, ?16, ?17, ?18)"
            : "UPDATE cases SET sequence = ?2, organisation = ?3, name = ?4, corporation = ?5,"
              " type = ?6, state = ?7, step = ?8, due = ?9, agreed_won = ?10, paid_won = ?11,"
              " facts = ?12, reserved_won = ?13 WHERE id = ?1",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    ledger_bind_str(stmt, 1, entry->row->id);
    ledger_bind_i64(stmt, 2, sequence);
    bind_columns(stmt, &columns, buf_str(&entry->outcome->state));
    if (entry->opens) {
        ledger_bind_str(stmt, 14, entry->row->number);
        ledger_bind_str(stmt, 15, entry->row->programme);
        ledger_bind_i64(stmt, 16, entry->row->version);
        ledger_bind_i64(stmt, 17, entry->row->call);
        ledger_bind_i64(stmt, 18, entry->time_ns);
    }
    return ledger_step(stmt, err);
}

/* ---- Events ---- */

void case_digest_text(const struct case_digest *event, char ret_text[65]) {
    struct digest digest;
    uint8_t bytes[DIGEST_BYTES];
    digest_init(&digest);
    digest_add_str(&digest, event->id);
    digest_add_u64(&digest, (uint64_t)event->sequence);
    digest_add_u64(&digest, (uint64_t)event->time_ns);
    for (size_t i = 0; i < sizeof event->texts / sizeof event->texts[0]; i++) {
        digest_add_str(&digest, event->texts[i]);
    }
    digest_end(&digest, bytes);
    digest_text(bytes, ret_text);
}

static int audit_event(struct ledger_tx *tx, const struct case_entry *entry, int64_t sequence,
    int64_t *ret_audit, struct err *err) {
    struct case_digest event = {.id = entry->row->id,
        .sequence = sequence,
        .time_ns = entry->time_ns,
        .texts = {entry->at, entry->step, entry->action, entry->actor, entry->role, entry->reason,
            entry->payload, entry->answer, buf_str(&entry->outcome->effect)}};
    char digest[DIGEST_TEXT_MAX];
    char payload[256];
    char action[96];
    struct ledger_stmt *stmt = NULL;
    case_digest_text(&event, digest);
    (void)snprintf(action, sizeof action, "case.%.*s", STR_ARG(entry->action));
    (void)snprintf(payload, sizeof payload,
        "{\"case\":\"%.*s\",\"sequence\":%lld,\"digest\":\"%s\"}", STR_ARG(entry->row->number),
        (long long)sequence, digest);
    int rc = audit_append(tx, entry->actor, str_of(action), entry->row->id, str_of(payload), err);
    rc = rc < 0 ? rc : ledger_prepare(tx, "SELECT max(sequence) FROM audit", &stmt, err);
    rc = rc < 0 ? rc : ledger_step(stmt, err);
    if (rc > 0) {
        *ret_audit = ledger_column_i64(stmt, 0);
    }
    return rc < 0 ? rc : 0;
}

static int insert_event(struct ledger_tx *tx, const struct case_entry *entry, int64_t sequence,
    int64_t audit, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "INSERT INTO case_event (case_id, sequence, time_ns, at, step, action, actor, role, reason,"
        " payload, answer, effect, key, audit)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        &stmt, err);
    if (rc < 0) {
        return rc;
    }
    const struct str texts[] = {entry->at, entry->step, entry->action, entry->actor, entry->role,
        entry->reason, entry->payload, entry->answer, buf_str(&entry->outcome->effect)};
    ledger_bind_str(stmt, 1, entry->row->id);
    ledger_bind_i64(stmt, 2, sequence);
    ledger_bind_i64(stmt, 3, entry->time_ns);
    for (int i = 0; i < 9; i++) {
        ledger_bind_str(stmt, 4 + i, texts[i]);
    }
    if (entry->key.size > 0) {
        ledger_bind_str(stmt, 13, entry->key);
    } else {
        ledger_bind_null(stmt, 13);
    }
    ledger_bind_i64(stmt, 14, audit);
    return ledger_step(stmt, err);
}

static int insert_documents(struct ledger_tx *tx, const struct case_entry *entry, int64_t sequence,
    const struct json_in *payload, struct err *err) {
    const struct json_in *list = json_in_get(payload, "documents");
    int rc = 0;
    for (size_t i = 0; i < json_in_count(list) && i < DOCUMENTS_MAX && rc >= 0; i++) {
        static const char *const NAMES[] = {"id", "name", "issued", "sha256"};
        const struct json_in *one = json_in_at(list, i);
        struct ledger_stmt *stmt = NULL;
        int64_t size = 0;
        rc = ledger_prepare(tx,
            "INSERT INTO case_document (case_id, sequence, place, size, id, name, issued, sha256)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            &stmt, err);
        if (rc < 0) {
            return rc;
        }
        (void)json_in_whole(json_in_get(one, "size"), &size);
        ledger_bind_str(stmt, 1, entry->row->id);
        ledger_bind_i64(stmt, 2, sequence);
        ledger_bind_i64(stmt, 3, (int64_t)i);
        ledger_bind_i64(stmt, 4, size < 0 ? 0 : size);
        for (int k = 0; k < 4; k++) {
            ledger_bind_str(stmt, 5 + k, json_in_text(json_in_get(one, NAMES[k])));
        }
        rc = ledger_step(stmt, err);
    }
    return rc;
}

/* Who may see the case besides: organisations of the consortium, evaluators. */
static int insert_parties(
    struct ledger_tx *tx, struct str id, const struct json_in *state, struct err *err) {
    const struct json_in *all = json_in_get(json_in_get(state, "facts"), "consortium");
    int rc = 0;
    for (size_t i = 0; i < json_in_count(all) && rc >= 0; i++) {
        struct str organisation = json_in_text(json_in_get(json_in_at(all, i), "organisation"));
        struct ledger_stmt *stmt = NULL;
        if (organisation.size == 0) {
            continue;
        }
        rc = ledger_prepare(tx,
            "INSERT INTO case_party (organisation, case_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            &stmt, err);
        if (rc >= 0) {
            ledger_bind_str(stmt, 1, organisation);
            ledger_bind_str(stmt, 2, id);
            rc = ledger_step(stmt, err);
        }
    }
    return rc;
}

static int put_evaluators(
    struct ledger_tx *tx, struct str id, const struct json_in *state, struct err *err) {
    const struct json_in *all = json_in_get(state, "evaluators");
    const struct json_in *value = NULL;
    struct str who = STR_NONE;
    int rc = 0;
    for (size_t at = 0; rc >= 0 && json_in_next(all, &at, &who, &value);) {
        struct ledger_stmt *stmt = NULL;
        struct str declared = json_in_text(json_in_find(json_in_get(state, "declared"), who));
        rc = ledger_prepare(tx,
            "INSERT INTO case_evaluator (case_id, user_id, conflict, submitted)"
            " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (case_id, user_id) DO UPDATE SET"
            " conflict = ?3, submitted = ?4",
            &stmt, err);
        if (rc >= 0) {
            ledger_bind_str(stmt, 1, id);
            ledger_bind_str(stmt, 2, who);
            ledger_bind_str(stmt, 3, declared.size > 0 ? declared : STR("unknown"));
            ledger_bind_i64(stmt, 4, json_in_find(json_in_get(state, "sheets"), who) != NULL);
            rc = ledger_step(stmt, err);
        }
    }
    return rc;
}

int case_append(
    struct ledger_tx *tx, const struct case_entry *entry, int64_t *ret_sequence, struct err *err) {
    AUTO_JSON_IN struct json_in *state = NULL;
    AUTO_JSON_IN struct json_in *payload = NULL;
    int64_t sequence = entry->row->sequence + 1;
    int64_t audit = 0;
    int rc = json_in_parse(buf_str(&entry->outcome->state), &state, err);
    rc = rc < 0 ? rc : json_in_parse(entry->payload, &payload, err);
    rc = rc < 0 ? rc : put_row(tx, entry, sequence, state, err);
    rc = rc < 0 ? rc : audit_event(tx, entry, sequence, &audit, err);
    rc = rc < 0 ? rc : insert_event(tx, entry, sequence, audit, err);
    rc = rc < 0 ? rc : insert_documents(tx, entry, sequence, payload, err);
    if (rc >= 0 && entry->opens) {
        rc = insert_parties(tx, entry->row->id, state, err);
    }
    rc = rc < 0 ? rc : put_evaluators(tx, entry->row->id, state, err);
    if (rc >= 0) {
        *ret_sequence = sequence;
    }
    return rc;
}
