/*
 * Batches of samples, and the names of qualities and value types.
 *
 * A batch is two flat blocks taken once: rows of 32 bytes and the bytes of text values. Adding a
 * row never allocates; a full batch says so and its owner sends it on. Text rows point into the
 * text block by offset, so a batch can be handed between threads as one pointer. Rejected: a
 * column per field here (stages and drivers touch all fields of a row together; columns are made
 * where they pay, in the historian's segments).
 *
 * Numbers: 65,536 rows are 2 MB; a poll of 125 registers fills some 4 KB of it.
 */
#include "model/sample.h"

#include <math.h>
#include <string.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/mem.h"

/* The low half tells about one answer, not another condition (IEC 62541-4 clause 7.39). */
#define STATUS_CODE_MASK 0xFFFF0000u

struct batch *batch_new(uint32_t rows, uint32_t text_bytes) {
    CHECK(rows > 0 && rows <= LIMIT_BATCH_MADE_ROWS);
    CHECK(text_bytes <= LIMIT_BATCH_MADE_TEXT_BYTES);
    struct batch *batch = MEM_NEW(struct batch);
    batch->rows = MEM_ARRAY(struct sample, rows);
    batch->capacity = rows;
    batch->text = text_bytes > 0 ? MEM_ARRAY(char, text_bytes) : NULL;
    batch->text_capacity = text_bytes;
    return batch;
}

void batch_free(struct batch *batch) {
    if (batch == NULL) {
        return;
    }
    mem_free(batch->rows);
    mem_free(batch->text);
    mem_free(batch);
}

void batch_auto_free(struct batch **batch) {
    batch_free(*batch);
    *batch = NULL;
}

void batch_clear(struct batch *batch) {
    batch->count = 0;
    batch->text_size = 0;
    batch->request_ns = 0;
    batch->reply_ns = 0;
    batch->source = 0;
    batch->seq = 0;
    batch->made = 0;
}

void batch_reserve(struct batch *batch, uint64_t more_rows, uint64_t more_text_bytes) {
    uint64_t rows = batch->count + more_rows;
    uint64_t text_bytes = batch->text_size + more_text_bytes;
    CHECK(rows <= LIMIT_BATCH_MADE_ROWS && text_bytes <= LIMIT_BATCH_MADE_TEXT_BYTES);
    if (rows > batch->capacity) {
        batch->rows = mem_resize(batch->rows, rows * sizeof *batch->rows);
        batch->capacity = (uint32_t)rows;
    }
    if (text_bytes > batch->text_capacity) {
        batch->text = mem_resize(batch->text, text_bytes);
        batch->text_capacity = (uint32_t)text_bytes;
    }
}

struct sample *batch_add(struct batch *batch) {
    if (batch->count == batch->capacity) {
        return NULL;
    }
    struct sample *row = &batch->rows[batch->count++];
    *row = (struct sample){0};
    return row;
}

bool batch_add_text(struct batch *batch, uint32_t tag, int64_t time_ns, struct str text) {
    if (batch->count == batch->capacity || text.size > batch->text_capacity - batch->text_size) {
        return false;
    }
    struct sample *row = batch_add(batch);
    row->tag = tag;
    row->time_ns = time_ns;
    row->type = TYPE_TEXT;
    row->value.text.offset = batch->text_size;
    row->value.text.size = (uint32_t)text.size;
    if (text.size > 0) {
        memcpy(batch->text + batch->text_size, text.data, text.size);
    }
    batch->text_size += (uint32_t)text.size;
    return true;
}

struct str batch_text(const struct batch *batch, const struct sample *row) {
    CHECK(row->type == TYPE_TEXT);
    uint32_t offset = row->value.text.offset;
    uint32_t size = row->value.text.size;
    CHECK(offset <= batch->text_size && size <= batch->text_size - offset);
    return size == 0 ? STR_NONE : (struct str){batch->text + offset, size};
}

bool status_has_value(uint32_t status) {
    if (status_quality(status) != QUALITY_BAD) {
        return true;
    }
    switch (status & STATUS_CODE_MASK) {
    case (uint32_t)STATUS_BAD:
    case (uint32_t)STATUS_BAD_SENSOR_FAILURE:
    case (uint32_t)STATUS_BAD_OUT_OF_RANGE:
    case (uint32_t)STATUS_BAD_TYPE_MISMATCH: return true;
    default: return false; // Also for codes that we do not know: a made-up 0 is worse than none.
    }
}

static const char *const QUALITIES[] = {
    [QUALITY_GOOD] = "good", [QUALITY_UNCERTAIN] = "uncertain", [QUALITY_BAD] = "bad"};
enum { QUALITY_COUNT = sizeof QUALITIES / sizeof QUALITIES[0] };

const char *quality_name(enum quality quality) {
    return (unsigned)quality < QUALITY_COUNT ? QUALITIES[quality] : "bad";
}

bool quality_of_name(struct str name, enum quality *ret_quality) {
    for (unsigned i = 0; i < QUALITY_COUNT; i++) {
        if (str_eq(name, str_of(QUALITIES[i]))) {
            *ret_quality = (enum quality)i;
            return true;
        }
    }
    return false;
}

static const char *const TYPES[] = {
    [TYPE_F64] = "f64", [TYPE_I64] = "i64", [TYPE_BOOL] = "bool", [TYPE_TEXT] = "text"};
enum { TYPE_COUNT = sizeof TYPES / sizeof TYPES[0] };

const char *value_type_name(enum value_type type) {
    return type >= TYPE_F64 && (unsigned)type < TYPE_COUNT ? TYPES[type] : "none";
}

bool value_type_of_name(struct str name, enum value_type *ret_type) {
    for (unsigned i = TYPE_F64; i < TYPE_COUNT; i++) {
        if (str_eq(name, str_of(TYPES[i]))) {
            *ret_type = (enum value_type)i;
            return true;
        }
    }
    return false;
}

double sample_number(const struct sample *row) {
    switch (row->type) {
    case TYPE_F64: return row->value.f64;
    case TYPE_I64:
    case TYPE_BOOL: return (double)row->value.i64;
    default: return (double)NAN;
    }
}
