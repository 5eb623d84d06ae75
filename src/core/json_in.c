/*
 * Request bodies and documents through jansson, which alone is included here.
 *
 * jansson builds a tree; that is right for bodies of a few hundred bytes (at most HTTP_SMALL_BODY_
 * BYTES by the route table) and documents of some kilobytes, and would be wrong for samples, which
 * come as line protocol. Objects keep the order in which they were written. Its own recursion stops
 * at 2,048 levels (JSON_PARSER_MAX_DEPTH). Double members are refused (JSON_REJECT_DUPLICATES): two
 * readers of one document must not see two different values.
 */
#include "core/json_in.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "core/buf.h"
#include "core/mem.h"

struct json_in {
    json_t root;
};

/* Our opaque type is jansson's, seen from outside. */
static json_t *root_of(const struct json_in *object) {
    union {
        const struct json_in *in;
        json_t *out;
    } both = {.in = object}; // jansson counts references inside; reading needs no const cast.
    return both.out;
}

int json_in_parse(struct str text, struct json_in **ret_object, struct err *err) {
    json_error_t error;
    json_t *root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        return err_set(err, ERR_INVALID, MSG_CORE_JSON_INVALID,
            ARGS(A_INT(error.line), A_INT(error.column), A_CSTR(error.text)));
    }
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(err, ERR_INVALID, MSG_CORE_JSON_OBJECT, NO_ARGS);
    }
    *ret_object = (struct json_in *)root;
    return 0;
}

void json_in_free(struct json_in *object) {
    json_decref(root_of(object)); // NULL is allowed there too.
}

void json_in_auto_free(struct json_in **object) {
    json_in_free(*object);
}

int json_in_only(const struct json_in *object, const char *const *names, struct err *err) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(root_of(object), key, value) {
        size_t i = 0;
        while (names[i] && strcmp(names[i], key) != 0) {
            i++;
        }
        if (!names[i]) {
            return err_set(err, ERR_INVALID, MSG_CORE_JSON_UNKNOWN, ARGS(A_CSTR(key)));
        }
    }
    return 0;
}

bool json_in_has(const struct json_in *object, const char *name) {
    return json_object_get(root_of(object), name) != NULL;
}

/* The member, or NULL when absent or null. */
static json_t *member(const struct json_in *object, const char *name) {
    json_t *value = json_object_get(root_of(object), name);
    return value && !json_is_null(value) ? value : NULL;
}

static int wrong_type(const char *name, const char *expected, struct err *err) {
    return err_set(err, ERR_TYPE, MSG_CORE_JSON_TYPE, ARGS(A_CSTR(name), A_CSTR(expected)));
}

int json_in_str(const struct json_in *object, const char *name, size_t max_bytes,
    struct str *ret_value, struct err *err) {
    json_t *value = member(object, name);
    if (!value) {
        return 0;
    }
    if (!json_is_string(value)) {
        return wrong_type(name, "string", err);
    }
    struct str text = {json_string_value(value), json_string_length(value)};
    if (text.size > max_bytes) {
        return err_set(
            err, ERR_LIMIT, MSG_CORE_JSON_TOO_LONG, ARGS(A_CSTR(name), A_INT(max_bytes)));
    }
    *ret_value = text;
    return 1;
}

int json_in_need_str(const struct json_in *object, const char *name, size_t max_bytes,
    struct str *ret_value, struct err *err) {
    struct str text = STR_NONE;
    int rc = json_in_str(object, name, max_bytes, &text, err);
    if (rc >= 0 && text.size == 0) {
        return err_set(err, ERR_INVALID, MSG_CORE_JSON_MISSING, ARGS(A_CSTR(name)));
    }
    if (rc > 0) {
        *ret_value = text;
    }
    return rc;
}

int json_in_f64(
    const struct json_in *object, const char *name, double *ret_value, struct err *err) {
    json_t *value = member(object, name);
    if (!value) {
        return 0;
    }
    if (!json_is_number(value)) {
        return wrong_type(name, "number", err);
    }
    *ret_value = json_number_value(value);
    return 1;
}

int json_in_i64(
    const struct json_in *object, const char *name, int64_t *ret_value, struct err *err) {
    json_t *value = member(object, name);
    if (!value) {
        return 0;
    }
    if (!json_is_integer(value)) {
        return wrong_type(name, "integer", err);
    }
    *ret_value = json_integer_value(value);
    return 1;
}

int json_in_bool(const struct json_in *object, const char *name, bool *ret_value, struct err *err) {
    json_t *value = member(object, name);
    if (!value) {
        return 0;
    }
    if (!json_is_boolean(value)) {
        return wrong_type(name, "boolean", err);
    }
    *ret_value = json_is_true(value);
    return 1;
}

int json_in_texts(const struct json_in *object, const char *name, struct str *ret_values,
    uint32_t max, struct err *err) {
    json_t *value = member(object, name);
    if (!value) {
        return 0;
    }
    if (!json_is_array(value)) {
        return wrong_type(name, "array of strings", err);
    }
    size_t count = json_array_size(value);
    if (count > max) {
        return err_set(err, ERR_LIMIT, MSG_CORE_JSON_TOO_MANY, ARGS(A_CSTR(name), A_INT(max)));
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        if (!json_is_string(item)) {
            return wrong_type(name, "array of strings", err);
        }
        ret_values[i] = (struct str){json_string_value(item), json_string_length(item)};
    }
    return (int)count;
}

int json_in_object(const struct json_in *object, const char *name,
    const struct json_in **ret_object, struct err *err) {
    json_t *value = member(object, name);
    if (!value) {
        return 0;
    }
    if (!json_is_object(value)) {
        return wrong_type(name, "object", err);
    }
    *ret_object = (const struct json_in *)value;
    return 1;
}

int json_in_each(const struct json_in *object, const char *name, uint32_t max,
    int (*each)(void *context, const struct json_in *item, struct err *err), void *context,
    struct err *err) {
    json_t *list = member(object, name);
    size_t i = 0;
    json_t *item = NULL;
    if (!list) {
        return 0;
    }
    if (!json_is_array(list)) {
        return wrong_type(name, "list", err);
    }
    if (json_array_size(list) > max) {
        return err_set(err, ERR_LIMIT, MSG_CORE_JSON_TOO_MANY, ARGS(A_CSTR(name), A_INT(max)));
    }
    json_array_foreach(list, i, item) {
        int rc = json_is_object(item) ? each(context, (const struct json_in *)item, err)
                                      : wrong_type(name, "list of objects", err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* A double as decimals without an exponent, where those say the same. */
static struct str decimals_of(double value, struct arena *arena) {
    char text[48];
    size_t size = f64_to_text(value, text);
    if (memchr(text, 'e', size) != NULL) {
        char plain[48];
        double again = 0;
        int length = snprintf(plain, sizeof plain, "%.12f", value);
        while (length > 0 && plain[length - 1] == '0') {
            length--;
        }
        length -= length > 0 && plain[length - 1] == '.';
        if (length > 0 && (size_t)length < sizeof plain &&
            str_to_f64((struct str){plain, (size_t)length}, &again) && again == value) {
            return arena_copy(arena, (struct str){plain, (size_t)length});
        }
    }
    return arena_copy(arena, (struct str){text, size});
}

/* False: an object or an array. An absent text (data NULL): null. */
static bool text_of(const json_t *value, struct arena *arena, struct str *ret_text) {
    char digits[24];
    switch (json_typeof(value)) {
    case JSON_STRING:
        *ret_text =
            arena_copy(arena, (struct str){json_string_value(value), json_string_length(value)});
        return true;
    case JSON_INTEGER:
        *ret_text =
            arena_copy(arena, (struct str){digits, i64_to_text(json_integer_value(value), digits)});
        return true;
    case JSON_REAL: *ret_text = decimals_of(json_real_value(value), arena); return true;
    case JSON_TRUE: *ret_text = STR("true"); return true;
    case JSON_FALSE: *ret_text = STR("false"); return true;
    case JSON_NULL: *ret_text = (struct str){.data = NULL}; return true;
    case JSON_OBJECT:
    case JSON_ARRAY: break;
    }
    return false;
}

int json_in_walk(const struct json_in *object, struct arena *arena,
    int (*each)(void *context, struct str name, struct str value, struct err *err), void *context,
    struct err *err) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(root_of(object), key, value) {
        struct str name = arena_copy(arena, str_of(key));
        size_t count = json_is_array(value) ? json_array_size(value) : 1;
        for (size_t i = 0; i < count; i++) {
            const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
            struct str text = STR_NONE;
            int rc = text_of(item, arena, &text) ? 0 : wrong_type(key, "string or number", err);
            if (rc >= 0 && text.data != NULL) {
                rc = each(context, name, text, err);
            }
            if (rc < 0) {
                return rc;
            }
        }
    }
    return 0;
}

enum json_kind json_in_kind(const struct json_in *value) {
    if (!value) {
        return JSON_KIND_NONE;
    }
    switch (json_typeof(root_of(value))) {
    case JSON_OBJECT: return JSON_KIND_OBJECT;
    case JSON_ARRAY: return JSON_KIND_LIST;
    case JSON_STRING: return JSON_KIND_TEXT;
    case JSON_INTEGER:
    case JSON_REAL: return JSON_KIND_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE: return JSON_KIND_BOOL;
    case JSON_NULL: break;
    }
    return JSON_KIND_NONE;
}

const struct json_in *json_in_get(const struct json_in *object, const char *name) {
    return json_in_kind(object) == JSON_KIND_OBJECT ? (const struct json_in *)member(object, name)
                                                    : NULL;
}

const struct json_in *json_in_find(const struct json_in *object, struct str name) {
    if (json_in_kind(object) != JSON_KIND_OBJECT || name.size == 0) {
        return NULL;
    }
    json_t *value = json_object_getn(root_of(object), name.data, name.size);
    return value && !json_is_null(value) ? (const struct json_in *)value : NULL;
}

size_t json_in_count(const struct json_in *value) {
    enum json_kind kind = json_in_kind(value);
    return kind == JSON_KIND_LIST     ? json_array_size(root_of(value))
           : kind == JSON_KIND_OBJECT ? json_object_size(root_of(value))
                                      : 0;
}

const struct json_in *json_in_at(const struct json_in *list, size_t index) {
    return json_in_kind(list) == JSON_KIND_LIST
               ? (const struct json_in *)json_array_get(root_of(list), index)
               : NULL;
}

bool json_in_next(const struct json_in *object, size_t *at, struct str *ret_name,
    const struct json_in **ret_value) {
    if (json_in_kind(object) != JSON_KIND_OBJECT) {
        return false;
    }
    void *place = json_object_iter(root_of(object));
    for (size_t i = 0; place && i < *at; i++) {
        place = json_object_iter_next(root_of(object), place);
    }
    if (!place) {
        return false;
    }
    *ret_name = str_of(json_object_iter_key(place));
    *ret_value = (const struct json_in *)json_object_iter_value(place);
    (*at)++;
    return true;
}

struct str json_in_text(const struct json_in *value) {
    return json_in_kind(value) == JSON_KIND_TEXT
               ? (struct str){json_string_value(root_of(value)), json_string_length(root_of(value))}
               : STR_NONE;
}

bool json_in_true(const struct json_in *value) {
    return value && json_is_true(root_of(value));
}

bool json_in_number(const struct json_in *value, double *ret_value) {
    if (json_in_kind(value) != JSON_KIND_NUMBER) {
        return false;
    }
    *ret_value = json_number_value(root_of(value));
    return true;
}

bool json_in_whole(const struct json_in *value, int64_t *ret_value) {
    double real = 0;
    if (!json_in_number(value, &real)) {
        return false;
    }
    if (json_is_integer(root_of(value))) {
        *ret_value = json_integer_value(root_of(value));
        return true;
    }
    if (real < -9e15 || real > 9e15 || real != (double)(int64_t)real) {
        return false;
    }
    *ret_value = (int64_t)real;
    return true;
}

static int put_piece(const char *text, size_t size, void *out) {
    buf_put(out, text, size);
    return 0;
}

void json_in_put(const struct json_in *value, struct buf *out) {
    if (!value) {
        buf_put_str(out, STR("null"));
        return;
    }
    (void)json_dump_callback(root_of(value), put_piece, out, JSON_COMPACT | JSON_ENCODE_ANY);
}
