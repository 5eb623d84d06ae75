/*
 * Statements of the filler. The step function has a row where the state changes and nowhere else,
 * so writing a stretch is: look what holds behind it, take away what stands in it, put its begin
 * and what holds behind it, each only where it differs from what lies before.
 *
 * The memory is kept as JSON made and read by SQLite itself, all whole numbers, so that a figure
 * more is a line in MEMORY below and no migration.
 */
#include "production/fill_store.h"

#include "core/clock.h"

#define MINUTE_NS (60 * NS_PER_S)

/* ---- Machines ---- */

#define MEMORY(FIGURE)                                                                             \
    FIGURE(counter)                                                                                \
    FIGURE(counter_ns)                                                                             \
    FIGURE(rejects)                                                                                \
    FIGURE(rejects_ns)                                                                             \
    FIGURE(told)                                                                                   \
    FIGURE(told_ns)                                                                                \
    FIGURE(state)                                                                                  \
    FIGURE(state_ns)                                                                               \
    FIGURE(before)                                                                                 \
    FIGURE(blind)                                                                                  \
    FIGURE(gap_from_ns)                                                                            \
    FIGURE(gap_to_ns)                                                                              \
    FIGURE(resumed_ns)                                                                             \
    FIGURE(quiet_ns)                                                                               \
    FIGURE(stroked)                                                                                \
    FIGURE(cycle_ns)

static const char LOAD[] =
    "SELECT m.number, m.counter, m.rejects, m.state, coalesce(m.pieces, 1), m.run_values, "
    "m.setup_values, m.counter_max, m.rejects_max, coalesce(m.stop_after_ns, 60000000000), "
    "coalesce(m.silent_after_ns, 30000000000), k.seen_ns, k.told ->> '$.counter_tag', "
    "k.told ->> '$.rejects_tag', k.told ->> '$.state_tag', k.told ->> '$.run_ns', "
    "k.told ->> '$.run_is_open', k.told ->> '$.stop_ns'"
#define FIGURE(name) ", k.told ->> '$." #name "'"
    MEMORY(FIGURE)
#undef FIGURE
        " FROM machines m LEFT JOIN machine_marks k ON k.machine = m.number "
        "WHERE m.active = 1 AND (m.counter IS NOT NULL OR m.rejects IS NOT NULL OR m.state IS NOT "
        "NULL) "
        "ORDER BY m.number LIMIT ?1";

enum { LOAD_FIRST = 18 };

/* What was kept of tags that the machine no longer has says nothing of the new ones. */
static void take_marks(struct ledger_stmt *stmt, struct fill_machine *machine) {
    struct fill_memory *memory = &machine->memory;
    fill_memory_init(memory);
    machine->has_marks = !ledger_column_is_null(stmt, 11);
    if (!machine->has_marks) {
        return;
    }
    struct fill_memory kept = {.seen_ns = ledger_column_i64(stmt, 11)};
    int column = LOAD_FIRST;
#define FIGURE(name) kept.name = ledger_column_i64(stmt, column++);
    MEMORY(FIGURE)
#undef FIGURE
    machine->run_ns = ledger_column_i64(stmt, 15);
    machine->run_is_open = ledger_column_i64(stmt, 16);
    machine->stop_ns = ledger_column_i64(stmt, 17);
    bool same_counter = (uint32_t)ledger_column_i64(stmt, 12) == machine->counter;
    bool same_rejects = (uint32_t)ledger_column_i64(stmt, 13) == machine->rejects;
    bool same_state = (uint32_t)ledger_column_i64(stmt, 14) == machine->state;
    struct fill_memory fresh = *memory;
    if (same_state && (same_counter || machine->state != 0)) {
        *memory = kept; // Who tells the time is the same.
    }
    memory->counter = same_counter ? kept.counter : fresh.counter;
    memory->counter_ns = same_counter ? kept.counter_ns : fresh.counter_ns;
    memory->rejects = same_rejects ? kept.rejects : fresh.rejects;
    memory->rejects_ns = same_rejects ? kept.rejects_ns : fresh.rejects_ns;
}

static void take_machine(
    struct ledger_stmt *stmt, struct arena *arena, struct fill_machine *machine) {
    *machine = (struct fill_machine){.number = ledger_column_i64(stmt, 0),
        .counter = (uint32_t)ledger_column_i64(stmt, 1),
        .rejects = (uint32_t)ledger_column_i64(stmt, 2),
        .state = (uint32_t)ledger_column_i64(stmt, 3),
        .pieces = ledger_column_i64(stmt, 4),
        .run_values = arena_copy(arena, ledger_column_str(stmt, 5)),
        .setup_values = arena_copy(arena, ledger_column_str(stmt, 6)),
        .rules = {.counter_max = ledger_column_i64(stmt, 7),
            .rejects_max = ledger_column_i64(stmt, 8),
            .stop_after_ns = ledger_column_i64(stmt, 9),
            .silent_after_ns = ledger_column_i64(stmt, 10)}};
    machine->rules.has_state = machine->state != 0;
    machine->pieces = machine->pieces < 1 ? 1 : machine->pieces;
    take_marks(stmt, machine);
}

int fill_machines_load(struct ledger_tx *tx, struct arena *arena,
    struct fill_machine **ret_machines, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx, LOAD, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, FILL_MACHINES_MAX);
    struct fill_machine *machines = ARENA_ARRAY(arena, struct fill_machine, FILL_MACHINES_MAX);
    int count = 0;
    while ((status = ledger_step(stmt, err)) > 0) {
        take_machine(stmt, arena, &machines[count++]);
    }
    *ret_machines = machines;
    return status < 0 ? status : count;
}

int fill_machines_mark(struct ledger_tx *tx, int64_t *ret_mark, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(
        tx, "SELECT coalesce(max(changed_ns), 0) + count(*) FROM machines", &stmt, err);
    if (status >= 0) {
        status = ledger_step(stmt, err);
    }
    if (status > 0) {
        *ret_mark = ledger_column_i64(stmt, 0);
    }
    return status < 0 ? status : 0;
}

static const char KEEP[] =
    "INSERT INTO machine_marks (machine, seen_ns, told) VALUES (?1, ?2, json_object("
    "'counter_tag', ?3, 'rejects_tag', ?4, 'state_tag', ?5, 'run_ns', ?6, 'run_is_open', ?7, "
    "'stop_ns', ?8"
#define FIGURE(name) ", '" #name "', ?"
    MEMORY(FIGURE)
#undef FIGURE
        ")) ON CONFLICT (machine) DO UPDATE SET seen_ns = excluded.seen_ns, told = excluded.told";

int fill_memory_put(struct ledger_tx *tx, const struct fill_machine *machine, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx, KEEP, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine->number);
    ledger_bind_i64(stmt, 2, machine->memory.seen_ns);
    ledger_bind_i64(stmt, 3, machine->counter);
    ledger_bind_i64(stmt, 4, machine->rejects);
    ledger_bind_i64(stmt, 5, machine->state);
    ledger_bind_i64(stmt, 6, machine->run_ns);
    ledger_bind_i64(stmt, 7, machine->run_is_open);
    ledger_bind_i64(stmt, 8, machine->stop_ns);
    int parameter = 9;
#define FIGURE(name) ledger_bind_i64(stmt, parameter++, machine->memory.name);
    MEMORY(FIGURE)
#undef FIGURE
    status = ledger_step(stmt, err);
    return status < 0 ? status : 0;
}

/* ---- Runs and counts ---- */

int fill_runs_load(struct ledger_tx *tx, int64_t machine, int64_t from_ns, struct arena *arena,
    struct fill_run **ret_runs, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT r.number, r.begin_ns, coalesce(r.end_ns, 9223372036854775807), r.pieces, "
        "coalesce(o.cycle_ns, 0) FROM runs r JOIN operations o ON o.number = r.operation "
        "WHERE r.machine = ?1 AND r.begin_ns >= coalesce((SELECT max(q.begin_ns) FROM runs q WHERE "
        "q.machine = ?1 AND q.begin_ns <= ?2), ?2) ORDER BY r.begin_ns, r.number",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    ledger_bind_i64(stmt, 2, from_ns);
    struct fill_run *runs = ARENA_ARRAY(arena, struct fill_run, 16);
    int room = 16;
    int count = 0;
    while ((status = ledger_step(stmt, err)) > 0) {
        if (count == room) {
            struct fill_run *more = ARENA_ARRAY(arena, struct fill_run, (size_t)room * 2);
            for (int i = 0; i < count; i++) {
                more[i] = runs[i];
            }
            runs = more;
            room *= 2;
        }
        struct fill_run *run = &runs[count++];
        *run = (struct fill_run){.number = ledger_column_i64(stmt, 0),
            .begin_ns = ledger_column_i64(stmt, 1),
            .end_ns = ledger_column_i64(stmt, 2),
            .pieces = ledger_column_i64(stmt, 3)};
        int64_t cycle_ns = ledger_column_i64(stmt, 4);
        run->cycle_ns =
            cycle_ns > 0 && cycle_ns < INT64_MAX / run->pieces ? cycle_ns * run->pieces : 0;
    }
    *ret_runs = runs;
    return status < 0 ? status : count;
}

const struct fill_run *fill_run_at(const struct fill_run *runs, int count, int64_t time_ns) {
    for (int i = count - 1; i >= 0; i--) {
        if (runs[i].begin_ns <= time_ns && time_ns < runs[i].end_ns) {
            return &runs[i];
        }
    }
    return NULL;
}

int fill_made_add(struct ledger_tx *tx, const struct fill_made *made, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "INSERT INTO made (machine, run, minute_ns, counts, pieces, bad) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (run, machine, minute_ns) DO UPDATE SET "
        "counts = counts + excluded.counts, pieces = pieces + excluded.pieces, "
        "bad = bad + excluded.bad",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, made->machine);
    ledger_bind_i64(stmt, 2, made->run);
    ledger_bind_i64(stmt, 3, made->time_ns - made->time_ns % MINUTE_NS); // Times are above 0.
    ledger_bind_i64(stmt, 4, made->counts);
    ledger_bind_i64(stmt, 5, made->pieces);
    ledger_bind_i64(stmt, 6, made->bad);
    status = ledger_step(stmt, err);
    return status < 0 ? status : 0;
}

/* ---- The step function ---- */

struct step {
    int64_t time_ns;
    enum machine_state state;
    bool reckoned;
};

/* The row in force at a moment; *ret_found false: none yet. */
static int step_at(struct ledger_tx *tx, int64_t machine, int64_t time_ns, struct step *ret_step,
    bool *ret_found, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT time_ns, state, reckoned FROM machine_states WHERE machine = ?1 AND time_ns <= ?2 "
        "ORDER BY time_ns DESC LIMIT 1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    ledger_bind_i64(stmt, 2, time_ns);
    status = ledger_step(stmt, err);
    *ret_found = status > 0;
    if (status > 0) {
        *ret_step = (struct step){.time_ns = ledger_column_i64(stmt, 0),
            .state = (enum machine_state)ledger_column_i64(stmt, 1),
            .reckoned = ledger_column_i64(stmt, 2) != 0};
    }
    return status < 0 ? status : 0;
}

/* A row at its moment, unless what lies before it says the same. */
static int step_put(
    struct ledger_tx *tx, int64_t machine, const struct step *step, struct err *err) {
    struct step before;
    bool found;
    int status = step_at(tx, machine, step->time_ns, &before, &found, err);
    if (status < 0 || (found && before.state == step->state && before.reckoned == step->reckoned)) {
        return status;
    }
    struct ledger_stmt *stmt;
    status = ledger_prepare(tx,
        "INSERT INTO machine_states (machine, time_ns, state, reckoned) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (machine, time_ns) DO UPDATE SET state = excluded.state, "
        "reckoned = excluded.reckoned",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    ledger_bind_i64(stmt, 2, step->time_ns);
    ledger_bind_i64(stmt, 3, step->state);
    ledger_bind_i64(stmt, 4, step->reckoned);
    status = ledger_step(stmt, err);
    return status < 0 ? status : 0;
}

static int steps_clear(
    struct ledger_tx *tx, int64_t machine, int64_t from_ns, int64_t last_ns, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "DELETE FROM machine_states WHERE machine = ?1 AND time_ns BETWEEN ?2 AND ?3", &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    ledger_bind_i64(stmt, 2, from_ns);
    ledger_bind_i64(stmt, 3, last_ns);
    status = ledger_step(stmt, err);
    return status < 0 ? status : 0;
}

static int span_put(
    struct ledger_tx *tx, int64_t machine, const struct fill_effect *effect, struct err *err) {
    struct step behind = {.state = MACHINE_UNKNOWN};
    bool found;
    int status = step_at(tx, machine, effect->to_ns, &behind, &found, err);
    behind.time_ns = effect->to_ns;
    if (status >= 0) {
        status = steps_clear(tx, machine, effect->from_ns, effect->to_ns, err);
    }
    struct step first = {effect->from_ns, effect->state, effect->reckoned};
    if (status >= 0) {
        status = step_put(tx, machine, &first, err);
    }
    return status < 0 ? status : step_put(tx, machine, &behind, err);
}

static int from_put(
    struct ledger_tx *tx, int64_t machine, const struct fill_effect *effect, struct err *err) {
    int status = steps_clear(tx, machine, effect->from_ns, INT64_MAX, err);
    struct step first = {effect->from_ns, effect->state, effect->reckoned};
    return status < 0 ? status : step_put(tx, machine, &first, err);
}

/* A late state: from then to the step that followed. */
static int cut_put(
    struct ledger_tx *tx, int64_t machine, const struct fill_effect *effect, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx,
        "SELECT coalesce(min(time_ns), ?3) FROM machine_states WHERE machine = ?1 AND time_ns > ?2",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    ledger_bind_i64(stmt, 2, effect->from_ns);
    ledger_bind_i64(stmt, 3, effect->to_ns);
    status = ledger_step(stmt, err);
    if (status < 0) {
        return status;
    }
    int64_t next_ns = ledger_column_i64(stmt, 0);
    struct fill_effect span = *effect;
    span.to_ns = next_ns < effect->to_ns ? next_ns : effect->to_ns;
    return span_put(tx, machine, &span, err);
}

static int turn_put(
    struct ledger_tx *tx, int64_t machine, const struct fill_effect *effect, struct err *err) {
    struct step now;
    bool found;
    int status = step_at(tx, machine, effect->from_ns, &now, &found, err);
    if (status < 0) {
        return status;
    }
    struct ledger_stmt *stmt;
    status = ledger_prepare(tx,
        "UPDATE machine_states SET state = 2, reckoned = 0 WHERE machine = ?1 AND time_ns >= ?2 "
        "AND state = 1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, machine);
    ledger_bind_i64(stmt, 2, effect->from_ns);
    status = ledger_step(stmt, err);
    if (status < 0 || !found || now.state != MACHINE_RUN) {
        return status < 0 ? status : 0;
    }
    struct step first = {effect->from_ns, MACHINE_STOP, false};
    return step_put(tx, machine, &first, err);
}

static int effect_put(
    struct ledger_tx *tx, int64_t machine, const struct fill_effect *effect, struct err *err) {
    switch (effect->kind) {
    case FILL_FROM: return from_put(tx, machine, effect, err);
    case FILL_SPAN: return span_put(tx, machine, effect, err);
    case FILL_CUT: return cut_put(tx, machine, effect, err);
    case FILL_TURN: break;
    }
    return turn_put(tx, machine, effect, err);
}

int fill_effects_put(struct ledger_tx *tx, int64_t machine, const struct fill_effects *effects,
    int64_t *dirty_ns, struct err *err) {
    int status = 0;
    for (uint32_t i = 0; i < effects->count && status >= 0; i++) {
        const struct fill_effect *effect = &effects->list[i];
        *dirty_ns = effect->from_ns < *dirty_ns ? effect->from_ns : *dirty_ns;
        status = effect_put(tx, machine, effect, err);
    }
    return status;
}
