/*
 * A form as it is now, its versions, and what a sheet of it is about.
 *
 * A version is made when an entry is filled in and the form is not what it was at the last entry:
 * so a form may be changed as often as somebody likes while it is built, and every entry still
 * keeps the words, limits and order of fields that the person saw who filled it in.
 */
#include "production/form_load.h"

#include <math.h>

#include "core/clock.h"
#include "production/amount.h"
#include "production/maintain.h"
#include "production/sql.h"
#include "production/words.h"

#define DAY_NS    (86400 * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)

enum { BODY_BYTES = 256 << 10 };

static const char *const KINDS[FORM_KIND_COUNT] = {[FORM_NUMBER] = "number",
    [FORM_CHOICE] = "choice",
    [FORM_CHECK] = "check",
    [FORM_TEXT] = "text",
    [FORM_WORKER] = "worker",
    [FORM_LOT] = "lot",
    [FORM_MACHINE] = "machine",
    [FORM_TAG] = "tag",
    [FORM_GOOD] = "good",
    [FORM_BAD] = "bad",
    [FORM_RUN_MINUTES] = "run_minutes",
    [FORM_STOP_MINUTES] = "stop_minutes"};

const char *form_kind_name(enum form_kind kind) {
    return KINDS[kind];
}

static enum form_kind kind_of(struct str name) {
    for (enum form_kind kind = FORM_NUMBER; kind < FORM_KIND_COUNT; kind++) {
        if (str_eq(name, str_of(KINDS[kind]))) {
            return kind;
        }
    }
    return FORM_TEXT;
}

static int load_fields(
    struct ledger_tx *tx, struct arena *arena, struct form *form, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(tx,
        "SELECT f.field, f.name, f.kind, f.unit, f.lower, f.upper, f.choices, coalesce(f.tag, 0),"
        " coalesce(t.name, ''), f.needed, f.note FROM form_fields f"
        " LEFT JOIN tags t ON t.number = f.tag WHERE f.form = ?1 ORDER BY f.line, f.number",
        Q(Q_I(form->number)), &stmt, err);
    form->fields = ARENA_ARRAY(arena, struct form_field, FORM_FIELDS_MAX);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        if (form->field_count == FORM_FIELDS_MAX) {
            return err_set(
                err, ERR_LIMIT, SAY(PRODUCTION_FORM_FIELDS_MANY), ARGS(A_INT(FORM_FIELDS_MAX)));
        }
        form->fields[form->field_count++] =
            (struct form_field){.field = arena_copy(arena, ledger_column_str(stmt, 0)),
                .name = arena_copy(arena, ledger_column_str(stmt, 1)),
                .kind = kind_of(ledger_column_str(stmt, 2)),
                .unit = arena_copy(arena, ledger_column_str(stmt, 3)),
                .lower = ledger_column_f64(stmt, 4),
                .upper = ledger_column_f64(stmt, 5),
                .choices = arena_copy(arena, ledger_column_str(stmt, 6)),
                .tag = ledger_column_i64(stmt, 7),
                .tag_name = arena_copy(arena, ledger_column_str(stmt, 8)),
                .needed = ledger_column_i64(stmt, 9) != 0,
                .note = arena_copy(arena, ledger_column_str(stmt, 10))};
    }
    return rc;
}

int form_load(struct ledger_tx *tx, int64_t number, struct arena *arena, struct form *ret_form,
    struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT code, name, note, every, per = 'machine', coalesce(workcentre, 0),"
        " coalesce(machine, 0), active, changed_ns FROM forms WHERE number = ?1",
        Q(Q_I(number)), &stmt, err);
    if (rc <= 0) {
        return rc < 0
                   ? rc
                   : err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_FORM_UNKNOWN), ARGS(A_INT(number)));
    }
    *ret_form = (struct form){.number = number,
        .code = arena_copy(arena, ledger_column_str(stmt, 0)),
        .name = arena_copy(arena, ledger_column_str(stmt, 1)),
        .note = arena_copy(arena, ledger_column_str(stmt, 2)),
        .every = arena_copy(arena, ledger_column_str(stmt, 3)),
        .by_machine = ledger_column_i64(stmt, 4) != 0,
        .workcentre = ledger_column_i64(stmt, 5),
        .machine = ledger_column_i64(stmt, 6),
        .active = ledger_column_i64(stmt, 7) != 0,
        .changed_ns = ledger_column_i64(stmt, 8)};
    return load_fields(tx, arena, ret_form, err);
}

/* ---- Versions ---- */

static void put_limit(struct json *json, const char *key, double limit) {
    if (isnan(limit)) {
        json_put_null(json, key);
    } else {
        json_put_f64(json, key, limit);
    }
}

void form_put_body(const struct form *form, struct json *json) {
    json_put_str(json, "name", form->name);
    json_key(json, "fields");
    json_array_begin(json);
    for (uint32_t i = 0; i < form->field_count; i++) {
        const struct form_field *field = &form->fields[i];
        json_object_begin(json);
        json_put_str(json, "field", field->field);
        json_put_str(json, "name", field->name);
        json_put_str(json, "kind", str_of(form_kind_name(field->kind)));
        json_put_str(json, "unit", field->unit);
        put_limit(json, "lower", field->lower);
        put_limit(json, "upper", field->upper);
        json_put_str(json, "choices", field->choices);
        json_put_str(json, "tag", field->tag_name);
        json_put_bool(json, "needed", field->needed);
        json_put_str(json, "note", field->note);
        json_object_end(json);
    }
    json_array_end(json);
}

int form_version(struct ledger_tx *tx, const struct form *form, bool make, int64_t now_ns,
    int64_t *ret_number, int64_t *ret_version, struct err *err) {
    AUTO_BUF struct buf body;
    buf_init(&body, BODY_BYTES);
    struct json json;
    json_init(&json, &body);
    json_object_begin(&json);
    form_put_body(form, &json);
    json_object_end(&json);
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT number, version, body = ?2 FROM form_versions WHERE form = ?1"
        " ORDER BY version DESC LIMIT 1",
        Q(Q_I(form->number), Q_S(buf_str(&body))), &stmt, err);
    if (rc < 0) {
        return rc;
    }
    int64_t version = rc > 0 ? ledger_column_i64(stmt, 1) : 0;
    if (rc > 0 && ledger_column_i64(stmt, 2) != 0) {
        *ret_number = ledger_column_i64(stmt, 0);
        *ret_version = version;
        return 0;
    }
    *ret_version = version + 1;
    *ret_number = 0;
    return !make ? 0
                 : sql_number(tx,
                       "INSERT INTO form_versions (form, version, made_ns, body)"
                       " VALUES (?1, ?2, ?3, ?4) RETURNING number",
                       Q(Q_I(form->number), Q_I(version + 1), Q_I(now_ns), Q_S(buf_str(&body))), 0,
                       ret_number, err);
}

/* ---- What a sheet is about ---- */

int form_calendar(struct ledger_tx *tx, const struct form *form, int64_t machine,
    struct arena *arena, struct calendar *ret_calendar, struct err *err) {
    if (machine != 0) {
        return calendar_of_machine(tx, machine, arena, ret_calendar, err);
    }
    int64_t calendar = 0;
    int rc = sql_number(tx,
        "SELECT coalesce((SELECT calendar FROM workcentres WHERE number = ?1),"
        " (SELECT min(number) FROM calendars))",
        Q(Q_I(form->workcentre)), 0, &calendar, err);
    return rc < 0 ? rc : calendar_load(tx, calendar, arena, ret_calendar, err);
}

static int check_machine(
    struct ledger_tx *tx, const struct form *form, int64_t machine, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT a.id, (?2 = 0 OR m.number = ?2) AND (?3 = 0 OR m.workcentre = ?3) FROM machines m"
        " JOIN assets a ON a.number = m.asset WHERE m.number = ?1",
        Q(Q_I(machine), Q_I(form->machine), Q_I(form->workcentre)), &stmt, err);
    return rc > 0 && ledger_column_i64(stmt, 1) == 0
               ? err_set(err, ERR_INVALID, SAY(PRODUCTION_FORM_SCOPE),
                     ARGS(A_STR(form->code), A_STR(ledger_column_str(stmt, 0))))
               : (rc < 0 ? rc : 0);
}

/* Of the turns around a moment: the one that is worked, else the one that ended last. */
static const struct calendar_turn *turn_at(
    const struct calendar_turn *turns, int count, int64_t time_ns) {
    const struct calendar_turn *found = NULL;
    for (int i = 0; i < count; i++) {
        if (turns[i].from_ns <= time_ns) {
            found = &turns[i];
        }
    }
    return found;
}

static const struct calendar_turn *turn_named(
    const struct calendar_turn *turns, int count, const struct form_place *place, int64_t day) {
    for (int i = 0; i < count; i++) {
        if (turns[i].day == day && str_eq(turns[i].shift->code, place->shift)) {
            return &turns[i];
        }
    }
    return NULL;
}

static int find_turn(const struct calendar *calendar, const struct form_place *place,
    const struct zone *zone, struct arena *arena, struct form_frame *frame, struct err *err) {
    struct calendar_turn *turns = NULL;
    int64_t from_ns = place->day == FORM_TODAY ? place->time_ns - DAY_NS
                                               : calendar_day_begin(calendar, zone, place->day);
    int64_t to_ns = place->day == FORM_TODAY ? place->time_ns + 1
                                             : calendar_day_begin(calendar, zone, place->day + 1);
    int count = calendar_turns(calendar, zone, from_ns, to_ns, arena, &turns, err);
    if (count < 0) {
        return count;
    }
    const struct calendar_turn *turn = turn_at(turns, count, place->time_ns);
    frame->day = place->day != FORM_TODAY ? place->day
                 : turn != NULL           ? turn->day
                                          : calendar_day_of(calendar, zone, place->time_ns);
    if (place->shift.size > 0) {
        turn = turn_named(turns, count, place, frame->day);
        if (turn == NULL) {
            calendar_day_put(frame->day, frame->day_text);
            return err_set(err, ERR_INVALID, SAY(PRODUCTION_FORM_SHIFT),
                ARGS(A_STR(place->shift), A_CSTR(frame->day_text)));
        }
    }
    if (turn != NULL && turn->day == frame->day) {
        frame->shift = turn->shift->code;
        frame->shift_name = turn->shift->name;
        frame->from_ns = turn->from_ns;
        frame->to_ns = turn->to_ns;
    }
    return 0;
}

/* A sheet of an order or lot is about its work from the first run to the last, on whatever days. */
static int find_work(struct ledger_tx *tx, const struct form *form, const struct form_place *place,
    struct form_frame *frame, struct err *err) {
    int rc = 0;
    if (str_eq(form->every, STR("order"))) {
        frame->work = frame->order;
    } else if (str_eq(form->every, STR("lot"))) {
        rc = sql_number(tx, "SELECT number FROM work_orders WHERE lot = ?1", Q(Q_I(frame->lot)), 0,
            &frame->work, err);
    }
    struct ledger_stmt *stmt = NULL;
    if (rc >= 0 && frame->work != 0) {
        rc = sql_first(tx,
            "SELECT min(r.begin_ns), max(coalesce(r.end_ns, ?2)) FROM runs r JOIN operations o ON"
            " o.number = r.operation WHERE o.work_order = ?1",
            Q(Q_I(frame->work), Q_I(place->time_ns)), &stmt, err);
    }
    if (rc > 0 && stmt != NULL && !ledger_column_is_null(stmt, 0)) {
        frame->from_ns = ledger_column_i64(stmt, 0) / MINUTE_NS * MINUTE_NS;
        frame->to_ns = ledger_column_i64(stmt, 1) + 1;
    }
    return rc < 0 ? rc : 0;
}

static int find_time(struct ledger_tx *tx, const struct form *form, const struct form_place *place,
    const struct zone *zone, struct arena *arena, struct form_frame *frame, struct err *err) {
    struct calendar calendar;
    int rc = form_calendar(tx, form, frame->machine, arena, &calendar, err);
    if (rc < 0) {
        return rc;
    }
    frame->shift = STR_NONE;
    frame->shift_name = STR_NONE;
    if (str_eq(form->every, STR("shift"))) {
        rc = find_turn(&calendar, place, zone, arena, frame, err);
    } else {
        frame->day = place->day != FORM_TODAY ? place->day
                                              : calendar_day_of(&calendar, zone, place->time_ns);
    }
    rc = rc < 0 ? rc : find_work(tx, form, place, frame, err);
    if (rc >= 0 && frame->to_ns == 0) {
        frame->from_ns = calendar_day_begin(&calendar, zone, frame->day);
        frame->to_ns = calendar_day_begin(&calendar, zone, frame->day + 1);
    }
    calendar_day_put(frame->day, frame->day_text);
    return rc;
}

int form_frame(struct ledger_tx *tx, const struct form *form, const struct form_place *place,
    const struct zone *zone, struct arena *arena, struct form_frame *ret_frame, struct err *err) {
    struct form_frame frame = {.machine = place->machine != 0 ? place->machine : form->machine,
        .order = place->order,
        .lot = place->lot};
    if (form->by_machine && frame.machine == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_FORM_MACHINE), ARGS(A_STR(form->code)));
    }
    if (str_eq(form->every, STR("order")) && frame.order == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_FORM_ORDER), ARGS(A_STR(form->code)));
    }
    if (str_eq(form->every, STR("lot")) && frame.lot == 0) {
        return err_set(err, ERR_INVALID, SAY(PRODUCTION_FORM_LOT), ARGS(A_STR(form->code)));
    }
    int rc = frame.machine == 0 ? 0 : check_machine(tx, form, frame.machine, err);
    rc = rc < 0 ? rc : find_time(tx, form, place, zone, arena, &frame, err);
    *ret_frame = frame;
    return rc;
}

/* ---- What comes by itself ---- */

#define MACHINES_OF "machine IN (SELECT number FROM machines WHERE ?1 = 0 OR number = ?1)"
#define RUNS_OF                                                                                    \
    "(SELECT r.number FROM runs r JOIN operations o ON o.number = r.operation"                     \
    " WHERE o.work_order = ?4)"

static int count_pieces(struct ledger_tx *tx, const struct form_frame *frame, bool good,
    int64_t *ret_value, struct err *err) {
    int64_t counted = 0;
    int64_t by_hand_u = 0;
    int rc = sql_number(tx,
        "SELECT sum(CASE WHEN ?5 THEN pieces - bad ELSE bad END) FROM made WHERE " MACHINES_OF
        " AND minute_ns >= ?2 AND minute_ns < ?3 AND (?4 = 0 OR run IN " RUNS_OF ")",
        Q(Q_I(frame->machine), Q_I(frame->from_ns), Q_I(frame->to_ns), Q_I(frame->work), Q_I(good)),
        0, &counted, err);
    rc = rc < 0 ? rc
                : sql_number(tx,
                      "SELECT sum(CASE WHEN ?5 THEN good_u ELSE bad_u END) FROM made_by_hand"
                      " WHERE time_ns >= ?2 AND time_ns < ?3 AND run IN (SELECT number FROM runs"
                      " WHERE ?1 = 0 OR machine = ?1) AND (?4 = 0 OR run IN " RUNS_OF ")",
                      Q(Q_I(frame->machine), Q_I(frame->from_ns), Q_I(frame->to_ns),
                          Q_I(frame->work), Q_I(good)),
                      0, &by_hand_u, err);
    *ret_value = counted + by_hand_u / AMOUNT_UNIT;
    return rc;
}

/* Of the machine, or of the runs of the work. */
static int run_minutes(struct ledger_tx *tx, const struct form_frame *frame, int64_t to_ns,
    int64_t *ret_minutes, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int64_t sum_ns = 0;
    int rc = frame->work != 0
                 ? sql_begin(tx,
                       "SELECT machine, begin_ns, min(coalesce(end_ns, ?3), ?3) FROM runs WHERE"
                       " machine IS NOT NULL AND (?1 = 0 OR machine = ?1) AND number IN " RUNS_OF
                       " AND ?2 = ?2",
                       Q(Q_I(frame->machine), Q_I(frame->from_ns), Q_I(to_ns), Q_I(frame->work)),
                       &stmt, err)
                 : sql_begin(tx,
                       "SELECT number, ?2, ?3 FROM machines WHERE active = 1 AND"
                       " (?1 = 0 OR number = ?1) ORDER BY number",
                       Q(Q_I(frame->machine), Q_I(frame->from_ns), Q_I(to_ns)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        int64_t run_ns = 0;
        rc = machine_run_ns(tx, ledger_column_i64(stmt, 0), ledger_column_i64(stmt, 1),
            ledger_column_i64(stmt, 2), &run_ns, err);
        sum_ns += run_ns;
    }
    *ret_minutes = (sum_ns + 30 * NS_PER_S) / (60 * NS_PER_S);
    return rc < 0 ? rc : 0;
}

static int stop_minutes(struct ledger_tx *tx, const struct form_frame *frame, int64_t to_ns,
    int64_t *ret_minutes, struct err *err) {
    int64_t sum_ns = 0;
    int rc = sql_number(tx,
        "SELECT sum(min(coalesce(end_ns, ?3), ?3) - max(begin_ns, ?2)) FROM stops "
        "WHERE " MACHINES_OF " AND begin_ns < ?3 AND coalesce(end_ns, ?3) > ?2 AND (?4 = 0 OR run "
        "IN " RUNS_OF ")",
        Q(Q_I(frame->machine), Q_I(frame->from_ns), Q_I(to_ns), Q_I(frame->work)), 0, &sum_ns, err);
    *ret_minutes = (sum_ns + 30 * NS_PER_S) / (60 * NS_PER_S);
    return rc;
}

int form_auto(struct ledger_tx *tx, const struct form_frame *frame, enum form_kind kind,
    int64_t now_ns, int64_t *ret_value, struct err *err) {
    int64_t to_ns = frame->to_ns < now_ns ? frame->to_ns : now_ns;
    if (kind == FORM_GOOD || kind == FORM_BAD) {
        return count_pieces(tx, frame, kind == FORM_GOOD, ret_value, err);
    }
    return kind == FORM_RUN_MINUTES ? run_minutes(tx, frame, to_ns, ret_value, err)
                                    : stop_minutes(tx, frame, to_ns, ret_value, err);
}

/* Of orders and lots on whatever day; else of the same day and shift. */
int form_filled(struct ledger_tx *tx, const struct form *form, const struct form_frame *frame,
    int64_t *ret_entry, int64_t *ret_outside, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = 0;
    *ret_entry = 0;
    *ret_outside = 0;
    if (str_eq(form->every, STR("order"))) {
        rc = sql_first(tx,
            "SELECT number, outside FROM form_entries WHERE work_order = ?1 AND form = ?2 AND"
            " replaced_by IS NULL AND coalesce(machine, 0) = ?3 ORDER BY number DESC LIMIT 1",
            Q(Q_I(frame->order), Q_I(form->number), Q_I(frame->machine)), &stmt, err);
    } else if (str_eq(form->every, STR("lot"))) {
        rc = sql_first(tx,
            "SELECT number, outside FROM form_entries WHERE lot = ?1 AND form = ?2 AND"
            " replaced_by IS NULL AND coalesce(machine, 0) = ?3 ORDER BY number DESC LIMIT 1",
            Q(Q_I(frame->lot), Q_I(form->number), Q_I(frame->machine)), &stmt, err);
    } else if (!str_eq(form->every, STR("asked"))) {
        rc = sql_first(tx,
            "SELECT number, outside FROM form_entries WHERE day = ?1 AND form = ?2 AND"
            " replaced_by IS NULL AND coalesce(machine, 0) = ?3 AND shift = ?4"
            " ORDER BY number DESC LIMIT 1",
            Q(Q_S(str_of(frame->day_text)), Q_I(form->number), Q_I(frame->machine),
                Q_S(frame->shift)),
            &stmt, err);
    }
    if (rc > 0) {
        *ret_entry = ledger_column_i64(stmt, 0);
        *ret_outside = ledger_column_i64(stmt, 1);
    }
    return rc < 0 ? rc : 0;
}
