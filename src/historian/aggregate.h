#ifndef HISTORIAN_AGGREGATE_H
#define HISTORIAN_AGGREGATE_H
/*
 * Aggregates by their names, as people and programs ask for them ("avg,p95,time_avg") and as the
 * columns of an answer bear them. Plain values; any thread.
 */
#include "historian/historian.h"

enum aggregate_kind {
    AGGREGATE_AVG,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_COUNT,
    AGGREGATE_SUM,
    AGGREGATE_FIRST,
    AGGREGATE_LAST,
    AGGREGATE_BAD,       // Rows excluded for bad quality.
    AGGREGATE_STDDEV,    // From here on rows must be read.
    AGGREGATE_TIME_AVG,  // Always with the next one beside it.
    AGGREGATE_COVERED_S, // Seconds that count in time_avg.
    AGGREGATE_INCREASE,
    AGGREGATE_RESETS,
    AGGREGATE_PERCENTILE, // "p95", "p99.9"
};

enum { AGGREGATES_MAX = 40, AGGREGATE_NAME_BYTES = 16 };

struct aggregate {
    enum aggregate_kind kind;
    uint32_t percentile; // Index in `percentiles`.
    char name[AGGREGATE_NAME_BYTES];
};

struct aggregates {
    struct aggregate items[AGGREGATES_MAX];
    uint32_t count;
    unsigned what; // enum hist_what; 0: hist_buckets can answer.
    double percentiles[HIST_PERCENTILES_MAX];
    uint32_t percentile_count;
    bool has_bad; // "bad" is among them: buckets with nothing but bad rows are told, too.
};

/* Reads a list with commas; a name given twice stands once. ERR_INVALID with words: unknown, or
 * none at all; ERR_LIMIT: too many percentiles. */
int aggregates_parse(struct str list, struct aggregates *ret_aggregates, struct err *err);
/* The value of a column; NaN: there is none. Of a text tag only counts have values. */
double aggregate_value(const struct aggregate *aggregate, const struct hist_measured *measured,
    enum value_type tag_type);
/* Whether it is a whole number that is always there. */
bool aggregate_is_count(const struct aggregate *aggregate);
/* Whether a bucket has a line in an answer that does not fill. */
bool aggregates_tell(const struct aggregates *aggregates, const struct hist_bucket *bucket);
/* A bucket that was not measured, for aggregate_value. */
struct hist_measured aggregate_bucket(const struct hist_bucket *bucket);

/* "step" "linear"; "none" "null" "previous" "linear". ERR_INVALID with words. */
int interpolation_of_name(
    struct str name, enum hist_interpolation *ret_interpolation, struct err *err);
int fill_of_name(struct str name, enum hist_fill *ret_fill, struct err *err);

#endif
