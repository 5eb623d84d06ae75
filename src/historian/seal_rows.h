#ifndef HISTORIAN_SEAL_ROWS_H
#define HISTORIAN_SEAL_ROWS_H
/*
 * The rows of a frozen table into a segment, by whoever has time: the thread that seals writes, and
 * who waits for it encodes a part meanwhile instead of sleeping.
 */
#include "historian/segment_write.h"
#include "historian/store.h"

/* Adds all rows of `table`, which nobody fills any more. Care role held. */
int seal_rows(struct historian *historian, struct memtable *table, const struct segment_plan *plan,
    struct segment_writer *writer, struct err *err);

/* For the leader of the log, who waits until sealing is done: encodes one share of what is being
 * sealed. The caller holds the state lock, which is given back meanwhile. False: there was nothing
 * to do. */
bool seal_help(struct historian *historian);

#endif
