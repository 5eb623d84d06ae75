#ifndef TABLE_PARQUET_CODE_H
#define TABLE_PARQUET_CODE_H
/*
 * Two encodings of Parquet (its Encodings.md): runs of small numbers, which carry the levels that
 * say where a null stands and the places in a dictionary; and the dictionary of a column's texts.
 * One owner each.
 */
#include "core/buf.h"

/* RLE / bit-packing hybrid: numbers of `width` bits (1 to 32), without a length before them. */
void parquet_put_runs(struct buf *to, const uint32_t *numbers, uint32_t count, unsigned width);
/* Bits that hold the numbers 0 to count - 1; at least one. */
unsigned parquet_width(uint32_t count);

/* The distinct texts of a column in the order they came. */
struct parquet_dictionary {
    struct buf page;   // Each as PLAIN writes it: four bytes of length, then the text.
    uint32_t *offsets; // Of each entry in `page`.
    uint32_t *slots;   // Entry + 1, by hash; 0: free.
    uint32_t count;
    uint32_t last; // Entry found last.
};

enum { PARQUET_NO_ENTRY = -1 };

void parquet_dictionary_init(struct parquet_dictionary *dictionary);
void parquet_dictionary_fini(struct parquet_dictionary *dictionary);
void parquet_dictionary_clear(struct parquet_dictionary *dictionary);
/* The text's entry, made when new (*ret_new); PARQUET_NO_ENTRY when it is new and does not fit. */
int32_t parquet_dictionary_find(
    struct parquet_dictionary *dictionary, struct str text, bool *ret_new);

#endif
