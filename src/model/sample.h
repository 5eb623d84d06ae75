#ifndef MODEL_SAMPLE_H
#define MODEL_SAMPLE_H
/*
 * Samples and batches: the one shape in which data flows from device to refine to historian.
 *
 * A sample is tag number, time (int64 ns since 1970 UTC, the source's own clock where it has one),
 * typed value and a status. The status is an OPC UA StatusCode (IEC 62541-4 clause 7.39): its two
 * top bits are the severity (00 good, 01 uncertain, 10 bad), the rest names the reason. Checks
 * only mark: a sample that fails one keeps its value and gets a status.
 *
 * A batch owns its rows and the bytes of its text values. It is a plain value with one owner at a
 * time; it is handed on through queues. Its memory is taken once and reused.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/text.h"

enum value_type { TYPE_F64 = 1, TYPE_I64 = 2, TYPE_BOOL = 3, TYPE_TEXT = 4 };

/* Status codes in use: STATUS(NAME, code, "english", "korean"). */
enum status {
#define STATUS(name, code, en, ko) STATUS_##name = (int32_t)(code),
#include "model/status.def"
#undef STATUS
};

enum quality { QUALITY_GOOD = 0, QUALITY_UNCERTAIN = 1, QUALITY_BAD = 2 };

enum sample_flag {
    SAMPLE_LATE = 1,        // Older than the newest of its tag when it came.
    SAMPLE_CORRECTION = 2,  // A person's correction: outranks any source value.
    SAMPLE_SOURCE_TIME = 4, // The time is the source's own, not ours.
    SAMPLE_REFINED = 8,     // A version that re-refining wrote over the source's.
    SAMPLE_DROP = 128,      // Only inside refine: omitted by a stage (and counted).
};

struct sample {
    int64_t time_ns;
    union {
        double f64;
        int64_t i64; // Also bool: 0 or 1.
        struct {
            uint32_t offset; // Into the batch's text bytes.
            uint32_t size;
        } text;
    } value;
    uint32_t tag;    // Number in the plant's catalogue; 0 is no tag.
    uint32_t status; // OPC UA StatusCode; 0 is Good.
    uint8_t type;    // enum value_type
    uint8_t flags;   // enum sample_flag
    uint16_t reserved;
    uint32_t reserved2;
};
/* Times that a plant takes: 1970-01-01 to 2199-12-31. What lies outside is a mistake of a clock or
 * a unit, and a sample a day or more ahead would hide every true one after it. */
#define SAMPLE_TIME_MIN     0LL
#define SAMPLE_TIME_MAX     7258118399999999999LL
#define SAMPLE_AHEAD_MAX_NS (86400LL * 1000000000LL)

_Static_assert(sizeof(struct sample) == 32, "a sample is half a cache line");

struct batch {
    struct sample *rows;
    uint32_t count;
    uint32_t capacity;
    char *text;
    uint32_t text_size;
    uint32_t text_capacity;
    int64_t request_ns; // Wall time before the poll's request; 0 where there was none.
    int64_t reply_ns;   // Wall time after its reply; 0 where there was none.
    uint32_t source;    // Device number; 0 for imports and the line protocol.
    uint64_t seq;       // Set by the historian when durable; 0 before.
    uint32_t made;      // The last so many rows were made by refine, beside those that came.
};

/* Takes the memory: `rows` <= LIMIT_BATCH_MADE_ROWS, `text_bytes` <= LIMIT_BATCH_MADE_TEXT_BYTES
 * (the log reads what refine enlarged). Whoever fills one stays within LIMIT_BATCH_ROWS and
 * LIMIT_BATCH_TEXT_BYTES. */
struct batch *batch_new(uint32_t rows, uint32_t text_bytes);
void batch_free(struct batch *batch);
void batch_auto_free(struct batch **batch);
#define AUTO_BATCH __attribute__((cleanup(batch_auto_free)))
void batch_clear(struct batch *batch); // Keeps the memory.
/* Makes room for so many more rows and text bytes than there are. It takes memory only when the
 * batch never was so large; LIMIT_BATCH_MADE_ROWS is a promise of the caller. Moves the rows. */
void batch_reserve(struct batch *batch, uint64_t more_rows, uint64_t more_text_bytes);
/* A new zeroed row at the end, or NULL when full. */
struct sample *batch_add(struct batch *batch);
/* Adds a text value row; false when rows or text are full (nothing is added then). */
bool batch_add_text(struct batch *batch, uint32_t tag, int64_t time_ns, struct str text);
/* The text of a TYPE_TEXT row, borrowed from the batch. */
struct str batch_text(const struct batch *batch, const struct sample *row);

static inline enum quality status_quality(uint32_t status) {
    return (enum quality)(status >> 30 > 2 ? 2 : status >> 30);
}
/* Whether a value came with this status. False for bad ones that say why nothing came (no
 * communication, no data, not decoded, ...): the row then holds 0, NaN or an empty text only
 * because it must hold something, and whoever shows it shows no value. True for the bad ones of
 * checks that keep what came: failed sensor, out of range, wrong type, and the plain Bad of
 * imports. */
bool status_has_value(uint32_t status);
/* "good", "uncertain", "bad". */
const char *quality_name(enum quality quality);
bool quality_of_name(struct str name, enum quality *ret_quality);
/* The symbolic name of a status ("BadOutOfRange"), or NULL when it is not in our table. */
const char *status_name(uint32_t status);
/* Plain words of a status, Korean (0) or English (1) as enum lang; general words when unknown. */
const char *status_words(uint32_t status, int lang);

const char *value_type_name(enum value_type type); // "f64" "i64" "bool" "text"
bool value_type_of_name(struct str name, enum value_type *ret_type);
/* The value as a number, for charts and aggregates; NaN for text. */
double sample_number(const struct sample *row);

#endif
