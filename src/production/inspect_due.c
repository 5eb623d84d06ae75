/*
 * What is to be inspected now. Nothing is kept for it: what is due follows from lots, runs, counts,
 * plans and the inspections that there are, so a plan that changes changes what is due at once.
 *
 * A first piece is due from the begin of an operation, and again from the end of each set-up of it.
 * In process the shortest interval of the plan's characteristics holds for all of them, counted
 * from the last such inspection, or from the end of the set-up; without an interval once an
 * operation. Lots that came in are due while some of them lies here, made ones when their order is
 * done.
 */
#include "core/time.h"
#include "production/inspect.h"
#include "production/inspections.h"
#include "production/show.h"

#define MINUTE_NS (60 * NS_PER_S)

struct candidate {
    const char *kind;
    int64_t item;
    int64_t lot;
    int64_t operation;
    int64_t step;
    struct str item_code;
    struct str item_name;
    struct str lot_code;
    struct str operation_code;
    struct str machine;
    struct str machine_name;
    bool due;
    int64_t since_ns; // Since when it is due, or when it will be; 0: not known.
    int64_t pieces;   // Made since the last one; below 0: not counted.
};

/* ---- As JSON ---- */

static void put_text(struct json *json, const char *key, struct str text) {
    if (text.size == 0) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, text);
    }
}

static int put_lines(
    struct ledger_tx *tx, const struct candidate *one, struct json *json, struct err *err) {
    static const struct shown LINES[] = {{"line", 'n'}, {"name", 's'}, {"method", 's'},
        {"unit", 's'}, {"nominal", 'q'}, {"lower", 'q'}, {"upper", 'q'}, {"samples", 'n'},
        {"tag", 's'}, {NULL, 0}};
    return show_rows(tx, json, "lines",
        "SELECT p.line, p.name, p.method, p.unit, CAST(round(p.nominal * 1000000) AS INTEGER), "
        "CAST(round(p.lower * 1000000) AS INTEGER), CAST(round(p.upper * 1000000) AS INTEGER), "
        "p.samples, t.name FROM inspection_plans p LEFT JOIN tags t ON t.number = p.tag WHERE "
        "p.item = ?1 AND p.kind = ?2 AND p.active = 1 AND (?3 = 0 OR p.step IS NULL OR p.step = "
        "?3) ORDER BY p.line LIMIT 200",
        Q(Q_I(one->item), Q_S(str_of(one->kind)), Q_I(one->step)), LINES, err);
}

static int put_candidate(
    struct ledger_tx *tx, const struct candidate *one, struct json *json, struct err *err) {
    json_object_begin(json);
    json_put_str(json, "kind", str_of(one->kind));
    json_put_bool(json, "due", one->due);
    json_put_str(json, "item", one->item_code);
    json_put_str(json, "item_name", one->item_name);
    put_text(json, "lot", one->lot_code);
    put_text(json, "operation", one->operation_code);
    put_text(json, "machine", one->machine);
    put_text(json, "machine_name", one->machine_name);
    if (one->since_ns != 0) {
        json_put_time(json, "since", one->since_ns);
    } else {
        json_put_null(json, "since");
    }
    if (one->pieces >= 0) {
        json_put_i64(json, "pieces", one->pieces);
    } else {
        json_put_null(json, "pieces");
    }
    int rc = put_lines(tx, one, json, err);
    json_object_end(json);
    return rc;
}

/* ---- Lots ---- */

/* Of the lots in `from`, the newest first. */
#define LOTS(from)                                                                                 \
    "SELECT l.number, l.code, l.item, t.code, t.name, coalesce(l.made_ns, l.created_ns), "         \
    "EXISTS (SELECT 1 FROM work_orders w WHERE w.lot = l.number) OR EXISTS (SELECT 1 FROM "        \
    "lot_links k WHERE k.child = l.number AND k.kind NOT IN ('split', 'merge')), EXISTS "          \
    "(SELECT 1 FROM work_orders w WHERE w.lot = l.number AND w.state NOT IN ('done', "             \
    "'cancelled')) FROM " from " s JOIN lots l ON l.number = s.lot JOIN items t ON t.number = "    \
    "l.item WHERE (?1 <> '' OR l.state IN ('open', 'held')) AND EXISTS (SELECT 1 FROM "            \
    "inspection_plans p WHERE p.item = l.item AND p.active = 1 AND p.kind IN ('incoming', "        \
    "'final')) ORDER BY l.number DESC LIMIT ?2"

static int read_lots(struct ledger_tx *tx, const struct inspection_due_query *query,
    struct arena *arena, struct candidate *ret_all, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    uint32_t count = 0;
    int rc = sql_begin(tx,
        query->lot.size > 0 ? LOTS("(SELECT number AS lot FROM lots WHERE code = ?1)")
                            : LOTS("(SELECT DISTINCT lot FROM stock WHERE lot <> 0 "
                                   "AND quantity_u > 0 AND ?1 = '')"),
        Q(Q_S(query->lot), Q_I(max)), &stmt, err);
    while (rc >= 0 && count < max && (rc = ledger_step(stmt, err)) > 0) {
        ret_all[count++] =
            (struct candidate){.kind = ledger_column_i64(stmt, 6) != 0 ? "final" : "incoming",
                .lot = ledger_column_i64(stmt, 0),
                .lot_code = arena_copy(arena, ledger_column_str(stmt, 1)),
                .item = ledger_column_i64(stmt, 2),
                .item_code = arena_copy(arena, ledger_column_str(stmt, 3)),
                .item_name = arena_copy(arena, ledger_column_str(stmt, 4)),
                .since_ns = ledger_column_i64(stmt, 5),
                .due = ledger_column_i64(stmt, 7) == 0, // Its order still works on it.
                .pieces = -1};
    }
    return rc < 0 ? rc : (int)count;
}

static int put_lots(struct ledger_tx *tx, const struct inspection_due_query *query,
    struct arena *arena, struct json *json, struct err *err) {
    enum { LOOKED_AT_MAX = 5000 };
    struct candidate *all = ARENA_ARRAY(arena, struct candidate, LOOKED_AT_MAX);
    uint32_t told = 0;
    int rc = read_lots(tx, query, arena, all, LOOKED_AT_MAX, err);
    int count = rc < 0 ? 0 : rc;
    for (int i = 0; i < count && rc >= 0 && told < INSPECTION_DUE_MAX; i++) {
        struct inspect_wait wait;
        rc = inspect_waits(tx, arena, all[i].lot, &wait, err);
        bool waits = rc > 0 && !wait.failed;
        all[i].due = all[i].due && waits;
        if (rc >= 0 && (all[i].due || query->lot.size > 0)) {
            rc = put_candidate(tx, &all[i], json, err);
            told++;
        }
    }
    return rc;
}

/* ---- Work that runs ---- */

#define OPERATIONS(which)                                                                          \
    "SELECT o.number, w.code || '/' || o.step, o.step, w.item, t.code, t.name, "                   \
    "coalesce(l.code, ''), coalesce(a.id, ''), coalesce(a.display, '') FROM operations o JOIN "    \
    "work_orders w ON w.number = o.work_order JOIN items t ON t.number = w.item LEFT JOIN lots "   \
    "l ON l.number = w.lot LEFT JOIN machines m ON m.number = o.machine LEFT JOIN assets a ON "    \
    "a.number = m.asset WHERE " which " AND EXISTS (SELECT 1 FROM inspection_plans p WHERE "       \
    "p.item = w.item AND p.active = 1 AND p.kind IN ('first', 'in_process') AND (p.step IS NULL "  \
    "OR p.step = o.step)) ORDER BY o.number DESC LIMIT ?3"

static int read_operations(struct ledger_tx *tx, const struct inspection_due_query *query,
    struct arena *arena, struct candidate *ret_all, uint32_t max, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    uint32_t count = 0;
    size_t slash = query->operation.size;
    while (slash > 0 && query->operation.data[slash - 1] != '/') {
        slash--;
    }
    int64_t step = 0;
    bool named =
        slash > 0 && str_to_i64(str_slice(query->operation, slash, query->operation.size), &step);
    struct str order = named ? str_slice(query->operation, 0, slash - 1) : query->operation;
    int rc = sql_begin(tx,
        query->operation.size > 0 ? OPERATIONS("w.code = ?1 AND o.step = ?2")
                                  : OPERATIONS("o.state = 'running' AND ?1 = '' AND ?2 = 0"),
        Q(Q_S(order), Q_I(step), Q_I(max)), &stmt, err);
    while (rc >= 0 && count < max && (rc = ledger_step(stmt, err)) > 0) {
        ret_all[count++] = (struct candidate){.operation = ledger_column_i64(stmt, 0),
            .operation_code = arena_copy(arena, ledger_column_str(stmt, 1)),
            .step = ledger_column_i64(stmt, 2),
            .item = ledger_column_i64(stmt, 3),
            .item_code = arena_copy(arena, ledger_column_str(stmt, 4)),
            .item_name = arena_copy(arena, ledger_column_str(stmt, 5)),
            .lot_code = arena_copy(arena, ledger_column_str(stmt, 6)),
            .machine = arena_copy(arena, ledger_column_str(stmt, 7)),
            .machine_name = arena_copy(arena, ledger_column_str(stmt, 8)),
            .pieces = -1};
    }
    return rc < 0 ? rc : (int)count;
}

/* The plan's shortest intervals (0: none), whether there is a plan, and the newest inspection. */
struct interval {
    int64_t lines;
    int64_t pieces;
    int64_t minutes;
    int64_t last_ns; // INT64_MIN: none.
};

static int read_interval(struct ledger_tx *tx, const struct candidate *one,
    struct interval *ret_interval, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = sql_first(tx,
        "SELECT count(*), coalesce(min(every_pieces), 0), coalesce(min(every_minutes), 0), "
        "coalesce((SELECT max(i.time_ns) FROM inspections i WHERE i.operation = ?4 AND i.kind = ?2 "
        "AND (i.result <> 'fail' OR i.kind <> 'first') AND NOT EXISTS (SELECT 1 FROM inspections c "
        "WHERE c.corrects = i.number)), -9223372036854775807 - 1) FROM inspection_plans WHERE item "
        "= ?1 AND kind = ?2 AND active = 1 AND (step IS NULL OR step = ?3)",
        Q(Q_I(one->item), Q_S(str_of(one->kind)), Q_I(one->step), Q_I(one->operation)), &stmt, err);
    if (rc > 0) {
        *ret_interval = (struct interval){ledger_column_i64(stmt, 0), ledger_column_i64(stmt, 1),
            ledger_column_i64(stmt, 2), ledger_column_i64(stmt, 3)};
    }
    return rc < 0 ? rc : 0;
}

/* Since when what is made is of one set-up. */
static int read_mark(
    struct ledger_tx *tx, const struct candidate *one, int64_t *ret_mark_ns, struct err *err) {
    return sql_number(tx,
        "SELECT coalesce(max(CASE WHEN phase = 'setup' THEN coalesce(end_ns, begin_ns) END), "
        "min(begin_ns)) FROM runs WHERE operation = ?1",
        Q(Q_I(one->operation)), 0, ret_mark_ns, err);
}

/* By the minute: of the first one all. */
static int count_pieces(struct ledger_tx *tx, const struct candidate *one, int64_t from_ns,
    int64_t *ret_pieces, struct err *err) {
    return sql_number(tx,
        "SELECT coalesce((SELECT sum(m.pieces) FROM runs r JOIN made m ON m.run = r.number WHERE "
        "r.operation = ?1 AND m.minute_ns >= ?2), 0) + coalesce((SELECT sum(h.good_u + h.bad_u) "
        "FROM runs r JOIN made_by_hand h ON h.run = r.number WHERE r.operation = ?1 AND h.time_ns "
        ">= ?2), 0) / 1000000",
        Q(Q_I(one->operation), Q_I(from_ns - from_ns % MINUTE_NS)), 0, ret_pieces, err);
}

static int judge_first(const struct interval *interval, int64_t mark_ns, struct candidate *one) {
    one->since_ns = mark_ns;
    one->due = interval->last_ns < mark_ns;
    return 0;
}

static int judge_in_process(struct ledger_tx *tx, const struct interval *interval, int64_t mark_ns,
    int64_t now_ns, struct candidate *one, struct err *err) {
    int64_t from_ns = interval->last_ns > mark_ns ? interval->last_ns : mark_ns;
    bool once = interval->pieces == 0 && interval->minutes == 0;
    int rc = count_pieces(tx, one, from_ns, &one->pieces, err);
    int64_t at_ns = from_ns + interval->minutes * MINUTE_NS;
    bool by_time = interval->minutes > 0 && now_ns >= at_ns;
    bool by_count = interval->pieces > 0 && one->pieces >= interval->pieces;
    one->due = by_time || by_count || (once && interval->last_ns == INT64_MIN);
    one->since_ns = once ? mark_ns : interval->minutes > 0 ? at_ns : from_ns;
    return rc;
}

static int put_operation(struct ledger_tx *tx, const struct inspection_due_query *query,
    const struct candidate *operation, const char *kind, struct json *json, struct err *err) {
    struct candidate one = *operation;
    struct interval interval = {.lines = 0};
    int64_t mark_ns = 0;
    one.kind = kind;
    int rc = read_interval(tx, &one, &interval, err);
    if (rc < 0 || interval.lines == 0) {
        return rc;
    }
    rc = read_mark(tx, &one, &mark_ns, err);
    if (rc >= 0 && mark_ns != 0) {
        rc = str_eq(str_of(kind), STR("first"))
                 ? judge_first(&interval, mark_ns, &one)
                 : judge_in_process(tx, &interval, mark_ns, query->now_ns, &one, err);
    }
    return rc < 0 || (!one.due && query->operation.size == 0) ? rc
                                                              : put_candidate(tx, &one, json, err);
}

static int put_operations(struct ledger_tx *tx, const struct inspection_due_query *query,
    struct arena *arena, struct json *json, struct err *err) {
    static const char *const KINDS[] = {"first", "in_process"};
    struct candidate *all = ARENA_ARRAY(arena, struct candidate, INSPECTION_DUE_MAX);
    int rc = read_operations(tx, query, arena, all, INSPECTION_DUE_MAX, err);
    int count = rc < 0 ? 0 : rc;
    for (int i = 0; i < 2 * count && rc >= 0; i++) {
        rc = put_operation(tx, query, &all[i / 2], KINDS[i % 2], json, err);
    }
    return rc;
}

int inspection_put_due(struct ledger_tx *tx, const struct inspection_due_query *query,
    struct json *json, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    int rc = 0;
    if (query->lot.size == 0 || query->operation.size > 0) {
        rc = put_operations(tx, query, &arena, json, err);
    }
    if (rc >= 0 && (query->operation.size == 0 || query->lot.size > 0)) {
        rc = put_lots(tx, query, &arena, json, err);
    }
    return rc < 0 ? rc : 0;
}
