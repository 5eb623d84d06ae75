#ifndef PROGRAMME_GIVEN_H
#define PROGRAMME_GIVEN_H
/*
 * The input of a question in one form (docs/PROGRAMME.md, "Facts"): other names of a member become
 * the usual one, a plain role in `consortium` becomes {"role"}, a plain year or programme in `past`
 * becomes an object with the usual members. Nothing is lost: what is not known here stays as it
 * was. Private to the room.
 */
#include "core/json_in.h"

enum { GIVEN_BYTES_MAX = 8 << 20 };

/* A new object that the caller frees. ERR_INVALID: the input is no object; ERR_LIMIT. */
int given_make(const struct json_in *input, struct json_in **ret_given, struct err *err);
/* A member under any of the names that are separated by blanks; NULL: none of them. */
const struct json_in *given_any(const struct json_in *object, const char *names);

#endif
