/*
 * Names of aggregates. One table for the command line and HTTP, so that the same word means the
 * same number in both. Percentiles are named by their number as it was written, which is then the
 * name of the column: p50 and p50.0 are two columns with one value.
 */
#include "historian/aggregate.h"

#include <math.h>
#include <string.h>

#include "core/check.h"
#include "core/time.h"
#include "historian/measure.h"

static const struct {
    const char *name;
    unsigned what;
} NAMES[] = {
    [AGGREGATE_AVG] = {"avg", 0},
    [AGGREGATE_MIN] = {"min", 0},
    [AGGREGATE_MAX] = {"max", 0},
    [AGGREGATE_COUNT] = {"count", 0},
    [AGGREGATE_SUM] = {"sum", 0},
    [AGGREGATE_FIRST] = {"first", 0},
    [AGGREGATE_LAST] = {"last", 0},
    [AGGREGATE_BAD] = {"bad", 0},
    [AGGREGATE_STDDEV] = {"stddev", HIST_STDDEV},
    [AGGREGATE_TIME_AVG] = {"time_avg", HIST_TIME_AVG},
    [AGGREGATE_COVERED_S] = {"covered_s", HIST_TIME_AVG},
    [AGGREGATE_INCREASE] = {"increase", HIST_INCREASE},
    [AGGREGATE_RESETS] = {"resets", HIST_INCREASE},
};
enum { NAME_COUNT = sizeof NAMES / sizeof NAMES[0] };
_Static_assert((int)NAME_COUNT == (int)AGGREGATE_PERCENTILE, "each kind has its name");
_Static_assert(
    (int)NAME_COUNT + (int)HIST_PERCENTILES_MAX <= (int)AGGREGATES_MAX, "all of them at once");

static void add(struct aggregates *to, struct str name, struct aggregate aggregate) {
    for (uint32_t i = 0; i < to->count; i++) {
        if (str_eq(name, str_of(to->items[i].name))) {
            return;
        }
    }
    CHECK(to->count < AGGREGATES_MAX && name.size < AGGREGATE_NAME_BYTES);
    memcpy(aggregate.name, name.data, name.size);
    to->items[to->count++] = aggregate;
}

static int add_percentile(struct aggregates *to, struct str name, struct err *err) {
    double percent = 0;
    struct str digits = {.data = name.data + 1, .size = name.size - 1};
    bool is_number = digits.size > 0 && digits.data[0] >= '0' && digits.data[0] <= '9' &&
                     str_to_f64(digits, &percent);
    if (!is_number || name.size >= AGGREGATE_NAME_BYTES) {
        return err_set(err, ERR_INVALID, MSG_AGGREGATE_UNKNOWN, ARGS(A_STR(name)));
    }
    if (!(percent >= 0 && percent <= 100)) {
        return err_set(err, ERR_INVALID, MSG_MEASURE_PERCENTILE, ARGS(A_REAL(percent)));
    }
    uint32_t at = 0;
    while (at < to->percentile_count &&
           (to->percentiles[at] < percent || to->percentiles[at] > percent)) {
        at++;
    }
    if (at == HIST_PERCENTILES_MAX) {
        return err_set(err, ERR_LIMIT, MSG_MEASURE_PERCENTILES, ARGS(A_INT(HIST_PERCENTILES_MAX)));
    }
    to->percentiles[at] = percent;
    to->percentile_count = at == to->percentile_count ? at + 1 : to->percentile_count;
    to->what |= HIST_PERCENTILES;
    add(to, name, (struct aggregate){.kind = AGGREGATE_PERCENTILE, .percentile = at});
    return 0;
}

static int add_name(struct aggregates *to, struct str name, struct err *err) {
    for (uint32_t i = 0; i < NAME_COUNT; i++) {
        if (!str_eq(name, str_of(NAMES[i].name))) {
            continue;
        }
        to->what |= NAMES[i].what;
        to->has_bad = to->has_bad || i == (uint32_t)AGGREGATE_BAD;
        add(to, name, (struct aggregate){.kind = (enum aggregate_kind)i});
        if (i == (uint32_t)AGGREGATE_TIME_AVG) {
            add(to, str_of(NAMES[AGGREGATE_COVERED_S].name),
                (struct aggregate){.kind = AGGREGATE_COVERED_S});
        }
        return 0;
    }
    if (name.size > 0 && name.data[0] == 'p') {
        return add_percentile(to, name, err);
    }
    return err_set(err, ERR_INVALID, MSG_AGGREGATE_UNKNOWN, ARGS(A_STR(name)));
}

int aggregates_parse(struct str list, struct aggregates *ret_aggregates, struct err *err) {
    struct aggregates aggregates = {.count = 0};
    struct str rest = list;
    do {
        int rc = add_name(&aggregates, str_trim(str_cut(&rest, ',')), err);
        /* Percentiles may be written in endless ways ("p1", "p1.0", "p01"). */
        if (rc >= 0 && aggregates.count + 2 > AGGREGATES_MAX) {
            rc = err_set(err, ERR_LIMIT, MSG_AGGREGATES_MANY, ARGS(A_INT(AGGREGATES_MAX - 2)));
        }
        if (rc < 0) {
            return rc;
        }
    } while (rest.size > 0);
    *ret_aggregates = aggregates;
    return 0;
}

bool aggregate_is_count(const struct aggregate *aggregate) {
    return aggregate->kind == AGGREGATE_COUNT || aggregate->kind == AGGREGATE_BAD;
}

double aggregate_value(const struct aggregate *aggregate, const struct hist_measured *measured,
    enum value_type tag_type) {
    const struct hist_bucket *bucket = &measured->bucket;
    const double none = (double)NAN;
    if (tag_type == TYPE_TEXT && !aggregate_is_count(aggregate)) {
        return none; // The historian keeps no numbers of texts.
    }
    switch (aggregate->kind) {
    case AGGREGATE_AVG: return measured->avg;
    case AGGREGATE_MIN: return bucket->min;
    case AGGREGATE_MAX: return bucket->max;
    case AGGREGATE_COUNT: return (double)bucket->count;
    case AGGREGATE_SUM: return bucket->count > 0 ? bucket->sum + bucket->sum_low : none;
    case AGGREGATE_FIRST: return bucket->first;
    case AGGREGATE_LAST: return bucket->last;
    case AGGREGATE_BAD: return (double)bucket->bad_count;
    case AGGREGATE_STDDEV: return measured->stddev;
    case AGGREGATE_TIME_AVG: return measured->time_avg;
    case AGGREGATE_COVERED_S: return (double)measured->covered_ns / (double)NS_PER_S;
    case AGGREGATE_INCREASE: return measured->increase;
    case AGGREGATE_RESETS: return isnan(measured->increase) ? none : (double)measured->resets;
    case AGGREGATE_PERCENTILE: return measured->percentiles[aggregate->percentile];
    }
    return none;
}

bool aggregates_tell(const struct aggregates *aggregates, const struct hist_bucket *bucket) {
    return bucket->count > 0 || (aggregates->has_bad && bucket->bad_count > 0);
}

struct hist_measured aggregate_bucket(const struct hist_bucket *bucket) {
    struct hist_measured measured = measured_none(bucket->start_ns, bucket->end_ns);
    measured.bucket = *bucket;
    if (bucket->count > 0) {
        measured.avg = (bucket->sum + bucket->sum_low) / (double)bucket->count;
    }
    return measured;
}

int interpolation_of_name(
    struct str name, enum hist_interpolation *ret_interpolation, struct err *err) {
    if (!str_eq(name, STR("step")) && !str_eq(name, STR("linear"))) {
        return err_set(err, ERR_INVALID, MSG_INTERPOLATION_UNKNOWN, ARGS(A_STR(name)));
    }
    *ret_interpolation = str_eq(name, STR("linear")) ? HIST_LINEAR : HIST_STEP;
    return 0;
}

int fill_of_name(struct str name, enum hist_fill *ret_fill, struct err *err) {
    static const char *const FILLS[] = {[HIST_FILL_NONE] = "none",
        [HIST_FILL_EMPTY] = "null",
        [HIST_FILL_PREVIOUS] = "previous",
        [HIST_FILL_LINEAR] = "linear"};
    for (uint32_t i = 0; i < sizeof FILLS / sizeof FILLS[0]; i++) {
        if (str_eq(name, str_of(FILLS[i]))) {
            *ret_fill = (enum hist_fill)i;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, MSG_FILL_UNKNOWN, ARGS(A_STR(name)));
}
