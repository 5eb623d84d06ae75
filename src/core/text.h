#ifndef CORE_TEXT_H
#define CORE_TEXT_H
/*
 * Borrowed text slices and locale-independent number parsing. A `struct str` never owns its
 * bytes and need not be NUL-terminated. Pure functions; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *data;
    size_t size; // Bytes.
};

#define STR(literal) ((struct str){.data = (literal), .size = sizeof(literal) - 1})
#define STR_NONE     ((struct str){.data = "", .size = 0})
/* For printf-like calls: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).size, (s).data

/* The slice over a NUL-terminated string; NULL gives the empty slice. */
struct str str_of(const char *text);
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); // ASCII only.
int str_cmp(struct str a, struct str b);        // Bytewise; <0, 0, >0.
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Slice [from, to), clamped to the text. */
struct str str_slice(struct str s, size_t from, size_t to);
struct str str_trim(struct str s); // ASCII blanks, tabs, CR, LF.
/* Index of the first `c`, or s.size. */
size_t str_find(struct str s, char c);
/* Cuts the part before `separator` off the front of *rest and returns it; the separator is
 * dropped. When there is none, returns all and leaves *rest empty with data NULL, so loops end. */
struct str str_cut(struct str *rest, char separator);

/* Copies into a C string of `capacity` bytes, cut at a UTF-8 boundary. Returns the bytes used. */
size_t str_copy_z(struct str s, char *to, size_t capacity);

/* Whole text must be the number. Return false on anything else (no blanks, no sign tricks). */
bool str_to_i64(struct str s, int64_t *ret_value);
bool str_to_u64(struct str s, uint64_t *ret_value);
/* Decimal or exponent form, optional sign, also "nan", "inf", "-inf"; correctly rounded. */
bool str_to_f64(struct str s, double *ret_value);

/* Shortest text that reads back as the same double ("0.1", "1e+300", "nan", "inf", "-inf").
 * `to` needs 32 bytes. Returns the length without the NUL. */
size_t f64_to_text(double value, char *to);
size_t i64_to_text(int64_t value, char *to); // `to` needs 24 bytes.

/* True when all bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_is_utf8(struct str s, size_t *ret_bad_offset);
/* Bytes (1..4) of the well-formed character at `offset`; 0 when malformed or at the end. */
size_t str_utf8_length(struct str s, size_t offset);

/* Identifier rule of the whole program: 1..64 of A-Z a-z 0-9 _ and - (dots join identifiers). */
bool str_is_id(struct str s);

#endif
