#ifndef PAPERS_PAPERS_H
#define PAPERS_PAPERS_H
/*
 * Papers of a build, made from what the plant holds: the definition of its data collection, the
 * registers of hardware, trainings and security products, and the hand-over file with measured
 * completeness and latency. Nothing is stored but deliverables; a paper is made anew each time it
 * is asked for. The plant is borrowed; any thread that may wait.
 */
#include "ledger/registers.h"
#include "plant/plant.h"

enum paper_kind {
    PAPER_DEFINITION,
    PAPER_HARDWARE,
    PAPER_TRAINING,
    PAPER_SECURITY,
    PAPER_INDICATORS,
    PAPER_HANDOVER,
    PAPER_KIND_COUNT
};
enum paper_format { PAPER_PDF, PAPER_XLSX, PAPER_ZIP, PAPER_FORMAT_COUNT };

const char *paper_kind_name(enum paper_kind kind); // "definition", "hardware", ...
bool paper_kind_of_name(struct str name, enum paper_kind *ret_kind);
const char *paper_format_name(enum paper_format format); // "pdf", "xlsx", "zip"
bool paper_format_of_name(struct str name, enum paper_format *ret_format);

struct paper_order {
    enum paper_kind kind;
    enum paper_format format; // Hand-over: PDF or ZIP; the others: PDF or XLSX.
    enum lang lang;
    int64_t from_ns; // [from, to) of what is measured; hand-over only.
    int64_t to_ns;
    struct str actor;         // Who asks, as people call them.
    const char *spool_folder; // For a ZIP on its way.
    void *context;
    int (*write)(void *context, const void *data, size_t size, struct err *err);
};

/* Makes a paper. ERR_UNSUPPORTED: no such form of it, or no PDF here (words say which package is
 * missing); ERR_LIMIT: too long for paper. */
int paper_make(struct plant *plant, const struct paper_order *order, struct err *err);

/* ---- What is measured ---- */

enum { MEASURE_DAYS_MAX = 92 }; // Longer ranges are refused.

struct measure_tag {
    const struct tag *tag; // In the catalogue of the measure.
    bool judged;           // False: nothing to judge in the range.
    uint64_t rows;         // Stored in the range, bad ones too.
    uint64_t bad;          // Rows without a usable value.
    uint64_t expected;     // Polls due in the window; 0: no device, so nothing is due.
    double window_s;       // From the range's begin or the first row ever to its end or now.
    double gap_s;          // Not covered by any value (plant/quality.h says how).
    double covered;        // 0..100 by time; NaN: not judged.
    uint64_t late;
};

struct measure_device {
    const struct device *device; // NULL: tags without a device.
    struct measure_tag sum;      // windows and gaps of all its tags added; `tag` NULL.
    uint32_t tags;
    bool has_health;
    struct device_health health; // Since the program's start.
};

struct measure {
    int64_t from_ns;
    int64_t to_ns;
    int64_t made_ns;
    struct catalogue *catalogue;
    struct measure_tag *tags; // Active tags, and those with rows.
    uint32_t tag_count;
    struct measure_device *devices;
    uint32_t device_count;
    struct measure_tag total;
    struct pipeline_status pipeline;
    bool is_live; // Devices were polled by this process: latency means something.
};

/* Judges every tag over a range. ERR_INVALID: a range that is empty, in the future or too long. */
int measure_run(struct plant *plant, int64_t from_ns, int64_t to_ns, struct arena *arena,
    struct measure *ret_measure, struct err *err);
void measure_fini(struct measure *measure);

/* ---- What ends soon ---- */

enum { DUE_DAYS = 60 };
struct due_item {
    enum register_id of; // REGISTER_HARDWARE or REGISTER_SECURITY.
    int64_t number;      // In that register.
    struct str name;
    struct str what; // "contract_end", "warranty_end", "licence_end"
    struct str date;
    int64_t days; // Left; below zero: over.
};
/* Contracts, warranties and licences that end within `days` or ended not longer than that ago,
 * soonest first. Count. */
int due_list(struct plant *plant, int64_t days, struct arena *arena, struct due_item **ret_items,
    struct err *err);

/* ---- Deliverables ---- */

enum { BOX_FILE_BYTES = 50 << 20 }; // One file; refused beyond.

struct box_file {
    struct str title;
    struct str kind;
    struct str version;
    struct str name; // Without slashes.
    struct str bytes;
    struct str actor;  // The audit's: an id, never a name that people give themselves.
    struct str author; // As the register shows.
};
/* Keeps a file and enters it. Bytes that are there already are kept once. */
int box_add(struct plant *plant, const struct box_file *file, int64_t *ret_number, struct err *err);
/* Removes the entry, and the bytes when no other entry has them. ERR_CONFLICT: a training names
 * it. */
int box_remove(struct plant *plant, int64_t number, struct str actor, struct err *err);
/* Opens the bytes; the caller closes. ERR_CORRUPT: they are not those that were put in. */
int box_open(struct plant *plant, int64_t number, struct arena *arena, struct register_row *ret_row,
    int *ret_fd, uint64_t *ret_size, struct err *err);

#endif
