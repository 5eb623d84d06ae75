/*
 * Joining in one pass: each tag is a lane, a scan that never goes back, and each moment of the
 * result pulls all lanes up to it. So memory is one run of rows a lane, whatever the range, and the
 * cost is that of reading the tags once.
 *
 * A lane begins at the newest row before the range, because that is the value in force at its
 * begin. It is looked for in windows that grow eightfold backwards from the begin: a tag that
 * speaks every second is found in the first minute, one that was silent for years in nine steps,
 * and together they read at most 8/7 of the distance.
 *
 * The text of the row in force may stand in a run that the next read replaces; it is copied only
 * then.
 */
#include "historian/join.h"

#include "core/check.h"
#include "core/mem.h"

enum { WINDOW_FIRST_S = 60, WINDOW_GROWTH = 8 };

struct lane {
    struct hist_scan *scan;
    struct hist_rows rows;
    uint32_t at; // Next row of the run.
    bool ended;
    bool is_borrowed; // The text of `before` stands in the run.
    struct join_cell before;
    struct buf text;
};

struct join {
    struct historian *historian;
    struct join_options options;
    struct lane lanes[JOIN_TAGS_MAX];
    struct join_cell cells[JOIN_TAGS_MAX];
    struct lane lot;
    struct join_cell lot_cell;
    struct lane lead;
    int64_t point_ns; // Next of the grid.
};

/* ---- A lane ---- */

static struct join_cell cell_of(const struct hist_rows *rows, uint32_t i) {
    struct join_cell cell = {.type = rows->type, .time_ns = rows->time_ns[i], .text = STR_NONE};
    cell.status = rows->status != NULL ? rows->status[i] : 0;
    cell.has_value = status_quality(cell.status) != QUALITY_BAD;
    cell.f64 = rows->f64 != NULL ? rows->f64[i] : 0;
    cell.i64 = rows->i64 != NULL ? rows->i64[i] : 0;
    cell.text = rows->text != NULL ? rows->text[i] : STR_NONE;
    return cell;
}

/* Makes rows.time_ns[at] the next row, or `ended`. */
static int lane_fill(struct lane *lane, struct err *err) {
    while (!lane->ended && lane->at == lane->rows.count) {
        if (lane->is_borrowed) {
            buf_clear(&lane->text);
            buf_put_str(&lane->text, lane->before.text);
            lane->before.text = buf_str(&lane->text);
            lane->is_borrowed = false;
        }
        lane->rows.count = 0;
        lane->at = 0;
        int status = hist_scan_next(lane->scan, &lane->rows, err);
        if (status < 0) {
            return status;
        }
        if (status == 0) {
            lane->ended = true;
            lane->rows.count = 0;
        }
    }
    return 0;
}

/* Moves over all rows up to `time_ns`; the last of them is `before`. */
static int lane_advance(struct lane *lane, int64_t time_ns, struct err *err) {
    int status = lane_fill(lane, err);
    while (status >= 0 && !lane->ended && lane->rows.time_ns[lane->at] <= time_ns) {
        while (lane->at < lane->rows.count && lane->rows.time_ns[lane->at] <= time_ns) {
            lane->at++;
        }
        lane->before = cell_of(&lane->rows, lane->at - 1);
        lane->is_borrowed = lane->before.text.size > 0;
        status = lane_fill(lane, err);
    }
    return status;
}

static uint64_t distance(int64_t a, int64_t b) {
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* The cell at a moment up to which the lane has been advanced. */
static struct join_cell lane_pick(
    const struct lane *lane, int64_t time_ns, enum join_pick pick, int64_t max_age_ns) {
    struct join_cell cell = lane->before;
    if (pick == JOIN_NEAREST && !lane->ended) {
        uint64_t ahead = distance(lane->rows.time_ns[lane->at], time_ns);
        if (cell.type == 0 || ahead < distance(cell.time_ns, time_ns)) {
            cell = cell_of(&lane->rows, lane->at);
        }
    }
    bool is_far =
        cell.type != 0 && max_age_ns > 0 && distance(cell.time_ns, time_ns) > (uint64_t)max_age_ns;
    return is_far ? (struct join_cell){.text = STR_NONE} : cell;
}

/* ---- Opening ---- */

static int64_t minus(int64_t time_ns, int64_t duration_ns) {
    return time_ns < INT64_MIN + duration_ns ? INT64_MIN : time_ns - duration_ns;
}

static int64_t plus(int64_t time_ns, int64_t duration_ns) {
    return time_ns > INT64_MAX - duration_ns ? INT64_MAX : time_ns + duration_ns;
}

/* The time of the newest row in [from, to), or `none`. */
static int newest_in(struct historian *historian, uint32_t tag, int64_t from_ns, int64_t to_ns,
    int64_t *ret_time_ns, struct err *err) {
    struct hist_scan_options options = {.tag = tag, .from_ns = from_ns, .to_ns = to_ns};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    int found = 0;
    int status = hist_scan_open(historian, &options, &scan, err);
    while (status >= 0 && (status = hist_scan_next(scan, &rows, err)) > 0) {
        if (rows.count > 0) {
            *ret_time_ns = rows.time_ns[rows.count - 1];
            found = 1;
        }
    }
    hist_scan_close(scan);
    return status < 0 ? status : found;
}

/* The newest row before `from`, not before `floor`; `from` when there is none. */
static int find_begin(const struct join *join, uint32_t tag, int64_t floor_ns,
    int64_t *ret_begin_ns, struct err *err) {
    int64_t end_ns = join->options.from_ns;
    int64_t width_ns = WINDOW_FIRST_S * NS_PER_S;
    *ret_begin_ns = end_ns;
    while (end_ns > floor_ns) {
        int64_t begin_ns = minus(end_ns, width_ns);
        begin_ns = begin_ns > floor_ns ? begin_ns : floor_ns;
        int status = newest_in(join->historian, tag, begin_ns, end_ns, ret_begin_ns, err);
        if (status != 0) {
            return status < 0 ? status : 0;
        }
        end_ns = begin_ns;
        width_ns = width_ns > INT64_MAX / WINDOW_GROWTH ? INT64_MAX : width_ns * WINDOW_GROWTH;
    }
    return 0;
}

static int lane_open(
    struct join *join, struct lane *lane, uint32_t tag, int64_t max_age_ns, struct err *err) {
    struct hist_scan_options options = {.tag = tag, .to_ns = join->options.to_ns};
    int64_t floor_ns = max_age_ns > 0 ? minus(join->options.from_ns, max_age_ns) : INT64_MIN;
    int status = find_begin(join, tag, floor_ns, &options.from_ns, err);
    if (join->options.pick == JOIN_NEAREST) {
        options.to_ns = max_age_ns > 0 ? plus(plus(options.to_ns, max_age_ns), 1) : INT64_MAX;
    }
    buf_init(&lane->text, LIMIT_TEXT_VALUE_BYTES);
    lane->before.text = STR_NONE;
    return status < 0 ? status : hist_scan_open(join->historian, &options, &lane->scan, err);
}

static void lane_close(struct lane *lane) {
    hist_scan_close(lane->scan); // NULL is allowed.
    buf_fini(&lane->text);
}

static int check_options(const struct join_options *options, struct err *err) {
    if (options->tag_count < 1 || options->tag_count > JOIN_TAGS_MAX) {
        return err_set(err, ERR_LIMIT, MSG_JOIN_TAGS, ARGS(A_INT(JOIN_TAGS_MAX)));
    }
    if ((options->every_ns > 0) == (options->lead != 0)) {
        return err_set(err, ERR_INVALID, MSG_JOIN_GRID, NO_ARGS);
    }
    if (options->every_ns <= 0) {
        return 0;
    }
    if (options->from_ns == INT64_MIN || options->to_ns == INT64_MAX) {
        return err_set(err, ERR_INVALID, MSG_JOIN_RANGE, NO_ARGS);
    }
    bool is_many =
        options->to_ns > options->from_ns &&
        distance(options->to_ns, options->from_ns) / (uint64_t)options->every_ns >= JOIN_POINTS_MAX;
    return is_many ? err_set(err, ERR_LIMIT, MSG_JOIN_POINTS, ARGS(A_INT(JOIN_POINTS_MAX))) : 0;
}

static int open_lanes(struct join *join, struct err *err) {
    const struct join_options *options = &join->options;
    int status = 0;
    for (uint32_t i = 0; i < options->tag_count && status >= 0; i++) {
        status = lane_open(join, &join->lanes[i], options->tags[i], options->max_age_ns, err);
    }
    if (status >= 0 && options->lot != 0) {
        status = lane_open(join, &join->lot, options->lot, 0, err);
    }
    if (status >= 0 && options->lead != 0) {
        struct hist_scan_options scan = {
            .tag = options->lead, .from_ns = options->from_ns, .to_ns = options->to_ns};
        status = hist_scan_open(join->historian, &scan, &join->lead.scan, err);
    }
    return status;
}

int join_open(struct historian *historian, const struct join_options *options,
    struct join **ret_join, struct err *err) {
    int status = check_options(options, err);
    if (status < 0) {
        return status;
    }
    struct join *join = MEM_NEW(struct join);
    join->historian = historian;
    join->options = *options;
    if (options->every_ns > 0) {
        int64_t next_ns = 0;
        join->point_ns =
            time_bucket_start(options->from_ns, options->every_ns, options->zone, &next_ns);
        join->point_ns = join->point_ns < options->from_ns ? next_ns : join->point_ns;
    }
    status = open_lanes(join, err);
    join->options.tags = NULL; // Was lent for the call.
    if (status < 0) {
        join_close(join);
        return status;
    }
    *ret_join = join;
    return 0;
}

void join_close(struct join *join) {
    if (join == NULL) {
        return;
    }
    for (uint32_t i = 0; i < JOIN_TAGS_MAX; i++) {
        lane_close(&join->lanes[i]);
    }
    lane_close(&join->lot);
    lane_close(&join->lead);
    mem_free(join);
}

/* ---- Rows ---- */

/* 1 and the next moment, or 0. */
static int next_moment(struct join *join, int64_t *ret_time_ns, struct err *err) {
    if (join->options.lead != 0) {
        int status = lane_fill(&join->lead, err);
        if (status < 0 || join->lead.ended) {
            return status;
        }
        *ret_time_ns = join->lead.rows.time_ns[join->lead.at++];
        return 1;
    }
    if (join->point_ns >= join->options.to_ns) {
        return 0;
    }
    int64_t next_ns = 0;
    *ret_time_ns = join->point_ns;
    (void)time_bucket_start(join->point_ns, join->options.every_ns, join->options.zone, &next_ns);
    CHECK(next_ns > join->point_ns);
    join->point_ns = next_ns;
    return 1;
}

static bool is_lot(const struct join_cell *cell, struct str key) {
    if (key.size == 0) {
        return true;
    }
    if (!cell->has_value) {
        return false;
    }
    if (cell->type == TYPE_TEXT) {
        return str_eq(cell->text, key);
    }
    int64_t number = 0;
    return cell->type == TYPE_I64 && str_to_i64(key, &number) && number == cell->i64;
}

/* The cell of the lot in force; "no lot" is a cell without a value. */
static int take_lot(struct join *join, int64_t time_ns, struct err *err) {
    int status = lane_advance(&join->lot, time_ns, err);
    join->lot_cell = lane_pick(&join->lot, time_ns, JOIN_BEFORE, 0);
    if (join->lot_cell.type == TYPE_TEXT && join->lot_cell.text.size == 0) {
        join->lot_cell.has_value = false;
    }
    return status;
}

/* The next moment whose lot is asked for. */
static int next_wanted(struct join *join, int64_t *ret_time_ns, struct err *err) {
    const struct join_options *options = &join->options;
    for (;;) {
        int status = next_moment(join, ret_time_ns, err);
        if (status <= 0 || options->lot == 0) {
            return status;
        }
        status = take_lot(join, *ret_time_ns, err);
        if (status < 0 || is_lot(&join->lot_cell, options->lot_key)) {
            return status < 0 ? status : 1;
        }
    }
}

int join_next(struct join *join, struct join_row *ret_row, struct err *err) {
    const struct join_options *options = &join->options;
    int64_t time_ns = 0;
    int status = next_wanted(join, &time_ns, err);
    if (status <= 0) {
        return status;
    }
    for (uint32_t i = 0; i < options->tag_count; i++) {
        status = lane_advance(&join->lanes[i], time_ns, err);
        if (status < 0) {
            return status;
        }
        join->cells[i] = lane_pick(&join->lanes[i], time_ns, options->pick, options->max_age_ns);
    }
    *ret_row = (struct join_row){.time_ns = time_ns,
        .cells = join->cells,
        .lot = options->lot != 0 ? &join->lot_cell : NULL};
    return 1;
}
