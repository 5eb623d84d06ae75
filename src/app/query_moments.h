#ifndef APP_QUERY_MOMENTS_H
#define APP_QUERY_MOMENTS_H
/*
 * The part of `maru query` that tells values at moments: --at. Called by cmd_query with the tags
 * read; writes to the call's output.
 */
#include "app/command.h"
#include "historian/historian.h"

struct moment_question {
    struct call *call;
    struct plant *plant;
    const struct catalogue *catalogue;
    const uint32_t *tags;
    uint32_t tag_count;
    struct str list; // Times with commas.
    enum hist_interpolation interpolation;
    const struct zone *zone; // Of --tz; NULL: none.
    bool as_json;
};

/* A text as a CSV field: quoted when it holds what would break the row. */
void query_csv_text(struct buf *out, struct str text);

/* *ret_first_ns: the earliest of the times; unchanged on failure to read them. */
int query_moments(
    const struct moment_question *question, int64_t *ret_first_ns, struct err *err);

#endif
