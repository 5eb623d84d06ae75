#ifndef HISTORIAN_STORE_H
#define HISTORIAN_STORE_H
/*
 * The open historian, inside. Three locks, never nested except where said:
 *   commit: the queue of callers that wait for the log; its leader alone writes the log and fills
 *           the active memtable (a role, not a lock: it is held without any mutex; the table has
 *           one of its own, which readers may take).
 *   state:  the published view, manifest, counters, notices; held for moments.
 *   last:   the table of newest rows.
 * Whoever changes the manifest or the list of segments holds `care` (a role taken under state).
 */
#include <stdatomic.h>

#include "core/thread.h"
#include "historian/aged.h"
#include "historian/decoder.h"
#include "historian/historian.h"
#include "historian/index_cache.h"
#include "historian/manifest.h"
#include "historian/memtable.h"
#include "historian/segment.h"
#include "historian/wal.h"

enum {
    HIST_MEMORY_BYTES = 24 << 20,
    HIST_INDEX_BYTES = 32 << 20, // Directories and pages of segments in memory.
    HIST_NOTICES_MAX = 64,       // Older ones are kept: the first damage explains the later.
    HIST_FRAMES_IDLE = 4,
    HIST_ORPHANS_MAX = 16,
};

/* A counted, immutable snapshot of where rows are. Order of precedence: segments, frozen, active.
 */
struct view {
    _Atomic uint32_t references;
    uint32_t segment_count;
    struct segment **segments;
    struct memtable *frozen; // NULL: none.
    struct memtable *active;
    uint32_t aged_count;
    struct aged **aged; // What is left of expired rows, in order of time.
    struct horizons *horizons;
    struct horizons *aged_horizons; // Where that ends, too.
    struct decoder_pool *decoders;  // The historian's.
};
void view_unref(struct view *view); // NULL is allowed.

/* One caller of hist_append, waiting. */
struct commit {
    struct commit *next;
    struct wal_frame *frame;
    struct batch *const *batches;
    uint32_t count;
    uint64_t rows;
    bool done;
    int rc;
    struct err *err; // The caller's; may be NULL.
};

struct last_table;
struct sealing;

struct historian {
    struct files *files;
    const struct clock *clock;
    char dir[LIMIT_PATH_BYTES - 64];
    uint64_t memory_bytes;
    uint64_t log_file_bytes;
    bool threaded;
    int lock_fd;
    struct wal *wal;
    struct region_pool *regions;
    struct index_cache *index_cache;
    struct decoder_pool *decoders;
    struct last_table *last;
    struct memtable *active; // The view's; only the leader replaces it.

    struct mutex commit_mutex;
    struct cond commit_changed;
    struct commit *first;
    struct commit *newest;
    bool leading;
    struct wal_frame *idle_frames[HIST_FRAMES_IDLE];
    uint32_t idle_frame_count;

    struct mutex state_mutex;
    struct cond state_changed;
    struct view *view;
    struct manifest manifest;
    uint64_t seq;
    bool caring; // Somebody changes segments or manifest.
    bool stopping;
    bool disk_full;
    int64_t disk_full_since_ns;
    uint64_t appended_rows;
    uint64_t torn_bytes_cut;
    uint64_t damaged_blocks;
    struct err *notices;
    uint32_t notice_count;
    uint64_t orphans[HIST_ORPHANS_MAX]; // Segments and aged files whose manifest may or may not
                                        // stand.
    uint32_t orphan_count;
    uint32_t hold_count; // Snapshots under way; the log keeps what is above hold_seq for them.
    uint64_t hold_seq;
    int64_t frozen_ns; // Monotonic, of the last table that was frozen; 0: none.
    int64_t frozen_before_ns;
    int seal_rc; // Of the last attempt to seal.
    struct err seal_err;
    struct sealing *sealing; // What is being sealed; NULL: nothing.

    struct thread sealer;
};

/* A reference to the present view. */
struct view *store_view(struct historian *historian);
/* The same without memory: for work that takes long and reads segments only. */
struct view *store_view_sealed(struct historian *historian);
/* Publishes changed places of rows. Takes over the references of `segments` (and the array); NULL
 * keeps the present ones. The caller holds the state lock. */
struct view_change {
    bool set_segments;
    struct segment **segments;
    uint32_t segment_count;
    bool drop_frozen;
    bool freeze;               // The active table becomes the frozen one.
    struct horizons *horizons; // NULL: as they are.
    struct horizons *aged_horizons;
    bool set_aged; // As with segments.
    struct aged **aged;
    uint32_t aged_count;
};
void store_publish(struct historian *historian, const struct view_change *change);
void store_notice(struct historian *historian, const struct err *what);
/* A damage_sink's function: counts and keeps the notice. */
void store_damaged(void *context, const struct err *what);
/* Where segments of this historian are opened. */
struct segment_place store_place(struct historian *historian);

/* Takes and gives back the care role; state lock not held. */
void store_care_begin(struct historian *historian);
void store_care_end(struct historian *historian);
/* Writes the manifest and publishes it as the present one on success. Care role held. Takes over
 * the manifest. */
int store_manifest_set(struct historian *historian, struct manifest *manifest, struct err *err);
/* Lets the log go as far as it is sealed and consumed. */
void store_log_release(struct historian *historian);
uint64_t store_passed_seq(struct historian *historian);
uint64_t store_passed_seq_locked(struct historian *historian); // State lock held.

/* A raw scan of a view whose reference it takes over, also on failure. */
int scan_open_view(struct view *view, const struct hist_scan_options *options,
    struct hist_scan **ret_scan, struct err *err);
/* Takes the rows of one type off the front of a run that has some. */
void scan_split(struct run *run, uint32_t tag, struct hist_rows *ret_rows);

/* hist_buckets over a view, and the bucket that a summary makes. */
int buckets_of_view(struct view *view, const struct hist_bucket_query *query,
    int (*each)(void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err),
    void *context, struct err *err);
struct hist_bucket bucket_of(const struct summary *sum, int64_t start_ns, int64_t end_ns);

/* Becoming and leaving the leader of the log from outside an append. */
void commit_lead(struct historian *historian);
void commit_leave(struct historian *historian);
/* Waits until nothing is frozen and helps with it; without a sealing thread, seals. Leader only. A
 * failure of the thread's last attempt is returned at once; it goes on trying. */
int commit_room_wait(struct historian *historian, struct err *err);
/* Freezes the active table when nothing is frozen; leader only. */
bool store_freeze(struct historian *historian);
/* Replaces segments [first, first + count) of the manifest (count 0: adds at the end) by the file
 * `id`, which is written and synced (0: by nothing), and publishes that. Care role held. */
struct segment_swap {
    uint64_t first_id; // With count > 0.
    uint32_t count;
    uint64_t id;
    uint64_t sealed_seq; // 0: as it is.
    bool drop_frozen;
};
int store_swap(struct historian *historian, const struct segment_swap *swap, struct err *err);
/* Removes files whose manifest is known not to stand now. Care role held. */
void store_orphans_drop(struct historian *historian);
/* A number for a new segment or aged file; never given twice. */
uint64_t store_segment_id(struct historian *historian);

/* Seals the frozen table, if there is one. Any thread; waits for another that does. */
int seal_frozen(struct historian *historian, struct err *err);
int seal_frozen_caring(struct historian *historian, struct err *err); // Care role held.
void seal_thread(void *context);
enum merge_when { MERGE_QUIET, MERGE_BUSY, MERGE_ALL };
/* Merges where it pays: runs of alike segments, longer ones while busy; MERGE_ALL: whatever is
 * small. 1, 0, <0. */
int merge_step(struct historian *historian, enum merge_when when, struct err *err);
/* Opens or rebuilds manifest and segments, then the log. */
int recover(struct historian *historian, struct err *err);

/* ---- The newest row of each tag ---- */
struct last_table *last_new(void);
void last_free(struct last_table *table);
void last_add(struct last_table *table, const struct batch *batch);
/* False: the tag's rows so far are unknown (only in segments) or none. */
bool last_get(struct last_table *table, uint32_t tag, struct hist_last *ret_last);
/* The newest time known for a tag, or INT64_MIN. */
int64_t last_time(struct historian *historian, uint32_t tag);

#endif
