/*
 * The compact protocol. A field's head is one byte, how far its number is above the last one's and
 * its type; numbers are zigzag and variable in length; a boolean is its type; a struct ends with
 * a zero. Field numbers of Parquet are small and written in order, so the longer form of a head,
 * for steps above fifteen or backwards, is never needed.
 */
#include "table/thrift.h"

#include "core/bytes.h"
#include "core/check.h"

enum {
    TYPE_TRUE = 1,
    TYPE_FALSE = 2,
    TYPE_BYTE = 3,
    TYPE_LIST = 9,
    STEP_MAX = 15,
    SHORT_LIST = 15
};

struct thrift thrift_of(struct buf *out) {
    return (struct thrift){.out = out};
}

static void put_head(struct thrift *thrift, int field, unsigned type) {
    int step = field - thrift->last[thrift->depth];
    CHECK(step > 0 && step <= STEP_MAX);
    write_u8(thrift->out, (uint8_t)((unsigned)step << 4 | type));
    thrift->last[thrift->depth] = field;
}

static void put_bytes(struct thrift *thrift, struct str bytes) {
    write_varint(thrift->out, bytes.size);
    buf_put_str(thrift->out, bytes);
}

void thrift_put_bool(struct thrift *thrift, int field, bool value) {
    put_head(thrift, field, value ? TYPE_TRUE : TYPE_FALSE);
}

void thrift_put_i8(struct thrift *thrift, int field, int8_t value) {
    put_head(thrift, field, TYPE_BYTE);
    write_u8(thrift->out, (uint8_t)value); // The one number that is neither zigzag nor variable.
}

void thrift_put_i32(struct thrift *thrift, int field, int32_t value) {
    put_head(thrift, field, THRIFT_I32);
    write_zigzag(thrift->out, value);
}

void thrift_put_i64(struct thrift *thrift, int field, int64_t value) {
    put_head(thrift, field, THRIFT_I64);
    write_zigzag(thrift->out, value);
}

void thrift_put_binary(struct thrift *thrift, int field, struct str bytes) {
    put_head(thrift, field, THRIFT_BINARY);
    put_bytes(thrift, bytes);
}

static void open_struct(struct thrift *thrift) {
    CHECK(thrift->depth + 1 < THRIFT_DEPTH);
    thrift->last[++thrift->depth] = 0;
}

void thrift_struct(struct thrift *thrift, int field) {
    put_head(thrift, field, THRIFT_STRUCT);
    open_struct(thrift);
}

void thrift_end(struct thrift *thrift) {
    write_u8(thrift->out, 0);
    thrift->depth -= thrift->depth > 0;
}

void thrift_list(struct thrift *thrift, int field, enum thrift_type type, size_t count) {
    put_head(thrift, field, TYPE_LIST);
    bool is_short = count < SHORT_LIST;
    write_u8(thrift->out, (uint8_t)((is_short ? count : SHORT_LIST) << 4 | (unsigned)type));
    if (!is_short) {
        write_varint(thrift->out, count);
    }
}

void thrift_item_i32(struct thrift *thrift, int32_t value) {
    write_zigzag(thrift->out, value);
}

void thrift_item_binary(struct thrift *thrift, struct str bytes) {
    put_bytes(thrift, bytes);
}

void thrift_item_struct(struct thrift *thrift) {
    open_struct(thrift);
}
