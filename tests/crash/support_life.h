#ifndef TESTS_CRASH_SUPPORT_LIFE_H
#define TESTS_CRASH_SUPPORT_LIFE_H
/*
 * The life of a history: deeds (appends, expiries, positions of consumers), each with the place in
 * the disk's record where it began and where it was acknowledged, and the judgement of what a
 * recovered folder holds.
 *
 * At a position of the record a deed that was acknowledged must be there once, with exactly its
 * rows; one that had begun may be there whole or not at all; any other must not be there. The last
 * row of each append is its mark: one row of a tag of its own, whose value is the deed's number.
 */
#include "../historian/support_history.h"
#include "core/thread.h"
#include "support_disk.h"

#define LIFE_NEVER UINT32_MAX

enum life_kind { LIFE_APPEND, LIFE_EXPIRE, LIFE_KEEP };

struct deed {
    enum life_kind kind;
    uint32_t begin;  // Operations recorded when it began.
    uint32_t end;    // When it was acknowledged; LIFE_NEVER: it was not.
    uint32_t absent; // From here on known not to be there (seen after a recovery).
    uint32_t row;    // LIFE_APPEND: first row, and how many; the last is the mark.
    uint32_t row_count;
    uint32_t batch_count;
    uint64_t seq; // Of the last batch; 0: not known. LIFE_KEEP: the position.
    uint32_t lane;
    uint32_t tag; // LIFE_EXPIRE
    int64_t before_ns;
    const char *name; // LIFE_KEEP
};

struct life {
    struct disk *disk; // NULL: nothing is recorded, positions are counted by deeds.
    struct mutex mutex;
    struct deed *deeds;
    uint32_t count;
    uint32_t capacity;
    struct model rows; // Of all appends, in order of their beginning.
    struct random random;
    int64_t now_ns;
    uint64_t compared; // Work done by checks.
};

void life_init(struct life *life, struct disk *disk, uint64_t seed);
void life_fini(struct life *life);

/* Appends random rows of tags 1 to 4 (lane 0), or of one tag and ascending times (lanes 1 to 3,
 * one thread each); returns what hist_append said. */
int life_append(struct life *life, struct historian *historian, uint32_t lane, uint32_t rows);
int life_expire(struct life *life, struct historian *historian, uint32_t tag, int64_t before_ns);
int life_keep(struct life *life, struct historian *historian, const char *name);

/* Where the record stands now. */
uint32_t life_position(struct life *life);
/* After an opening: what was open is settled by what is there, and must stay so. */
void life_settle(struct life *life, struct historian *historian);
/* A copy that knows what was known at `position`, as position 0 of another record. */
void life_branch(const struct life *from, uint32_t position, struct life *to);

/* Compares all that an open history shows with the deeds at `position`. `whole`: also buckets and
 * newest rows, which takes longer. */
void life_compare(
    struct life *life, struct historian *historian, const char *dir, uint32_t position, bool whole);
/* Opens `dir`, compares, appends more, opens again and compares; hist_verify must be clean. */
void life_check(struct life *life, const char *dir, uint32_t position, bool whole);
/* hist_verify names nothing. */
void verify_clean(const char *dir);
/* Opens with what a test of this folder uses; fails the test with words. */
struct historian *life_open(const char *dir, uint64_t memory_bytes, bool thread);

/* What is being tried, printed when a test fails. */
void trying(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, and the record up to the cut. */
void trying_cut(const struct life *life, const struct disk_cut *cut);
int trying_print(void **state); // A teardown for cmocka.
void trying_done(void);
/* A number from the environment, for longer runs; `otherwise` without it. */
uint32_t runs_wanted(const char *variable, uint32_t otherwise);
/* Tells one line of counts, for the acceptance step. */
void tell_counts(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
