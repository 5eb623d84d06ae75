#ifndef REFINE_DERIVED_H
#define REFINE_DERIVED_H
/*
 * Derived tags: tags whose values are computed from others. Such a tag has no device, and its
 * source begins with '=': "= tag('press1.temp') * 1.8 + 32". docs/HTTP.md tells the language.
 *
 * When. At each moment at which an input has a new row, in order of time, each derived tag of it is
 * computed once, inputs before what depends on them. The row's time is that of the newest input: if
 * another input is ahead, the row is a new version of the one computed for it. Rows that came late,
 * omitted rows and corrections bring nothing about. What an input is worth is its newest row at
 * that moment. So the same rows in the same batches give the same results, unless an expression is
 * so slow that it has to rest (derived.c).
 *
 * What. A bad input makes the result bad (BadNoData), an uncertain one uncertain, unless the
 * expression handles it (good(), tag(name, otherwise)). nil makes no row. A result that fails or
 * does not fit the tag's type gives a bad row (BadConfigurationError); others go on. A result
 * outside the tag's valid range is marked uncertain. No other stage runs over results.
 *
 * One owner thread (the pipeline), but for derived_is, derived_needs and derived_check (any).
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/err.h"
#include "model/tag.h"

enum {
    DERIVED_NEEDS_MAX = 32,         // Inputs of one expression.
    DERIVED_ROWS_MAX = 10000,       // Rows of a window.
    DERIVED_SPAN_MAX_S = 7 * 86400, // Seconds of a window.
};

/* What an expression needs of one tag. */
struct derived_need {
    struct str name; // Lives in the source.
    uint32_t rows;   // Of the longest window by rows; at least 2: the newest and the one before.
    int64_t span_ns; // Of the longest window by time; 0: none.
};

bool derived_is(const struct tag *tag); // No device, a source that begins with '='.
/* The inputs of a source, each once. Count, or ERR_INVALID with words. */
int derived_needs(
    struct str source, struct derived_need ret_needs[DERIVED_NEEDS_MAX], struct err *err);

/* The present state of things for a check: the source of a tag (empty for others). 1: there is one;
 * 0: no such tag; negative: an error. */
struct derived_lookup {
    void *context;
    int (*source_of)(void *context, struct str name, struct str *ret_source, struct err *err);
};
/* Before a derived tag is stored: that its expression compiles, its inputs are there and do not
 * depend on it. ERR_INVALID, ERR_NOT_FOUND with words. */
int derived_check(const struct tag *tag, const struct derived_lookup *lookup, struct err *err);

struct derived;

/* Makes what the catalogue's derived tags need; NULL when it has none. Borrows nothing. Each
 * input's state is empty until derived_feed. */
struct derived *derived_new(const struct catalogue *catalogue, const struct clock *clock);
void derived_free(struct derived *derived); // NULL is allowed.
/* The inputs, to be fed with stored rows before the first run; false behind the last. `rows` is how
 * many of the newest are wanted, `span_ns` how far back. */
bool derived_input(const struct derived *derived, uint32_t index, uint32_t *ret_tag,
    uint32_t *ret_rows, int64_t *ret_span_ns);
/* Tells a stored row of an input, in order of time. Computes nothing. */
void derived_feed(struct derived *derived, const struct sample *row, struct str text);
/* Takes the batch's rows and adds those of derived tags at its end (counted in batch->made). The
 * batch is enlarged as needed, up to LIMIT_BATCH_MADE_ROWS; what does not fit is not computed and
 * counted. Returns how many rows were added. */
uint32_t derived_run(struct derived *derived, struct batch *batch);

struct derived_status {
    uint32_t tags;
    uint64_t computed;
    uint64_t failed;     // Rows that say so.
    uint64_t left_out;   // Did not fit into a batch.
    uint32_t failed_tag; // Of the newest failure, and why, in words.
    struct err error;
};
void derived_status(const struct derived *derived, struct derived_status *ret_status);

#endif
