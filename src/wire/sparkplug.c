/*
 * The protobuf wire format (a field is a varint of number << 3 | wire type, then its value) read
 * and written directly: the schema has five messages, and only the path payload - metric - property
 * set - property is followed, four functions that call each other downwards and never upwards. Data
 * sets and templates stay slices; a data set is read only where its text is wanted.
 *
 * Reading is done twice: once over everything, so that a payload that is damaged anywhere gives
 * nothing at all, then metric by metric. Fields that are not known are stepped over, as protobuf
 * asks; groups (wire types 3 and 4), which the schema does not have, are refused.
 *
 * Integers are generous in what is taken: senders differ in whether UInt32 stands in int_value or
 * long_value, and whether a negative Int8 is written as 8, 32 or 64 bits of two's complement. What
 * fits the type in any of these readings is taken, everything else is out of range.
 */
#include "wire/sparkplug.h"

#include <string.h>

#include "core/check.h"
#include "core/json.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
enum { PAYLOAD_TIME = 1, PAYLOAD_METRICS, PAYLOAD_SEQ, PAYLOAD_UUID, PAYLOAD_BODY };
enum {
    METRIC_NAME = 1,
    METRIC_ALIAS,
    METRIC_TIME,
    METRIC_DATATYPE,
    METRIC_IS_HISTORICAL,
    METRIC_IS_TRANSIENT,
    METRIC_IS_NULL,
    METRIC_METADATA,
    METRIC_PROPERTIES
};
enum { SET_KEYS = 1, SET_VALUES };
enum { PROPERTY_TYPE = 1, PROPERTY_IS_NULL, PROPERTY_INT, PROPERTY_LONG };
enum { DATASET_COLUMN_COUNT = 1, DATASET_COLUMNS, DATASET_TYPES, DATASET_ROWS };
enum { ROW_ELEMENTS = 1 };
enum {
    ELEMENT_INT = 1,
    ELEMENT_LONG,
    ELEMENT_FLOAT,
    ELEMENT_DOUBLE,
    ELEMENT_BOOLEAN,
    ELEMENT_STRING
};

/* One field of a message. */
struct field {
    uint32_t number;
    uint32_t wire;
    uint64_t value;   // Varint or fixed.
    struct str bytes; // WIRE_BYTES
};

/* The next field; false at the end or when the message is damaged (reader->failed). */
static bool next_field(struct reader *r, struct field *field) {
    if (reader_left(r) == 0) {
        return false;
    }
    uint64_t key = read_varint(r);
    *field = (struct field){.number = (uint32_t)(key >> 3), .wire = (uint32_t)(key & 7)};
    if (key >> 3 == 0 || key >> 32 != 0) {
        r->failed = true;
    } else if (field->wire == WIRE_VARINT) {
        field->value = read_varint(r);
    } else if (field->wire == WIRE_FIXED64) {
        field->value = read_u64_le(r);
    } else if (field->wire == WIRE_FIXED32) {
        field->value = read_u32_le(r);
    } else if (field->wire == WIRE_BYTES) {
        uint64_t size = read_varint(r);
        if (size > reader_left(r)) {
            r->failed = true;
            return false;
        }
        field->bytes =
            (struct str){.data = (const char *)read_bytes(r, (size_t)size), .size = (size_t)size};
    } else {
        r->failed = true;
    }
    return !r->failed;
}

static struct reader reader_over(struct str bytes) {
    return reader_of(bytes.data, bytes.size);
}

static double float_of(uint64_t bits) {
    uint32_t low = (uint32_t)bits;
    float value = 0;
    memcpy(&value, &low, sizeof value);
    return (double)value;
}

static double double_of(uint64_t bits) {
    double value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* --- reading metrics --- */

/* The integer of a property value. False: it holds none. Damage is told by *damaged. */
static bool property_integer(struct str bytes, int32_t *ret_value, bool *damaged) {
    struct reader r = reader_over(bytes);
    struct field field;
    bool found = false;
    while (next_field(&r, &field)) {
        if ((field.number == PROPERTY_INT || field.number == PROPERTY_LONG) &&
            field.wire == WIRE_VARINT) {
            *ret_value = (int32_t)(uint32_t)field.value;
            found = true;
        }
    }
    *damaged |= r.failed;
    return found;
}

/* Keys and values stand in two lists of the same order. False: damaged. */
static bool read_properties(struct str bytes, struct sparkplug_metric *metric) {
    struct reader keys = reader_over(bytes);
    struct field field;
    uint32_t index = 0;
    uint32_t wanted = UINT32_MAX;
    while (next_field(&keys, &field)) {
        if (field.number == SET_KEYS && field.wire == WIRE_BYTES) {
            if (str_eq(field.bytes, STR("Quality"))) {
                wanted = index;
            }
            index++;
        }
    }
    struct reader values = reader_over(bytes);
    bool damaged = keys.failed;
    index = 0;
    while (next_field(&values, &field)) {
        if (field.number == SET_VALUES && field.wire == WIRE_BYTES && index++ == wanted) {
            metric->has_quality = property_integer(field.bytes, &metric->quality, &damaged);
        }
    }
    return !damaged;
}

/* The members of the value. False: the wire type is another than the schema's. */
static bool read_value_field(const struct field *field, struct sparkplug_metric *metric) {
    static const uint8_t WIRES[] = {WIRE_VARINT, WIRE_VARINT, WIRE_FIXED32, WIRE_FIXED64,
        WIRE_VARINT, WIRE_BYTES, WIRE_BYTES, WIRE_BYTES, WIRE_BYTES, WIRE_BYTES};
    if (field->wire != WIRES[field->number - SPARKPLUG_FIELD_INT]) {
        return false;
    }
    metric->field = (enum sparkplug_field)field->number;
    metric->number = field->wire == WIRE_VARINT ? field->value : 0;
    metric->real = field->wire == WIRE_FIXED32   ? float_of(field->value)
                   : field->wire == WIRE_FIXED64 ? double_of(field->value)
                                                 : 0;
    metric->bytes = field->bytes;
    return true;
}

static bool read_metric_field(const struct field *field, struct sparkplug_metric *metric) {
    if (field->number >= SPARKPLUG_FIELD_INT && field->number <= SPARKPLUG_FIELD_EXTENSION) {
        return read_value_field(field, metric);
    }
    if (field->number == METRIC_NAME || field->number == METRIC_PROPERTIES) {
        if (field->wire != WIRE_BYTES) {
            return false;
        }
        if (field->number == METRIC_PROPERTIES) {
            return read_properties(field->bytes, metric);
        }
        metric->name = field->bytes;
        metric->has_name = true;
        return true;
    }
    if (field->number > METRIC_IS_NULL) {
        return true; // Metadata, and what a later schema may bring.
    }
    if (field->wire != WIRE_VARINT) {
        return false;
    }
    switch (field->number) {
    case METRIC_ALIAS:
        metric->alias = field->value;
        metric->has_alias = true;
        break;
    case METRIC_TIME:
        metric->time_ms = field->value;
        metric->has_time = true;
        break;
    case METRIC_DATATYPE: metric->datatype = (uint32_t)field->value; break;
    case METRIC_IS_HISTORICAL: metric->is_historical = field->value != 0; break;
    case METRIC_IS_TRANSIENT: metric->is_transient = field->value != 0; break;
    default: metric->is_null = field->value != 0; break;
    }
    return true;
}

static bool read_metric(struct str bytes, struct sparkplug_metric *ret_metric) {
    struct sparkplug_metric metric = {.name = STR_NONE, .bytes = STR_NONE};
    struct reader r = reader_over(bytes);
    struct field field;
    while (next_field(&r, &field)) {
        if (!read_metric_field(&field, &metric)) {
            return false;
        }
    }
    *ret_metric = metric;
    return !r.failed;
}

/* --- reading payloads --- */

static bool read_payload_field(
    const struct field *field, struct sparkplug_payload *payload, struct sparkplug_metric *metric) {
    if (field->number < PAYLOAD_TIME || field->number > PAYLOAD_BODY) {
        return true;
    }
    bool number = field->number == PAYLOAD_TIME || field->number == PAYLOAD_SEQ;
    if (field->wire != (number ? WIRE_VARINT : WIRE_BYTES)) {
        return false;
    }
    switch (field->number) {
    case PAYLOAD_TIME:
        payload->time_ms = field->value;
        payload->has_time = true;
        return true;
    case PAYLOAD_SEQ:
        payload->seq = field->value;
        payload->has_seq = true;
        return true;
    case PAYLOAD_METRICS: payload->metric_count++; return read_metric(field->bytes, metric);
    case PAYLOAD_UUID: payload->uuid = field->bytes; return true;
    default: payload->body = field->bytes; return true;
    }
}

int sparkplug_parse(struct str bytes, struct sparkplug_payload *ret_payload, struct err *err) {
    struct sparkplug_payload payload = {.bytes = bytes, .uuid = STR_NONE, .body = STR_NONE};
    struct sparkplug_metric metric;
    struct reader r = reader_over(bytes);
    struct field field;
    size_t at = 0;
    while (next_field(&r, &field)) {
        if (!read_payload_field(&field, &payload, &metric)) {
            return err_set(err, ERR_FRAME, MSG_SPARKPLUG_FRAME, ARGS(A_INT(at)));
        }
        if (payload.metric_count > SPARKPLUG_METRICS_MAX) {
            return err_set(err, ERR_LIMIT, MSG_SPARKPLUG_MANY, ARGS(A_INT(SPARKPLUG_METRICS_MAX)));
        }
        at = r.offset;
    }
    if (r.failed) {
        return err_set(err, ERR_FRAME, MSG_SPARKPLUG_FRAME, ARGS(A_INT(at)));
    }
    *ret_payload = payload;
    return 0;
}

bool sparkplug_next(
    const struct sparkplug_payload *payload, size_t *at, struct sparkplug_metric *ret_metric) {
    struct reader r = reader_over(payload->bytes);
    struct field field;
    read_skip(&r, *at);
    while (next_field(&r, &field)) {
        if (field.number == PAYLOAD_METRICS) {
            *at = r.offset;
            return read_metric(field.bytes, ret_metric);
        }
    }
    *at = payload->bytes.size;
    return false;
}

/* --- meaning --- */

/* Bits of each integer type; negative: signed. 0: no integer. */
static int integer_bits(uint32_t datatype) {
    static const int8_t BITS[] = {0, -8, -16, -32, -64, 8, 16, 32, 64};
    return datatype < sizeof BITS ? BITS[datatype] : 0;
}

/* The integer of `bits` in a number from the wire, in any of the readings that the top tells. */
static enum sparkplug_kind integer_of(uint64_t number, int bits, int64_t *ret_value) {
    if (bits > 0) {
        if ((bits < 64 && number >> bits != 0) || number > INT64_MAX) {
            return SPARKPLUG_OUT_OF_RANGE;
        }
        *ret_value = (int64_t)number;
        return SPARKPLUG_IS_I64;
    }
    int width = -bits;
    if (width == 64) {
        *ret_value = (int64_t)number;
        return SPARKPLUG_IS_I64;
    }
    uint64_t sign = 1ULL << (width - 1);
    uint64_t upper = number & ~((sign << 1) - 1); // All bits above the type's own.
    uint64_t low = number & ((sign << 1) - 1);
    int64_t value = (int64_t)((low ^ sign) - sign);
    bool extended32 = number >> 32 == 0 && (uint32_t)number == (uint32_t)(uint64_t)value;
    if (upper != 0 && !extended32 && number != (uint64_t)value) {
        return SPARKPLUG_OUT_OF_RANGE;
    }
    *ret_value = value;
    return SPARKPLUG_IS_I64;
}

/* Data sets: one element of a row as JSON. */
static void put_element(struct json *json, struct str bytes, uint32_t datatype) {
    struct reader r = reader_over(bytes);
    struct field field;
    if (!next_field(&r, &field)) {
        json_null(json);
        return;
    }
    int64_t whole = 0;
    int bits = integer_bits(datatype);
    switch (field.number) {
    case ELEMENT_INT:
    case ELEMENT_LONG:
        if (integer_of(field.value, bits != 0 ? bits : -64, &whole) == SPARKPLUG_IS_I64) {
            json_i64(json, whole);
        } else {
            json_null(json);
        }
        return;
    case ELEMENT_FLOAT: json_f64(json, float_of(field.value)); return;
    case ELEMENT_DOUBLE: json_f64(json, double_of(field.value)); return;
    case ELEMENT_BOOLEAN: json_bool(json, field.value != 0); return;
    case ELEMENT_STRING: json_str(json, field.bytes.data != NULL ? field.bytes : STR_NONE); return;
    default: json_null(json); return;
    }
}

static bool put_row(struct json *json, struct str bytes, const uint32_t *types, uint32_t count) {
    struct reader r = reader_over(bytes);
    struct field field;
    uint32_t column = 0;
    json_array_begin(json);
    while (next_field(&r, &field)) {
        if (field.number == ROW_ELEMENTS && field.wire == WIRE_BYTES) {
            put_element(json, field.bytes, column < count ? types[column] : 0);
            column++;
        }
    }
    json_array_end(json);
    return !r.failed;
}

/* The column types, one by one or packed. */
static bool take_types(const struct field *field, uint32_t *types, uint32_t *count) {
    struct reader r = reader_over(field->bytes);
    while (field->wire == WIRE_VARINT || reader_left(&r) > 0) {
        if (*count == SPARKPLUG_COLUMNS_MAX) {
            return false;
        }
        types[(*count)++] = (uint32_t)(field->wire == WIRE_VARINT ? field->value : read_varint(&r));
        if (field->wire == WIRE_VARINT) {
            break;
        }
    }
    return !r.failed;
}

/* {"columns":[...],"rows":[[...]]}. False: damaged or too wide. */
static bool put_dataset(struct buf *out, struct str bytes) {
    uint32_t types[SPARKPLUG_COLUMNS_MAX];
    uint32_t type_count = 0;
    struct json json;
    json_init(&json, out);
    json_object_begin(&json);
    json_key(&json, "columns");
    json_array_begin(&json);
    struct reader r = reader_over(bytes);
    struct field field;
    while (next_field(&r, &field)) {
        if (field.number == DATASET_COLUMNS && field.wire == WIRE_BYTES) {
            json_str(&json, field.bytes);
        } else if (field.number == DATASET_TYPES &&
                   (field.wire == WIRE_VARINT || field.wire == WIRE_BYTES) &&
                   !take_types(&field, types, &type_count)) {
            return false;
        }
    }
    json_array_end(&json);
    json_key(&json, "rows");
    json_array_begin(&json);
    bool good = !r.failed;
    r = reader_over(bytes);
    while (good && next_field(&r, &field)) {
        if (field.number == DATASET_ROWS && field.wire == WIRE_BYTES) {
            good = put_row(&json, field.bytes, types, type_count);
        }
    }
    json_array_end(&json);
    json_object_end(&json);
    return good && !r.failed;
}

/* Clause 6.4.17: BooleanArray is a count of four bytes, then bits, the first in the top bit. */
static bool put_booleans(struct json *json, struct reader *r) {
    uint32_t count = read_u32_le(r);
    if (r->failed || reader_left(r) != ((size_t)count + 7) / 8) {
        return false;
    }
    uint8_t bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        bits = i % 8 == 0 ? read_u8(r) : bits;
        json_bool(json, (bits >> (7 - i % 8) & 1) != 0);
    }
    return true;
}

/* StringArray: each string ended by a zero byte. */
static bool put_strings(struct json *json, struct str bytes) {
    while (bytes.size > 0) {
        size_t size = str_find(bytes, '\0');
        if (size == bytes.size) {
            return false;
        }
        json_str(json, str_slice(bytes, 0, size));
        bytes = str_slice(bytes, size + 1, bytes.size);
    }
    return true;
}

/* One number of an array, little endian. */
static void put_number(struct json *json, struct reader *r, uint32_t datatype, size_t size) {
    uint64_t raw = size == 1   ? read_u8(r)
                   : size == 2 ? read_u16_le(r)
                   : size == 4 ? read_u32_le(r)
                               : read_u64_le(r);
    if (datatype == SPARKPLUG_FLOAT_ARRAY) {
        json_f64(json, float_of(raw));
    } else if (datatype == SPARKPLUG_DOUBLE_ARRAY) {
        json_f64(json, double_of(raw));
    } else if (raw > INT64_MAX && datatype == SPARKPLUG_UINT64_ARRAY) {
        json_f64(json, (double)raw);
    } else {
        bool is_signed = datatype >= SPARKPLUG_INT8_ARRAY && datatype <= SPARKPLUG_INT64_ARRAY;
        uint64_t sign = is_signed && size < 8 ? 1ULL << (size * 8 - 1) : 0;
        json_i64(json, (int64_t)((raw ^ sign) - sign));
    }
}

/* False: the bytes are no array of that type. */
static bool put_array(struct buf *out, struct str bytes, uint32_t datatype) {
    static const uint8_t SIZES[] = {1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 0, 0, 8};
    size_t size = SIZES[datatype - SPARKPLUG_INT8_ARRAY];
    struct reader r = reader_over(bytes);
    struct json json;
    json_init(&json, out);
    json_array_begin(&json);
    bool good = true;
    if (datatype == SPARKPLUG_BOOLEAN_ARRAY) {
        good = put_booleans(&json, &r);
    } else if (datatype == SPARKPLUG_STRING_ARRAY) {
        good = put_strings(&json, bytes);
    } else {
        good = bytes.size % size == 0;
        while (good && reader_left(&r) > 0 && !out->overflow) {
            put_number(&json, &r, datatype, size);
        }
    }
    json_array_end(&json);
    return good;
}

/* Texts that have to be composed. */
static void compose(const struct sparkplug_metric *metric, uint32_t datatype, struct buf *scratch,
    struct sparkplug_value *value) {
    bool is_array = datatype >= SPARKPLUG_INT8_ARRAY && datatype <= SPARKPLUG_DATETIME_ARRAY;
    enum sparkplug_field wanted = is_array ? SPARKPLUG_FIELD_BYTES : SPARKPLUG_FIELD_DATASET;
    buf_clear(scratch);
    bool good = metric->field == wanted && (is_array ? put_array(scratch, metric->bytes, datatype)
                                                     : put_dataset(scratch, metric->bytes));
    value->kind = !good               ? SPARKPLUG_MISMATCH
                  : scratch->overflow ? SPARKPLUG_OUT_OF_RANGE
                                      : SPARKPLUG_IS_TEXT;
    value->text = buf_str(scratch);
}

/* Where neither the metric nor its birth states a type: the member tells. */
static uint32_t type_of_field(enum sparkplug_field field) {
    static const uint8_t TYPES[] = {SPARKPLUG_UINT32, SPARKPLUG_INT64, SPARKPLUG_FLOAT,
        SPARKPLUG_DOUBLE, SPARKPLUG_BOOLEAN, SPARKPLUG_STRING, SPARKPLUG_UNKNOWN, SPARKPLUG_DATASET,
        SPARKPLUG_UNKNOWN, SPARKPLUG_UNKNOWN};
    return field >= SPARKPLUG_FIELD_INT ? TYPES[field - SPARKPLUG_FIELD_INT] : SPARKPLUG_UNKNOWN;
}

void sparkplug_value_get(const struct sparkplug_metric *metric, uint32_t datatype,
    struct buf *scratch, struct sparkplug_value *ret_value) {
    *ret_value = (struct sparkplug_value){.kind = SPARKPLUG_NO_VALUE, .text = STR_NONE};
    if (metric->is_null) {
        ret_value->kind = SPARKPLUG_IS_NULL;
        return;
    }
    datatype = datatype != SPARKPLUG_UNKNOWN ? datatype : type_of_field(metric->field);
    bool whole = metric->field == SPARKPLUG_FIELD_INT || metric->field == SPARKPLUG_FIELD_LONG;
    bool real = metric->field == SPARKPLUG_FIELD_FLOAT || metric->field == SPARKPLUG_FIELD_DOUBLE;
    int bits = datatype == SPARKPLUG_DATETIME ? 64 : integer_bits(datatype);
    if (bits != 0) {
        ret_value->kind =
            whole ? integer_of(metric->number, bits, &ret_value->i64) : SPARKPLUG_MISMATCH;
    } else if (datatype == SPARKPLUG_FLOAT || datatype == SPARKPLUG_DOUBLE) {
        ret_value->kind = real ? SPARKPLUG_IS_F64 : SPARKPLUG_MISMATCH;
        ret_value->f64 = metric->real;
    } else if (datatype == SPARKPLUG_BOOLEAN) {
        ret_value->kind =
            metric->field == SPARKPLUG_FIELD_BOOLEAN ? SPARKPLUG_IS_BOOL : SPARKPLUG_MISMATCH;
        ret_value->i64 = metric->number != 0;
    } else if (datatype == SPARKPLUG_STRING || datatype == SPARKPLUG_TEXT ||
               datatype == SPARKPLUG_UUID) {
        ret_value->kind =
            metric->field == SPARKPLUG_FIELD_STRING ? SPARKPLUG_IS_TEXT : SPARKPLUG_MISMATCH;
        ret_value->text = metric->bytes;
    } else if (datatype == SPARKPLUG_DATASET ||
               (datatype >= SPARKPLUG_INT8_ARRAY && datatype <= SPARKPLUG_DATETIME_ARRAY)) {
        compose(metric, datatype, scratch, ret_value);
    }
}

const char *sparkplug_type_name(uint32_t datatype) {
    static const char *const NAMES[] = {"Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8",
        "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean", "String", "DateTime", "Text",
        "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList",
        "Int8Array", "Int16Array", "Int32Array", "Int64Array", "UInt8Array", "UInt16Array",
        "UInt32Array", "UInt64Array", "FloatArray", "DoubleArray", "BooleanArray", "StringArray",
        "DateTimeArray"};
    _Static_assert(sizeof NAMES / sizeof NAMES[0] == SPARKPLUG_TYPE_COUNT, "each type has a name");
    return NAMES[datatype < SPARKPLUG_TYPE_COUNT ? datatype : SPARKPLUG_UNKNOWN];
}

/* --- writing --- */

static void put_key(struct buf *out, uint32_t number, uint32_t wire) {
    write_varint(out, (uint64_t)number << 3 | wire);
}

static void put_varint(struct buf *out, uint32_t number, uint64_t value) {
    put_key(out, number, WIRE_VARINT);
    write_varint(out, value);
}

static void put_bytes(struct buf *out, uint32_t number, struct str bytes) {
    put_key(out, number, WIRE_BYTES);
    write_varint(out, bytes.size);
    buf_put(out, bytes.data, bytes.size);
}

/* Turns what was written since `start` into a field of bytes: moves it up for key and length. */
static void wrap(struct buf *out, size_t start, uint32_t number) {
    size_t size = out->size - start;
    size_t behind = out->size;
    put_key(out, number, WIRE_BYTES);
    write_varint(out, size);
    if (out->overflow) {
        return;
    }
    uint8_t head[16];
    size_t head_size = out->size - behind;
    CHECK(head_size <= sizeof head);
    memcpy(head, out->data + behind, head_size);
    memmove(out->data + start + head_size, out->data + start, size);
    memcpy(out->data + start, head, head_size);
}

void sparkplug_put_time(struct buf *out, uint64_t time_ms) {
    put_varint(out, PAYLOAD_TIME, time_ms);
}

void sparkplug_put_seq(struct buf *out, uint64_t seq) {
    put_varint(out, PAYLOAD_SEQ, seq);
}

static void put_value(struct buf *out, const struct sparkplug_metric *metric) {
    switch (metric->field) {
    case SPARKPLUG_FIELD_NONE: return;
    case SPARKPLUG_FIELD_INT:
    case SPARKPLUG_FIELD_LONG:
    case SPARKPLUG_FIELD_BOOLEAN: put_varint(out, metric->field, metric->number); return;
    case SPARKPLUG_FIELD_FLOAT: {
        float value = (float)metric->real;
        uint32_t bits = 0;
        memcpy(&bits, &value, sizeof bits);
        put_key(out, metric->field, WIRE_FIXED32);
        write_u32_le(out, bits);
        return;
    }
    case SPARKPLUG_FIELD_DOUBLE:
        put_key(out, metric->field, WIRE_FIXED64);
        write_f64_le(out, metric->real);
        return;
    case SPARKPLUG_FIELD_STRING:
    case SPARKPLUG_FIELD_BYTES:
    case SPARKPLUG_FIELD_DATASET:
    case SPARKPLUG_FIELD_TEMPLATE:
    case SPARKPLUG_FIELD_EXTENSION: put_bytes(out, metric->field, metric->bytes); return;
    }
}

static void put_quality(struct buf *out, int32_t quality) {
    size_t set = out->size;
    put_bytes(out, SET_KEYS, STR("Quality"));
    size_t property = out->size;
    put_varint(out, PROPERTY_TYPE, SPARKPLUG_INT32);
    put_varint(out, PROPERTY_INT, (uint32_t)quality);
    wrap(out, property, SET_VALUES);
    wrap(out, set, METRIC_PROPERTIES);
}

void sparkplug_put_metric(struct buf *out, const struct sparkplug_metric *metric) {
    size_t start = out->size;
    if (metric->has_name) {
        put_bytes(out, METRIC_NAME, metric->name);
    }
    if (metric->has_alias) {
        put_varint(out, METRIC_ALIAS, metric->alias);
    }
    if (metric->has_time) {
        put_varint(out, METRIC_TIME, metric->time_ms);
    }
    if (metric->datatype != SPARKPLUG_UNKNOWN) {
        put_varint(out, METRIC_DATATYPE, metric->datatype);
    }
    if (metric->is_historical) {
        put_varint(out, METRIC_IS_HISTORICAL, 1);
    }
    if (metric->is_transient) {
        put_varint(out, METRIC_IS_TRANSIENT, 1);
    }
    if (metric->is_null) {
        put_varint(out, METRIC_IS_NULL, 1);
    }
    if (metric->has_quality) {
        put_quality(out, metric->quality);
    }
    if (!metric->is_null) {
        put_value(out, metric);
    }
    wrap(out, start, PAYLOAD_METRICS);
}

void sparkplug_set_i64(struct sparkplug_metric *metric, enum sparkplug_type type, int64_t value) {
    bool wide = type == SPARKPLUG_INT64 || type == SPARKPLUG_UINT32 || type == SPARKPLUG_UINT64 ||
                type == SPARKPLUG_DATETIME;
    metric->datatype = type;
    metric->field = wide ? SPARKPLUG_FIELD_LONG : SPARKPLUG_FIELD_INT;
    metric->number = wide ? (uint64_t)value : (uint32_t)value;
}

void sparkplug_set_f64(struct sparkplug_metric *metric, enum sparkplug_type type, double value) {
    metric->datatype = type;
    metric->field = type == SPARKPLUG_FLOAT ? SPARKPLUG_FIELD_FLOAT : SPARKPLUG_FIELD_DOUBLE;
    metric->real = value;
}

void sparkplug_set_bool(struct sparkplug_metric *metric, bool value) {
    metric->datatype = SPARKPLUG_BOOLEAN;
    metric->field = SPARKPLUG_FIELD_BOOLEAN;
    metric->number = value;
}

void sparkplug_set_text(
    struct sparkplug_metric *metric, enum sparkplug_type type, struct str value) {
    metric->datatype = type;
    metric->field = SPARKPLUG_FIELD_STRING;
    metric->bytes = value;
}

/* --- topics --- */

static const char *const VERBS[] = {
    "NBIRTH", "NDEATH", "NDATA", "NCMD", "DBIRTH", "DDEATH", "DDATA", "DCMD"};
_Static_assert(sizeof VERBS / sizeof VERBS[0] == SPARKPLUG_VERB_COUNT, "each verb has a name");

const char *sparkplug_verb_name(enum sparkplug_verb verb) {
    return VERBS[verb];
}

bool sparkplug_is_id(struct str text) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '+' || c == '/' || c == '#' || c == '\0') {
            return false;
        }
    }
    return text.size > 0 && str_is_utf8(text, NULL);
}

bool sparkplug_topic_parse(struct str topic, struct sparkplug_topic *ret_topic) {
    struct str rest = topic;
    if (!str_eq(str_cut(&rest, '/'), STR("spBv1.0"))) {
        return false;
    }
    struct sparkplug_topic parsed = {.group = str_cut(&rest, '/'), .device = STR_NONE};
    struct str verb = str_cut(&rest, '/');
    parsed.edge = str_cut(&rest, '/');
    bool has_device = rest.data != NULL;
    parsed.device = has_device ? rest : STR_NONE;
    for (int i = 0; i < SPARKPLUG_VERB_COUNT; i++) {
        if (str_eq(verb, str_of(VERBS[i]))) {
            parsed.verb = (enum sparkplug_verb)i;
            bool good = sparkplug_is_id(parsed.group) && sparkplug_is_id(parsed.edge) &&
                        has_device == (i >= SPARKPLUG_DBIRTH) &&
                        (!has_device || sparkplug_is_id(parsed.device));
            *ret_topic = good ? parsed : *ret_topic;
            return good;
        }
    }
    return false;
}
