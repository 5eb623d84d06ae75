#ifndef PLANT_IMPORT_H
#define PLANT_IMPORT_H
/*
 * Tables in: samples (long and wide), devices, tags, equipment, corrections, master data, from any
 * file that the room `table` reads. Everything is checked first and stored only when no row is at
 * fault; with `partial` a row that cannot be taken is rejected with its line and reason and stops
 * no other row. A second import of the same file changes nothing. Memory is bounded whatever the
 * file's size. Called from any thread that may block.
 */
#include "plant/plant.h"
#include "production/master.h"
#include "table/table.h"

/* IMPORT_NOUNS and a noun's number: master data (production/master.h). */
enum import_kind {
    IMPORT_SAMPLES,
    IMPORT_DEVICES,
    IMPORT_TAGS,
    IMPORT_EQUIPMENT,
    IMPORT_CORRECTIONS,
    IMPORT_NOUNS,
    IMPORT_KIND_COUNT = IMPORT_NOUNS + NOUN_COUNT
};

bool import_kind_of_name(struct str name, enum import_kind *ret_kind);
const char *import_kind_name(enum import_kind kind);
bool import_noun_of_kind(enum import_kind kind, enum noun_id *ret_noun);

struct import_progress {
    uint64_t rows;        // Of the present pass.
    uint64_t done_bytes;  // Both passes together are the whole.
    uint64_t total_bytes; // 0: unknown.
};

struct import_options {
    enum import_kind kind;
    int fd;        // Read from its present position to the end; stays the caller's.
    bool dry_run;  // Check everything, store nothing.
    bool partial;  // Take the good rows although others are at fault.
    bool outsider; // Remote support: see import_outsider_tag and import_outsider_device.
    bool only_new; // Devices, tags, equipment: what is there must be as the row says.
    enum table_encoding encoding; // AUTO: recognised; as are the next two where empty.
    char separator;
    struct str sheet;
    const char *spool_folder; // NULL: the system's; a pipe is put aside there.
    uint64_t rows_max;        // With dry_run: look at so many rows only. 0: all.
    struct str actor;         // Who, for the audit; empty: "installer".
    int stop_fd;              // Readable: give up (ERR_CANCELLED). -1: none. 0 counts as none, too.
    int peer_fd;              // Hung up: give up. As stop_fd.
    void *context;
    /* Each rejected row: its line in the file (from 1) and why. */
    void (*rejected)(void *context, uint64_t line, const struct err *why);
    /* Devices, tags, equipment: each good row, and whether it makes or changes anything. Told
     * inside the ledger's transaction: take note, no more. May be NULL. */
    void (*taken)(void *context, uint64_t line, bool changed);
    /* Each tag that was created because nothing knew it (samples). May be NULL. */
    void (*created)(void *context, struct str name);
    /* Every 1,000 rows or so; false gives up. May be NULL. */
    bool (*progress)(void *context, const struct import_progress *progress);
};

struct import_report {
    uint64_t rows;     // Data rows read.
    uint64_t values;   // Samples (or devices, tags, ...) found good.
    uint64_t stored;   // New ones made durable (or changed, for devices and tags).
    uint64_t omitted;  // Stood already, exactly: nothing to do.
    uint64_t rejected; // Rows rejected.
    uint64_t created;  // Tags created.
    bool refused;      // Rows were rejected, so nothing was stored.
    /* What the file was recognised as; its sheet is not kept. */
    struct table_facts facts;
};

/* 0 when the file was read to its end (look at report->rejected); negative when it could not go on:
 * unreadable, not a table of this kind, store refuses. What was stored before stays stored. */
int import_run(struct plant *plant, const struct import_options *options,
    struct import_report *ret_report, struct err *err);

/* Tables of devices, tags and equipment in one step, in this order: all of all, or nothing. */
enum { IMPORT_STEPS_MAX = 4 };
int import_steps(struct plant *plant, const struct import_options *steps, uint32_t count,
    struct import_report *ret_reports, struct err *err);

/* Columns of devices, tags and equipment in their documented order, without the mark. */
enum { IMPORT_COLUMNS_MAX = 24 };
enum { IMPORT_DEVICE_ID = 0, IMPORT_DEVICE_ADDRESS = 2, IMPORT_DEVICE_OPTIONS = 4 };
enum { IMPORT_DEVICE_DISPLAY = 5 };
enum { IMPORT_TAG_NAME = 0, IMPORT_TAG_DEVICE = 1, IMPORT_TAG_SOURCE = 2 };
enum { IMPORT_TAG_DISPLAY = 10, IMPORT_TAG_REFINE = 14 };
enum { IMPORT_ASSET_ID = 0, IMPORT_ASSET_PARENT = 1, IMPORT_ASSET_DISPLAY = 3 };
uint32_t import_column_count(enum import_kind kind); // 0: of another kind.
struct str import_column_name(enum import_kind kind, uint32_t column);

/* A look at a file before anything is done with it. Texts live in the arena. */
enum { PREVIEW_ROWS = 20, PREVIEW_COLUMNS = 64 };
struct import_preview {
    struct table_facts facts;
    bool kind_known; // By the header's names.
    enum import_kind kind;
    bool has_header;
    uint32_t row_count;
    struct {
        uint64_t line;
        uint32_t field_count; // Fields beyond PREVIEW_COLUMNS are not kept.
        struct str *fields;
        struct err *fault;    // NULL: good.
    } rows[PREVIEW_ROWS + 1]; // With the header.
};
int import_look(const struct import_options *options, struct arena *arena,
    struct import_preview *ret_preview, struct err *err);

/* What an outsider may not change, by a table or by hand: how long a tag's values are kept; a
 * device that reads files of this computer. `known` NULL: it is new. ERR_FORBIDDEN. */
int import_outsider_tag(const struct tag *known, const struct tag *wanted, struct err *err);
int import_outsider_device(
    const struct device *known, const struct device *wanted, struct err *err);

/* ---- Private to the room ---- */

int import_samples(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err);
int import_catalogue(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err);
int import_corrections(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err);
int import_master(struct plant *plant, const struct import_options *options,
    struct import_report *report, struct err *err);

/* Whether the text is a value of the type; *row receives a number. `name` is for words. */
int import_value(
    struct str name, enum value_type type, struct str text, struct sample *row, struct err *err);

/* Rows of the file, with progress and cancelling. */
struct import_rows;
int import_rows_open(const struct import_options *options, struct import_report *report,
    struct import_rows **ret_rows, struct err *err);
void import_rows_close(struct import_rows *rows);
/* As table_next. */
int import_rows_next(
    struct import_rows *rows, const struct str **ret_fields, size_t *ret_count, struct err *err);
uint64_t import_rows_line(const struct import_rows *rows);
/* Back to the start of the file, for the second pass. */
int import_rows_again(struct import_rows *rows, struct err *err);
void import_reject(const struct import_options *options, struct import_report *report,
    uint64_t line, const struct err *why);
struct str import_actor(const struct import_options *options);

#endif
