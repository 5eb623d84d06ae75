#ifndef HISTORIAN_MEASURE_H
#define HISTORIAN_MEASURE_H
/*
 * Measures of one tag: the inside of hist_measure. `measure_rows` reads rows and tells what a
 * bucket holds, `measure_cells` the same from roll-ups where rows need not be seen, `meter` walks
 * over the buckets and fills the empty ones. Each has one owner and borrows view and question.
 */
#include <stdatomic.h>

#include "historian/before.h"
#include "historian/cursor.h"
#include "historian/historian.h"

/* What all of them are told. */
struct measure_ask {
    struct view *view;
    const struct hist_measure_query *query;
    uint32_t tag;
    double counter_max;
    int64_t from_ns;
    int64_t to_ns;
    int64_t now_ns;          // The newest value stands no longer than until now.
    const atomic_bool *stop; // Looked at between runs; NULL: never raised.
};

/* An unevaluated sum of two doubles. */
struct exact {
    double high;
    double low;
};
void exact_add(struct exact *sum, double value);
double exact_value(const struct exact *sum);

/* Sums of the values and of their squares, both less the first value. */
struct spread {
    uint64_t count;
    double shift;
    bool endless; // An infinity is among them.
    struct exact sum;
    struct exact squares;
};
void spread_add(struct spread *spread, double value);
double spread_deviation(const struct spread *spread); // Sample standard deviation; NaN below two.

struct weighing {
    struct exact sum; // Value times seconds.
    uint64_t covered_ns;
};

struct measure_rows {
    struct measure_ask ask;
    struct cursor_set set;
    bool opened;
    struct run run;
    uint32_t at;
    bool ended;
    struct point left;  // The row before run[at].
    int64_t covered_to; // Time up to here is weighed.
    struct point count; // The newest count.
    struct before before;
    double *numbers; // Of the open bucket, for percentiles.
    uint32_t number_count;
    uint32_t number_capacity;
    /* Of the open bucket. */
    struct spread spread;
    struct weighing weighing;
    bool counted;
    struct exact increase;
    uint64_t resets;
};
int measure_rows_open(struct measure_rows *rows, const struct measure_ask *ask, struct err *err);
void measure_rows_close(struct measure_rows *rows);
/* 1 and the time of the next row in the range; 0: there is none. */
int measure_rows_peek(struct measure_rows *rows, int64_t *ret_time_ns, struct err *err);
/* What the bucket holds, as far as it lies in the range. Buckets ascend. */
int measure_rows_bucket(struct measure_rows *rows, int64_t start_ns, int64_t end_ns,
    struct hist_measured *ret_measured, struct err *err);

struct measure_cells {
    struct measure_ask ask;
    struct hist_bucket *buckets; // Of the present slice, none empty.
    uint32_t count;
    uint32_t at;
    int64_t slice_ns; // Where the next slice begins.
};
void measure_cells_open(struct measure_cells *cells, const struct measure_ask *ask);
void measure_cells_close(struct measure_cells *cells);
int measure_cells_peek(struct measure_cells *cells, int64_t *ret_time_ns, struct err *err);
int measure_cells_bucket(struct measure_cells *cells, int64_t start_ns, int64_t end_ns,
    struct hist_measured *ret_measured, struct err *err);

struct meter;
/* The range of `ask` lies in that of its question: it is cut where time begins or ends. */
int meter_open(const struct measure_ask *ask, struct meter **ret_meter, struct err *err);
/* 1 and the next bucket; 0: the end. */
int meter_next(struct meter *meter, struct hist_measured *ret_measured, struct err *err);
void meter_close(struct meter *meter); // NULL is allowed.

/* A bucket with nothing in it. */
struct hist_measured measured_none(int64_t start_ns, int64_t end_ns);

#endif
