#ifndef HISTORIAN_WAL_PACK_H
#define HISTORIAN_WAL_PACK_H
/*
 * Numbers of a log batch in fewer bytes: groups of rows as decimals behind a common smallest one.
 * Cheaper than letting the system copy eight bytes a row, and two thirds less for the disk. Pure;
 * any thread. docs/FORMATS.md has every byte.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/bytes.h"
#include "model/sample.h"

/* The values of `count` rows, none dropped, all of type TYPE_F64 or none of them; no texts. */
void wal_pack(struct buf *to, const struct sample *rows, uint32_t count);
/* Fills the values; false where the bytes are not well-formed. */
bool wal_unpack(struct reader *from, struct sample *rows, uint32_t count);

#endif
