#ifndef APP_QUERY_JOIN_H
#define APP_QUERY_JOIN_H
/*
 * The part of `maru query` that joins: --join with its own options. Called by cmd_query with the
 * tags and the range read; writes to the call's output.
 */
#include "app/command.h"

struct join_question {
    struct call *call;
    struct plant *plant;
    const struct catalogue *catalogue;
    const uint32_t *tags;
    uint32_t tag_count;
    int64_t from_ns;
    int64_t to_ns;
    int64_t every_ns;        // 0: not given.
    const struct zone *zone; // Of --tz; NULL: none.
    bool as_json;
};

int query_join(const struct join_question *question, struct err *err);

#endif
