#ifndef SERVE_SAMPLES_H
#define SERVE_SAMPLES_H
/*
 * What raw samples and series share: narrowing a range to where rows are. Pure but
 * for reading the historian; any thread.
 */
#include "historian/historian.h"

struct samples_range {
    int64_t from_ns;
    int64_t to_ns;
};

/* Moves the ends of the range to the first row at or after its begin and behind the newest row;
 * an empty range has to_ns == from_ns. "All of it" then costs what there is, not 292 years. */
int samples_narrow(
    struct historian *historian, uint32_t tag, struct samples_range *range, struct err *err);
/* The same for buckets, which also answer where only roll-ups of expired rows are left. */
int samples_narrow_buckets(
    struct historian *historian, uint32_t tag, struct samples_range *range, struct err *err);

#endif
