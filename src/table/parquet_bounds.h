#ifndef TABLE_PARQUET_BOUNDS_H
#define TABLE_PARQUET_BOUNDS_H
/*
 * Smallest and largest value of a column in a row group, by which readers pass over groups without
 * reading them. One owner.
 */
#include "table/parquet.h"
#include "table/thrift.h"

struct parquet_bounds {
    bool any;     // There is a value.
    bool unknown; // No bounds may be told.
    int64_t min_whole;
    int64_t max_whole;
    double min_real;
    double max_real;
    struct buf min_text;
    struct buf max_text;
};

void parquet_bounds_init(struct parquet_bounds *bounds);
void parquet_bounds_fini(struct parquet_bounds *bounds);
void parquet_bounds_clear(struct parquet_bounds *bounds);
void parquet_bound_whole(struct parquet_bounds *bounds, int64_t value); // Also bools.
void parquet_bound_real(struct parquet_bounds *bounds, double value);
void parquet_bound_text(struct parquet_bounds *bounds, struct str text);
/* The struct Statistics as that field; bounds only where they are known. */
void parquet_bounds_put(const struct parquet_bounds *bounds, enum parquet_type type, uint64_t nulls,
    struct thrift *thrift, int field);

#endif
