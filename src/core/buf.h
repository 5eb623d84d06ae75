#ifndef CORE_BUF_H
#define CORE_BUF_H
/*
 * A byte buffer that grows up to a maximum given at birth. When the maximum is reached, further
 * puts are refused and `overflow` stays set (sticky), so that a writer may check once at the end.
 * One owner; not thread-safe.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

struct buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t max; // Bytes.
    bool overflow;
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_fini(struct buf *buf);
void buf_clear(struct buf *buf); // Keeps the memory, clears `overflow`.
/* Room for `size` more bytes at the end, or NULL at the maximum; buf_commit claims them. */
uint8_t *buf_reserve(struct buf *buf, size_t size);
void buf_commit(struct buf *buf, size_t size);
void buf_put(struct buf *buf, const void *bytes, size_t size);
void buf_put_str(struct buf *buf, struct str text);
void buf_put_char(struct buf *buf, char c);
void buf_put_i64(struct buf *buf, int64_t value);
void buf_put_f64(struct buf *buf, double value); // Shortest round-trip form.
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_drop_front(struct buf *buf, size_t size);
struct str buf_str(const struct buf *buf);
/* NUL-terminated view; the NUL is not counted. Never NULL. */
const char *buf_z(struct buf *buf);

#define AUTO_BUF __attribute__((cleanup(buf_fini)))

#endif
