#ifndef HISTORIAN_BEFORE_H
#define HISTORIAN_BEFORE_H
/*
 * What a tag was at a moment, told from the rows before it. Borrowed views; any thread.
 */
#include "core/err.h"
#include "historian/rows.h"

struct view;

/* A row as a number. */
struct point {
    bool has;    // There is a row.
    bool usable; // It is not bad, no text and no NaN.
    uint8_t type;
    int64_t time_ns;
    double number;
    int64_t i64; // TYPE_I64, TYPE_BOOL
};
struct point point_of(const struct run *run, uint32_t row);
/* Whether it is a count in the sense of model/counter.h; bools are. */
bool point_is_count(const struct point *point);
/* The number between two usable points at a time between theirs. */
double point_between(const struct point *a, const struct point *b, int64_t time_ns);

enum before_need {
    BEFORE_GOOD,   // A row that is not bad, texts too.
    BEFORE_NUMBER, // A usable one.
    BEFORE_COUNT,  // A count.
};

/* A stretch [*ret_from_ns, before_ns) that holds the newest row of the kind before the moment, if
 * any does; it is at most some blocks long. False: there is none. Versions that do not win may make
 * it hold none: ask again before *ret_from_ns. */
int before_window(struct view *view, uint32_t tag, int64_t before_ns, enum before_need need,
    int64_t *ret_from_ns, struct err *err);

struct before {
    struct point last;   // The newest row of all; not `has` when it lies behind what was read.
    struct point number; // The newest usable one.
    struct point count;  // The newest count, where one was asked for.
};
/* Reads back until the newest number, and with `count` the newest count, is found. */
int before_find(struct view *view, uint32_t tag, int64_t before_ns, bool count,
    struct before *ret_before, struct err *err);
/* Forgets what is older. */
void before_bound(struct before *before, int64_t oldest_ns);

#endif
