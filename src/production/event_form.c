/*
 * A sheet is filled in.
 *
 * The entry is kept as it was typed, field by field, with the version of the form that the person
 * saw. A value outside its limits is what the sheet is for: it is taken, marked and told, never
 * refused; only what cannot be a value at all is. Who corrects an entry fills in the sheet again
 * and says why; the first one stays and points to the second.
 */
#include <math.h>

#include "production/event_handler.h"
#include "production/form_load.h"
#include "production/sql.h"

enum { SHOWN_BYTES = 64 };

struct filling {
    struct event *event;
    struct form form;
    struct form_frame frame;
    int64_t entry;
    int64_t outside;
};

struct filled {
    struct str text;
    double real; // NaN: no number.
    bool outside;
};

/* ---- One value ---- */

static int fault(
    const struct form_field *field, struct str text, enum msg_id words, struct err *err) {
    return err_set(err, ERR_INVALID, words, ARGS(A_STR(field->name), A_STR(text)));
}

static struct str shown(struct arena *arena, double value) {
    char text[SHOWN_BYTES];
    return isnan(value) ? STR("-")
                        : arena_copy(arena, (struct str){text, f64_to_text(value, text)});
}

static int take_number(struct filling *filling, const struct form_field *field,
    struct filled *value, struct err *err) {
    struct event *event = filling->event;
    if (!str_to_f64(value->text, &value->real) || !isfinite(value->real)) {
        return fault(field, value->text, SAY(PRODUCTION_FORM_NOT_NUMBER), err);
    }
    value->outside = value->real < field->lower || value->real > field->upper;
    if (value->outside) {
        event_warn(event, SAY(PRODUCTION_FORM_OUTSIDE),
            ARGS(A_STR(field->name), A_STR(value->text), A_STR(shown(event->arena, field->lower)),
                A_STR(shown(event->arena, field->upper))));
    }
    return 0;
}

static int take_choice(const struct form_field *field, struct filled *value, struct err *err) {
    struct str rest = field->choices;
    while (rest.data != NULL) {
        if (str_eq(value->text, str_trim(str_cut(&rest, '|')))) {
            return 0;
        }
    }
    return fault(field, value->text, SAY(PRODUCTION_FORM_NOT_CHOICE), err);
}

static int take_check(struct filling *filling, const struct form_field *field, struct filled *value,
    struct err *err) {
    bool good = str_eq(value->text, STR("1"));
    if (!good && !str_eq(value->text, STR("0"))) {
        return fault(field, value->text, SAY(PRODUCTION_FORM_NOT_CHECK), err);
    }
    value->real = good;
    value->outside = !good;
    if (!good) {
        event_warn(filling->event, SAY(PRODUCTION_FORM_NOT_OK), ARGS(A_STR(field->name)));
    }
    return 0;
}

/* A badge becomes its worker's code; others are kept as they are named. */
static int take_known(struct filling *filling, const struct form_field *field, struct filled *value,
    struct err *err) {
    static const char *const SQL[FORM_KIND_COUNT] = {
        [FORM_WORKER] = "SELECT code FROM workers WHERE (code = ?1 OR (badge = ?1 AND badge <> ''))"
                        " AND active = 1 ORDER BY code = ?1 DESC",
        [FORM_LOT] = "SELECT code FROM lots WHERE code = ?1",
        [FORM_MACHINE] = "SELECT a.id FROM machines m JOIN assets a ON a.number = m.asset"
                         " WHERE a.id = ?1"};
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(filling->event->tx, SQL[field->kind], Q(Q_S(value->text)), &stmt, err);
    if (rc > 0) {
        value->text = arena_copy(filling->event->arena, ledger_column_str(stmt, 0));
        return 0;
    }
    return rc < 0 ? rc : fault(field, value->text, SAY(PRODUCTION_FORM_NOT_KNOWN), err);
}

static int take_value(struct filling *filling, const struct form_field *field, struct filled *value,
    struct err *err) {
    switch (field->kind) {
    case FORM_CHOICE: return take_choice(field, value, err);
    case FORM_CHECK: return take_check(filling, field, value, err);
    case FORM_WORKER:
    case FORM_LOT:
    case FORM_MACHINE: return take_known(filling, field, value, err);
    case FORM_NUMBER:
    case FORM_GOOD:
    case FORM_BAD:
    case FORM_RUN_MINUTES:
    case FORM_STOP_MINUTES: return take_number(filling, field, value, err);
    case FORM_TAG: // A number is judged by its limits, other values are texts.
        return str_to_f64(value->text, &value->real) && isfinite(value->real)
                   ? take_number(filling, field, value, err)
                   : 0;
    case FORM_TEXT:
    case FORM_KIND_COUNT: break;
    }
    return 0;
}

/* ---- All of them ---- */

/* The text that was given for a field; empty: none. */
static int given_for(
    struct event *event, const struct form_field *field, struct str *ret_text, struct err *err) {
    bool found = false;
    *ret_text = STR_NONE;
    for (uint32_t i = 0; i < event_count(event, "field"); i++) {
        if (!str_eq(event_text_at(event, "field", i), field->field)) {
            continue;
        }
        if (found) {
            return err_set(
                err, ERR_INVALID, SAY(PRODUCTION_FORM_FIELD_TWICE), ARGS(A_STR(field->name)));
        }
        found = true;
        *ret_text = event_text_at(event, "value", i);
    }
    return 0;
}

/* A badge is kept nowhere. */
static void keep_code(struct event *event, const struct form_field *field, struct str code) {
    for (uint32_t i = 0; i < event_count(event, "field"); i++) {
        if (str_eq(event_text_at(event, "field", i), field->field)) {
            event_rewrite(event, "value", i, code);
        }
    }
}

static int check_names(const struct filling *filling, struct err *err) {
    for (uint32_t i = 0; i < event_count(filling->event, "field"); i++) {
        struct str name = event_text_at(filling->event, "field", i);
        uint32_t at = 0;
        while (at < filling->form.field_count && !str_eq(name, filling->form.fields[at].field)) {
            at++;
        }
        if (at == filling->form.field_count) {
            return err_set(err, ERR_INVALID, SAY(PRODUCTION_FORM_FIELD),
                ARGS(A_STR(filling->form.code), A_STR(name)));
        }
    }
    return 0;
}

static int read_auto(struct filling *filling, const struct form_field *field, struct str *ret_text,
    struct err *err) {
    int64_t value = 0;
    char text[SHOWN_BYTES];
    int rc = form_auto(
        filling->event->tx, &filling->frame, field->kind, filling->event->entered_ns, &value, err);
    *ret_text = arena_copy(filling->event->arena, (struct str){text, i64_to_text(value, text)});
    return rc;
}

static int put_value(struct filling *filling, const struct form_field *field, struct err *err) {
    struct filled value = {.real = (double)NAN};
    int rc = given_for(filling->event, field, &value.text, err);
    if (rc >= 0 && value.text.size == 0 && field->kind >= FORM_GOOD) {
        rc = read_auto(filling, field, &value.text, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (value.text.size == 0) {
        return field->needed ? err_set(err, ERR_INVALID, SAY(PRODUCTION_FORM_MISSING),
                                   ARGS(A_STR(field->name)))
                             : 0;
    }
    rc = take_value(filling, field, &value, err);
    if (rc >= 0 && field->kind == FORM_WORKER) {
        keep_code(filling->event, field, value.text);
    }
    filling->outside += value.outside;
    return rc < 0 ? rc
                  : sql_do(filling->event->tx,
                        "INSERT INTO form_values (entry, field, value, real, outside)"
                        " VALUES (?1, ?2, ?3, ?4, ?5)",
                        Q(Q_I(filling->entry), Q_S(field->field), Q_S(value.text), Q_F(value.real),
                            Q_I(value.outside)),
                        err);
}

/* ---- The entry ---- */

/* What is corrected must be there, of this form, and the newest of its line. */
static int check_replaced(const struct filling *filling, int64_t entry, struct err *err) {
    struct event *event = filling->event;
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(event->tx,
        "SELECT form, coalesce(replaced_by, 0) FROM form_entries WHERE number = ?1", Q(Q_I(entry)),
        &stmt, err);
    if (rc <= 0) {
        return rc < 0 ? rc
                      : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_FORM_ENTRY), ARGS(A_INT(entry)));
    }
    if (ledger_column_i64(stmt, 0) != filling->form.number) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_FORM_ENTRY_OTHER), ARGS(A_INT(entry)));
    }
    if (ledger_column_i64(stmt, 1) != 0) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_FORM_ENTRY_REPLACED),
            ARGS(A_INT(entry), A_INT(ledger_column_i64(stmt, 1))));
    }
    return event_has(event, "why") ? 0
                                   : err_set(err, ERR_INVALID, SAY(PRODUCTION_FORM_WHY), NO_ARGS);
}

static int warn_again(const struct filling *filling, struct err *err) {
    int64_t before = 0;
    int64_t outside = 0;
    int rc =
        form_filled(filling->event->tx, &filling->form, &filling->frame, &before, &outside, err);
    if (rc >= 0 && before != 0) {
        event_warn(filling->event, SAY(PRODUCTION_FORM_AGAIN), ARGS(A_INT(before)));
    }
    return rc;
}

static int insert_entry(struct filling *filling, int64_t replaces, struct err *err) {
    struct event *event = filling->event;
    int64_t version = 0;
    int64_t ignored = 0;
    int rc =
        form_version(event->tx, &filling->form, true, event->entered_ns, &version, &ignored, err);
    return rc < 0 ? rc
                  : sql_number(event->tx,
                        "INSERT INTO form_entries (form, version, time_ns, entered_ns, day, shift,"
                        " machine, work_order, lot, worker, actor, outside, replaces, why, event)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, ?13, ?14)"
                        " RETURNING number",
                        Q(Q_I(filling->form.number), Q_I(version), Q_I(event->time_ns),
                            Q_I(event->entered_ns), Q_S(str_of(filling->frame.day_text)),
                            Q_S(filling->frame.shift), Q_REF(filling->frame.machine),
                            Q_REF(filling->frame.order), Q_REF(filling->frame.lot),
                            Q_REF(event_i64(event, "worker", 0)), Q_S(event->actor),
                            Q_REF(replaces), Q_S(event_text(event, "why")), Q_I(event->number)),
                        0, &filling->entry, err);
}

static int store(struct filling *filling, struct err *err) {
    struct event *event = filling->event;
    int64_t replaces = event_i64(event, "replaces", 0);
    int rc = replaces != 0 ? check_replaced(filling, replaces, err) : warn_again(filling, err);
    rc = rc < 0 ? rc : insert_entry(filling, replaces, err);
    for (uint32_t i = 0; i < filling->form.field_count && rc >= 0; i++) {
        rc = put_value(filling, &filling->form.fields[i], err);
    }
    rc = rc < 0 ? rc
                : sql_do(event->tx, "UPDATE form_entries SET outside = ?2 WHERE number = ?1",
                      Q(Q_I(filling->entry), Q_I(filling->outside)), err);
    return rc < 0 ? rc
                  : sql_do(event->tx, "UPDATE form_entries SET replaced_by = ?2 WHERE number = ?1",
                        Q(Q_I(replaces), Q_I(filling->entry)), err);
}

int event_form_fill(struct event *event, struct err *err) {
    struct filling filling = {.event = event};
    const struct form_place place = {.machine = event_i64(event, "machine", 0),
        .order = event_i64(event, "order", 0),
        .lot = event_i64(event, "lot", 0),
        .day = event_i64(event, "day", FORM_TODAY),
        .shift = event_text(event, "shift"),
        .time_ns = event->time_ns};
    int rc = event_lists_match(event, "field", "value", err);
    rc = rc < 0
             ? rc
             : form_load(event->tx, event_i64(event, "form", 0), event->arena, &filling.form, err);
    if (rc >= 0 && !filling.form.active) {
        return err_set(err, ERR_CONFLICT, SAY(PRODUCTION_FORM_OFF), ARGS(A_STR(filling.form.code)));
    }
    if (rc >= 0 && filling.form.field_count == 0) {
        return err_set(
            err, ERR_CONFLICT, SAY(PRODUCTION_FORM_EMPTY), ARGS(A_STR(filling.form.code)));
    }
    rc = rc < 0 ? rc : check_names(&filling, err);
    rc = rc < 0 ? rc
                : form_frame(event->tx, &filling.form, &place, event->zone, event->arena,
                      &filling.frame, err);
    rc = rc < 0 ? rc : store(&filling, err);
    if (rc >= 0) {
        json_put_i64(event->answer, "entry", filling.entry);
        json_put_i64(event->answer, "outside", filling.outside);
        json_put_str(event->answer, "day", str_of(filling.frame.day_text));
        json_put_str(event->answer, "shift", filling.frame.shift);
    }
    return rc;
}
