#ifndef HISTORIAN_MANIFEST_H
#define HISTORIAN_MANIFEST_H
/*
 * What stands in a history: which segments, in order of their sequence numbers; up to which number
 * everything is sealed; what has expired; which consumers need the log. One small file, written
 * anew and renamed into place at each change. Plain values; the historian's state lock guards them.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/limits.h"

enum {
    MANIFEST_CONSUMERS_MAX = 320, // Each consent of an outbox (256) is one.
    MANIFEST_SEGMENTS_MAX = 65536,
    MANIFEST_AGED_MAX = 1024,      // Some twenty: each is twice as large as the next (age.c).
    MANIFEST_BYTES_MAX = 64 << 20, // Horizons of every tag and 65,536 segments fit well.
};

/* What is before these times is no longer shown: rows, and roll-ups of expired rows. Counted and
 * immutable once published. */
struct horizons {
    _Atomic uint32_t references;
    int64_t all_ns; // INT64_MIN: none.
    uint32_t count;
    struct horizon {
        uint32_t tag;
        int64_t before_ns;
    } * tags; // By tag.
};
struct horizons *horizons_new(void);
struct horizons *horizons_ref(struct horizons *horizons);
void horizons_unref(struct horizons *horizons); // NULL is allowed.
int64_t horizons_of(const struct horizons *horizons, uint32_t tag);
/* A copy in which more has expired (tag 0: all tags; quick when the tags ascend). *ret_moved counts
 * what was new. */
struct hist_expiry;
struct horizons *horizons_with(const struct horizons *horizons, const struct hist_expiry *expiries,
    uint32_t count, uint32_t *ret_moved);

struct consumer {
    char name[LIMIT_ID_BYTES + 1];
    uint64_t seq;
};

struct manifest {
    uint64_t sealed_seq;
    uint64_t next_segment;
    uint32_t segment_count;
    uint64_t *segments; // Ids in order of sequence numbers.
    uint32_t consumer_count;
    struct consumer consumers[MANIFEST_CONSUMERS_MAX];
    struct horizons *horizons;
    uint32_t aged_count;
    uint64_t *aged; // Ids of aged files, in order of rounds.
    struct horizons *aged_horizons;
};

void manifest_init(struct manifest *manifest);
void manifest_fini(struct manifest *manifest);
void manifest_copy(struct manifest *to, const struct manifest *from);

/* 1: read; 0: there is none; ERR_CORRUPT: it is damaged; ERR_VERSION. */
int manifest_read(
    struct files *files, const char *dir, struct manifest *ret_manifest, struct err *err);
int manifest_parse(
    const uint8_t *bytes, size_t size, struct manifest *ret_manifest, struct err *err);
/* The bytes of the file. */
void manifest_put(struct buf *to, const struct manifest *manifest);
int manifest_write(
    struct files *files, const char *dir, const struct manifest *manifest, struct err *err);

#endif
