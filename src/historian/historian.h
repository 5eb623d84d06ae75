#ifndef HISTORIAN_HISTORIAN_H
#define HISTORIAN_HISTORIAN_H
/*
 * Samples at rest, for one plant: a write-ahead log with group commit, and immutable column
 * segments with statistics per block. What hist_append acknowledged survives kill -9, power loss
 * and a full disk; nothing is overwritten. Formats: docs/FORMATS.md.
 *
 * Order and versions. Every durable batch has a sequence number (1, 2, ...). Of several samples of
 * one (tag, time) a correction outranks every source value, and among equals the last durable one
 * wins; earlier versions stay readable (`versions` of a scan). Ranges are [from, to).
 *
 * Threads. All functions of an open historian may be called by any thread at once, except
 * hist_close. Writers lead group commits themselves: who finds the log idle writes and syncs for
 * all who wait. Readers never block writers: they work on a counted snapshot of segments and take
 * short copies of what is not sealed yet. One own thread seals and merges.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"
#include "model/sample.h"

struct historian;
struct stop_flag;

struct hist_options {
    struct files *files;       // NULL: the system's.
    const struct clock *clock; // NULL: the system's.
    const char *dir;           // plants/ID/history; created when absent.
    uint64_t memory_bytes;     // Unsealed samples in memory before sealing; 0: 24 MB. Each tag
                               // that has some adds 1 KB, at most 96 MB together.
    uint64_t index_bytes;      // Directories and pages of segments in memory; 0: 32 MB.
    uint64_t log_file_bytes;   // A file of the log ends at about so many; 0: 16 MB.
    bool no_thread;            // Tests: seal and merge only by hist_seal and hist_merge.
};

/* Opens and recovers: a torn tail of the log is cut, a damaged block is quarantined; both are
 * counted in hist_status and reported by hist_notices. ERR_LOCKED, ERR_VERSION, ERR_IO. */
int hist_open(
    const struct hist_options *options, struct historian **ret_historian, struct err *err);
/* Seals what is in memory (best effort: the log has it anyway) and closes. NULL is allowed. */
void hist_close(struct historian *historian);

/* Appends batches (rows with SAMPLE_DROP are skipped) and returns when all are durable, with
 * batch->seq set in each. One sync for all, shared with other callers. All or nothing per call.
 * ERR_SPACE: the disk is full, nothing was stored; the next call tries again by itself. */
int hist_append(
    struct historian *historian, struct batch *const *batches, uint32_t count, struct err *err);

/* Sets SAMPLE_DROP on rows that would change nothing, so that importing a file twice does not: of
 * several rows of the batch with one (tag, time) on all but the last, sources and corrections
 * apart; then on those that stand already, exactly (type, value, status), as the last version of
 * their class. Returns how many; on failure the flags say nothing. */
int hist_mark_duplicates(struct historian *historian, struct batch *batch, struct err *err);

/* ---- Raw reading ---- */

struct hist_scan;

struct hist_scan_options {
    uint32_t tag;
    int64_t from_ns;
    int64_t to_ns;
    bool versions; // All versions, oldest first, instead of the winning ones.
};

/* A run of rows of one tag in time order; columns are borrowed until the next call. */
struct hist_rows {
    uint32_t tag;
    enum value_type type;
    uint32_t count;
    const int64_t *time_ns;
    const double *f64;      // TYPE_F64, else NULL.
    const int64_t *i64;     // TYPE_I64, TYPE_BOOL, else NULL.
    const struct str *text; // TYPE_TEXT, else NULL.
    const uint32_t *status; // NULL: all Good.
    const uint8_t *flags;   // NULL: all 0.
};

int hist_scan_open(struct historian *historian, const struct hist_scan_options *options,
    struct hist_scan **ret_scan, struct err *err);
/* 1: rows; 0: the end; negative: an error. A damaged block is skipped and counted: no error. */
int hist_scan_next(struct hist_scan *scan, struct hist_rows *ret_rows, struct err *err);
void hist_scan_close(struct hist_scan *scan);

/* ---- Aggregates ---- */

/* Statistics of the good and uncertain rows of one tag in [start, end); bad ones are excluded.
 * Text rows count only towards count and last. Sums are compensated (double-double), so they do
 * not depend on how the rows are cut into blocks. */
struct hist_bucket {
    int64_t start_ns;
    int64_t end_ns;
    uint64_t count;
    uint64_t bad_count; // Rows excluded for bad quality, or because the number is a NaN.
    double min;
    double max;
    double sum;
    double sum_low; // sum + sum_low is the sum.
    double first;   // Values at the first and last time.
    double last;
    int64_t first_ns;
    int64_t last_ns;
    /* Rows of it have expired, and the roll-ups that stayed of them do not say which of those lie
     * inside: the figures are exact for the rest. With count 0 nothing else is known. */
    bool partial;
};

struct hist_bucket_query {
    const uint32_t *tags;
    uint32_t tag_count;
    int64_t from_ns;
    int64_t to_ns;
    int64_t every_ns;        // 0: one bucket over the whole range.
    const struct zone *zone; // Boundaries; NULL: UTC.
};

/* Calls `each` tag by tag, in time order; empty buckets are absent. The first and last bucket hold
 * only what lies in the range. A negative result of `each` ends the query and is returned.
 * Answers from roll-ups and block statistics where they are exact, else from rows. Time whose rows
 * have expired (hist_age) answers from the roll-ups that stayed. */
int hist_buckets(struct historian *historian, const struct hist_bucket_query *query,
    int (*each)(void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err),
    void *context, struct err *err);

/* ---- Measures: aggregates that look at every row ---- */

/* What is asked for beside count, min, max, sum, first and last. Any of these reads and decodes the
 * rows of the range; roll-ups do not help (hist_buckets answers the rest without). */
enum hist_what {
    HIST_STDDEV = 1,
    HIST_TIME_AVG = 2,
    HIST_PERCENTILES = 4,
    HIST_INCREASE = 8,
};

enum hist_interpolation {
    HIST_STEP,   // A value holds until the next row.
    HIST_LINEAR, // Straight between two neighbouring rows that both have a value.
};

/* Buckets without a good row. Levels (avg, min, max, first, last, time_avg where nothing is
 * covered, percentiles) are filled in; what counts or scatters is never invented. */
enum hist_fill {
    HIST_FILL_NONE,     // They are absent.
    HIST_FILL_EMPTY,    // They are given without values.
    HIST_FILL_PREVIOUS, // With the levels of the bucket before; at the begin with the last value
                        // before the range.
    HIST_FILL_LINEAR,   // Straight between the starts of the buckets around; not at the ends.
};

enum {
    HIST_PERCENTILES_MAX = 16,
    HIST_PERCENTILE_ROWS = 4 << 20, // Of one bucket: more are refused (32 MB, and as much to sort).
    HIST_FILLED_MAX = 10000000,     // Buckets of a tag that are to be filled: more are refused.
};

struct hist_measure_query {
    const uint32_t *tags; // Borrowed until the close, like the two below.
    uint32_t tag_count;
    const double *counter_max; // By tag of `tags`: the largest value of a counter, 0: none is
                               // declared. NULL: none is. At most 2^53.
    const struct zone *zone;   // Boundaries; NULL: UTC.
    int64_t from_ns;
    int64_t to_ns;
    int64_t every_ns; // 0: one bucket over the whole range.
    unsigned what;    // enum hist_what, or-ed.
    enum hist_interpolation interpolation;
    enum hist_fill fill;
    double percentiles[HIST_PERCENTILES_MAX]; // Each in [0, 100].
    uint32_t percentile_count;
    bool bounded; // Nothing older than `oldest_ns` is looked at, whenever the range begins.
    int64_t oldest_ns;
    bool parallel; // A second thread works on every other tag, where there are two processors.
};

/* NaN where there is nothing to tell, also for what was not asked. Numbers are good and uncertain
 * rows that are no texts and no NaN; whole numbers and bools (0, 1) are taken as doubles. */
struct hist_measured {
    struct hist_bucket bucket; // As hist_buckets has it; count 0: nothing but bad rows, or none.
    bool filled;               // The levels come from other buckets.
    double avg;
    /* Sample standard deviation (n - 1) of the numbers; NaN for fewer than two. The sums of squares
     * are double-double, so the relative error is below 1e-9 wherever doubles can tell the values
     * apart. */
    double stddev;
    /* Mean over the time that is covered: each value weighs as long as it stood. The value in force
     * at the begin of the bucket counts, whenever it came. A row that is bad or no number (so a
     * marked gap too) ends it, and that time does not count. HIST_STEP: the newest value stands
     * until now, never beyond. HIST_LINEAR: only time between two values counts. */
    double time_avg;
    uint64_t covered_ns;
    /* What a counter rose by, by the rule of model/counter.h; a rise belongs to the bucket of the
     * later row, the first row is compared with the newest count before the range: increases of
     * neighbouring buckets add up. Bools count their changes to true. NaN: no count came. */
    double increase;
    uint64_t resets;
    /* By linear interpolation of the order statistics: definition 7 of Hyndman and Fan, Sample
     * Quantiles in Statistical Packages, The American Statistician 50 (1996) 361-365. Exact. */
    double percentiles[HIST_PERCENTILES_MAX];
};

struct hist_measure;

/* Opens over one view of segments and memory; the rows of a tag are fixed when its turn comes.
 * ERR_INVALID: filling without begin, end or width, a percentile outside; ERR_LIMIT: too many
 * percentiles or buckets. One thread uses it at a time. */
int hist_measure_open(struct historian *historian, const struct hist_measure_query *query,
    struct hist_measure **ret_measure, struct err *err);
/* 1 and a bucket, tag by tag as asked, in time order; 0: the end; negative: an error. The first and
 * last bucket hold only what lies in the range. ERR_LIMIT: a bucket has too many rows for
 * percentiles. */
int hist_measure_next(struct hist_measure *measure, uint32_t *ret_tag,
    struct hist_measured *ret_measured, struct err *err);
void hist_measure_close(struct hist_measure *measure); // NULL is allowed.

/* ---- Values at moments ---- */

enum { HIST_MOMENTS_MAX = 10000 };

struct hist_moment_query {
    const uint32_t *tags;
    uint32_t tag_count;
    const int64_t *times_ns; // In any order.
    uint32_t time_count;     // At most HIST_MOMENTS_MAX; ERR_LIMIT beyond.
    enum hist_interpolation interpolation;
};

/* The newest good or uncertain row at or before the moment, however old. HIST_LINEAR: a number
 * between it and the row behind, where both have one and neighbour each other. */
struct hist_moment {
    int64_t time_ns; // As asked.
    bool has_value;  // False: there is no such row; the rest is 0 then.
    bool interpolated;
    bool interrupted; // A bad row came between it and the moment: it is the last good value, but
                      // no longer in force.
    enum value_type type;
    int64_t value_ns; // Of the row; the age is time_ns - value_ns.
    uint32_t status;
    double f64;      // TYPE_F64, and whatever is interpolated.
    int64_t i64;     // TYPE_I64, TYPE_BOOL
    struct str text; // TYPE_TEXT; borrowed for the call.
};

/* Calls `each` tag by tag, then in the order of `times_ns`. A negative result of it ends the query
 * and is returned. Memory: one tag's answers. */
int hist_moments(struct historian *historian, const struct hist_moment_query *query,
    int (*each)(void *context, uint32_t tag, const struct hist_moment *moment, struct err *err),
    void *context, struct err *err);

/* The newest row of a tag, with text copied into text_z. False: the tag has none. */
struct hist_last {
    struct sample row; // value.text is not used.
    uint64_t seq;      // 0 when it is sealed and its batch is no longer known.
    char text_z[LIMIT_LIVE_TEXT_BYTES];
};
bool hist_last(struct historian *historian, uint32_t tag, struct hist_last *ret_last);

/* ---- Consumers of the sequence ---- */

/* The last durable sequence number; 0: none yet. */
uint64_t hist_seq(struct historian *historian);
/* Waits until hist_seq > seq or the monotonic deadline; true when there is more. */
bool hist_wait(struct historian *historian, uint64_t seq, int64_t deadline_mono_ns);
/* Batches above `seq` are kept in the log until every named consumer has passed them. A consumer
 * is known from its first call on, durably; set it before the first append that it must see. */
int hist_consumer_keep(struct historian *historian, struct str name, uint64_t seq, struct err *err);
int hist_consumer_forget(struct historian *historian, struct str name, struct err *err);

/* The log still has every batch above this number. */
uint64_t hist_kept_seq(struct historian *historian);

struct hist_replay;
/* Reads the durable batches above `seq` in order. ERR_NOT_FOUND when they are no longer kept. */
int hist_replay_open(
    struct historian *historian, uint64_t seq, struct hist_replay **ret_replay, struct err *err);
/* 1: *ret_batch is borrowed until the next call; 0: no more at present (call again later). */
int hist_replay_next(struct hist_replay *replay, const struct batch **ret_batch, struct err *err);
void hist_replay_close(struct hist_replay *replay);

/* ---- Snapshots: for backups, and for what must be computed over one state ---- */

struct hist_snapshot;

/* From here on the log keeps what is not yet sealed or consumed, in memory only: a consumer's
 * cursor that is read after this finds its batches in the snapshot. Any thread. */
int hist_snapshot_open(
    struct historian *historian, struct hist_snapshot **ret_snapshot, struct err *err);
/* Seals what is in memory and fixes the state: all rows up to a sequence number and no other.
 * Appends go on meanwhile; merges may replace the segments but not take them away. May be called
 * again, for a newer state. */
int hist_snapshot_take(struct hist_snapshot *snapshot, struct err *err);
uint64_t hist_snapshot_seq(const struct hist_snapshot *snapshot);   // The last one inside.
uint64_t hist_snapshot_bytes(const struct hist_snapshot *snapshot); // Of its segments.
/* Files that make a history folder of this state: manifest, segments, and the log that consumers
 * still need. Either bytes (borrowed for the call) or an open descriptor. */
struct hist_part {
    char name[40];
    const uint8_t *bytes;
    int fd; // With bytes NULL.
    uint64_t size;
};
int hist_snapshot_parts(struct hist_snapshot *snapshot,
    int (*each)(void *context, const struct hist_part *part, struct err *err), void *context,
    struct err *err);
/* Like hist_scan_open, over the snapshot, which must outlive the scan. */
int hist_snapshot_scan(struct hist_snapshot *snapshot, const struct hist_scan_options *options,
    struct hist_scan **ret_scan, struct err *err);
void hist_snapshot_close(struct hist_snapshot *snapshot); // NULL is allowed.

/* ---- Care ---- */

/* Rows of `tag` before `time_ns`, and roll-ups that stayed of older ones, are no longer shown from
 * now on (durably) and leave the disk with the next merges. tag 0: all tags. */
int hist_expire(struct historian *historian, uint32_t tag, int64_t before_ns, struct err *err);
/* The same for many tags with one write; all or nothing. Count of tags whose rows expired. */
struct hist_expiry {
    uint32_t tag; // 0: all tags.
    int64_t before_ns;
};
int hist_expire_many(struct historian *historian, const struct hist_expiry *expiries,
    uint32_t count, struct err *err);
/* What has become old of one tag. */
struct hist_ageing {
    uint32_t tag;
    int64_t raw_before_ns;    // Rows before go.
    int64_t rollup_before_ns; // Their roll-ups (1 h, 10 min, and 1 min where 256 rows or more make
                              // one) stay back to here. Not below raw_before_ns: none stay.
};
/* Who else is told the rows that go, before anything is given up. */
struct hist_age_sink {
    void *context;
    /* Winning rows, tag by tag and in order of time; borrowed for the call. */
    int (*rows)(void *context, const struct hist_rows *rows, struct err *err);
    /* All were told; what was made of them must be durable when it returns 0. Once the history has
     * given them up, hist_horizon of `tag` tells a raw_ns of `raw_ns` or later; while it tells
     * less, the rows are all there and will be told again. Not called where no bound of rows moves.
     */
    int (*finish)(void *context, uint32_t tag, int64_t raw_ns, struct err *err);
};
struct hist_age_options {
    const struct hist_ageing *tags; // In order of their numbers.
    uint32_t count;
    /* A folder, made when absent: all versions of the rows that go are written there first, as
     * segments that are synced and read back. NULL: nowhere. */
    const char *archive_dir;
    const struct hist_age_sink *sink; // NULL: nobody.
    const struct stop_flag *stop;     // Raised: ERR_CANCELLED, nothing goes. NULL: none.
};
struct hist_age_report {
    uint32_t tags; // Of which something went.
    uint32_t kept; // Left as they are: a damaged block lies in what should go.
    uint64_t cells;
    uint64_t archived_rows;
    uint64_t archived_bytes;
    uint32_t archived_files;
};
/* Lets go what has become old, all or nothing: roll-ups and archive are durable before the first
 * row is given up, with one change of the manifest. With roll-ups the bounds are taken down to the
 * hour. Bounds never move back. Rows that come later for time that has expired expire at once.
 * Takes as long as reading what goes; readers and writers go on. One at a time. */
int hist_age(struct historian *historian, const struct hist_age_options *options,
    struct hist_age_report *ret_report, struct err *err);
/* Stores once more the bounds that hist_horizon tells: after a hist_age that failed they may stand
 * on the disk as before or as asked for; after this, as told. */
int hist_horizons_settle(struct historian *historian, struct err *err);
/* A file of an archive, read by itself. Its scans must be closed before it. */
struct hist_file;
/* `path` ends in the name of a segment. ERR_INVALID, ERR_NOT_FOUND, ERR_VERSION. */
int hist_file_open(
    struct files *files, const char *path, struct hist_file **ret_file, struct err *err);
uint32_t hist_file_tag_count(const struct hist_file *file);
uint32_t hist_file_tag(const struct hist_file *file, uint32_t index);
uint64_t hist_file_rows(const struct hist_file *file);    // All versions.
uint32_t hist_file_damaged(const struct hist_file *file); // Places met so far.
int hist_file_scan(struct hist_file *file, const struct hist_scan_options *options,
    struct hist_scan **ret_scan, struct err *err);
void hist_file_close(struct hist_file *file); // NULL is allowed.
/* How far back a tag answers: rows from raw_ns on, buckets from rollup_ns on (the same where no
 * roll-ups are kept). INT64_MIN: nothing has expired. */
struct hist_horizon {
    int64_t raw_ns;
    int64_t rollup_ns;
};
void hist_horizon(struct historian *historian, uint32_t tag, struct hist_horizon *ret_horizon);
/* Makes everything in memory a segment. */
int hist_seal(struct historian *historian, struct err *err);
/* Merges small segments; 1: did something, 0: nothing to do. */
int hist_merge(struct historian *historian, struct err *err);

struct hist_status {
    uint64_t seq;
    uint64_t rows; // In segments and memory, all versions.
    uint64_t segment_count;
    uint64_t segment_bytes;
    uint64_t rollup_bytes; // Of expired rows.
    uint64_t log_bytes;
    uint64_t memory_bytes;   // Unsealed.
    uint64_t appended_rows;  // Since open.
    uint64_t sync_count;     // Since open.
    uint64_t sync_ns;        // Time spent in them.
    uint64_t torn_bytes_cut; // At the last recovery.
    uint64_t damaged_blocks; // Quarantined; the rest answers.
    bool disk_full;          // The last append was refused for space.
    int64_t disk_full_since_ns;
};
void hist_status(struct historian *historian, struct hist_status *ret_status);

/* What recovery or reading found wrong, in words, oldest first. */
void hist_notices(struct historian *historian, void (*each)(void *context, const struct err *what),
    void *context);

struct hist_verify_report {
    uint64_t segments;
    uint64_t blocks;
    uint64_t rows;
    uint64_t log_batches;
    uint64_t damaged;
};
/* Reads every byte of a history folder, open or not, and checks structure and checksums; `damaged`
 * is called with words naming file and block for each fault. Returns 0 also when faults were found
 * (report->damaged counts them); negative only when it could not look. */
int hist_verify(struct files *files, const char *dir,
    void (*damaged)(void *context, const struct err *what), void *context,
    struct hist_verify_report *ret_report, struct err *err);
/* The same for one segment, such as a file of an archive. ERR_INVALID: not named like one. */
int hist_verify_file(struct files *files, const char *path,
    void (*damaged)(void *context, const struct err *what), void *context,
    struct hist_verify_report *ret_report, struct err *err);
bool hist_file_is(const char *path); // Whether it is named like a segment.

#endif
