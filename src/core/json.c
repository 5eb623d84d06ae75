/*
 * Streaming JSON writer (RFC 8259).
 *
 * Text goes straight into the buffer; the only state is the nesting depth and whether the open
 * container already holds an item, so commas place themselves. Misuse (a value without its key,
 * closing what is not open) is a mistake of ours and checked in debug builds. Overflow needs no
 * checks here: the buffer's flag is sticky.
 *
 * Numbers that a JavaScript reader would silently change are written as strings: integers beyond
 * 2^53 and "nan", "inf", "-inf". Strings are copied in runs between characters that need work:
 * controls, quote, backslash and malformed UTF-8, of which each bad byte becomes U+FFFD.
 */
#include "core/json.h"

#include <math.h>
#include <string.h>

#include "core/check.h"
#include "core/json_in.h"
#include "core/time.h"

enum { VALUE_BYTES_MAX = 64 << 20 }; // Of a part that is copied: beyond what bodies may be.

static const int64_t INTEGER_EXACT_MAX = 1LL << 53;

void json_init(struct json *json, struct buf *out) {
    *json = (struct json){.out = out};
}

/* Comma or nothing, before a key or an array's value. */
static void item_begin(struct json *json) {
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->has_item[json->depth]) {
        buf_put_char(json->out, ',');
    }
    json->has_item[json->depth] = true;
}

static void container_begin(struct json *json, char open) {
    item_begin(json);
    CHECK(json->depth < JSON_DEPTH_MAX);
    buf_put_char(json->out, open);
    json->depth++;
    json->has_item[json->depth] = false;
}

static void container_end(struct json *json, char close) {
    CHECK(json->depth > 0);
    DCHECK(!json->after_key);
    json->depth--;
    buf_put_char(json->out, close);
}

void json_object_begin(struct json *json) {
    container_begin(json, '{');
}

void json_object_end(struct json *json) {
    container_end(json, '}');
}

void json_array_begin(struct json *json) {
    container_begin(json, '[');
}

void json_array_end(struct json *json) {
    container_end(json, ']');
}

static void put_escape(struct buf *out, unsigned char c) {
    static const char HEX[] = "0123456789abcdef";
    switch (c) {
    case '"': buf_put_str(out, STR("\\\"")); break;
    case '\\': buf_put_str(out, STR("\\\\")); break;
    case '\n': buf_put_str(out, STR("\\n")); break;
    case '\r': buf_put_str(out, STR("\\r")); break;
    case '\t': buf_put_str(out, STR("\\t")); break;
    default: {
        const char text[] = {'\\', 'u', '0', '0', HEX[c >> 4], HEX[c & 0xF]};
        buf_put(out, text, sizeof text);
    }
    }
}

static bool is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void put_string(struct buf *out, struct str value) {
    buf_put_char(out, '"');
    size_t run = 0; // Start of what is not yet copied.
    size_t i = 0;
    while (i < value.size) {
        unsigned char c = (unsigned char)value.data[i];
        if (is_plain(c)) {
            i++;
            continue;
        }
        size_t length = c < 0x80 ? 0 : str_utf8_length(value, i);
        if (length > 0) {
            i += length;
            continue;
        }
        buf_put_str(out, str_slice(value, run, i));
        if (c < 0x80) {
            put_escape(out, c);
        } else {
            buf_put_str(out, STR("\xEF\xBF\xBD"));
        }
        i++;
        run = i;
    }
    buf_put_str(out, str_slice(value, run, i));
    buf_put_char(out, '"');
}

void json_key_str(struct json *json, struct str key) {
    DCHECK(json->depth > 0 && !json->after_key);
    item_begin(json);
    put_string(json->out, key);
    buf_put_char(json->out, ':');
    json->after_key = true;
}

void json_key(struct json *json, const char *key) {
    json_key_str(json, str_of(key));
}

void json_str(struct json *json, struct str value) {
    item_begin(json);
    put_string(json->out, value);
}

void json_i64(struct json *json, int64_t value) {
    item_begin(json);
    bool exact = value >= -INTEGER_EXACT_MAX && value <= INTEGER_EXACT_MAX;
    if (!exact) {
        buf_put_char(json->out, '"');
    }
    buf_put_i64(json->out, value);
    if (!exact) {
        buf_put_char(json->out, '"');
    }
}

void json_f64(struct json *json, double value) {
    item_begin(json);
    bool finite = isfinite(value);
    if (!finite) {
        buf_put_char(json->out, '"');
    }
    buf_put_f64(json->out, value);
    if (!finite) {
        buf_put_char(json->out, '"');
    }
}

void json_bool(struct json *json, bool value) {
    json_raw(json, value ? STR("true") : STR("false"));
}

void json_null(struct json *json) {
    json_raw(json, STR("null"));
}

void json_raw(struct json *json, struct str text) {
    item_begin(json);
    buf_put_str(json->out, text);
}

void json_put_str(struct json *json, const char *key, struct str value) {
    json_key(json, key);
    json_str(json, value);
}

void json_put_i64(struct json *json, const char *key, int64_t value) {
    json_key(json, key);
    json_i64(json, value);
}

void json_put_f64(struct json *json, const char *key, double value) {
    json_key(json, key);
    json_f64(json, value);
}

void json_put_bool(struct json *json, const char *key, bool value) {
    json_key(json, key);
    json_bool(json, value);
}

void json_put_null(struct json *json, const char *key) {
    json_key(json, key);
    json_null(json);
}

void json_put_time(struct json *json, const char *key, int64_t time_ns) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(time_ns, NULL, text);
    json_put_str(json, key, (struct str){text, size});
}

void json_value(struct json *json, const struct json_in *value) {
    AUTO_BUF struct buf text;
    buf_init(&text, VALUE_BYTES_MAX);
    json_in_put(value, &text);
    json_raw(json, buf_str(&text));
}

void json_put_value(struct json *json, const char *key, const struct json_in *value) {
    json_key(json, key);
    json_value(json, value);
}
