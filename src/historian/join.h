#ifndef HISTORIAN_JOIN_H
#define HISTORIAN_JOIN_H
/*
 * Several tags side by side: joined by time and by lot.
 *
 * Definition. The result has one row for each moment t: either the points of a grid (bucket
 * boundaries of `every_ns` in `zone` that lie in [from, to)), or the times of the winning rows of a
 * leading tag in [from, to). In the row of t, the cell of a tag is
 *   JOIN_BEFORE   its winning row with the greatest time <= t,
 *   JOIN_NEAREST  its winning row whose time is nearest to t; of two equally near ones the earlier,
 * if that row is no further from t than max_age_ns (0: however far), else it is empty. Rows outside
 * [from, to) are looked at too. A row of bad quality gives a cell without a value that carries its
 * status: a machine that did not answer is not filled with an older value.
 * The lot in force at t is the value of the lot tag by JOIN_BEFORE without a greatest age; an empty
 * text, or a row of bad quality, means no lot. With a lot_key only the rows of that lot are given.
 *
 * A join belongs to one thread. It reads each tag once, in step, and holds one run of rows a tag.
 */
#include "core/buf.h"
#include "historian/historian.h"

enum { JOIN_TAGS_MAX = 64, JOIN_POINTS_MAX = 10000000 };

enum join_pick { JOIN_BEFORE, JOIN_NEAREST };

struct join_options {
    const uint32_t *tags; // Columns, in this order; a tag may stand once. Borrowed for the open.
    uint32_t tag_count;   // 1..JOIN_TAGS_MAX
    int64_t from_ns;      // INT64_MIN and INT64_MAX: all there is (with a leading tag only).
    int64_t to_ns;
    int64_t every_ns;        // The grid; 0: rows of `lead`.
    const struct zone *zone; // Of the grid; NULL: UTC. Lives as long as the join.
    uint32_t lead;           // 0: a grid.
    enum join_pick pick;
    int64_t max_age_ns;
    uint32_t lot;       // 0: none.
    struct str lot_key; // Empty: every lot. A whole number is compared as decimal text.
};

struct join_cell {
    bool has_value;
    enum value_type type; // 0: no row is near enough.
    int64_t time_ns;      // Of the row.
    uint32_t status;
    double f64;      // TYPE_F64
    int64_t i64;     // TYPE_I64, TYPE_BOOL
    struct str text; // TYPE_TEXT
};

/* Borrowed until the next call. */
struct join_row {
    int64_t time_ns;
    const struct join_cell *cells; // By tag of the options.
    const struct join_cell *lot;   // NULL without a lot tag.
};

struct join;

/* ERR_INVALID: neither or both of grid and leading tag, no tags, a grid without begin and end;
 * ERR_LIMIT: too many tags or points. */
int join_open(struct historian *historian, const struct join_options *options,
    struct join **ret_join, struct err *err);
/* 1: a row; 0: the end; negative: an error. */
int join_next(struct join *join, struct join_row *ret_row, struct err *err);
void join_close(struct join *join); // NULL is allowed.

/* As text. CSV: a line "time,NAME,...[,lot]", then a line a row, empty fields where there is no
 * value. JSON: {"columns":["time",NAME,...,["lot"]],"rows":[[time,value|null,...],...]}: the head
 * opens the array, each row is one item, the foot closes. Times are RFC 3339 in `zone` (NULL: UTC).
 */
struct join_text {
    struct buf *out;
    const struct zone *zone;
    uint32_t tag_count;
    bool as_json;
    bool with_lot;
    bool has_row; // Set by join_text_row.
};
void join_text_head(struct join_text *text, const struct str *names);
void join_text_row(struct join_text *text, const struct join_row *row);
void join_text_foot(struct join_text *text);

#endif
