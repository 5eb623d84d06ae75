/*
 * Growing byte buffer with a maximum.
 *
 * The capacity doubles, so n bytes cost O(n) copies; one byte more than the capacity is always
 * allocated, so that buf_z can close the text in place even at the maximum. At the maximum nothing
 * is put in part: a put that does not fit is refused whole and `overflow` stays set, and later
 * puts are refused as well, so that a cut document never looks complete.
 */
#include "core/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "core/mem.h"

enum { BUF_FIRST_BYTES = 64, NUMBER_TEXT_BYTES = 32 };

void buf_init(struct buf *buf, size_t max_bytes) {
    // One byte is kept back for the NUL of buf_z.
    *buf = (struct buf){.max = max_bytes < PTRDIFF_MAX ? max_bytes : PTRDIFF_MAX - 1};
}

void buf_fini(struct buf *buf) {
    mem_free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf) {
    buf->size = 0;
    buf->overflow = false;
}

static void buf_grow(struct buf *buf, size_t need) {
    size_t capacity = buf->capacity < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : buf->capacity;
    while (capacity < need) {
        capacity = capacity > buf->max / 2 ? buf->max : capacity * 2;
    }
    capacity = capacity > buf->max ? buf->max : capacity;
    buf->data = mem_resize(buf->data, capacity + 1);
    buf->capacity = capacity;
}

uint8_t *buf_reserve(struct buf *buf, size_t size) {
    if (__builtin_expect(buf->overflow || size > buf->max - buf->size, 0)) {
        buf->overflow = true;
        return NULL;
    }
    if (__builtin_expect(!buf->data || size > buf->capacity - buf->size, 0)) {
        buf_grow(buf, buf->size + size);
    }
    return buf->data + buf->size;
}

void buf_commit(struct buf *buf, size_t size) {
    CHECK(size <= buf->capacity - buf->size);
    buf->size += size;
}

void buf_put(struct buf *buf, const void *bytes, size_t size) {
    uint8_t *to = size > 0 ? buf_reserve(buf, size) : NULL;
    if (to) {
        memcpy(to, bytes, size);
        buf->size += size;
    }
}

void buf_put_str(struct buf *buf, struct str text) {
    buf_put(buf, text.data, text.size);
}

void buf_put_char(struct buf *buf, char c) {
    uint8_t *to = buf_reserve(buf, 1);
    if (to) {
        *to = (uint8_t)c;
        buf->size++;
    }
}

void buf_put_i64(struct buf *buf, int64_t value) {
    char text[NUMBER_TEXT_BYTES];
    buf_put(buf, text, i64_to_text(value, text));
}

void buf_put_f64(struct buf *buf, double value) {
    char text[NUMBER_TEXT_BYTES];
    buf_put(buf, text, f64_to_text(value, text));
}

void buf_printf(struct buf *buf, const char *format, ...) {
    // The first try often fits into what is there; else the exact size is known.
    size_t left = buf->data ? buf->capacity - buf->size + 1 : 0;
    va_list args;
    va_start(args, format);
    int size = vsnprintf(left > 0 ? (char *)buf->data + buf->size : NULL, left, format, args);
    va_end(args);
    CHECK(size >= 0);
    uint8_t *to = buf_reserve(buf, (size_t)size);
    if (to && (size_t)size >= left) {
        va_start(args, format);
        (void)vsnprintf((char *)to, (size_t)size + 1, format, args); // Cannot differ from above.
        va_end(args);
    }
    buf->size += to ? (size_t)size : 0;
}

void buf_drop_front(struct buf *buf, size_t size) {
    CHECK(size <= buf->size);
    buf->size -= size;
    if (buf->size > 0 && size > 0) {
        memmove(buf->data, buf->data + size, buf->size);
    }
}

struct str buf_str(const struct buf *buf) {
    return buf->data ? (struct str){(const char *)buf->data, buf->size} : STR_NONE;
}

const char *buf_z(struct buf *buf) {
    if (!buf->data) {
        buf_grow(buf, 0);
    }
    buf->data[buf->size] = 0;
    return (const char *)buf->data;
}
