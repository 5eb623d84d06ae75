#ifndef LEDGER_UPKEEP_H
#define LEDGER_UPKEEP_H
/*
 * What backup, restore and optimisation ask of a ledger: copies of one state, digests of what a
 * file says (not of how it lies on disk), the erasures made in it, and putting the file in order.
 * Any thread; none of these occupies the writer or the readers of an open ledger for long.
 */
#include "ledger/ledger.h"
#include "ledger/seal.h"

/* Copies the present state into a new file, while the ledger is written to. */
int ledger_copy(struct ledger *ledger, const char *to_path, struct err *err);
/* The same of a file that nobody has open. */
int ledger_file_copy(const char *path, const char *to_path, struct err *err);

/* The digest of all rows of all tables, by table name and key; equal for equal content whatever the
 * pages look like. Of a file that nobody writes to. ret_head may be NULL. */
struct audit_head {
    int64_t sequence; // 0: no entry yet.
    uint8_t hash[DIGEST_BYTES];
};
int ledger_file_digest(const char *path, uint8_t ret_digest[DIGEST_BYTES],
    struct audit_head *ret_head, struct err *err);
/* The largest number given to a tag. */
int ledger_tag_newest(struct ledger *ledger, uint32_t *ret_number, struct err *err);
int ledger_file_tag_newest(const char *path, uint32_t *ret_number, struct err *err);

/* All tags of a file that nobody writes to, by name (bytewise). */
int ledger_file_tags(const char *path,
    int (*each)(void *context, uint32_t number, struct str name, struct err *err), void *context,
    struct err *err);

/* One audit entry whose payload was erased; the hash names the entry in any copy of the chain. */
struct erasure {
    int64_t sequence;
    uint8_t hash[DIGEST_BYTES];
};
int audit_erasures(struct ledger_tx *tx,
    int (*each)(void *context, const struct erasure *erasure, struct err *err), void *context,
    struct err *err);
/* Erases the same payload here, when it is this entry. 1: something was erased, 0: nothing. */
int audit_erase_entry(struct ledger_tx *tx, const struct erasure *erasure, struct err *err);

/* Puts the file in order: statistics for the query planner, each index anew, free pages given back,
 * the log cut. In steps, between which others write; a file larger than `vacuum_max_bytes` is not
 * rewritten (that would hold up its writer). */
struct ledger_order {
    uint64_t bytes_before;
    uint64_t bytes_after;
    uint64_t free_bytes_before; // Pages that nothing used.
    uint32_t indexes;
    bool rewritten;
};
int ledger_optimize(struct ledger *ledger, uint64_t vacuum_max_bytes,
    struct ledger_order *ret_order, struct err *err);

#endif
