#ifndef WIRE_JSON_PATH_H
#define WIRE_JSON_PATH_H
/*
 * Picks values out of a JSON text (RFC 8259) by paths, in one pass over the text and without a
 * tree. A path is a singular query of RFC 9535 (clause 2.3.5.1): `$`, `$.temp`, `$.a.b[2]`, `$['x
 * y']`,
 * `$["line 1"].온도`. A name after a dot ends at `.` or `[`; a name in quotes has no escapes and is
 * ended by the same quote. Indexes count from zero; negative ones are refused.
 *
 * Paths borrow the text they were parsed from, values borrow the scanned text. Plain values; any
 * thread; nothing is allocated.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

enum {
    JSON_PATH_STEPS_MAX = 16,
    JSON_PATH_NAME_BYTES = 256, // Of one name; longer keys of a text match nothing.
    JSON_SCAN_DEPTH_MAX = 64,   // Nested objects and arrays; deeper texts are refused.
    JSON_SCAN_PATHS_MAX = 4096, // In one pass.
};

struct json_step {
    struct str name;
    uint32_t index;
    bool is_index;
};

struct json_path {
    struct json_step steps[JSON_PATH_STEPS_MAX];
    uint32_t step_count; // 0: `$`, the whole text.
};

enum json_kind {
    JSON_ABSENT = 0, // The text has nothing at the path.
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_OBJECT,
    JSON_ARRAY
};

struct json_value {
    enum json_kind kind;
    bool boolean;
    bool is_whole;    // A number without fraction and exponent that int64_t holds.
    bool has_escapes; // Of a string.
    int64_t whole;    // Where is_whole.
    double number;    // Any number, nearest double; infinite where a double cannot hold it.
    struct str text;  // As it stands: a string without its quotes, else the whole value.
    uint32_t matched; // The scan's own.
};

/* ERR_INVALID with words that name the wrong part. */
int json_path_parse(struct str text, struct json_path *ret_path, struct err *err);

/* Reads the whole text and fills values[i] with what stands at paths[i]; of a name that stands
 * twice in one object the last counts. ERR_FRAME with the place when the text is no JSON (then no
 * value is meant to be used), ERR_LIMIT when it is nested too deeply. `count` <=
 * JSON_SCAN_PATHS_MAX. */
int json_scan(struct str text, const struct json_path *const *paths, uint32_t count,
    struct json_value *values, struct err *err);

/* What a scan tells of each value that is no object and no array (empty ones apart). */
struct json_leaf {
    struct str path; // As json_path_parse takes it; for the call only.
    struct json_value value;
};
/* Reads the whole text and calls `leaf` for each of its first `max` leaves. Errors as json_scan. */
int json_leaves(struct str text, uint32_t max,
    void (*leaf)(void *context, const struct json_leaf *leaf), void *context, struct err *err);

/* Appends a string value without its escapes; what is no character of UTF-8 becomes U+FFFD. */
void json_value_put_text(const struct json_value *value, struct buf *out);

#endif
