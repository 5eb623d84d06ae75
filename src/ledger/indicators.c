/*
 * Performance indicators. What an indicator meant in a month must stay readable for as long as its
 * value does, so a definition is never overwritten and a month names the revision it came from.
 * Whatever is closed is closed for good: neither a changed formula nor a typing hand touches it.
 */
#include "ledger/indicators.h"

#include <math.h>

#include "core/json.h"
#include "core/time.h"
#include "ledger/db.h"
#include "ledger/input.h"

#define DEFINITION                                                                                 \
    "r.number, r.revision, r.changed_ns, r.actor, r.effect, r.name, r.unit, r.better = 'lower',"   \
    " r.weight, r.baseline, r.baseline_from, r.baseline_to, r.baseline_source, r.target,"          \
    " r.target_date, r.formula, r.since, r.note"
#define VALUE "number, month, revision, value, closed, derivation, source, file, actor, entered_ns"

enum { WEIGHT_MAX = 1000, DATE_BYTES = 10 };

/* ---- Checks ---- */

bool indicator_month_is(struct str month) {
    int64_t year = 0;
    int64_t number = 0;
    return month.size == INDICATOR_MONTH_BYTES - 1 && month.data[4] == '-' &&
           month.data[0] != '-' && month.data[5] != '-' &&
           str_to_i64(str_slice(month, 0, 4), &year) && year >= 1970 &&
           str_to_i64(str_slice(month, 5, 7), &number) && number >= 1 && number <= 12;
}

static int check_date(const char *name, struct str value, struct err *err) {
    int64_t time_ns = 0;
    return value.size == 0 || (value.size == DATE_BYTES && time_parse(value, NULL, &time_ns))
               ? 0
               : err_set(err, ERR_INVALID, MSG_PAPERS_DATE, ARGS(A_CSTR(name), A_STR(value)));
}

static int check_effect(struct str effect, struct err *err) {
    struct str rest = STR(INDICATOR_EFFECTS);
    while (rest.size > 0) {
        if (str_eq(str_cut(&rest, '|'), effect)) {
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, MSG_PAPERS_CHOICE,
        ARGS(A_CSTR("effect"), A_STR(effect), A_CSTR(INDICATOR_EFFECTS)));
}

static int check_texts(const struct indicator *one, struct err *err) {
    const struct {
        const char *name;
        struct str text;
        size_t max;
    } TEXTS[] = {{"name", one->name, INDICATOR_NAME_MAX}, {"unit", one->unit, INDICATOR_UNIT_MAX},
        {"baseline_source", one->baseline_source, INDICATOR_SOURCE_MAX},
        {"formula", one->formula, INDICATOR_FORMULA_MAX}, {"note", one->note, INDICATOR_NOTE_MAX}};
    int status = 0;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0] && status >= 0; i++) {
        status = input_text(TEXTS[i].name, TEXTS[i].text, TEXTS[i].max, err);
    }
    return status;
}

static int check(const struct indicator *one, struct err *err) {
    if (str_trim(one->name).size == 0) {
        return err_set(err, ERR_INVALID, MSG_PAPERS_NEEDED, ARGS(A_CSTR("name")));
    }
    if (!(one->weight >= 0 && one->weight <= WEIGHT_MAX)) {
        return err_set(err, ERR_INVALID, MSG_INDICATOR_WEIGHT, ARGS(A_INT(WEIGHT_MAX)));
    }
    if (isinf(one->baseline) || isinf(one->target)) {
        return err_set(err, ERR_INVALID, MSG_INDICATOR_NUMBER, NO_ARGS);
    }
    if (one->formula.size > 0 && !indicator_month_is(one->since)) {
        return err_set(err, ERR_INVALID, MSG_INDICATOR_MONTH, ARGS(A_STR(one->since)));
    }
    if (one->baseline_from.size > 0 && one->baseline_to.size > 0 &&
        str_cmp(one->baseline_from, one->baseline_to) > 0) {
        return err_set(err, ERR_INVALID, MSG_INDICATOR_PERIOD, NO_ARGS);
    }
    int status = check_texts(one, err);
    status = status < 0 ? status : check_effect(one->effect, err);
    status = status < 0 ? status : check_date("baseline_from", one->baseline_from, err);
    status = status < 0 ? status : check_date("baseline_to", one->baseline_to, err);
    return status < 0 ? status : check_date("target_date", one->target_date, err);
}

/* ---- The audit chain ---- */

static void put_number(struct json *json, const char *key, double value) {
    if (isnan(value)) {
        json_put_null(json, key);
    } else {
        json_put_f64(json, key, value);
    }
}

static int note(struct ledger_tx *tx, struct str actor, const char *action, int64_t number,
    const struct buf *payload, struct err *err) {
    AUTO_BUF struct buf subject;
    buf_init(&subject, 64);
    buf_printf(&subject, "indicator/%lld", (long long)number);
    return audit_append(tx, actor, str_of(action), buf_str(&subject), buf_str(payload), err);
}

static int note_definition(struct ledger_tx *tx, const struct indicator *one, const char *action,
    struct str actor, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, 65536);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_i64(&json, "revision", one->revision);
    json_put_str(&json, "effect", one->effect);
    json_put_str(&json, "name", one->name);
    json_put_str(&json, "unit", one->unit);
    json_put_str(&json, "better", one->lower_is_better ? STR("lower") : STR("higher"));
    json_put_f64(&json, "weight", one->weight);
    put_number(&json, "baseline", one->baseline);
    json_put_str(&json, "baseline_from", one->baseline_from);
    json_put_str(&json, "baseline_to", one->baseline_to);
    json_put_str(&json, "baseline_source", one->baseline_source);
    put_number(&json, "target", one->target);
    json_put_str(&json, "target_date", one->target_date);
    json_put_str(&json, "formula", one->formula);
    json_put_str(&json, "since", one->since);
    json_put_str(&json, "note", one->note);
    json_object_end(&json);
    return note(tx, actor, action, one->number, &payload, err);
}

static int note_value(struct ledger_tx *tx, const struct indicator_value *value, const char *action,
    struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, 1 << 20);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    json_put_str(&json, "month", value->month);
    json_put_i64(&json, "revision", value->revision);
    put_number(&json, "value", value->value);
    json_put_str(&json, "source", value->source);
    json_put_str(&json, "file", value->file);
    if (value->derivation.size > 0) {
        json_key(&json, "derivation");
        json_raw(&json, value->derivation);
    }
    json_object_end(&json);
    struct str actor = value->actor.size > 0 ? value->actor : STR("system");
    return note(tx, actor, action, value->number, &payload, err);
}

/* ---- Definitions ---- */

static void take_definition(
    struct ledger_stmt *stmt, struct arena *arena, struct indicator *ret_row) {
    struct str *const TEXTS[] = {[4] = &ret_row->effect,
        [5] = &ret_row->name,
        [6] = &ret_row->unit,
        [10] = &ret_row->baseline_from,
        [11] = &ret_row->baseline_to,
        [12] = &ret_row->baseline_source,
        [14] = &ret_row->target_date,
        [15] = &ret_row->formula,
        [16] = &ret_row->since,
        [17] = &ret_row->note};
    ret_row->number = ledger_column_i64(stmt, 0);
    ret_row->revision = ledger_column_i64(stmt, 1);
    ret_row->changed_ns = ledger_column_i64(stmt, 2);
    ret_row->actor = arena_copy(arena, ledger_column_str(stmt, 3));
    ret_row->lower_is_better = ledger_column_i64(stmt, 7) != 0;
    ret_row->weight = ledger_column_f64(stmt, 8);
    ret_row->baseline = ledger_column_f64(stmt, 9);
    ret_row->target = ledger_column_f64(stmt, 13);
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        if (TEXTS[i] != NULL) {
            *TEXTS[i] = arena_copy(arena, ledger_column_str(stmt, (int)i));
        }
    }
}

static int no_indicator(int64_t number, struct err *err) {
    return err_set(err, ERR_NOT_FOUND, MSG_INDICATOR_UNKNOWN, ARGS(A_INT(number)));
}

static int insert_revision(struct ledger_tx *tx, const struct indicator *one, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "INSERT INTO indicator_revisions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
        " ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, one->number);
    ledger_bind_i64(stmt, 2, one->revision);
    ledger_bind_i64(stmt, 3, ledger_now_ns(tx));
    ledger_bind_str(stmt, 4, one->actor);
    ledger_bind_str(stmt, 5, one->effect);
    ledger_bind_str(stmt, 6, one->name);
    ledger_bind_str(stmt, 7, one->unit);
    ledger_bind_str(stmt, 8, one->lower_is_better ? STR("lower") : STR("higher"));
    ledger_bind_f64(stmt, 9, one->weight);
    ledger_bind_f64(stmt, 10, one->baseline);
    ledger_bind_str(stmt, 11, one->baseline_from);
    ledger_bind_str(stmt, 12, one->baseline_to);
    ledger_bind_str(stmt, 13, one->baseline_source);
    ledger_bind_f64(stmt, 14, one->target);
    ledger_bind_str(stmt, 15, one->target_date);
    ledger_bind_str(stmt, 16, one->formula);
    ledger_bind_str(stmt, 17, one->since);
    ledger_bind_str(stmt, 18, one->note);
    return ledger_step(stmt, err);
}

static int insert_number(struct ledger_tx *tx, struct indicator *one, struct err *err) {
    int64_t rows = 0;
    struct ledger_stmt *stmt = NULL;
    int status =
        db_number(tx->db, "SELECT count(*) FROM indicators WHERE removed_ns IS NULL", &rows, err);
    if (status >= 0 && rows >= INDICATOR_ROWS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_PAPERS_FULL, ARGS(A_INT(INDICATOR_ROWS_MAX)));
    }
    status = status < 0
                 ? status
                 : ledger_prepare(tx,
                       "INSERT INTO indicators (revision) VALUES (1) RETURNING number", &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    if (status > 0) {
        one->number = ledger_column_i64(stmt, 0);
        one->revision = 1;
        status = ledger_step(stmt, err);
    }
    return status;
}

static int next_revision(struct ledger_tx *tx, struct indicator *one, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "UPDATE indicators SET revision = revision + 1 WHERE number = ?1 AND removed_ns IS NULL"
        " RETURNING revision",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, one->number);
    status = ledger_step(stmt, err);
    if (status == 0) {
        return no_indicator(one->number, err);
    }
    if (status > 0) {
        one->revision = ledger_column_i64(stmt, 0);
        status = ledger_step(stmt, err);
    }
    return status;
}

int indicator_put(struct ledger_tx *tx, const struct indicator *indicator, struct str actor,
    int64_t *ret_number, struct err *err) {
    struct indicator stored = *indicator;
    stored.actor = actor;
    int status = check(indicator, err);
    if (status >= 0) {
        status = indicator->number == 0 ? insert_number(tx, &stored, err)
                                        : next_revision(tx, &stored, err);
    }
    status = status < 0 ? status : insert_revision(tx, &stored, err);
    status = status < 0 ? status : note_definition(tx, &stored, "indicator.put", actor, err);
    if (status >= 0) {
        *ret_number = stored.number;
    }
    return status < 0 ? status : 0;
}

int indicator_get(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct indicator *ret_indicator, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT " DEFINITION " FROM indicators i JOIN indicator_revisions r ON r.number = i.number"
        " AND r.revision = i.revision WHERE i.number = ?1 AND i.removed_ns IS NULL",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    status = ledger_step(stmt, err);
    if (status > 0) {
        take_definition(stmt, arena, ret_indicator);
    }
    return status < 0 ? status : status == 0 ? no_indicator(number, err) : 0;
}

int indicator_remove(struct ledger_tx *tx, int64_t number, struct str actor, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct indicator row;
    struct ledger_stmt *stmt = NULL;
    int status = indicator_get(tx, number, &arena, &row, err);
    status = status < 0
                 ? status
                 : ledger_prepare(
                       tx, "UPDATE indicators SET removed_ns = ?2 WHERE number = ?1", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    status = ledger_step(stmt, err);
    return status < 0 ? status : note_definition(tx, &row, "indicator.remove", actor, err);
}

static int take_definitions(struct ledger_stmt *stmt, struct arena *arena,
    struct indicator *ret_rows, uint32_t max, struct err *err) {
    uint32_t count = 0;
    int status = 0;
    while (count < max && (status = ledger_step(stmt, err)) > 0) {
        take_definition(stmt, arena, &ret_rows[count++]);
    }
    return status < 0 ? status : (int)count;
}

int indicator_list(struct ledger_tx *tx, struct arena *arena, struct indicator *ret_rows,
    uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT " DEFINITION " FROM indicators i JOIN indicator_revisions r ON r.number = i.number"
        " AND r.revision = i.revision WHERE i.removed_ns IS NULL ORDER BY i.number",
        &stmt, err);
    return status < 0 ? status : take_definitions(stmt, arena, ret_rows, max, err);
}

int indicator_revisions(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct indicator *ret_rows, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT " DEFINITION " FROM indicator_revisions r WHERE r.number = ?1"
        " ORDER BY r.revision DESC",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    return take_definitions(stmt, arena, ret_rows, max, err);
}

/* ---- Values ---- */

static void take_value(
    struct ledger_stmt *stmt, struct arena *arena, struct indicator_value *ret_row) {
    *ret_row = (struct indicator_value){.number = ledger_column_i64(stmt, 0),
        .revision = ledger_column_i64(stmt, 2),
        .value = ledger_column_f64(stmt, 3),
        .closed = ledger_column_i64(stmt, 4) != 0,
        .entered_ns = ledger_column_i64(stmt, 9)};
    if (arena != NULL) {
        ret_row->month = arena_copy(arena, ledger_column_str(stmt, 1));
        ret_row->derivation = arena_copy(arena, ledger_column_str(stmt, 5));
        ret_row->source = arena_copy(arena, ledger_column_str(stmt, 6));
        ret_row->file = arena_copy(arena, ledger_column_str(stmt, 7));
        ret_row->actor = arena_copy(arena, ledger_column_str(stmt, 8));
    }
}

int indicator_values(struct ledger_tx *tx, int64_t number, struct arena *arena,
    struct indicator_value *ret_rows, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT " VALUE " FROM indicator_values WHERE number = ?1 ORDER BY month DESC LIMIT ?2",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    ledger_bind_i64(stmt, 2, max);
    int count = 0;
    while ((status = ledger_step(stmt, err)) > 0) {
        take_value(stmt, arena, &ret_rows[count++]);
    }
    return status < 0 ? status : count;
}

int indicator_value_get(struct ledger_tx *tx, int64_t number, struct str month,
    struct indicator_value *ret_value, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(
        tx, "SELECT " VALUE " FROM indicator_values WHERE number = ?1 AND month = ?2", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    ledger_bind_str(stmt, 2, month);
    status = ledger_step(stmt, err);
    if (status > 0) {
        take_value(stmt, NULL, ret_value);
    }
    return status;
}

static int put_value(struct ledger_tx *tx, const struct indicator_value *value, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "INSERT OR REPLACE INTO indicator_values (" VALUE
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, value->number);
    ledger_bind_str(stmt, 2, value->month);
    ledger_bind_i64(stmt, 3, value->revision);
    ledger_bind_f64(stmt, 4, value->value);
    ledger_bind_i64(stmt, 5, value->closed);
    ledger_bind_str(stmt, 6, value->derivation);
    ledger_bind_str(stmt, 7, value->source);
    ledger_bind_str(stmt, 8, value->file);
    ledger_bind_str(stmt, 9, value->actor);
    ledger_bind_i64(stmt, 10, ledger_now_ns(tx));
    return ledger_step(stmt, err);
}

/* What stands in a month: NULL and 0 when nothing does. */
enum standing { STANDS_NOT, STANDS_OPEN, STANDS_CLOSED, STANDS_TYPED };

static int standing(struct ledger_tx *tx, int64_t number, struct str month, enum standing *ret_how,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT closed, derivation = '' FROM indicator_values WHERE number = ?1 AND month = ?2",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    ledger_bind_str(stmt, 2, month);
    status = ledger_step(stmt, err);
    *ret_how = status <= 0                       ? STANDS_NOT
               : ledger_column_i64(stmt, 1) != 0 ? STANDS_TYPED
               : ledger_column_i64(stmt, 0) != 0 ? STANDS_CLOSED
                                                 : STANDS_OPEN;
    return status;
}

static int check_file(struct ledger_tx *tx, struct str file, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = file.size == 0 ? 0
                                : ledger_prepare(tx,
                                      "SELECT 1 FROM deliverables WHERE CAST(number AS TEXT) = ?1",
                                      &stmt, err);
    if (status < 0 || stmt == NULL) {
        return status;
    }
    ledger_bind_str(stmt, 1, file);
    status = ledger_step(stmt, err);
    return status == 0 ? err_set(err, ERR_NOT_FOUND, MSG_PAPERS_NO_FILE, ARGS(A_STR(file)))
                       : status;
}

static int take_away(struct ledger_tx *tx, const struct indicator_value *value, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(
        tx, "DELETE FROM indicator_values WHERE number = ?1 AND month = ?2", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, value->number);
    ledger_bind_str(stmt, 2, value->month);
    return ledger_step(stmt, err);
}

int indicator_value_type(
    struct ledger_tx *tx, const struct indicator_value *value, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct indicator of;
    struct indicator_value stored = *value;
    enum standing how = STANDS_NOT;
    if (!indicator_month_is(value->month)) {
        return err_set(err, ERR_INVALID, MSG_INDICATOR_MONTH, ARGS(A_STR(value->month)));
    }
    if (isinf(value->value)) {
        return err_set(err, ERR_INVALID, MSG_INDICATOR_NUMBER, NO_ARGS);
    }
    int status = input_text("source", value->source, INDICATOR_SOURCE_MAX, err);
    status = status < 0 ? status : indicator_get(tx, value->number, &arena, &of, err);
    status = status < 0 ? status : standing(tx, value->number, value->month, &how, err);
    status = status < 0 ? status : check_file(tx, value->file, err);
    if (status < 0) {
        return status;
    }
    if (of.formula.size > 0 || how == STANDS_CLOSED) {
        return err_set(err, ERR_CONFLICT, MSG_INDICATOR_COMPUTED, ARGS(A_STR(value->month)));
    }
    stored.revision = of.revision;
    stored.closed = true;
    stored.derivation = STR_NONE;
    status = isnan(value->value) ? take_away(tx, value, err) : put_value(tx, &stored, err);
    return status < 0 ? status : note_value(tx, &stored, "indicator.value", err);
}

int indicator_value_store(
    struct ledger_tx *tx, const struct indicator_value *value, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    enum standing how = STANDS_NOT;
    int status = ledger_prepare(tx,
        "SELECT 1 FROM indicators WHERE number = ?1 AND revision = ?2 AND removed_ns IS NULL",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, value->number);
    ledger_bind_i64(stmt, 2, value->revision);
    status = ledger_step(stmt, err);
    if (status <= 0) {
        return status;
    }
    status = standing(tx, value->number, value->month, &how, err);
    if (status < 0 || how == STANDS_CLOSED || how == STANDS_TYPED) {
        return status < 0 ? status : 0;
    }
    status = put_value(tx, value, err);
    if (status >= 0 && value->closed) {
        status = note_value(tx, value, "indicator.close", err);
    }
    return status < 0 ? status : 1;
}
