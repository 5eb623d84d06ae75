/*
 * What holds over several rows. Circles are looked for with a walk that keeps its own stack: the
 * depth comes from outside. A circle counts whatever versions its lines are of and whenever they
 * hold: one that only opens next month is found now, while somebody looks at it. Shifts are painted
 * on a week of minutes that begins again at its end, so that a night shift from Sunday to Monday
 * meets Monday's.
 */
#include <string.h>

#include "production/master_field.h"
#include "production/master_rule.h"
#include "production/words.h"

enum { PATH_SHOWN = 12, WEEK_MINUTES = 7 * DAY_MINUTES, SHIFTS_MAX = 60000, LINES_MAX = 10000 };

static int of_noun(enum noun_id noun, struct err *err) {
    return err_context(err, noun_words(noun), NO_ARGS);
}

/* ---- Circles ---- */

/* Lines from one number to others, in their order. */
struct graph {
    int64_t *from;
    int64_t *to;
    size_t count;
    size_t capacity;
};

struct walk {
    const struct graph *graph;
    uint8_t *seen; // By the first line of a number: 0 not yet, 1 on the way, 2 done.
    size_t *stack; // Lines; the way from the begin to here.
    size_t depth;
};

static int read_graph(struct ledger_tx *tx, const char *sql, struct graph *graph, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, sql, &stmt, err);
    while (status >= 0 && (status = ledger_step(stmt, err)) > 0) {
        if (graph->count == graph->capacity) {
            graph->capacity = graph->capacity == 0 ? 1024 : 2 * graph->capacity;
            graph->from = mem_resize(graph->from, graph->capacity * sizeof *graph->from);
            graph->to = mem_resize(graph->to, graph->capacity * sizeof *graph->to);
        }
        graph->from[graph->count] = ledger_column_i64(stmt, 0);
        graph->to[graph->count++] = ledger_column_i64(stmt, 1);
    }
    return status;
}

/* The first line that begins at `number`; the count where none does. */
static size_t first_line(const struct graph *graph, int64_t number) {
    size_t low = 0;
    size_t high = graph->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (graph->from[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < graph->count && graph->from[low] == number ? low : graph->count;
}

/* Walks on from the begin; true when it comes back to its own way, whose last line is then on top
 * of the stack. Each line is looked at once over all walks. */
static bool walk_from(struct walk *walk, size_t begin) {
    const struct graph *graph = walk->graph;
    walk->depth = 0;
    walk->seen[begin] = 1;
    walk->stack[walk->depth++] = begin;
    while (walk->depth > 0) {
        size_t line = walk->stack[walk->depth - 1];
        size_t next = first_line(graph, graph->to[line]);
        if (next < graph->count && walk->seen[next] == 1) {
            return true;
        }
        if (next < graph->count && walk->seen[next] == 0) {
            walk->seen[next] = 1;
            walk->stack[walk->depth++] = next;
            continue;
        }
        // On to the next line of the same number, or back.
        while (walk->depth > 0) {
            line = walk->stack[walk->depth - 1];
            if (line + 1 < graph->count && graph->from[line + 1] == graph->from[line]) {
                walk->stack[walk->depth - 1] = line + 1;
                break;
            }
            walk->seen[first_line(graph, graph->from[line])] = 2;
            walk->depth--;
        }
    }
    return false;
}

static int put_code(
    struct ledger_tx *tx, const char *sql, int64_t number, struct buf *out, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, sql, &stmt, err);
    if (status >= 0) {
        ledger_bind_i64(stmt, 1, number);
        status = ledger_step(stmt, err);
    }
    if (status > 0) {
        buf_put_str(out, ledger_column_str(stmt, 0));
    }
    return status < 0 ? status : 0;
}

/* "A > B > C > A"; of a long way round the middle is left out. */
static int tell_circle(
    struct ledger_tx *tx, const struct walk *walk, const char *code_sql, struct err *err) {
    const struct graph *graph = walk->graph;
    int64_t meets = graph->to[walk->stack[walk->depth - 1]];
    size_t begin = walk->depth - 1;
    while (begin > 0 && graph->from[walk->stack[begin]] != meets) {
        begin--;
    }
    AUTO_BUF struct buf path;
    buf_init(&path, 2048);
    int status = 0;
    size_t length = walk->depth - begin;
    for (size_t i = 0; i < length && status >= 0; i++) {
        if (length > PATH_SHOWN && i == PATH_SHOWN / 2) {
            buf_put_str(&path, STR("... > "));
            i = length - PATH_SHOWN / 2;
        }
        status = put_code(tx, code_sql, graph->from[walk->stack[begin + i]], &path, err);
        buf_put_str(&path, STR(" > "));
    }
    status = status < 0 ? status : put_code(tx, code_sql, meets, &path, err);
    return status < 0 ? status
                      : err_set(err, ERR_CONFLICT, SAY(PRODUCTION_CHECK_CYCLE),
                            ARGS(A_STR(buf_str(&path))));
}

static int check_circles(
    struct ledger_tx *tx, const char *lines_sql, const char *code_sql, struct err *err) {
    struct graph graph = {.count = 0};
    int status = read_graph(tx, lines_sql, &graph, err);
    struct walk walk = {.graph = &graph,
        .seen = MEM_ARRAY(uint8_t, graph.count + 1),
        .stack = MEM_ARRAY(size_t, graph.count + 1)};
    for (size_t i = 0; i < graph.count && status >= 0; i++) {
        bool is_first = i == 0 || graph.from[i] != graph.from[i - 1];
        if (is_first && walk.seen[i] == 0 && walk_from(&walk, i)) {
            status = tell_circle(tx, &walk, code_sql, err);
        }
    }
    mem_free(walk.seen);
    mem_free(walk.stack);
    mem_free(graph.from);
    mem_free(graph.to);
    return status;
}

/* ---- Validity of versions ---- */

/* Runs a statement whose rows are faults: a text and two numbers. */
static int check_none(struct ledger_tx *tx, const char *sql, enum msg_id words, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, sql, &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    if (status > 0) {
        return err_set(err, ERR_CONFLICT, words,
            ARGS(A_STR(ledger_column_str(stmt, 0)), A_STR(ledger_column_str(stmt, 1)),
                A_STR(ledger_column_str(stmt, 2))));
    }
    return status;
}

#define ONE_VALIDITY(table)                                                                        \
    "SELECT i.code, v.version, v.version FROM " table                                              \
    " v JOIN items i ON i.number = v.item GROUP BY v.item, v.version"                              \
    " HAVING min(v.valid_from) <> max(v.valid_from) OR min(v.valid_to) <> max(v.valid_to) LIMIT 1"
/* An empty begin comes before all days, an empty end behind them. */
#define NO_OVERLAP(table)                                                                          \
    "WITH v AS MATERIALIZED (SELECT item, version, min(valid_from) AS a,"                          \
    " coalesce(nullif(max(valid_to), ''), 'z') AS b FROM " table " GROUP BY item, version)"        \
    " SELECT i.code, x.version, y.version FROM v x JOIN v y ON x.item = y.item"                    \
    " AND x.version < y.version AND x.a < y.b AND y.a < x.b"                                       \
    " JOIN items i ON i.number = x.item LIMIT 1"

static int check_versions(
    struct ledger_tx *tx, const char *one, const char *apart, struct err *err) {
    int status = check_none(tx, one, SAY(PRODUCTION_CHECK_VALIDITY), err);
    return status < 0 ? status : check_none(tx, apart, SAY(PRODUCTION_CHECK_OVERLAP), err);
}

/* ---- Shifts ---- */

struct shift_row {
    struct str calendar;
    struct str code;
    struct str weekdays;
    int begin;
    int end;
    int day_start;
};

/* Paints the shift on the week; *ret_other: whose minutes it meets, from 1; 0: nobody's. */
static void paint(uint16_t *week, const struct shift_row *shift, uint16_t id, uint16_t *ret_other) {
    int length = (shift->end - shift->begin + 2 * DAY_MINUTES) % DAY_MINUTES;
    length = length == 0 ? DAY_MINUTES : length;
    int offset = (shift->begin - shift->day_start + 2 * DAY_MINUTES) % DAY_MINUTES;
    *ret_other = 0;
    for (size_t i = 0; i < shift->weekdays.size && *ret_other == 0; i++) {
        int at = (shift->weekdays.data[i] - '1') * DAY_MINUTES + offset;
        for (int minute = at; minute < at + length && *ret_other == 0; minute++) {
            *ret_other = week[minute % WEEK_MINUTES];
            week[minute % WEEK_MINUTES] = id;
        }
    }
}

static int check_shifts(struct ledger_tx *tx, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    uint16_t *week = ARENA_ARRAY(&arena, uint16_t, WEEK_MINUTES);
    struct str *codes = ARENA_ARRAY(&arena, struct str, SHIFTS_MAX + 1);
    int64_t calendar = 0;
    uint16_t count = 0;
    int status = ledger_prepare(tx,
        "SELECT s.calendar, c.code, s.code, s.weekdays, s.begin_clock, s.end_clock, c.day_start"
        " FROM shifts s JOIN calendars c ON c.number = s.calendar ORDER BY s.calendar, s.number",
        &stmt, err);
    while (status >= 0 && (status = ledger_step(stmt, err)) > 0) {
        if (ledger_column_i64(stmt, 0) != calendar || count == SHIFTS_MAX) {
            calendar = ledger_column_i64(stmt, 0);
            count = 0;
            memset(week, 0, WEEK_MINUTES * sizeof *week);
        }
        struct shift_row shift = {.calendar = ledger_column_str(stmt, 1),
            .code = ledger_column_str(stmt, 2),
            .weekdays = ledger_column_str(stmt, 3),
            .begin = clock_minutes(ledger_column_str(stmt, 4)),
            .end = clock_minutes(ledger_column_str(stmt, 5)),
            .day_start = clock_minutes(ledger_column_str(stmt, 6))};
        uint16_t other = 0;
        codes[++count] = arena_copy(&arena, shift.code);
        paint(week, &shift, count, &other);
        if (other != 0) {
            (void)err_set(err, ERR_CONFLICT, SAY(PRODUCTION_CHECK_SHIFTS),
                ARGS(A_STR(shift.calendar), A_STR(codes[other]), A_STR(shift.code)));
            return of_noun(NOUN_SHIFTS, err);
        }
    }
    return status;
}

/* ---- All ---- */

static int check_reasons(struct ledger_tx *tx, struct err *err) {
    int status = check_circles(tx,
        "SELECT number, parent FROM reasons WHERE parent IS NOT NULL ORDER BY number",
        "SELECT code FROM reasons WHERE number = ?1", err);
    return status < 0 ? status
                      : check_none(tx,
                            "SELECT r.code, p.code, '' FROM reasons r JOIN reasons p"
                            " ON p.number = r.parent WHERE p.kind <> r.kind LIMIT 1",
                            SAY(PRODUCTION_CHECK_KIND), err);
}

int master_check(struct ledger_tx *tx, enum noun_id noun, struct err *err) {
    int status = 0;
    if (noun == NOUN_CALENDARS || noun == NOUN_SHIFTS) {
        return check_shifts(tx, err);
    }
    if (noun == NOUN_REASONS) {
        status = check_reasons(tx, err);
    } else if (noun == NOUN_ROUTINGS) {
        status = check_versions(tx, ONE_VALIDITY("routings"), NO_OVERLAP("routings"), err);
    } else if (noun == NOUN_BOMS) {
        status =
            check_circles(tx, "SELECT DISTINCT item, component FROM boms ORDER BY item, component",
                "SELECT code FROM items WHERE number = ?1", err);
        status =
            status < 0 ? status : check_versions(tx, ONE_VALIDITY("boms"), NO_OVERLAP("boms"), err);
    }
    return status < 0 ? of_noun(noun, err) : 0;
}

/* The validity is the version's: one line changes it for all. */
static int spread_validity(
    struct ledger_tx *tx, enum noun_id noun, int64_t number, struct str actor, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    uint32_t from = noun_field_at(noun, "valid_from");
    uint32_t to = noun_field_at(noun, "valid_to");
    struct master_row row;
    int status = master_get(tx, noun, number, &arena, &row, err);
    struct ledger_stmt *stmt = NULL;
    status = status < 0 ? status
                        : ledger_prepare(tx,
                              noun == NOUN_BOMS
                                  ? "SELECT b.number FROM boms b JOIN boms a ON a.item = b.item"
                                    " AND a.version = b.version WHERE a.number = ?1"
                                    " AND b.number <> ?1 ORDER BY b.number"
                                  : "SELECT b.number FROM routings b JOIN routings a"
                                    " ON a.item = b.item AND a.version = b.version"
                                    " WHERE a.number = ?1 AND b.number <> ?1 ORDER BY b.number",
                              &stmt, err);
    int64_t *others = ARENA_ARRAY(&arena, int64_t, LINES_MAX);
    uint32_t count = 0;
    if (status >= 0) {
        ledger_bind_i64(stmt, 1, number);
        while (count < LINES_MAX && (status = ledger_step(stmt, err)) > 0) {
            others[count++] = ledger_column_i64(stmt, 0);
        }
    }
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        struct master_row other;
        bool changed = false;
        status = master_get(tx, noun, others[i], &arena, &other, err);
        other.fields[from] = row.fields[from];
        other.fields[to] = row.fields[to];
        status =
            status < 0 ? status : master_put(tx, noun, &other, actor, &others[i], &changed, err);
    }
    return status < 0 ? status : 0;
}

int master_save(struct ledger_tx *tx, enum noun_id noun, const struct master_row *row,
    struct str actor, int64_t *ret_number, bool *ret_changed, struct err *err) {
    int64_t number = 0;
    bool changed = false;
    int status = master_put(tx, noun, row, actor, &number, &changed, err);
    if (status >= 0 && changed && (noun == NOUN_BOMS || noun == NOUN_ROUTINGS)) {
        status = spread_validity(tx, noun, number, actor, err);
    }
    status = status < 0 || !changed ? status : master_check(tx, noun, err);
    if (status >= 0) {
        *ret_number = number;
        *ret_changed = changed;
    }
    return status;
}
