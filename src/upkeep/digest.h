#ifndef UPKEEP_DIGEST_H
#define UPKEEP_DIGEST_H
/*
 * Digests of content: what two homes must share to be the same home. Private to the room.
 */
#include "upkeep/upkeep.h"

struct plant_digest {
    char id[LIMIT_ID_BYTES + 1];
    uint8_t ledger[DIGEST_BYTES];
    uint8_t samples[DIGEST_BYTES];
    uint64_t seq;
    uint64_t rows;
    struct audit_head head;
};
struct hub_digest {
    bool present;
    uint8_t ledger[DIGEST_BYTES];
    struct audit_head head;
};

/* Samples of a snapshot, by the tag names that a ledger's file gives. */
int digest_samples(struct hist_snapshot *snapshot, const char *ledger_file, struct watch watch,
    struct plant_digest *digest, struct err *err);
/* One number for all of it; plants in order of their ids. */
void digest_whole(const struct hub_digest *hub, const struct plant_digest *plants, uint32_t count,
    char ret_logical[DIGEST_TEXT_MAX]);
void digest_sort(struct plant_digest *plants, uint32_t count);

/* One consistent state of an open plant: its ledger copied to `copy_path` (a new file), its history
 * held still. Every tag that has samples in the history stands in the ledger's copy, and every
 * batch above a cursor in that copy is in the history. */
int state_take(struct plant *plant, const char *copy_path, struct hist_snapshot **ret_snapshot,
    struct err *err);

#endif
