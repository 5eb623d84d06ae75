#ifndef PROGRAMME_FACTS_H
#define PROGRAMME_FACTS_H
/*
 * Tests over facts (docs/PROGRAMME.md, "Rules"), in Kleene's three-valued logic: what is not known
 * stays not known until something else decides. Tests are a programme's data, facts the input of a
 * question. One owner; tests only read, so any thread may ask the same facts. Private to the room.
 */
#include "programme/programme.h"

enum truth { TRUTH_NO = -1, TRUTH_UNKNOWN = 0, TRUTH_YES = 1 };
enum { FACTS_DEPTH_MAX = 16, TRACE_MAX = 12 }; // A test nested deeper is not known.

struct facts {
    const struct programme *programme;
    const struct json_in *type; // May be NULL.
    struct json_in *given;      // Owned: the input in one form.
};

/* What a test looked at; texts are borrowed from facts and programme. What is beyond TRACE_MAX is
 * not listed. */
struct trace {
    struct str missing[TRACE_MAX]; // Facts that are not given, or not readable here.
    uint32_t missing_count;
    struct {
        struct str path;
        const struct json_in *value;
        int32_t limit; // The day it was compared with, where that had a time added; else DAY_NONE.
    } seen[TRACE_MAX];
    uint32_t seen_count;
    bool region; // An address was compared with the programme's region.
};

int facts_open(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct facts *ret_facts, struct err *err);
void facts_close(struct facts *facts);

/* `element` is where paths start; NULL: the whole input. `trace` is added to. */
enum truth facts_test(const struct facts *facts, const struct json_in *element,
    const struct json_in *test, struct trace *trace);
/* A fact by its path; NULL: not given. */
const struct json_in *facts_find(
    const struct facts *facts, const struct json_in *element, struct str path);
/* The setting of an option of a discrepancy: the input's `options`, else its default; empty: the
 * programme has no such option. */
struct str facts_option(
    const struct programme *programme, const struct json_in *input, struct str name);
/* How many an element of a list stands for: its whole `count`, else 1. */
int64_t facts_weight(const struct json_in *element);
/* The trace's missing facts, or "path: value" of those seen, as one line. */
struct buf;
void trace_put_missing(const struct trace *trace, struct buf *out);
void trace_put_seen(const struct trace *trace, struct buf *out);

#endif
