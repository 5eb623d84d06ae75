#ifndef WIRE_SPARKPLUG_H
#define WIRE_SPARKPLUG_H
/*
 * Sparkplug B 3.0 payloads (Eclipse Sparkplug specification, chapter 6; its protobuf schema is
 * clause 6.4.1) and topics (chapter 4), both ways, by hand: bounds everywhere, no recursion, no
 * memory of its own.
 *
 * A payload is checked as a whole first (`sparkplug_parse`), then its metrics are read one by one.
 * All texts borrow the payload. Writing appends to a buf, whose overflow tells when it was too
 * much. Plain values; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/err.h"

enum {
    SPARKPLUG_METRICS_MAX = 100000, // Of one payload; more are refused: a plant has no more tags.
    SPARKPLUG_COLUMNS_MAX = 256,    // Of one data set; wider ones have no value here.
};

/* Clause 6.4.16, enum DataType. */
enum sparkplug_type {
    SPARKPLUG_UNKNOWN = 0,
    SPARKPLUG_INT8,
    SPARKPLUG_INT16,
    SPARKPLUG_INT32,
    SPARKPLUG_INT64,
    SPARKPLUG_UINT8,
    SPARKPLUG_UINT16,
    SPARKPLUG_UINT32,
    SPARKPLUG_UINT64,
    SPARKPLUG_FLOAT,
    SPARKPLUG_DOUBLE,
    SPARKPLUG_BOOLEAN,
    SPARKPLUG_STRING,
    SPARKPLUG_DATETIME,
    SPARKPLUG_TEXT,
    SPARKPLUG_UUID,
    SPARKPLUG_DATASET,
    SPARKPLUG_BYTES,
    SPARKPLUG_FILE,
    SPARKPLUG_TEMPLATE,
    SPARKPLUG_PROPERTYSET,
    SPARKPLUG_PROPERTYSETLIST,
    SPARKPLUG_INT8_ARRAY,
    SPARKPLUG_INT16_ARRAY,
    SPARKPLUG_INT32_ARRAY,
    SPARKPLUG_INT64_ARRAY,
    SPARKPLUG_UINT8_ARRAY,
    SPARKPLUG_UINT16_ARRAY,
    SPARKPLUG_UINT32_ARRAY,
    SPARKPLUG_UINT64_ARRAY,
    SPARKPLUG_FLOAT_ARRAY,
    SPARKPLUG_DOUBLE_ARRAY,
    SPARKPLUG_BOOLEAN_ARRAY,
    SPARKPLUG_STRING_ARRAY,
    SPARKPLUG_DATETIME_ARRAY,
    SPARKPLUG_TYPE_COUNT
};

/* Which member of the value a metric carries: the field numbers of the schema. */
enum sparkplug_field {
    SPARKPLUG_FIELD_NONE = 0,
    SPARKPLUG_FIELD_INT = 10,
    SPARKPLUG_FIELD_LONG,
    SPARKPLUG_FIELD_FLOAT,
    SPARKPLUG_FIELD_DOUBLE,
    SPARKPLUG_FIELD_BOOLEAN,
    SPARKPLUG_FIELD_STRING,
    SPARKPLUG_FIELD_BYTES,
    SPARKPLUG_FIELD_DATASET,
    SPARKPLUG_FIELD_TEMPLATE,
    SPARKPLUG_FIELD_EXTENSION
};

/* The values of the property `Quality`, tck-id-payloads-propertyset-quality-value-value. */
enum {
    SPARKPLUG_QUALITY_BAD = 0,
    SPARKPLUG_QUALITY_GOOD = 192,
    SPARKPLUG_QUALITY_STALE = 500,
};

struct sparkplug_metric {
    struct str name;
    uint64_t alias;
    uint64_t time_ms; // Milliseconds since 1970 UTC.
    bool has_name;
    bool has_alias;
    bool has_time;
    bool is_historical;
    bool is_transient;
    bool is_null;
    bool has_quality; // The property `Quality`.
    int32_t quality;
    uint32_t datatype; // enum sparkplug_type, or what the sender wrote; 0: not stated.
    enum sparkplug_field field;
    uint64_t number;  // INT, LONG, BOOLEAN: as on the wire.
    double real;      // FLOAT, DOUBLE
    struct str bytes; // STRING, BYTES, DATASET, TEMPLATE, EXTENSION
};

struct sparkplug_payload {
    struct str bytes;
    uint64_t time_ms;
    uint64_t seq;
    bool has_time;
    bool has_seq;
    uint32_t metric_count;
    struct str uuid;
    struct str body;
};

/* Checks the whole payload. ERR_FRAME with the place, ERR_LIMIT. */
int sparkplug_parse(struct str bytes, struct sparkplug_payload *ret_payload, struct err *err);
/* Goes through the metrics of a parsed payload in order: `at` begins with 0. False: no more. */
bool sparkplug_next(
    const struct sparkplug_payload *payload, size_t *at, struct sparkplug_metric *ret_metric);

/* What a metric means. */
enum sparkplug_kind {
    SPARKPLUG_IS_NULL = 0,
    SPARKPLUG_IS_F64,
    SPARKPLUG_IS_I64, // Also DateTime, in milliseconds since 1970.
    SPARKPLUG_IS_BOOL,
    SPARKPLUG_IS_TEXT,      // Also arrays and data sets, as JSON.
    SPARKPLUG_OUT_OF_RANGE, // A number that its type, or int64_t, does not hold.
    SPARKPLUG_MISMATCH,     // The member that is there cannot hold that type.
    SPARKPLUG_NO_VALUE      // Bytes, files, templates, property sets, unknown types.
};
struct sparkplug_value {
    enum sparkplug_kind kind;
    double f64;
    int64_t i64; // Also bool.
    struct str text;
};
/* `datatype`: of the metric, or of its birth where the metric states none. `scratch` is cleared and
 * holds what had to be composed; the text lives until the next use of it. */
void sparkplug_value_get(const struct sparkplug_metric *metric, uint32_t datatype,
    struct buf *scratch, struct sparkplug_value *ret_value);
/* "Int8", ...; "Unknown" for what is none. */
const char *sparkplug_type_name(uint32_t datatype);

/* --- writing --- */

void sparkplug_put_time(struct buf *out, uint64_t time_ms);
void sparkplug_put_seq(struct buf *out, uint64_t seq);
/* Everything that is set; a metric with is_null carries no value. */
void sparkplug_put_metric(struct buf *out, const struct sparkplug_metric *metric);
/* Put a value into the member that its type asks for. UInt32 goes into long_value, where Eclipse
 * Tahu's readers look for it; readers here take both. */
void sparkplug_set_i64(struct sparkplug_metric *metric, enum sparkplug_type type, int64_t value);
void sparkplug_set_f64(struct sparkplug_metric *metric, enum sparkplug_type type, double value);
void sparkplug_set_bool(struct sparkplug_metric *metric, bool value);
void sparkplug_set_text(
    struct sparkplug_metric *metric, enum sparkplug_type type, struct str value);

/* --- topics --- */

enum sparkplug_verb {
    SPARKPLUG_NBIRTH = 0,
    SPARKPLUG_NDEATH,
    SPARKPLUG_NDATA,
    SPARKPLUG_NCMD,
    SPARKPLUG_DBIRTH,
    SPARKPLUG_DDEATH,
    SPARKPLUG_DDATA,
    SPARKPLUG_DCMD,
    SPARKPLUG_VERB_COUNT
};
struct sparkplug_topic {
    enum sparkplug_verb verb;
    struct str group;
    struct str edge;
    struct str device; // Empty for N-messages.
};
/* spBv1.0/GROUP/VERB/EDGE[/DEVICE]; false for everything else, STATE included. */
bool sparkplug_topic_parse(struct str topic, struct sparkplug_topic *ret_topic);
const char *sparkplug_verb_name(enum sparkplug_verb verb);
/* Group, edge and device names: not empty, no `+`, `/`, `#` (tck-id-topic-structure-namespace-
 * valid-group-id and its sisters), UTF-8. */
bool sparkplug_is_id(struct str text);

#endif
