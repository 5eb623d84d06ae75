/*
 * A run that is entered behind its time finds its pieces counted already, into no run or into the
 * one before. They are moved by whole minutes: a minute that a run shares with its neighbour stays
 * where it was counted, because nobody can say any more on which side of the edge its strokes fell.
 */
#include "core/clock.h"
#include "production/fill_store.h"

#define MINUTE_NS (60 * NS_PER_S)

struct rows {
    struct fill_made *list;
    int count;
};

static int rows_load(struct ledger_tx *tx, int64_t machine, int64_t from_ns, struct arena *arena,
    struct rows *ret_rows, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT run, minute_ns, counts, pieces, bad, count(*) OVER () FROM made "
        "WHERE machine = ?1 AND minute_ns >= ?2 ORDER BY minute_ns",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    ledger_bind_i64(stmt, 2, from_ns);
    struct rows rows = {.list = NULL};
    while ((status = ledger_step(stmt, err)) > 0) {
        if (rows.list == NULL) {
            rows.list = ARENA_ARRAY(arena, struct fill_made, (size_t)ledger_column_i64(stmt, 5));
        }
        rows.list[rows.count++] = (struct fill_made){.machine = machine,
            .run = ledger_column_i64(stmt, 0),
            .time_ns = ledger_column_i64(stmt, 1),
            .counts = ledger_column_i64(stmt, 2),
            .pieces = ledger_column_i64(stmt, 3),
            .bad = ledger_column_i64(stmt, 4)};
    }
    *ret_rows = rows;
    return status;
}

static bool is_shared(const struct fill_run *runs, int count, const struct fill_made *row) {
    for (int i = 0; i < count; i++) {
        if (runs[i].number == row->run) {
            return runs[i].begin_ns < row->time_ns + MINUTE_NS && runs[i].end_ns > row->time_ns;
        }
    }
    return false;
}

static int row_remove(struct ledger_tx *tx, const struct fill_made *row, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(
        tx, "DELETE FROM made WHERE run = ?1 AND machine = ?2 AND minute_ns = ?3", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, row->run);
    ledger_bind_i64(stmt, 2, row->machine);
    ledger_bind_i64(stmt, 3, row->time_ns);
    status = ledger_step(stmt, err);
    return status < 0 ? status : 0;
}

/* Strokes make as many pieces as the run they now belong to says. */
static int row_move(struct ledger_tx *tx, const struct fill_made *row, const struct fill_run *run,
    int64_t machine_pieces, struct err *err) {
    int64_t number = run == NULL ? 0 : run->number;
    if (number == row->run) {
        return 0;
    }
    int status = row_remove(tx, row, err);
    struct fill_made moved = *row;
    moved.run = number;
    moved.pieces = row->counts * (run == NULL ? machine_pieces : run->pieces);
    return status < 0 ? status : fill_made_add(tx, &moved, err);
}

struct facts {
    int64_t pieces;
    int64_t seen_ns;
    int64_t stop_after_ns;
};

static int facts_load(
    struct ledger_tx *tx, int64_t machine, struct facts *ret_facts, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT coalesce(m.pieces, 1), coalesce(k.seen_ns, 0), coalesce(m.stop_after_ns, "
        "60000000000) FROM machines m LEFT JOIN machine_marks k ON k.machine = m.number "
        "WHERE m.number = ?1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    status = ledger_step(stmt, err);
    if (status > 0) {
        *ret_facts = (struct facts){.pieces = ledger_column_i64(stmt, 0),
            .seen_ns = ledger_column_i64(stmt, 1),
            .stop_after_ns = ledger_column_i64(stmt, 2)};
    }
    return status < 0 ? status : 0;
}

int fill_refit(struct ledger_tx *tx, int64_t machine, int64_t from_ns, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    int64_t minute_ns = from_ns - from_ns % MINUTE_NS;
    struct facts facts = {.pieces = 1};
    int status = facts_load(tx, machine, &facts, err);
    struct fill_run *runs = NULL;
    if (status >= 0) {
        status = fill_runs_load(tx, machine, minute_ns, &arena, &runs, err);
    }
    int count = status;
    struct rows rows = {.list = NULL};
    if (status >= 0) {
        status = rows_load(tx, machine, minute_ns, &arena, &rows, err);
    }
    for (int i = 0; i < rows.count && status >= 0; i++) {
        const struct fill_made *row = &rows.list[i];
        if (row->run == 0 || !is_shared(runs, count, row)) {
            const struct fill_run *run = fill_run_at(runs, count, row->time_ns);
            status = row_move(tx, row, run, facts.pieces, err);
        }
    }
    if (status < 0) {
        return status;
    }
    struct fill_stops stops = {.machine = machine,
        .from_ns = from_ns,
        .seen_ns = facts.seen_ns,
        .stop_after_ns = facts.stop_after_ns};
    return fill_stops_put(tx, &stops, err);
}
