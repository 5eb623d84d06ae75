/*
 * Which sheets must be filled in on a day.
 *
 * A sheet of each shift is due from the shift's begin and missing when the shift has ended; one of
 * each day likewise, on days on which the machine's calendar has a shift. Those of orders and lots
 * follow the runs of that day: due while the order is open, missing when it is done. Who asks for
 * today is told what is missing of yesterday, too: the night shift ends when the day does.
 */
#include "core/clock.h"
#include "production/form_load.h"
#include "production/sql.h"

struct due {
    struct ledger_tx *tx;
    const struct form_ask *ask;
    struct json *json;
    struct arena *arena; // Of one form and machine.
    const struct form *form;
    int64_t machine;
    struct str machine_id;
    struct str machine_name;
    bool only_missing; // Of yesterday: what ended since the form is as it is.
    int left;          // How many more may be put.
};

struct due_row {
    struct form_frame frame;
    struct str order;
    struct str lot;
    bool ended; // Of orders: nothing more will be made.
};

static const char *state_of(const struct due *due, const struct due_row *row, int64_t entry) {
    if (entry != 0) {
        return "filled";
    }
    if (row->order.size > 0) {
        return row->ended ? "missing" : "due";
    }
    if (due->ask->now_ns < row->frame.from_ns) {
        return "later";
    }
    return due->ask->now_ns < row->frame.to_ns ? "due" : "missing";
}

static void put_text(struct json *json, const char *key, struct str text) {
    if (text.size == 0) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, text);
    }
}

static int put_due(struct due *due, struct due_row *row, struct err *err) {
    struct json *json = due->json;
    int64_t entry = 0;
    int64_t outside = 0;
    calendar_day_put(row->frame.day, row->frame.day_text);
    int rc = form_filled(due->tx, due->form, &row->frame, &entry, &outside, err);
    bool missed = entry == 0 && row->frame.to_ns <= due->ask->now_ns &&
                  row->frame.to_ns > due->form->changed_ns;
    if (rc < 0 || due->left <= 0 || (due->only_missing && !missed)) {
        return rc;
    }
    due->left--;
    json_object_begin(json);
    json_put_str(json, "form", due->form->code);
    json_put_str(json, "name", due->form->name);
    json_put_str(json, "every", due->form->every);
    put_text(json, "machine", due->machine_id);
    put_text(json, "machine_name", due->machine_name);
    put_text(json, "order", row->order);
    put_text(json, "lot", row->lot);
    json_put_str(json, "day", str_of(row->frame.day_text));
    put_text(json, "shift", row->frame.shift);
    put_text(json, "shift_name", row->frame.shift_name);
    json_put_time(json, "from", row->frame.from_ns);
    json_put_time(json, "to", row->frame.to_ns);
    json_put_str(json, "state", str_of(state_of(due, row, entry)));
    if (entry == 0) {
        json_put_null(json, "entry");
    } else {
        json_put_i64(json, "entry", entry);
    }
    json_put_i64(json, "outside", outside);
    json_object_end(json);
    return 0;
}

/* Orders that ran that day, there or (of the whole plant) anywhere; or their lots. */
static int put_orders(struct due *due, const struct form_frame *day, struct err *err) {
    bool lots = str_eq(due->form->every, STR("lot"));
    struct ledger_stmt *stmt = NULL;
    int rc = sql_begin(due->tx,
        "SELECT DISTINCT w.number, w.code, coalesce(l.number, 0), coalesce(l.code, ''),"
        " w.state IN ('done', 'cancelled') FROM runs r JOIN operations o ON o.number = r.operation"
        " JOIN work_orders w ON w.number = o.work_order LEFT JOIN lots l ON l.number = w.lot"
        " WHERE (?1 = 0 OR r.machine = ?1) AND r.begin_ns < ?3 AND coalesce(r.end_ns, ?3) > ?2"
        " AND (?4 = 0 OR l.number IS NOT NULL) ORDER BY w.number LIMIT ?5",
        Q(Q_I(due->machine), Q_I(day->from_ns), Q_I(day->to_ns), Q_I(lots), Q_I(FORM_DUE_MAX)),
        &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        struct due_row row = {.frame = *day,
            .order = arena_copy(due->arena, ledger_column_str(stmt, 1)),
            .lot = lots ? arena_copy(due->arena, ledger_column_str(stmt, 3)) : STR_NONE,
            .ended = ledger_column_i64(stmt, 4) != 0};
        row.frame.order = lots ? 0 : ledger_column_i64(stmt, 0);
        row.frame.lot = lots ? ledger_column_i64(stmt, 2) : 0;
        rc = put_due(due, &row, err);
    }
    return rc < 0 ? rc : 0;
}

static int put_day(struct due *due, int64_t days_ago, struct err *err) {
    const struct zone *zone = due->ask->zone;
    struct calendar calendar;
    struct calendar_turn *turns = NULL;
    int rc = form_calendar(due->tx, due->form, due->machine, due->arena, &calendar, err);
    if (rc < 0) {
        return rc;
    }
    int64_t day = due->ask->about.day != FORM_TODAY
                      ? due->ask->about.day
                      : calendar_day_of(&calendar, zone, due->ask->now_ns) - days_ago;
    struct form_frame frame = {.machine = due->machine,
        .day = day,
        .shift = STR_NONE,
        .shift_name = STR_NONE,
        .from_ns = calendar_day_begin(&calendar, zone, day),
        .to_ns = calendar_day_begin(&calendar, zone, day + 1)};
    if (str_eq(due->form->every, STR("order")) || str_eq(due->form->every, STR("lot"))) {
        return due->only_missing ? 0 : put_orders(due, &frame, err);
    }
    int count =
        calendar_turns(&calendar, zone, frame.from_ns, frame.to_ns, due->arena, &turns, err);
    bool by_day = str_eq(due->form->every, STR("day"));
    rc = count;
    for (int i = 0; i < count && rc >= 0; i++) {
        struct due_row row = {.frame = frame, .order = STR_NONE, .lot = STR_NONE};
        if (turns[i].day != day) {
            continue;
        }
        if (by_day) {
            return put_due(due, &row, err);
        }
        row.frame.shift = turns[i].shift->code;
        row.frame.shift_name = turns[i].shift->name;
        row.frame.from_ns = turns[i].from_ns;
        row.frame.to_ns = turns[i].to_ns;
        rc = put_due(due, &row, err);
    }
    return rc < 0 ? rc : 0;
}

static int put_days(struct due *due, struct err *err) {
    int rc = 0;
    if (due->ask->about.day == FORM_TODAY) {
        due->only_missing = true;
        rc = put_day(due, 1, err);
        due->only_missing = false;
    }
    return rc < 0 ? rc : put_day(due, 0, err);
}

static int put_machines(struct due *due, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    const struct form *form = due->form;
    int rc = sql_begin(due->tx,
        "SELECT m.number, a.id, a.display FROM machines m JOIN assets a ON a.number = m.asset"
        " WHERE m.active = 1 AND (?1 = 0 OR m.number = ?1) AND (?2 = 0 OR m.workcentre = ?2)"
        " AND (?3 = '' OR a.id = ?3) ORDER BY a.id",
        Q(Q_I(form->machine), Q_I(form->workcentre), Q_S(due->ask->about.machine)), &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        due->machine = ledger_column_i64(stmt, 0);
        due->machine_id = arena_copy(due->arena, ledger_column_str(stmt, 1));
        due->machine_name = arena_copy(due->arena, ledger_column_str(stmt, 2));
        rc = put_days(due, err);
    }
    return rc < 0 ? rc : 0;
}

int form_put_due(
    struct ledger_tx *tx, const struct form_ask *ask, struct json *json, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int left = FORM_DUE_MAX;
    int rc = ledger_prepare(tx,
        "SELECT number FROM forms WHERE active = 1 AND every <> 'asked' ORDER BY code", &stmt, err);
    while (rc >= 0 && (rc = ledger_step(stmt, err)) > 0) {
        AUTO_ARENA struct arena arena;
        arena_init(&arena, 0);
        struct form form;
        struct due due = {.tx = tx,
            .ask = ask,
            .json = json,
            .arena = &arena,
            .form = &form,
            .machine_id = STR_NONE,
            .machine_name = STR_NONE,
            .left = left};
        rc = form_load(tx, ledger_column_i64(stmt, 0), &arena, &form, err);
        if (rc >= 0 && form.by_machine) {
            rc = put_machines(&due, err);
        } else if (rc >= 0) {
            rc = put_days(&due, err);
        }
        left = due.left;
    }
    return rc < 0 ? rc : 0;
}
