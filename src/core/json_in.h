#ifndef CORE_JSON_IN_H
#define CORE_JSON_IN_H
/*
 * JSON that comes from outside. Bodies of requests: one object of a few known members; wrong type,
 * unknown or double members and missing ones are refused in words that name them. Documents whose
 * form is data (a programme, the facts of a case): values of any shape, looked at and walked.
 * json_in.c alone includes jansson. One owner; texts and parts are borrowed from the whole until
 * json_in_free. Reading an object that nobody changes is any thread's.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct json_in;

/* ERR_INVALID with line and column. */
int json_in_parse(struct str text, struct json_in **ret_object, struct err *err);
void json_in_free(struct json_in *object); // NULL is allowed.
void json_in_auto_free(struct json_in **object);
#define AUTO_JSON_IN __attribute__((cleanup(json_in_auto_free)))
/* Refuses members that are not among `names` (ended by NULL). */
int json_in_only(const struct json_in *object, const char *const *names, struct err *err);
bool json_in_has(const struct json_in *object, const char *name); // Also when it is null.
/* Each: 1 and *ret_value set; 0 when absent or null (*ret_value untouched); negative: wrong type,
 * ERR_TYPE. A text longer than max_bytes is ERR_LIMIT. */
int json_in_str(const struct json_in *object, const char *name, size_t max_bytes,
    struct str *ret_value, struct err *err);
int json_in_f64(const struct json_in *object, const char *name, double *ret_value, struct err *err);
int json_in_i64(
    const struct json_in *object, const char *name, int64_t *ret_value, struct err *err);
int json_in_bool(const struct json_in *object, const char *name, bool *ret_value, struct err *err);
/* Calls `each` for every object of a list; 0 when the list is absent. ERR_TYPE: another shape,
 * ERR_LIMIT: more than `max`. The item is borrowed for the call. */
int json_in_each(const struct json_in *object, const char *name, uint32_t max,
    int (*each)(void *context, const struct json_in *item, struct err *err), void *context,
    struct err *err);
/* Like json_in_str, but the member must be there and not empty. */
int json_in_need_str(const struct json_in *object, const char *name, size_t max_bytes,
    struct str *ret_value, struct err *err);
/* An array of texts: how many; 0 when absent or null. ERR_LIMIT beyond `max`. */
int json_in_texts(const struct json_in *object, const char *name, struct str *ret_values,
    uint32_t max, struct err *err);
/* Calls `each` for every member that says something, in the object's order, an array once for each
 * of its elements: texts as they are, numbers as their shortest decimals, true and false as these
 * words; null is left out. ERR_TYPE: an object inside, or an array in an array. Names and
 * texts live in the arena. */
struct arena;
int json_in_walk(const struct json_in *object, struct arena *arena,
    int (*each)(void *context, struct str name, struct str value, struct err *err), void *context,
    struct err *err);
/* An object inside, borrowed from the outer one: do not free it. */
int json_in_object(const struct json_in *object, const char *name,
    const struct json_in **ret_object, struct err *err);

/* ---- Values of any shape ---- */

enum json_kind {
    JSON_KIND_NONE, // Absent (NULL) or null.
    JSON_KIND_BOOL,
    JSON_KIND_NUMBER,
    JSON_KIND_TEXT,
    JSON_KIND_LIST,
    JSON_KIND_OBJECT
};
/* All of these take NULL as "absent". A value is a part of the whole that json_in_parse made; do
 * not free it. */
enum json_kind json_in_kind(const struct json_in *value);
/* A member of an object; NULL: absent, null, or `object` is none. */
const struct json_in *json_in_get(const struct json_in *object, const char *name);
/* The same by a name that is a slice. */
const struct json_in *json_in_find(const struct json_in *object, struct str name);
/* Elements of a list or members of an object; 0 for anything else. */
size_t json_in_count(const struct json_in *value);
const struct json_in *json_in_at(const struct json_in *list, size_t index); // NULL past the end.
/* The first member of an object whose number is at least *at, which becomes its number plus one;
 * false at the end: size_t at = 0; while (json_in_next(object, &at, &name, &value)) ... */
bool json_in_next(const struct json_in *object, size_t *at, struct str *ret_name,
    const struct json_in **ret_value);
struct str json_in_text(const struct json_in *value); // Empty unless a text.
bool json_in_true(const struct json_in *value);       // Only true itself.
/* False unless a number; whole also refuses fractions and what is beyond int64. */
bool json_in_number(const struct json_in *value, double *ret_value);
bool json_in_whole(const struct json_in *value, int64_t *ret_value);
/* The value as compact JSON; `null` where it is absent. */
struct buf;
void json_in_put(const struct json_in *value, struct buf *out);

#endif
