#ifndef MODEL_TAG_H
#define MODEL_TAG_H
/*
 * The tag catalogue of one plant: an immutable snapshot, published by `plant`, borrowed by device,
 * refine, serve. A tag's number (1..) never changes and is never reused; its name is one to four
 * identifiers joined by dots. Snapshots are counted: whoever keeps one takes a reference.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/mem.h"
#include "model/sample.h"

enum tag_kind { KIND_MEASUREMENT = 0, KIND_COUNTER, KIND_STATE, KIND_SETPOINT };

struct tag {
    uint32_t number;
    enum value_type type;
    enum tag_kind kind;
    struct str name;    // "press1.temp", NUL-terminated behind its size.
    struct str display; // Free name for people; empty: use `name`.
    struct str unit;    // As shown, e.g. "°C"; may be empty.
    struct str device;  // Device id; empty: fed by import or line protocol.
    struct str source;  // Address in the driver's words.
    double scale;       // value = raw * scale + offset; 1 and 0 for none.
    double offset;
    double min; // Valid range in the tag's unit; NaN: none.
    double max;
    double dead_band;        // Change smaller than this is omitted; 0: every change, NaN: keep all.
    int64_t max_silence_ns;  // With a dead-band: a value is kept at least this often. 0: 10 min.
    int64_t late_limit_ns;   // Older than the newest by more is marked late-beyond. 0: no limit.
    uint32_t retention_days; // Whole days its samples are kept; 0: the plant's rule.
    uint32_t rollup_days;    // Whole days the roll-ups of older ones stay; 0: the plant's rule.
    struct str refine;       // Refine rules, "spike=3 stuck_s=600"; empty: none (refine/rules.def).
    bool keep_raw;           // Keep the decoded value where a stage changes values.
    bool active;             // False: no longer collected; history stays.
};

struct device {
    uint32_t number;
    struct str id;
    struct str display;
    struct str driver;
    struct str address; // "127.0.0.1:1502", "/dev/ttyS0", "capture:FILE".
    struct str options; // "unit=1 timeout_ms=500".
    int64_t period_ns;
    bool enabled;
};

/* ISA-95 equipment tree. */
enum asset_level { ASSET_SITE = 0, ASSET_AREA, ASSET_LINE, ASSET_EQUIPMENT };
struct asset {
    uint32_t number;
    uint32_t parent; // 0: top.
    enum asset_level level;
    struct str id;
    struct str display;
    struct str kind; // Picture class: "injection" "cnc" "packing" "generic"...
    double x, y;     // Place in the line picture, 0..1000; NaN: placed by order.
};

struct catalogue {
    uint64_t version; // Grows with every publication.
    struct tag *tags; // Index i holds number i + 1; tags never vanish, only become inactive.
    uint32_t tag_count;
    struct device *devices;
    uint32_t device_count;
    struct asset *assets;
    uint32_t asset_count;
    struct arena arena;   // Owns every string and array.
    uint32_t *name_slots; // Open-addressing index over tag names.
    uint32_t name_slot_count;
    _Atomic uint32_t references;
};

/* An empty catalogue with one reference, to be filled by its builder and then only read. */
struct catalogue *catalogue_new(void);
/* Builds the name index. Call once after filling; then the catalogue is immutable. */
void catalogue_finish(struct catalogue *catalogue);
struct catalogue *catalogue_ref(struct catalogue *catalogue);
void catalogue_unref(struct catalogue *catalogue); // NULL is allowed.
const struct tag *catalogue_tag(const struct catalogue *catalogue, uint32_t number);     // Or NULL.
const struct tag *catalogue_find(const struct catalogue *catalogue, struct str name);    // Or NULL.
const struct device *catalogue_device(const struct catalogue *catalogue, struct str id); // Or NULL.

/* "a.b.c" with 1..4 identifiers of 1..64 characters. ERR_INVALID with words. */
int tag_name_check(struct str name, struct err *err);
/* Whether a name fits a pattern, in which * stands for any letters, also none. */
bool tag_name_fits(struct str pattern, struct str name);
const char *tag_kind_name(enum tag_kind kind);
bool tag_kind_of_name(struct str name, enum tag_kind *ret_kind);
const char *asset_level_name(enum asset_level level);
bool asset_level_of_name(struct str name, enum asset_level *ret_level);

#endif
