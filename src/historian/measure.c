/*
 * The buckets of one tag, in order, and the filling of those without a good row.
 *
 * Without filling the next bucket is that of the next row. With filling every bucket of the range
 * has its turn: what it holds itself comes from rows or cells, and where that has no good row the
 * levels come from its neighbours. Straight lines need the neighbour behind, which may be far: a
 * second reader runs ahead to it, so that nothing has to be kept. It costs a second decoding, and
 * only where there are gaps.
 */
#include "historian/measure.h"

#include <math.h>

#include "core/check.h"
#include "core/mem.h"
#include "core/time.h"

/* Rows or cells, by what is asked. */
struct supply {
    bool of_rows;
    struct measure_rows rows;
    struct measure_cells cells;
};

struct meter {
    struct measure_ask ask;
    struct supply supply;
    bool looks_ahead;
    struct supply ahead;
    bool ended;
    int64_t next_ns;               // Where the next bucket begins; with filling.
    struct hist_measured previous; // The last bucket with a good row; count 0: none.
    bool has_previous;
    struct hist_measured following; // The next one, found ahead.
    bool has_following;
};

struct hist_measured measured_none(int64_t start_ns, int64_t end_ns) {
    const double none = (double)NAN;
    struct hist_measured measured = {.bucket = {.start_ns = start_ns,
                                         .end_ns = end_ns,
                                         .min = none,
                                         .max = none,
                                         .first = none,
                                         .last = none},
        .avg = none,
        .stddev = none,
        .time_avg = none,
        .increase = none};
    for (int i = 0; i < HIST_PERCENTILES_MAX; i++) {
        measured.percentiles[i] = none;
    }
    return measured;
}

/* ---- Rows or cells ---- */

static int supply_open(struct supply *supply, const struct measure_ask *ask, struct err *err) {
    const struct hist_measure_query *query = ask->query;
    *supply = (struct supply){.of_rows = query->what != 0 || query->fill == HIST_FILL_NONE};
    if (supply->of_rows) {
        return measure_rows_open(&supply->rows, ask, err);
    }
    measure_cells_open(&supply->cells, ask);
    return 0;
}

static void supply_close(struct supply *supply) {
    if (supply->of_rows) {
        measure_rows_close(&supply->rows);
    } else {
        measure_cells_close(&supply->cells);
    }
}

static int supply_peek(struct supply *supply, int64_t *ret_time_ns, struct err *err) {
    return supply->of_rows ? measure_rows_peek(&supply->rows, ret_time_ns, err)
                           : measure_cells_peek(&supply->cells, ret_time_ns, err);
}

static int supply_bucket(struct supply *supply, int64_t start_ns, int64_t end_ns,
    struct hist_measured *ret_measured, struct err *err) {
    return supply->of_rows
               ? measure_rows_bucket(&supply->rows, start_ns, end_ns, ret_measured, err)
               : measure_cells_bucket(&supply->cells, start_ns, end_ns, ret_measured, err);
}

/* The bucket of a time. */
static void bounds_of(
    const struct measure_ask *ask, int64_t time_ns, int64_t *ret_start_ns, int64_t *ret_end_ns) {
    const struct hist_measure_query *query = ask->query;
    if (query->every_ns == 0) {
        *ret_start_ns = query->from_ns;
        *ret_end_ns = query->to_ns;
        return;
    }
    *ret_start_ns = time_bucket_start(time_ns, query->every_ns, query->zone, ret_end_ns);
    CHECK(*ret_end_ns > time_ns); // Otherwise this would turn for ever.
}

/* ---- Filling ---- */

/* A level between two of neighbours; `part` in [0, 1]. */
static double level_between(double before, double after, double part) {
    return before == after ? before : before * (1 - part) + after * part;
}

static void levels_take(struct hist_measured *to, const struct hist_measured *a,
    const struct hist_measured *b, double part) {
    to->filled = true;
    to->avg = level_between(a->avg, b->avg, part);
    to->bucket.min = level_between(a->bucket.min, b->bucket.min, part);
    to->bucket.max = level_between(a->bucket.max, b->bucket.max, part);
    to->bucket.first = level_between(a->bucket.first, b->bucket.first, part);
    to->bucket.last = level_between(a->bucket.last, b->bucket.last, part);
    if (to->covered_ns == 0) {
        to->time_avg = level_between(a->time_avg, b->time_avg, part);
    }
    for (int i = 0; i < HIST_PERCENTILES_MAX; i++) {
        to->percentiles[i] = level_between(a->percentiles[i], b->percentiles[i], part);
    }
}

/* The last value before the range stands for a bucket before it. */
static int previous_begin(struct meter *meter, struct err *err) {
    struct before before = {.number = {.has = false}};
    const struct hist_measure_query *query = meter->ask.query;
    int rc = 0;
    if (meter->supply.of_rows) {
        before = meter->supply.rows.before;
    } else {
        rc = before_find(meter->ask.view, meter->ask.tag, meter->ask.from_ns, false, &before, err);
    }
    if (rc >= 0 && query->bounded) {
        before_bound(&before, query->oldest_ns);
    }
    if (rc < 0 || !before.number.has) {
        return rc;
    }
    double value = before.number.number;
    struct hist_measured *to = &meter->previous;
    *to = measured_none(before.number.time_ns, meter->ask.from_ns);
    to->avg = value;
    to->bucket.min = value;
    to->bucket.max = value;
    to->bucket.first = value;
    to->bucket.last = value;
    to->time_avg = (query->what & HIST_TIME_AVG) != 0 ? value : (double)NAN;
    for (uint32_t i = 0; (query->what & HIST_PERCENTILES) != 0 && i < query->percentile_count;
         i++) {
        to->percentiles[i] = value;
    }
    meter->has_previous = true;
    return 0;
}

/* Finds the next bucket with a good row behind `after_ns`. */
static int following_find(struct meter *meter, int64_t after_ns, struct err *err) {
    if (meter->has_following && meter->following.bucket.start_ns > after_ns) {
        return 0;
    }
    meter->has_following = false;
    int rc = 0;
    if (!meter->looks_ahead) {
        struct measure_ask ask = meter->ask;
        ask.from_ns = after_ns > ask.from_ns ? after_ns : ask.from_ns;
        rc = supply_open(&meter->ahead, &ask, err);
        meter->looks_ahead = true;
    }
    int64_t time_ns = 0;
    while (
        rc >= 0 && !meter->has_following && (rc = supply_peek(&meter->ahead, &time_ns, err)) > 0) {
        int64_t start_ns = 0;
        int64_t end_ns = 0;
        bounds_of(&meter->ask, time_ns, &start_ns, &end_ns);
        rc = supply_bucket(&meter->ahead, start_ns, end_ns, &meter->following, err);
        meter->has_following = start_ns > after_ns && meter->following.bucket.count > 0;
    }
    return rc < 0 ? rc : 0;
}

static int bucket_fill(struct meter *meter, struct hist_measured *measured, struct err *err) {
    enum hist_fill fill = meter->ask.query->fill;
    if (measured->bucket.count > 0) {
        meter->previous = *measured;
        meter->has_previous = true;
        return 0;
    }
    if (fill == HIST_FILL_PREVIOUS && meter->has_previous) {
        levels_take(measured, &meter->previous, &meter->previous, 0);
    }
    if (fill != HIST_FILL_LINEAR || !meter->has_previous) {
        return 0;
    }
    int64_t start_ns = measured->bucket.start_ns;
    int rc = following_find(meter, start_ns, err);
    if (rc < 0 || !meter->has_following) {
        return rc;
    }
    const struct hist_bucket *a = &meter->previous.bucket;
    const struct hist_bucket *b = &meter->following.bucket;
    double part = (double)((uint64_t)start_ns - (uint64_t)a->start_ns) /
                  (double)((uint64_t)b->start_ns - (uint64_t)a->start_ns);
    levels_take(measured, &meter->previous, &meter->following, part);
    return 0;
}

/* ---- Walking ---- */

int meter_open(const struct measure_ask *ask, struct meter **ret_meter, struct err *err) {
    struct meter *meter = MEM_NEW(struct meter);
    meter->ask = *ask;
    meter->next_ns = ask->from_ns;
    int rc = supply_open(&meter->supply, ask, err);
    if (rc >= 0 && ask->query->fill == HIST_FILL_PREVIOUS) {
        rc = previous_begin(meter, err);
    }
    if (rc < 0) {
        meter_close(meter);
        return rc;
    }
    *ret_meter = meter;
    return 0;
}

void meter_close(struct meter *meter) {
    if (meter == NULL) {
        return;
    }
    supply_close(&meter->supply);
    if (meter->looks_ahead) {
        supply_close(&meter->ahead);
    }
    mem_free(meter);
}

int meter_next(struct meter *meter, struct hist_measured *ret_measured, struct err *err) {
    bool fills = meter->ask.query->fill != HIST_FILL_NONE;
    int64_t time_ns = meter->next_ns;
    if (meter->ended || time_ns >= meter->ask.to_ns) {
        return 0;
    }
    if (!fills) {
        int rc = supply_peek(&meter->supply, &time_ns, err);
        if (rc <= 0) {
            meter->ended = true;
            return rc;
        }
    }
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    struct hist_measured measured;
    bounds_of(&meter->ask, time_ns, &start_ns, &end_ns);
    int rc = supply_bucket(&meter->supply, start_ns, end_ns, &measured, err);
    if (rc >= 0 && fills) {
        rc = bucket_fill(meter, &measured, err);
    }
    meter->ended = rc < 0;
    meter->next_ns = end_ns;
    if (rc < 0) {
        return rc;
    }
    *ret_measured = measured;
    return 1;
}
