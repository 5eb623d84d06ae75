#ifndef SERVE_JSON_IN_H
#define SERVE_JSON_IN_H
/*
 * JSON bodies of requests: one object of a few known members. Wrong type, unknown or double
 * members and missing ones are refused in words that name them. json_in.c alone includes jansson.
 * One owner; texts are borrowed from the object until json_in_free.
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

#endif
