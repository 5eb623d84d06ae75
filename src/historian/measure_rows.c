/*
 * Measures from rows, one bucket at a time.
 *
 * Rows come in order from the cursors, winners only, each once. Memory is one run, and the numbers
 * of one bucket where percentiles are asked for.
 *
 * Weighing by time goes along with the rows: `left` is the row in force and `covered_to` how far
 * its time has been weighed. Each new row closes a piece [covered_to, its time), each end of a
 * bucket another; so a value that stands over many buckets is cut at their borders, and a bucket
 * without rows still knows what stood in it. With linear interpolation a piece needs the row at its
 * right, also one behind the range: reading goes on to the first.
 *
 * The standard deviation is that of the values less the first one, by sums in double-double. One
 * pass by Welford's rule would lose half of the digits where the values are large and close; here
 * nothing is lost to begin with, whatever the order.
 */
#include <math.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/time.h"
#include "historian/measure.h"
#include "historian/store.h"
#include "model/counter.h"

enum {
    NUMBERS_START = 1024,
    NUMBERS_KEPT = 1 << 16, // A larger buffer is given back after its bucket.
};

/* ---- Sums ---- */

/* Knuth's error-free addition. */
void exact_add(struct exact *sum, double value) {
    double total = sum->high + value;
    double part = total - sum->high;
    sum->low += (sum->high - (total - part)) + (value - part);
    sum->high = total;
}

double exact_value(const struct exact *sum) {
    return isfinite(sum->high) ? sum->high + sum->low : sum->high;
}

static void exact_add_pair(struct exact *sum, double high, double low) {
    exact_add(sum, high);
    sum->low += low;
    double total = sum->high + sum->low;
    sum->low -= total - sum->high;
    sum->high = total;
}

void spread_add(struct spread *spread, double value) {
    if (spread->count++ == 0) {
        spread->shift = value;
    }
    if (!isfinite(value)) {
        spread->endless = true;
        return;
    }
    struct exact less = {.high = value};
    exact_add(&less, -spread->shift);
    double square = less.high * less.high;
    double rest = fma(less.high, less.high, -square) + 2 * less.high * less.low;
    exact_add_pair(&spread->sum, less.high, less.low);
    exact_add_pair(&spread->squares, square, rest);
}

double spread_deviation(const struct spread *spread) {
    if (spread->count < 2 || spread->endless) {
        return (double)NAN;
    }
    /* squares - sum * sum / n, all in pairs. */
    double n = (double)spread->count;
    double high = spread->sum.high;
    double square = high * high;
    double rest = fma(high, high, -square) + 2 * high * spread->sum.low;
    double share = square / n;
    double share_rest = (fma(-share, n, square) + rest) / n;
    struct exact left = spread->squares;
    exact_add_pair(&left, -share, -share_rest);
    double variance = exact_value(&left) / (n - 1);
    return variance > 0 ? sqrt(variance) : variance == 0 || variance < 0 ? 0 : variance;
}

/* ---- Percentiles ---- */

static int number_keep(struct measure_rows *rows, double number, struct err *err) {
    if (rows->number_count == HIST_PERCENTILE_ROWS) {
        return err_set(err, ERR_LIMIT, MSG_MEASURE_ROWS, ARGS(A_INT(HIST_PERCENTILE_ROWS)));
    }
    if (rows->number_count == rows->number_capacity) {
        rows->number_capacity =
            rows->number_capacity > 0 ? rows->number_capacity * 2 : NUMBERS_START;
        rows->numbers = mem_resize(rows->numbers, rows->number_capacity * sizeof *rows->numbers);
    }
    rows->numbers[rows->number_count++] = number;
    return 0;
}

static int number_order(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/* Of sorted numbers; p in [0, 100]. */
static double percentile(const double *numbers, uint32_t count, double p) {
    double place = p / 100 * (double)(count - 1);
    uint32_t low = (uint32_t)place;
    double part = place - (double)low;
    if (low + 1 >= count || part == 0 || numbers[low] == numbers[low + 1]) {
        return numbers[low + 1 >= count ? count - 1 : low];
    }
    double between = numbers[low] + part * (numbers[low + 1] - numbers[low]);
    return isfinite(between) ? between : numbers[low] * (1 - part) + numbers[low + 1] * part;
}

static void percentiles_tell(struct measure_rows *rows, struct hist_measured *measured) {
    const struct hist_measure_query *query = rows->ask.query;
    if (rows->number_count == 0) {
        return;
    }
    qsort(rows->numbers, rows->number_count, sizeof *rows->numbers, number_order);
    for (uint32_t i = 0; i < query->percentile_count; i++) {
        measured->percentiles[i] =
            percentile(rows->numbers, rows->number_count, query->percentiles[i]);
    }
    rows->number_count = 0;
    if (rows->number_capacity > NUMBERS_KEPT) {
        mem_free(rows->numbers);
        rows->numbers = NULL;
        rows->number_capacity = 0;
    }
}

/* ---- Weighing by time ---- */

/* Weighs the time up to `to_ns`; `right` is the next row, or has none. */
static void weigh(struct measure_rows *rows, int64_t to_ns, const struct point *right) {
    const struct point *left = &rows->left;
    int64_t from_ns = rows->covered_to;
    if (to_ns <= from_ns) {
        return;
    }
    rows->covered_to = to_ns;
    if (!left->has || !left->usable) {
        return;
    }
    double value = left->number;
    from_ns = from_ns > left->time_ns ? from_ns : left->time_ns;
    if (rows->ask.query->interpolation == HIST_LINEAR) {
        if (!right->has || !right->usable) {
            return;
        }
        double begin = point_between(left, right, from_ns);
        double end = point_between(left, right, to_ns);
        value = begin == end ? begin : begin / 2 + end / 2;
    } else if (!right->has && to_ns > rows->ask.now_ns) {
        to_ns = rows->ask.now_ns;
    }
    if (to_ns > from_ns) {
        uint64_t lasts_ns = (uint64_t)to_ns - (uint64_t)from_ns;
        exact_add(&rows->weighing.sum, value * ((double)lasts_ns / (double)NS_PER_S));
        rows->weighing.covered_ns += lasts_ns;
    }
}

/* ---- Counting ---- */

/* A rise may need more digits than a double has: it is added in two halves. */
static void increase_add(struct measure_rows *rows, int64_t rise) {
    exact_add(&rows->increase, (double)(rise & ~(int64_t)UINT32_MAX));
    exact_add(&rows->increase, (double)(rise & (int64_t)UINT32_MAX));
}

static void count_row(struct measure_rows *rows, const struct point *point) {
    const struct point *last = &rows->count;
    double max = point->type == TYPE_BOOL ? 0 : rows->ask.counter_max;
    if (!point_is_count(point)) {
        return;
    }
    if (last->has && last->type == point->type) {
        if (point->type == TYPE_F64) {
            exact_add(&rows->increase, counter_rise_f64(last->number, point->number, max));
        } else {
            increase_add(rows, counter_rise_i64(last->i64, point->i64, max));
        }
        bool fell = point->type == TYPE_F64 ? point->number < last->number : point->i64 < last->i64;
        rows->resets += fell && point->type != TYPE_BOOL &&
                        !counter_rolls_over(last->number, point->number, max);
    }
    rows->counted = true;
    rows->count = *point;
}

/* ---- Reading ---- */

int measure_rows_open(struct measure_rows *rows, const struct measure_ask *ask, struct err *err) {
    *rows = (struct measure_rows){.ask = *ask, .covered_to = ask->from_ns};
    const struct hist_measure_query *query = ask->query;
    struct cursor_options options = {.tag = ask->tag, .from_ns = ask->from_ns, .to_ns = ask->to_ns};
    if ((query->what & HIST_TIME_AVG) != 0 && query->interpolation == HIST_LINEAR) {
        options.to_ns = INT64_MAX;
    }
    bool counts = (query->what & HIST_INCREASE) != 0;
    int rc = 0;
    if (counts || (query->what & HIST_TIME_AVG) != 0 || query->fill == HIST_FILL_PREVIOUS) {
        rc = before_find(ask->view, ask->tag, ask->from_ns, counts, &rows->before, err);
    }
    if (query->bounded) {
        before_bound(&rows->before, query->oldest_ns);
    }
    rows->left = rows->before.last;
    rows->count = rows->before.count;
    if (rc >= 0) {
        rc = cursor_set_open(&rows->set, ask->view, &options, err);
        rows->opened = rc >= 0;
    }
    return rc;
}

void measure_rows_close(struct measure_rows *rows) {
    if (rows->opened) {
        cursor_set_close(&rows->set);
    }
    mem_free(rows->numbers);
    *rows = (struct measure_rows){.opened = false};
}

/* Makes run[at] the next row, or `ended`. */
static int rows_load(struct measure_rows *rows, struct err *err) {
    while (!rows->ended && rows->at == rows->run.count) {
        if (rows->ask.stop != NULL && atomic_load_explicit(rows->ask.stop, memory_order_relaxed)) {
            return -ERR_CANCELLED;
        }
        rows->at = 0;
        rows->run.count = 0;
        int rc = cursor_set_next(&rows->set, &rows->run, err);
        if (rc < 0) {
            return rc;
        }
        rows->ended = rc == 0;
        rows->run.count = rc == 0 ? 0 : rows->run.count;
    }
    return 0;
}

int measure_rows_peek(struct measure_rows *rows, int64_t *ret_time_ns, struct err *err) {
    int rc = rows_load(rows, err);
    if (rc < 0 || rows->ended || rows->run.time[rows->at] >= rows->ask.to_ns) {
        return rc;
    }
    *ret_time_ns = rows->run.time[rows->at];
    return 1;
}

static int row_take(
    struct measure_rows *rows, const struct point *point, unsigned what, struct err *err) {
    if ((what & HIST_TIME_AVG) != 0) {
        weigh(rows, point->time_ns, point);
        rows->left = *point;
    }
    if (!point->usable) {
        return 0;
    }
    if ((what & HIST_STDDEV) != 0) {
        spread_add(&rows->spread, point->number);
    }
    if ((what & HIST_INCREASE) != 0) {
        count_row(rows, point);
    }
    return (what & HIST_PERCENTILES) != 0 ? number_keep(rows, point->number, err) : 0;
}

static void bucket_begin(struct measure_rows *rows, int64_t from_ns) {
    rows->spread = (struct spread){.count = 0};
    rows->weighing = (struct weighing){.covered_ns = 0};
    rows->increase = (struct exact){.high = 0};
    rows->counted = false;
    rows->resets = 0;
    rows->number_count = 0;
    rows->covered_to = rows->covered_to > from_ns ? rows->covered_to : from_ns;
}

static void bucket_tell(
    struct measure_rows *rows, const struct summary *sum, struct hist_measured *measured) {
    measured->bucket = bucket_of(sum, measured->bucket.start_ns, measured->bucket.end_ns);
    if (sum->number_count > 0) {
        measured->avg = (sum->sum + sum->sum_low) / (double)sum->number_count;
    }
    if ((rows->ask.query->what & HIST_STDDEV) != 0) {
        measured->stddev = spread_deviation(&rows->spread);
    }
    if (rows->weighing.covered_ns > 0) {
        double covered_s = (double)rows->weighing.covered_ns / (double)NS_PER_S;
        measured->time_avg = exact_value(&rows->weighing.sum) / covered_s;
        measured->covered_ns = rows->weighing.covered_ns;
    }
    if (rows->counted) {
        measured->increase = exact_value(&rows->increase);
        measured->resets = rows->resets;
    }
    percentiles_tell(rows, measured);
}

int measure_rows_bucket(struct measure_rows *rows, int64_t start_ns, int64_t end_ns,
    struct hist_measured *ret_measured, struct err *err) {
    struct hist_measured measured = measured_none(start_ns, end_ns);
    unsigned what = rows->ask.query->what;
    int64_t to_ns = end_ns < rows->ask.to_ns ? end_ns : rows->ask.to_ns;
    struct summary sum;
    summary_init(&sum);
    bucket_begin(rows, start_ns > rows->ask.from_ns ? start_ns : rows->ask.from_ns);
    int rc = 0;
    while ((rc = rows_load(rows, err)) >= 0 && !rows->ended && rows->run.time[rows->at] < to_ns) {
        uint32_t end = run_lower_bound(&rows->run, rows->at, to_ns);
        summary_add(&sum, &rows->run, rows->at, end);
        for (; rows->at < end; rows->at++) {
            struct point point = point_of(&rows->run, rows->at);
            rc = row_take(rows, &point, what, err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    if (rc < 0) {
        return rc;
    }
    if ((what & HIST_TIME_AVG) != 0) {
        struct point right = {.has = false};
        if (!rows->ended) {
            right = point_of(&rows->run, rows->at);
        }
        weigh(rows, to_ns, &right);
    }
    bucket_tell(rows, &sum, &measured);
    *ret_measured = measured;
    return 0;
}
