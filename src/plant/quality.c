/*
 * Scores of data quality from the history alone, one pass over a tag's versions of a day.
 *
 * The pass reads all versions, oldest first for each time, so that repeated rows are seen; of each
 * time the winning one (a correction, else the last) is judged. The historian keeps no arrival
 * times, so the clock is judged by what arrival left behind: the mark of lateness.
 *
 * The newest row before the window covers its begin, so that a tag polled once a minute does not
 * lose its first minute each day. It is looked for no further back than the allowance.
 */
#include "plant/quality.h"

#include <math.h>
#include <stdlib.h>

#include "core/check.h"
#include "core/mem.h"
#include "core/time.h"

enum {
    GAP_PERIODS = 3,
    STUCK_PERIODS = 60,
    STUCK_S = 3600,
    SILENCE_DEFAULT_S = 600, // Of a tag with a dead-band: model/tag.h.
    MEDIAN_MAX = 4096,       // Distances looked at for the median, the first of the day.
    STORE_AT_ONCE = 256,     // Tags a transaction.
};

struct pass {
    const struct tag *tag;
    int64_t begin_ns; // Of the window.
    int64_t end_ns;
    int64_t period_ns;
    int64_t allowed_ns;
    int64_t stuck_after_ns;
    /* The row being gathered: all versions of one time. */
    bool has_row;
    int64_t time_ns;
    double number;
    uint64_t value_hash;
    bool has_value;
    bool is_outside;
    bool is_late;
    bool is_correction;
    uint32_t sources;
    /* What stands so far. */
    bool has_before;
    int64_t before_ns; // The row with a value before.
    uint64_t before_hash;
    int64_t same_since_ns; // Since when the value stands.
    uint64_t rows;
    uint64_t value_rows;
    uint64_t outside;
    uint64_t repeated;
    uint64_t late;
    int64_t gap_ns;
    int64_t stuck_ns;
};

/* ---- Days ---- */

void quality_day_of(const struct plant *plant, int64_t time_ns, char to[QUALITY_DAY_TEXT]) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, plant_zone(plant), text);
    CHECK(size >= QUALITY_DAY_TEXT - 1);
    (void)str_copy_z((struct str){text, QUALITY_DAY_TEXT - 1}, to, QUALITY_DAY_TEXT);
}

int quality_day_range(struct plant *plant, struct str day, int64_t *ret_begin_ns,
    int64_t *ret_end_ns, struct err *err) {
    int64_t begin_ns = 0;
    bool is_day = day.size == QUALITY_DAY_TEXT - 1 && day.data[4] == '-' && day.data[7] == '-' &&
                  time_parse(day, plant_zone(plant), &begin_ns);
    if (!is_day || begin_ns > clock_wall_ns(plant_clock(plant)) || begin_ns < 0) {
        return err_set(err, ERR_INVALID, MSG_QUALITY_DAY, ARGS(A_STR(day)));
    }
    *ret_begin_ns = begin_ns;
    (void)time_bucket_start(begin_ns, 86400 * NS_PER_S, plant_zone(plant), ret_end_ns);
    return 0;
}

/* ---- Judging rows ---- */

static int64_t overlap(const struct pass *pass, int64_t from_ns, int64_t to_ns) {
    from_ns = from_ns > pass->begin_ns ? from_ns : pass->begin_ns;
    to_ns = to_ns < pass->end_ns ? to_ns : pass->end_ns;
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* The time from the row before to `time_ns`: covered or not, and whether the value stood still. */
static void judge_time(struct pass *pass, int64_t time_ns, bool is_same) {
    if (!pass->has_before) {
        pass->gap_ns += overlap(pass, pass->begin_ns, time_ns);
        return;
    }
    bool is_gap = time_ns - pass->before_ns > pass->allowed_ns;
    if (is_gap) {
        pass->gap_ns += overlap(pass, pass->before_ns + pass->period_ns, time_ns);
    }
    /* What stands still beyond the limit is counted as it goes on, up to the next change. */
    int64_t limit_ns = pass->same_since_ns + pass->stuck_after_ns;
    int64_t until_ns = is_gap ? pass->before_ns + pass->period_ns : time_ns;
    int64_t from_ns = pass->before_ns > limit_ns ? pass->before_ns : limit_ns;
    pass->stuck_ns += overlap(pass, from_ns, until_ns);
    if (!is_same || is_gap) {
        pass->same_since_ns = time_ns;
    }
}

static void judge_row(struct pass *pass) {
    bool is_inside = pass->time_ns >= pass->begin_ns;
    if (is_inside) {
        pass->rows++;
        pass->repeated += pass->sources > 1 ? pass->sources - 1 : 0;
        pass->late += pass->is_late;
    }
    if (!pass->has_value) {
        return;
    }
    bool is_same = pass->has_before && pass->before_hash == pass->value_hash;
    if (is_inside) {
        pass->value_rows++;
        pass->outside += pass->is_outside;
        judge_time(pass, pass->time_ns, is_same);
    }
    if (!pass->has_before || (!is_same && !is_inside)) {
        pass->same_since_ns = pass->time_ns;
    }
    pass->has_before = true;
    pass->before_ns = pass->time_ns;
    pass->before_hash = pass->value_hash;
}

static bool is_outside(const struct tag *tag, double number, uint32_t status) {
    return number < tag->min || number > tag->max ||
           status == (uint32_t)STATUS_UNCERTAIN_ENGINEERING_UNITS_EXCEEDED;
}

static uint64_t bits_of(double number) {
    union {
        double number;
        uint64_t bits;
    } both = {.number = number};
    return both.bits;
}

static void take_version(struct pass *pass, const struct hist_rows *rows, uint32_t i) {
    uint8_t flags = rows->flags != NULL ? rows->flags[i] : 0;
    uint32_t status = rows->status != NULL ? rows->status[i] : 0;
    if (!pass->has_row || pass->time_ns != rows->time_ns[i]) {
        if (pass->has_row) {
            judge_row(pass);
        }
        pass->has_row = true;
        pass->time_ns = rows->time_ns[i];
        pass->is_late = false;
        pass->is_correction = false;
        pass->sources = 0;
    }
    bool is_correction = (flags & SAMPLE_CORRECTION) != 0;
    bool is_source = !is_correction && (flags & SAMPLE_REFINED) == 0;
    pass->sources += is_source;
    pass->is_late = pass->is_late || (is_source && (flags & SAMPLE_LATE) != 0);
    if (pass->is_correction && !is_correction) {
        return; // A correction outranks what came after it.
    }
    pass->is_correction = is_correction;
    pass->number = rows->f64 != NULL ? rows->f64[i] : rows->i64 != NULL ? (double)rows->i64[i] : 0;
    pass->value_hash = rows->f64 != NULL   ? bits_of(rows->f64[i])
                       : rows->i64 != NULL ? (uint64_t)rows->i64[i]
                                           : 0;
    pass->has_value = status_quality(status) != QUALITY_BAD && !isnan(pass->number);
    pass->is_outside = rows->text == NULL && is_outside(pass->tag, pass->number, status);
}

/* ---- What is expected ---- */

static int compare_i64(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The median distance of the first rows of the window; 0 when there are fewer than two. */
static int median_distance(
    struct historian *historian, const struct pass *pass, int64_t *ret_median_ns, struct err *err) {
    AUTO_FREE int64_t *distances = MEM_ARRAY(int64_t, MEDIAN_MAX);
    struct hist_scan_options options = {
        .tag = pass->tag->number, .from_ns = pass->begin_ns, .to_ns = pass->end_ns};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    uint32_t count = 0;
    int64_t before_ns = INT64_MIN;
    int status = hist_scan_open(historian, &options, &scan, err);
    while (status >= 0 && count < MEDIAN_MAX && (status = hist_scan_next(scan, &rows, err)) > 0) {
        for (uint32_t i = 0; i < rows.count && count < MEDIAN_MAX; i++) {
            if (before_ns != INT64_MIN) {
                distances[count++] = rows.time_ns[i] - before_ns;
            }
            before_ns = rows.time_ns[i];
        }
    }
    hist_scan_close(scan);
    qsort(distances, count, sizeof *distances, compare_i64);
    *ret_median_ns = count > 0 ? distances[count / 2] : 0;
    return status < 0 ? status : 0;
}

static int expect(struct plant *plant, struct pass *pass, struct err *err) {
    const struct tag *tag = pass->tag;
    struct catalogue *catalogue = plant_catalogue(plant);
    const struct device *device =
        tag->device.size > 0 ? catalogue_device(catalogue, tag->device) : NULL;
    pass->period_ns = device != NULL ? device->period_ns : 0;
    catalogue_unref(catalogue);
    int status = 0;
    if (pass->period_ns == 0) {
        status = median_distance(plant_historian(plant), pass, &pass->period_ns, err);
    }
    const int64_t most_ns = 7 * 86400 * NS_PER_S; // Beyond, the products below would not fit.
    pass->period_ns = pass->period_ns > most_ns ? most_ns : pass->period_ns;
    pass->allowed_ns = GAP_PERIODS * pass->period_ns;
    if (!isnan(tag->dead_band)) {
        int64_t silence_ns =
            tag->max_silence_ns > 0 ? tag->max_silence_ns : SILENCE_DEFAULT_S * NS_PER_S;
        silence_ns = silence_ns > most_ns ? most_ns : silence_ns;
        int64_t longest_ns = silence_ns + silence_ns / 2;
        pass->allowed_ns = longest_ns > pass->allowed_ns ? longest_ns : pass->allowed_ns;
        pass->period_ns = silence_ns > pass->period_ns ? silence_ns : pass->period_ns;
    }
    pass->stuck_after_ns = STUCK_PERIODS * pass->period_ns;
    if (pass->stuck_after_ns < STUCK_S * NS_PER_S) {
        pass->stuck_after_ns = STUCK_S * NS_PER_S;
    }
    return status;
}

/* ---- A tag ---- */

/* The time of the first row ever, or INT64_MAX. */
static int first_row(
    struct historian *historian, uint32_t tag, int64_t *ret_time_ns, struct err *err) {
    struct hist_scan_options options = {.tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    *ret_time_ns = INT64_MAX;
    int status = hist_scan_open(historian, &options, &scan, err);
    while (status >= 0 && *ret_time_ns == INT64_MAX &&
           (status = hist_scan_next(scan, &rows, err)) > 0) {
        if (rows.count > 0) {
            *ret_time_ns = rows.time_ns[0];
        }
    }
    hist_scan_close(scan);
    return status < 0 ? status : 0;
}

static int run_pass(struct plant *plant, struct pass *pass, struct err *err) {
    int status = expect(plant, pass, err);
    if (status < 0) {
        return status;
    }
    struct hist_scan_options options = {.tag = pass->tag->number,
        .from_ns = pass->begin_ns - pass->allowed_ns - pass->stuck_after_ns,
        .to_ns = pass->end_ns,
        .versions = true};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    status = hist_scan_open(plant_historian(plant), &options, &scan, err);
    while (status >= 0 && (status = hist_scan_next(scan, &rows, err)) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            take_version(pass, &rows, i);
        }
    }
    hist_scan_close(scan);
    if (status >= 0 && pass->has_row) {
        judge_row(pass);
    }
    if (status >= 0) {
        judge_time(pass, pass->end_ns, true);
    }
    return status < 0 ? status : 0;
}

static double share(uint64_t part, uint64_t whole) {
    double ratio = whole > 0 ? (double)part / (double)whole : 0;
    return 100.0 * (1.0 - (ratio < 1.0 ? ratio : 1.0));
}

static double weighted(const struct quality_row *row) {
    const struct {
        double score;
        double weight;
    } PARTS[] = {{row->gaps, QUALITY_WEIGHT_GAPS}, {row->stuck, QUALITY_WEIGHT_STUCK},
        {row->in_range, QUALITY_WEIGHT_RANGE}, {row->duplicates, QUALITY_WEIGHT_DUPLICATES},
        {row->clock, QUALITY_WEIGHT_CLOCK}};
    double sum = 0;
    double weights = 0;
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        if (!isnan(PARTS[i].score)) {
            sum += PARTS[i].score * PARTS[i].weight;
            weights += PARTS[i].weight;
        }
    }
    return weights > 0 ? sum / weights : 0;
}

static void fill_row(const struct pass *pass, struct quality_row *row) {
    const struct tag *tag = pass->tag;
    uint64_t window_ns = (uint64_t)(pass->end_ns - pass->begin_ns);
    bool has_range = !isnan(tag->min) || !isnan(tag->max);
    bool may_stick =
        tag->kind == KIND_MEASUREMENT && (tag->type == TYPE_F64 || tag->type == TYPE_I64);
    double none = (double)NAN;
    row->tag = tag->number;
    row->rows = pass->rows;
    row->gaps = share((uint64_t)pass->gap_ns, window_ns);
    row->stuck =
        may_stick && pass->value_rows > 0 ? share((uint64_t)pass->stuck_ns, window_ns) : none;
    row->in_range =
        has_range && pass->value_rows > 0 ? share(pass->outside, pass->value_rows) : none;
    row->duplicates = pass->rows > 0 ? share(pass->repeated, pass->rows + pass->repeated) : none;
    row->clock = pass->rows > 0 ? share(pass->late, pass->rows) : none;
    row->gap_ns = pass->gap_ns;
    row->stuck_ns = may_stick ? pass->stuck_ns : 0;
    row->outside = pass->outside;
    row->repeated = pass->repeated;
    row->late = pass->late;
    row->score = weighted(row);
}

int quality_span(struct plant *plant, const struct tag *tag, int64_t from_ns, int64_t to_ns,
    struct quality_row *ret_row, int64_t *ret_window_ns, struct err *err) {
    struct pass pass = {.tag = tag, .begin_ns = from_ns, .end_ns = to_ns};
    int64_t first_ns = 0;
    int64_t now_ns = clock_wall_ns(plant_clock(plant));
    int status = first_row(plant_historian(plant), tag->number, &first_ns, err);
    if (status < 0) {
        return status;
    }
    pass.end_ns = pass.end_ns < now_ns ? pass.end_ns : now_ns;
    pass.begin_ns = first_ns > pass.begin_ns ? first_ns : pass.begin_ns;
    if (pass.begin_ns >= pass.end_ns) {
        return 0;
    }
    status = run_pass(plant, &pass, err);
    if (status < 0 || (pass.rows == 0 && !tag->active)) {
        return status;
    }
    struct quality_row row = {.computed_ns = now_ns};
    fill_row(&pass, &row);
    *ret_row = row;
    *ret_window_ns = pass.end_ns - pass.begin_ns;
    return 1;
}

int quality_compute(struct plant *plant, const struct tag *tag, struct str day,
    struct quality_row *ret_row, struct err *err) {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    int64_t window_ns = 0;
    int status = quality_day_range(plant, day, &begin_ns, &end_ns, err);
    if (status >= 0) {
        status = quality_span(plant, tag, begin_ns, end_ns, ret_row, &window_ns, err);
    }
    if (status > 0) {
        (void)str_copy_z(day, ret_row->day, sizeof ret_row->day);
    }
    return status;
}

/* ---- A day ---- */

struct storing {
    struct str day;
    struct quality_row *rows;
    uint32_t count;
    uint32_t tag; // For has_row.
    int found;
};

static int store_rows(struct ledger_tx *tx, void *context, struct err *err) {
    struct storing *storing = context;
    int status = 0;
    for (uint32_t i = 0; i < storing->count && status >= 0; i++) {
        status = quality_put(tx, &storing->rows[i], err);
    }
    return status;
}

static int look_up(struct ledger_tx *tx, void *context, struct err *err) {
    struct storing *storing = context;
    struct quality_row row;
    storing->found = quality_get(tx, storing->day, storing->tag, &row, err);
    return storing->found < 0 ? storing->found : 0;
}

static int run_tags(struct plant *plant, const struct catalogue *catalogue, struct storing *storing,
    bool only_missing, const struct stop_flag *stop, struct err *err) {
    int stored = 0;
    int status = 0;
    for (uint32_t i = 0; i < catalogue->tag_count && status >= 0; i++) {
        if (stop != NULL && stop_flag_is_raised(stop)) {
            break; // The rest is computed after the next start.
        }
        storing->tag = catalogue->tags[i].number;
        storing->found = 0;
        if (only_missing) {
            status = ledger_read(plant_ledger(plant), look_up, storing, err);
        }
        if (status >= 0 && storing->found == 0) {
            status = quality_compute(
                plant, &catalogue->tags[i], storing->day, &storing->rows[storing->count], err);
            storing->count += status > 0;
        }
        if (status >= 0 && storing->count == STORE_AT_ONCE) {
            status = ledger_write(plant_ledger(plant), store_rows, storing, err);
            stored += (int)storing->count;
            storing->count = 0;
        }
    }
    if (status >= 0 && storing->count > 0) {
        status = ledger_write(plant_ledger(plant), store_rows, storing, err);
        stored += (int)storing->count;
    }
    return status < 0 ? status : stored;
}

int quality_run(struct plant *plant, struct str day, bool only_missing,
    const struct stop_flag *stop, struct err *err) {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    int status = quality_day_range(plant, day, &begin_ns, &end_ns, err);
    if (status < 0) {
        return status;
    }
    AUTO_FREE struct quality_row *rows = MEM_ARRAY(struct quality_row, STORE_AT_ONCE);
    struct storing storing = {.day = day, .rows = rows};
    struct catalogue *catalogue = plant_catalogue(plant);
    status = run_tags(plant, catalogue, &storing, only_missing, stop, err);
    catalogue_unref(catalogue);
    return status;
}

int quality_round(
    struct plant *plant, int64_t *night_ns, const struct stop_flag *stop, struct err *err) {
    const int64_t half_day_ns = 43200 * NS_PER_S;
    char day[QUALITY_DAY_TEXT];
    int64_t now_ns = clock_wall_ns(plant_clock(plant));
    int64_t today_ns = time_bucket_start(now_ns, 2 * half_day_ns, plant_zone(plant), NULL);
    if (*night_ns == today_ns) {
        return 0; // Done for this night.
    }
    quality_day_of(plant, today_ns - half_day_ns, day);
    int yesterday = quality_run(plant, str_of(day), true, stop, err);
    if (yesterday < 0) {
        return yesterday;
    }
    quality_day_of(plant, today_ns - 3 * half_day_ns, day);
    int before = quality_run(plant, str_of(day), false, stop, err);
    if (before >= 0 && (stop == NULL || !stop_flag_is_raised(stop))) {
        *night_ns = today_ns;
    }
    return before < 0 ? before : yesterday + before;
}
