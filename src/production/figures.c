/*
 * Reads one machine's time and pieces for kpi_compute. The step function is known up to the newest
 * sample; what comes behind it is as told for `silent_after`, and unknown when the machine has been
 * silent for longer. An order's figures are those of its runs, each asked by itself, so that what
 * the machine did for others is not in them.
 */
#include "production/figures.h"

#include "core/clock.h"
#include "production/fill.h"
#include "production/words.h"

#define MINUTE_NS (60 * NS_PER_S)

/* ---- Machines ---- */

static int number_of(
    struct ledger_tx *tx, const char *sql, struct str text, int64_t *ret_number, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx, sql, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, text);
    status = ledger_step(stmt, err);
    if (status == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_FIGURES_UNKNOWN), ARGS(A_STR(text)));
    }
    if (status > 0) {
        *ret_number = ledger_column_i64(stmt, 0);
    }
    return status < 0 ? status : 0;
}

/* Zeros where nothing was asked for. */
struct wanted {
    int64_t machine;
    int64_t line;
    int64_t order;
};

static int filter_read(struct ledger_tx *tx, const struct figures_filter *filter,
    struct wanted *ret_wanted, struct err *err) {
    *ret_wanted = (struct wanted){.machine = 0};
    int status = 0;
    if (filter->machine.size > 0) {
        status = number_of(tx,
            "SELECT m.number FROM machines m JOIN assets a ON a.number = m.asset WHERE a.id = ?1",
            filter->machine, &ret_wanted->machine, err);
    }
    if (status >= 0 && filter->line.size > 0) {
        status = number_of(
            tx, "SELECT number FROM assets WHERE id = ?1", filter->line, &ret_wanted->line, err);
    }
    if (status >= 0 && filter->order.size > 0) {
        status = number_of(tx, "SELECT number FROM work_orders WHERE code = ?1", filter->order,
            &ret_wanted->order, err);
    }
    return status;
}

static const char MACHINES[] =
    "WITH RECURSIVE below (number) AS (SELECT ?2 UNION SELECT a.number FROM assets a JOIN below b "
    "ON a.parent = b.number) "
    "SELECT m.number, a.id, a.display, coalesce(w.code, ''), coalesce(l.id, ''), "
    "coalesce(m.rate_u, w.machine_rate_u, -1), coalesce(m.stop_after_ns, 60000000000), "
    "coalesce(m.silent_after_ns, 30000000000), coalesce(k.seen_ns, 0) "
    "FROM machines m JOIN assets a ON a.number = m.asset "
    "LEFT JOIN workcentres w ON w.number = m.workcentre LEFT JOIN assets l ON l.number = w.line "
    "LEFT JOIN machine_marks k ON k.machine = m.number "
    "WHERE (?1 = 0 AND m.active = 1 OR m.number = ?1) "
    "AND (?2 = 0 OR w.line = ?2 OR m.asset IN (SELECT number FROM below)) "
    "AND (?3 = 0 OR m.number IN (SELECT r.machine FROM runs r JOIN operations o ON o.number = "
    "r.operation WHERE o.work_order = ?3)) ORDER BY a.id LIMIT ?4";

int figures_machines(struct ledger_tx *tx, const struct figures_filter *filter, struct arena *arena,
    struct figures_machine **ret_machines, int64_t *ret_order, struct err *err) {
    struct wanted wanted;
    int status = filter_read(tx, filter, &wanted, err);
    struct ledger_stmt *stmt;
    if (status >= 0) {
        status = ledger_prepare(tx, MACHINES, &stmt, err);
    }
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, wanted.machine);
    ledger_bind_i64(stmt, 2, wanted.line);
    ledger_bind_i64(stmt, 3, wanted.order);
    ledger_bind_i64(stmt, 4, FIGURES_MACHINES_MAX);
    struct figures_machine *machines =
        ARENA_ARRAY(arena, struct figures_machine, FIGURES_MACHINES_MAX);
    int count = 0;
    while ((status = ledger_step(stmt, err)) > 0) {
        machines[count++] = (struct figures_machine){.number = ledger_column_i64(stmt, 0),
            .id = arena_copy(arena, ledger_column_str(stmt, 1)),
            .name = arena_copy(arena, ledger_column_str(stmt, 2)),
            .workcentre = arena_copy(arena, ledger_column_str(stmt, 3)),
            .line = arena_copy(arena, ledger_column_str(stmt, 4)),
            .rate_u = ledger_column_i64(stmt, 5),
            .stop_after_ns = ledger_column_i64(stmt, 6),
            .silent_after_ns = ledger_column_i64(stmt, 7),
            .seen_ns = ledger_column_i64(stmt, 8)};
    }
    *ret_machines = machines;
    *ret_order = wanted.order;
    return status < 0 ? status : count;
}

/* ---- Time ---- */

struct spans {
    struct kpi_span *list;
    uint32_t count;
    uint32_t room;
};

static void spans_add(struct arena *arena, struct spans *spans, struct kpi_span span) {
    if (span.from_ns >= span.to_ns) {
        return;
    }
    if (spans->count == spans->room) {
        uint32_t room = spans->room == 0 ? 64 : spans->room * 2;
        struct kpi_span *more = ARENA_ARRAY(arena, struct kpi_span, room);
        for (uint32_t i = 0; i < spans->count; i++) {
            more[i] = spans->list[i];
        }
        spans->list = more;
        spans->room = room;
    }
    spans->list[spans->count++] = span;
}

static int64_t min_ns(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* A statement about the machine over [from, to): ?1, ?2, ?3. */
static int prepare(struct ledger_tx *tx, const char *sql, const struct figures_question *question,
    struct ledger_stmt **ret_stmt, struct err *err) {
    int status = ledger_prepare(tx, sql, ret_stmt, err);
    if (status >= 0) {
        ledger_bind_i64(*ret_stmt, 1, question->machine->number);
        ledger_bind_i64(*ret_stmt, 2, question->from_ns);
        ledger_bind_i64(*ret_stmt, 3, question->to_ns);
    }
    return status;
}

/* Until when the newest row holds. */
static int64_t told_until(const struct figures_machine *machine, int64_t now_ns) {
    return now_ns - machine->seen_ns <= machine->silent_after_ns ? INT64_MAX : machine->seen_ns;
}

static int read_states(struct ledger_tx *tx, const struct figures_question *question,
    struct arena *arena, struct spans *out, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx,
        "SELECT time_ns, state FROM machine_states WHERE machine = ?1 AND time_ns < ?3 AND "
        "time_ns >= coalesce((SELECT max(time_ns) FROM machine_states WHERE machine = ?1 AND "
        "time_ns <= ?2), 0) ORDER BY time_ns",
        question, &stmt, err);
    if (status < 0) {
        return status;
    }
    struct kpi_span last = {.from_ns = 0, .to_ns = 0, .what = MACHINE_UNKNOWN};
    while ((status = ledger_step(stmt, err)) > 0) {
        last.to_ns = ledger_column_i64(stmt, 0);
        spans_add(arena, out, last);
        last =
            (struct kpi_span){.from_ns = last.to_ns, .what = (int32_t)ledger_column_i64(stmt, 1)};
    }
    last.to_ns = told_until(question->machine, question->now_ns);
    spans_add(arena, out, last);
    return status;
}

static int32_t leaf_of_loss(struct str loss) {
    static const struct {
        const char *loss;
        enum loss_leaf leaf;
    } LEAVES[] = {{"breakdown", LOSS_BREAKDOWN}, {"setup", LOSS_SETUP}, {"material", LOSS_MATERIAL},
        {"people", LOSS_PEOPLE}, {"quality", LOSS_QUALITY_STOP}, {"planned", LOSS_PLANNED}};
    for (size_t i = 0; i < sizeof LEAVES / sizeof LEAVES[0]; i++) {
        if (str_eq(loss, str_of(LEAVES[i].loss))) {
            return (int32_t)LEAVES[i].leaf;
        }
    }
    return (int32_t)LOSS_OTHER;
}

static int read_stops(struct ledger_tx *tx, const struct figures_question *question,
    struct arena *arena, struct spans *out, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx,
        "SELECT s.begin_ns, coalesce(s.end_ns, 9223372036854775807), s.reason IS NULL, "
        "coalesce(r.loss, '') FROM stops s LEFT JOIN reasons r ON r.number = s.reason "
        "WHERE s.machine = ?1 AND s.begin_ns < ?3 AND (s.end_ns IS NULL OR s.end_ns > ?2) "
        "ORDER BY s.begin_ns",
        question, &stmt, err);
    if (status < 0) {
        return status;
    }
    while ((status = ledger_step(stmt, err)) > 0) {
        struct kpi_span stop = {.from_ns = ledger_column_i64(stmt, 0),
            .to_ns = ledger_column_i64(stmt, 1),
            .what = ledger_column_i64(stmt, 2) != 0 ? (int32_t)LOSS_UNREASONED
                                                    : leaf_of_loss(ledger_column_str(stmt, 3))};
        spans_add(arena, out, stop);
    }
    return status;
}

/* ---- Runs and pieces ---- */

struct runs {
    struct kpi_run *list;
    int64_t *numbers;
    uint32_t count;
};

static int read_runs(struct ledger_tx *tx, const struct figures_question *question,
    struct arena *arena, struct runs *out, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx,
        "SELECT r.number, r.begin_ns, coalesce(r.end_ns, 9223372036854775807), r.phase = 'setup', "
        "coalesce(o.cycle_ns, 0), count(*) OVER () FROM runs r JOIN operations o "
        "ON o.number = r.operation WHERE r.machine = ?1 AND r.begin_ns < ?3 "
        "AND (r.end_ns IS NULL OR r.end_ns > ?2) AND (?4 = 0 OR o.work_order = ?4) "
        "ORDER BY r.begin_ns, r.number",
        question, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 4, question->order);
    while ((status = ledger_step(stmt, err)) > 0) {
        if (out->list == NULL) {
            size_t count = (size_t)ledger_column_i64(stmt, 5);
            out->list = ARENA_ARRAY(arena, struct kpi_run, count);
            out->numbers = ARENA_ARRAY(arena, int64_t, count);
        }
        out->numbers[out->count] = ledger_column_i64(stmt, 0);
        out->list[out->count++] = (struct kpi_run){.from_ns = ledger_column_i64(stmt, 1),
            .to_ns = ledger_column_i64(stmt, 2),
            .setup = ledger_column_i64(stmt, 3) != 0,
            .cycle_ns = ledger_column_i64(stmt, 4)};
    }
    return status;
}

/* Adds what a statement says: run, good, bad, in millionths. */
static int add_pieces(struct ledger_stmt *stmt, struct runs *runs, struct err *err) {
    int status;
    while ((status = ledger_step(stmt, err)) > 0) {
        int64_t number = ledger_column_i64(stmt, 0);
        for (uint32_t i = 0; i < runs->count; i++) {
            if (runs->numbers[i] == number) {
                runs->list[i].good_u += ledger_column_i64(stmt, 1);
                runs->list[i].bad_u += ledger_column_i64(stmt, 2);
            }
        }
    }
    return status;
}

static int read_pieces(struct ledger_tx *tx, const struct figures_question *question,
    struct runs *runs, struct err *err) {
    struct ledger_stmt *stmt;
    int status = prepare(tx,
        "SELECT run, (sum(pieces) - sum(bad)) * 1000000, sum(bad) * 1000000 FROM made "
        "WHERE machine = ?1 AND minute_ns >= ?2 AND minute_ns < ?3 GROUP BY run",
        question, &stmt, err);
    if (status >= 0 && question->order != 0) {
        /* The run asks for itself alone: the minute in which it began is its, too. */
        ledger_bind_i64(stmt, 2, question->from_ns - question->from_ns % MINUTE_NS);
    }
    if (status >= 0) {
        status = add_pieces(stmt, runs, err);
    }
    if (status >= 0) {
        status = prepare(tx,
            "SELECT h.run, sum(h.good_u), sum(h.bad_u) FROM made_by_hand h JOIN runs r "
            "ON r.number = h.run WHERE r.machine = ?1 AND h.time_ns >= ?2 AND h.time_ns < ?3 "
            "GROUP BY h.run",
            question, &stmt, err);
    }
    return status < 0 ? status : add_pieces(stmt, runs, err);
}

/* By pieces; without pieces that of the newest run that has one. */
static double ideal_of(const struct runs *runs) {
    double cycles = 0;
    double pieces = 0;
    double newest = 0;
    for (uint32_t i = 0; i < runs->count; i++) {
        const struct kpi_run *run = &runs->list[i];
        if (run->cycle_ns > 0 && !run->setup) {
            double made = (double)run->good_u + (double)run->bad_u;
            cycles += made * (double)run->cycle_ns;
            pieces += made;
            newest = (double)run->cycle_ns;
        }
    }
    return pieces > 0 ? cycles / pieces : newest;
}

/* ---- Figures ---- */

static int compute(struct ledger_tx *tx, const struct figures_question *question,
    struct arena *arena, struct figures *ret_figures, struct err *err) {
    struct spans states = {.count = 0};
    struct spans stops = {.count = 0};
    struct runs runs = {.count = 0};
    int status = read_states(tx, question, arena, &states, err);
    status = status < 0 ? status : read_stops(tx, question, arena, &stops, err);
    status = status < 0 ? status : read_runs(tx, question, arena, &runs, err);
    status = status < 0 ? status : read_pieces(tx, question, &runs, err);
    struct kpi_span *plan = NULL;
    if (status >= 0) {
        status = calendar_plan(question->calendar, question->zone, question->from_ns,
            question->to_ns, arena, &plan, err);
    }
    if (status < 0) {
        return status;
    }
    struct kpi_input input = {.from_ns = question->from_ns,
        .to_ns = question->to_ns,
        .minor_ns = question->machine->stop_after_ns,
        .states = states.list,
        .state_count = states.count,
        .stops = stops.list,
        .stop_count = stops.count,
        .plan = plan,
        .plan_count = (uint32_t)status,
        .runs = runs.list,
        .run_count = runs.count};
    kpi_compute(&input, &ret_figures->kpi);
    ret_figures->ideal_ns = ideal_of(&runs);
    return 0;
}

/* The mean of two by their pieces. */
static double ideal_mean(const struct figures *a, const struct figures *b) {
    double whole = (double)a->kpi.pq_u + (double)b->kpi.pq_u;
    if (a->ideal_ns <= 0 || b->ideal_ns <= 0 || whole <= 0) {
        return b->ideal_ns > 0 ? b->ideal_ns : a->ideal_ns;
    }
    return (a->ideal_ns * (double)a->kpi.pq_u + b->ideal_ns * (double)b->kpi.pq_u) / whole;
}

static int compute_order(struct ledger_tx *tx, const struct figures_question *question,
    struct arena *arena, struct figures *ret_figures, struct err *err) {
    struct runs runs = {.count = 0};
    int status = read_runs(tx, question, arena, &runs, err);
    struct figures sum = {.ideal_ns = 0};
    for (uint32_t i = 0; i < runs.count && status >= 0; i++) {
        struct figures_question part = *question;
        part.from_ns = runs.list[i].from_ns > part.from_ns ? runs.list[i].from_ns : part.from_ns;
        part.to_ns = min_ns(runs.list[i].to_ns, part.to_ns);
        struct figures one;
        status = compute(tx, &part, arena, &one, err);
        if (status >= 0) {
            sum.ideal_ns = ideal_mean(&sum, &one);
            kpi_add(&sum.kpi, &one.kpi);
        }
    }
    if (status >= 0) {
        *ret_figures = sum;
    }
    return status;
}

int figures_of(struct ledger_tx *tx, const struct figures_question *question, struct arena *arena,
    struct figures *ret_figures, struct err *err) {
    struct figures_question cut = *question;
    cut.to_ns = min_ns(cut.to_ns, cut.now_ns);
    cut.from_ns = min_ns(cut.from_ns, cut.to_ns);
    return question->order == 0 ? compute(tx, &cut, arena, ret_figures, err)
                                : compute_order(tx, &cut, arena, ret_figures, err);
}
