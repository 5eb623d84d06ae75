/*
 * Stops follow from states and runs, so they are derived again wherever one of the two changed: the
 * stretches in state stop, cut to the runs they lie in, that are long enough. The rows are then
 * brought to that, each kept with the stop it overlaps, because a card may be open on a terminal
 * and a reason filed already.
 *
 * One bad value in the midst of a stop does not part it: what is unknown for no longer than
 * `silent_after` between two halves belongs to it, where nothing was struck meanwhile (that would
 * show as run). The window begins at the last step before the change that ran or was set up: no
 * stop reaches across it.
 */
#include "core/clock.h"
#include "production/fill_store.h"

struct stop {
    int64_t number; // 0: no row yet.
    int64_t run;
    int64_t begin_ns;
    int64_t end_ns; // INT64_MAX: it stands still.
    bool is_filed;
    bool is_taken; // Of a row: some stop is it.
};
struct stop_list {
    struct arena *arena;
    struct stop *list;
    uint32_t count;
    uint32_t room;
};

static void list_add(struct stop_list *list, struct stop stop) {
    if (list->count == list->room) {
        uint32_t room = list->room == 0 ? 16 : list->room * 2;
        struct stop *more = ARENA_ARRAY(list->arena, struct stop, room);
        for (uint32_t i = 0; i < list->count; i++) {
            more[i] = list->list[i];
        }
        list->list = more;
        list->room = room;
    }
    list->list[list->count++] = stop;
}

/* ---- What there should be ---- */

static int window_begin(
    struct ledger_tx *tx, const struct fill_stops *stops, int64_t *ret_ns, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT time_ns FROM machine_states WHERE machine = ?1 AND time_ns < ?2 AND state IN (1, "
        "3) "
        "ORDER BY time_ns DESC LIMIT 1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, stops->machine);
    ledger_bind_i64(stmt, 2, stops->from_ns);
    status = ledger_step(stmt, err);
    if (status > 0) {
        *ret_ns = ledger_column_i64(stmt, 0);
    }
    return status < 0 ? status : 0;
}

/* Where the machine is while the steps are read. */
struct walk {
    bool stands;
    int64_t lost_ns; // Since when a stop is out of sight; 0: it is not.
};

static void walk_step(struct walk *walk, int64_t time_ns, int64_t state, int64_t silent_after_ns,
    struct stop_list *out) {
    if (state == MACHINE_STOP && !walk->stands) {
        bool goes_on = walk->lost_ns != 0 && time_ns - walk->lost_ns <= silent_after_ns;
        if (goes_on) {
            out->list[out->count - 1].end_ns = INT64_MAX;
        } else {
            list_add(out, (struct stop){.begin_ns = time_ns, .end_ns = INT64_MAX});
        }
    } else if (state != MACHINE_STOP && walk->stands) {
        out->list[out->count - 1].end_ns = time_ns;
        walk->lost_ns = time_ns;
    }
    walk->stands = state == MACHINE_STOP;
    if (state == MACHINE_RUN || state == MACHINE_SETUP) {
        walk->lost_ns = 0;
    }
}

/* Stretches in state stop from `from_ns` on. */
static int stretches(struct ledger_tx *tx, const struct fill_stops *stops, int64_t from_ns,
    struct stop_list *out, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT time_ns, state FROM machine_states WHERE machine = ?1 AND time_ns >= ?2 "
        "ORDER BY time_ns",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, stops->machine);
    ledger_bind_i64(stmt, 2, from_ns);
    struct walk walk = {.stands = false};
    while ((status = ledger_step(stmt, err)) > 0) {
        walk_step(&walk, ledger_column_i64(stmt, 0), ledger_column_i64(stmt, 1),
            stops->silent_after_ns, out);
    }
    return status;
}

/* Both lists are in order. */
static void cut_to_runs(const struct stop_list *stretches, const struct fill_run *runs, int count,
    const struct fill_stops *stops, struct stop_list *out) {
    int run = 0;
    for (uint32_t i = 0; i < stretches->count; i++) {
        const struct stop *stretch = &stretches->list[i];
        while (run < count && runs[run].end_ns <= stretch->begin_ns) {
            run++;
        }
        for (int j = run; j < count && runs[j].begin_ns < stretch->end_ns; j++) {
            struct stop stop = *stretch;
            stop.run = runs[j].number;
            stop.begin_ns = stop.begin_ns < runs[j].begin_ns ? runs[j].begin_ns : stop.begin_ns;
            stop.end_ns = stop.end_ns > runs[j].end_ns ? runs[j].end_ns : stop.end_ns;
            int64_t until = stop.end_ns < stops->seen_ns ? stop.end_ns : stops->seen_ns;
            if (until - stop.begin_ns >= stops->stop_after_ns) {
                list_add(out, stop);
            }
        }
    }
}

/* ---- What there is ---- */

static int rows_load(struct ledger_tx *tx, int64_t machine, int64_t from_ns, struct stop_list *out,
    struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT number, run, begin_ns, coalesce(end_ns, 9223372036854775807), "
        "reason IS NOT NULL OR filed_ns IS NOT NULL OR note <> '' FROM stops "
        "WHERE machine = ?1 AND begin_ns >= ?2 ORDER BY begin_ns",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    ledger_bind_i64(stmt, 2, from_ns);
    while ((status = ledger_step(stmt, err)) > 0) {
        list_add(out, (struct stop){.number = ledger_column_i64(stmt, 0),
                          .run = ledger_column_i64(stmt, 1),
                          .begin_ns = ledger_column_i64(stmt, 2),
                          .end_ns = ledger_column_i64(stmt, 3),
                          .is_filed = ledger_column_i64(stmt, 4) != 0});
    }
    return status;
}

/* The row a stop takes: that of the same begin, else the first it overlaps; a filed one first. */
static struct stop *row_of(const struct stop_list *rows, const struct stop *stop) {
    struct stop *best = NULL;
    for (uint32_t i = 0; i < rows->count; i++) {
        struct stop *row = &rows->list[i];
        if (row->is_taken) {
            continue;
        }
        if (row->begin_ns == stop->begin_ns) {
            return row;
        }
        bool overlaps = row->begin_ns < stop->end_ns && row->end_ns > stop->begin_ns;
        if (overlaps && (best == NULL || (row->is_filed && !best->is_filed))) {
            best = row;
        }
    }
    return best;
}

static int row_drop(struct ledger_tx *tx, const struct stop *row, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        row->is_filed ? "UPDATE stops SET end_ns = begin_ns WHERE number = ?1"
                      : "DELETE FROM stops WHERE number = ?1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, row->number);
    status = ledger_step(stmt, err);
    return status < 0 ? status : 0;
}

static int row_put(
    struct ledger_tx *tx, int64_t machine, const struct stop *stop, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        stop->number != 0
            ? "UPDATE stops SET run = ?2, begin_ns = ?3, end_ns = ?4 WHERE number = ?1"
            : "INSERT INTO stops (machine, run, begin_ns, end_ns, note) VALUES (?1, ?2, ?3, ?4, "
              "'')",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, stop->number != 0 ? stop->number : machine);
    ledger_bind_i64(stmt, 2, stop->run);
    ledger_bind_i64(stmt, 3, stop->begin_ns);
    if (stop->end_ns == INT64_MAX) {
        ledger_bind_null(stmt, 4);
    } else {
        ledger_bind_i64(stmt, 4, stop->end_ns);
    }
    status = ledger_step(stmt, err);
    return status < 0 ? status : 0;
}

/* Rows that no stop takes go first: their begin may be another's now. */
static int bring(struct ledger_tx *tx, int64_t machine, struct stop_list *wanted,
    const struct stop_list *rows, struct err *err) {
    bool *same = ARENA_ARRAY(wanted->arena, bool, (size_t)wanted->count + 1);
    for (uint32_t i = 0; i < wanted->count; i++) {
        struct stop *stop = &wanted->list[i];
        struct stop *row = row_of(rows, stop);
        if (row != NULL) {
            row->is_taken = true;
            stop->number = row->number;
            same[i] = row->begin_ns == stop->begin_ns && row->end_ns == stop->end_ns &&
                      row->run == stop->run;
        }
    }
    int status = 0;
    for (uint32_t i = 0; i < rows->count && status >= 0; i++) {
        if (!rows->list[i].is_taken) {
            status = row_drop(tx, &rows->list[i], err);
        }
    }
    for (uint32_t i = 0; i < wanted->count && status >= 0; i++) {
        if (!same[i]) {
            status = row_put(tx, machine, &wanted->list[i], err);
        }
    }
    return status;
}

int fill_stops_put(struct ledger_tx *tx, const struct fill_stops *stops, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct stop_list spans = {.arena = &arena};
    struct stop_list wanted = {.arena = &arena};
    struct stop_list rows = {.arena = &arena};
    int64_t begin_ns = 0;
    int status = window_begin(tx, stops, &begin_ns, err);
    if (status >= 0) {
        status = stretches(tx, stops, begin_ns, &spans, err);
    }
    struct fill_run *runs = NULL;
    if (status >= 0) {
        status = fill_runs_load(tx, stops->machine, begin_ns, &arena, &runs, err);
    }
    if (status < 0) {
        return status;
    }
    cut_to_runs(&spans, runs, status, stops, &wanted);
    status = rows_load(tx, stops->machine, begin_ns, &rows, err);
    return status < 0 ? status : bring(tx, stops->machine, &wanted, &rows, err);
}

int fill_stops_again(struct ledger_tx *tx, int64_t machine, int64_t from_ns, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT k.seen_ns, coalesce(m.stop_after_ns, 60000000000), coalesce(m.silent_after_ns, "
        "30000000000) FROM machines m JOIN machine_marks k ON k.machine = m.number WHERE m.number "
        "= ?1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    status = ledger_step(stmt, err);
    if (status <= 0) {
        return status;
    }
    struct fill_stops stops = {.machine = machine,
        .from_ns = from_ns,
        .seen_ns = ledger_column_i64(stmt, 0),
        .stop_after_ns = ledger_column_i64(stmt, 1),
        .silent_after_ns = ledger_column_i64(stmt, 2)};
    return fill_stops_put(tx, &stops, err);
}
