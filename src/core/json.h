#ifndef CORE_JSON_H
#define CORE_JSON_H
/*
 * Streaming JSON writer: puts text into a buf, places commas itself, never builds a tree.
 * Strings are escaped; invalid UTF-8 becomes U+FFFD. Integers beyond 2^53, NaN and infinities are
 * written as strings (docs/HTTP.md), because JSON readers would change them. One owner.
 */
#include "core/buf.h"

enum { JSON_DEPTH_MAX = 32 };

struct json {
    struct buf *out;
    int depth;
    bool has_item[JSON_DEPTH_MAX + 1]; // Whether the open container already holds something.
    bool after_key;
};

void json_init(struct json *json, struct buf *out);
void json_object_begin(struct json *json);
void json_object_end(struct json *json);
void json_array_begin(struct json *json);
void json_array_end(struct json *json);
void json_key(struct json *json, const char *key);
void json_key_str(struct json *json, struct str key); // A name that came from outside, whole.
void json_str(struct json *json, struct str value);
void json_i64(struct json *json, int64_t value);
void json_f64(struct json *json, double value);
void json_bool(struct json *json, bool value);
void json_null(struct json *json);
void json_raw(struct json *json, struct str text); // Already JSON.

/* Key and value in one. */
void json_put_str(struct json *json, const char *key, struct str value);
void json_put_i64(struct json *json, const char *key, int64_t value);
void json_put_f64(struct json *json, const char *key, double value);
void json_put_bool(struct json *json, const char *key, bool value);
void json_put_null(struct json *json, const char *key);
/* A part of a document that came from outside (core/json_in.h); null where it is absent. */
struct json_in;
void json_value(struct json *json, const struct json_in *value);
void json_put_value(struct json *json, const char *key, const struct json_in *value);
void json_put_time(struct json *json, const char *key, int64_t time_ns); // RFC 3339, UTC.

#endif
