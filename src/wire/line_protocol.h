#ifndef WIRE_LINE_PROTOCOL_H
#define WIRE_LINE_PROTOCOL_H
/*
 * InfluxDB line protocol into batches of samples. The tag of a point is the measurement, the tag
 * values in the order of their keys, and the field unless it is `value`, joined by dots.
 *
 * A parser keeps what it learned (which text means which tag) from body to body of one plant, so a
 * steady sender costs one comparison a point. One owner; no allocation per point.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "model/sample.h"

enum {
    LINE_ERRORS_MAX = 100,     // Kept with words; further bad lines are only counted.
    LINE_FIELDS_MAX = 256,     // Of one line.
    LINE_PAIRS_MAX = 16,       // Tag pairs of one line; a name has four parts at most anyway.
    LINE_SERIES_MAX = 1 << 18, // Texts kept; beyond, all are forgotten and learned anew.
    LINE_SERIES_BYTES = 32 << 20,
    LINE_PENDING_MAX = 100000, // New tags of one body: as many as a plant may have.
};

/* A row of a tag that does not exist yet carries this bit and the index of the new series. */
#define LINE_PENDING 0x80000000u

struct line_parser;

struct line_options {
    int64_t unit_ns;   // Of the times in the text: 1, 1000, ...
    int64_t now_ns;    // For points without a time; a day later is the latest that is taken.
    const void *owner; // The plant: a change makes the parser forget.
    void *context;
    /* Whether the tag exists: then its number and type. */
    bool (*find)(void *context, struct str name, uint32_t *ret_tag, enum value_type *ret_type);
    /* The next empty batch to fill, or NULL when the caller takes no more. */
    struct batch *(*next)(void *context);
};

struct line_error {
    uint64_t line;   // From 1.
    uint64_t column; // Byte of the line, from 1.
    struct err err;
};

/* A tag that is not there yet: to be made with the type of its first value. */
struct line_series {
    struct str name; // Until the next line_parse.
    enum value_type type;
};

struct line_parser *line_parser_new(void);
void line_parser_free(struct line_parser *parser); // NULL is allowed.
/* Parses a whole body. 0: every line was good and all rows are in the batches; positive: that many
 * bad lines (the rows must not be used); -ERR_LIMIT: `next` gave no batch, or too many new tags. */
int64_t line_parse(struct line_parser *parser, const struct line_options *options, struct str text,
    struct err *err);
uint64_t line_row_count(const struct line_parser *parser); // Of the last body.
/* The first bad lines, in order. */
uint32_t line_errors(const struct line_parser *parser, const struct line_error **ret_errors);
uint32_t line_pending_count(const struct line_parser *parser);
struct line_series line_pending(const struct line_parser *parser, uint32_t index);
/* Tells the number the new tag got, for the bodies to come. */
void line_pending_set(struct line_parser *parser, uint32_t index, uint32_t tag);

#endif
