#ifndef TESTS_CRASH_SUPPORT_DISK_H
#define TESTS_CRASH_SUPPORT_DISK_H
/*
 * A record of all that a process does to one folder, and the disks that a power cut could leave.
 *
 * The calls of the system themselves are recorded (the linker leads open, pwritev, ftruncate,
 * fdatasync, fsync, rename, unlink, mkdir and fallocate through here), so nothing that bypasses
 * core/file.h would escape. Recording and the call are one step under a lock: a write that is
 * recorded before a sync was before it.
 *
 * What a power cut leaves of the first `position` operations: content of a file as it was at its
 * last successful sync, names as they were at the last sync of the folder; of everything later any
 * part (enum disk_way). Content that was unsynced when a sync failed stays doubtful for ever: the
 * system may have thrown it away and say "synced" the next time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/random.h"

enum disk_step {
    DISK_CREATE,
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_SYNC,
    DISK_RENAME,
    DISK_REMOVE,
    DISK_DIR_SYNC,
    DISK_FOLDER,      // The folder itself is made.
    DISK_PARENT_SYNC, // The folder above is synced.
    DISK_ALLOCATE,
    DISK_STEP_COUNT
};

struct disk;

/* Begins a record; what stands in `dir` (which may be absent) counts as durable. One at a time. */
struct disk *disk_watch(const char *dir);
/* The same for empty folders inside `dir`, made and durable from the start (names with '/' for
 * one inside another): each is synced by itself; a renaming from one to another is durable with the
 * sync of the one it goes to, as journals keep it. */
struct disk *disk_watch_folders(const char *dir, const char *const *folders, uint32_t count);
/* Ends recording; the record stays until freed. */
void disk_unwatch(struct disk *disk);
void disk_free(struct disk *disk);
uint32_t disk_count(struct disk *disk); // Operations recorded so far; the base's come first.
uint32_t disk_base(const struct disk *disk);
const char *disk_step_name(const struct disk *disk, uint32_t index);
/* Prints the operations [from, to), to find out why a state is wrong. */
void disk_tell(const struct disk *disk, uint32_t from, uint32_t to);
/* How often a file was written on or synced after its sync had failed, without being emptied. */
uint32_t disk_trusts_failed_sync(const struct disk *disk);
/* What the last operation before `position` wrote, without zeros at its end; 0: it was no write. */
uint64_t disk_last_write(const struct disk *disk, uint32_t position);

/* From now on: after `pass` operations of the kind (DISK_STEP_COUNT: of any) the next one fails,
 * writing `torn` bytes where it writes. */
struct disk_fault {
    enum disk_step step;
    int64_t pass;
    int errno_value;
    uint64_t torn;
    bool sticky; // All later ones of the kind fail, too.
    bool kill;   // The process is dead: nothing reaches the disk any more, and nobody hears of it.
};
void disk_fail(struct disk *disk, const struct disk_fault *fault);
bool disk_failed(struct disk *disk); // Whether the fault struck.
void disk_heal(struct disk *disk);
/* From now on syncs take their time, as on a real disk, so that writers meet in groups. */
void disk_slow(struct disk *disk);

enum disk_way {
    DISK_NOTHING, // Of what is not synced nothing is there,
    DISK_ALL,     // everything,
    DISK_TORN,    // everything, but of the last write only `cut` bytes,
    DISK_LONE,    // nothing but `cut` bytes of the last write,
    DISK_RANDOM,  // or some: whole, cut or by sectors of 512 bytes, in any order.
};
struct disk_cut {
    uint32_t position;
    enum disk_way way;
    uint64_t cut;
    uint64_t seed;
};
/* One state of a disk, in memory. */
struct disk_image;
struct disk_image *disk_image(const struct disk *disk, const struct disk_cut *cut);
void disk_image_free(struct disk_image *image);
uint64_t disk_image_hash(const struct disk_image *image);
/* Its files; `ret_size`: bytes without zeros at the end. NULL behind the last. */
const char *disk_image_file(const struct disk_image *image, uint32_t index, uint64_t *ret_size);
/* Flips bits in a file; a second time brings it back. Behind the size it is without effect. */
void disk_image_flip(struct disk_image *image, uint32_t index, uint64_t at, uint8_t bits);
/* Makes `dir` hold exactly this state. */
void disk_image_put(const struct disk_image *image, const char *dir);

#endif
