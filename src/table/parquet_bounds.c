/*
 * Statistics are written where their order leaves no doubt. Floating point has two traps: readers
 * disagree where a NaN stands, so a column with one in the group has none; and a bound of zero is
 * widened over both zeros (parquet.thrift, ColumnOrder). Texts compare by unsigned bytes; longer
 * ones than 256 bytes would only make the foot heavy, and a group that has one has no bounds.
 */
#include "table/parquet_bounds.h"

#include <math.h>

#include "core/bytes.h"

enum { BOUND_BYTES = 256 }; // Texts that may be bounds.

void parquet_bounds_init(struct parquet_bounds *bounds) {
    *bounds = (struct parquet_bounds){.any = false};
    buf_init(&bounds->min_text, BOUND_BYTES);
    buf_init(&bounds->max_text, BOUND_BYTES);
}

void parquet_bounds_fini(struct parquet_bounds *bounds) {
    buf_fini(&bounds->min_text);
    buf_fini(&bounds->max_text);
}

void parquet_bounds_clear(struct parquet_bounds *bounds) {
    bounds->any = false;
    bounds->unknown = false;
}

void parquet_bound_whole(struct parquet_bounds *bounds, int64_t value) {
    bounds->min_whole = !bounds->any || value < bounds->min_whole ? value : bounds->min_whole;
    bounds->max_whole = !bounds->any || value > bounds->max_whole ? value : bounds->max_whole;
    bounds->any = true;
}

void parquet_bound_real(struct parquet_bounds *bounds, double value) {
    if (isnan(value)) {
        bounds->unknown = true;
        return;
    }
    bounds->min_real = !bounds->any || value < bounds->min_real ? value : bounds->min_real;
    bounds->max_real = !bounds->any || value > bounds->max_real ? value : bounds->max_real;
    bounds->any = true;
}

void parquet_bound_text(struct parquet_bounds *bounds, struct str text) {
    if (text.size > BOUND_BYTES) {
        bounds->unknown = true;
        return;
    }
    if (!bounds->any || str_cmp(text, buf_str(&bounds->min_text)) < 0) {
        buf_clear(&bounds->min_text);
        buf_put_str(&bounds->min_text, text);
    }
    if (!bounds->any || str_cmp(text, buf_str(&bounds->max_text)) > 0) {
        buf_clear(&bounds->max_text);
        buf_put_str(&bounds->max_text, text);
    }
    bounds->any = true;
}

/* One bound as PLAIN writes it, texts without their length. */
static void put_bound(const struct parquet_bounds *bounds, enum parquet_type type, bool max,
    struct thrift *thrift, int field) {
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, BOUND_BYTES);
    int64_t whole = max ? bounds->max_whole : bounds->min_whole;
    double real = max ? bounds->max_real : bounds->min_real;
    switch (type) {
    case PARQUET_BOOL: write_u8(&bytes, (uint8_t)whole); break;
    case PARQUET_U32: write_u32_le(&bytes, (uint32_t)whole); break;
    case PARQUET_I64:
    case PARQUET_TIME_NS: write_u64_le(&bytes, (uint64_t)whole); break;
    case PARQUET_F64: write_f64_le(&bytes, real == 0 ? (max ? 0.0 : -0.0) : real); break;
    case PARQUET_TEXT: buf_put_str(&bytes, buf_str(max ? &bounds->max_text : &bounds->min_text));
    }
    thrift_put_binary(thrift, field, buf_str(&bytes));
}

void parquet_bounds_put(const struct parquet_bounds *bounds, enum parquet_type type, uint64_t nulls,
    struct thrift *thrift, int field) {
    thrift_struct(thrift, field);
    thrift_put_i64(thrift, 3, (int64_t)nulls);
    if (bounds->any && !bounds->unknown) {
        put_bound(bounds, type, true, thrift, 5);
        put_bound(bounds, type, false, thrift, 6);
        bool exact = type != PARQUET_F64; // Zeros are widened.
        thrift_put_bool(thrift, 7, exact || bounds->max_real != 0);
        thrift_put_bool(thrift, 8, exact || bounds->min_real != 0);
    }
    thrift_end(thrift);
}
