/*
 * The bytes of the write-ahead log.
 *
 * A batch is written column by column. Tag numbers and times become runs of equal steps: a scan of
 * a line (tags 1..1000 at one time) has two runs for each, a bulk import sorted by tag has one; in
 * the worst case a row costs two bytes of tag and some six of time. Types, flags and status are
 * runs of equal values. Values of a plain batch are packed as far as that is cheaper than having
 * them copied (wal_pack.h); others stand as 8 plain bytes. Sealing does it better, with thousands
 * of rows of one tag at hand.
 *
 * Frames carry CRC-32C (RFC 3720 appendix B.4) twice: over the head, so that its size can be
 * trusted when the payload is damaged, and over the payload.
 */
#include "historian/wal_code.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "historian/bits.h"
#include "historian/rows.h"
#include "historian/wal_pack.h"

enum {
    WAL_VERSION = 2, // 1: no packed values; it is read as well.
    PACKED = 64,     // Beside the type of all rows: their values are packed.
};

static const char wal_file_magic[8] = {'M', 'A', 'R', 'U', 'W', 'A', 'L', '1'};
static const char wal_frame_magic[4] = {'M', 'W', 'F', '1'};

void wal_file_head_write(uint8_t *to, const struct wal_file_head *head) {
    memcpy(to, wal_file_magic, sizeof wal_file_magic);
    store_u32(to + 8, WAL_VERSION);
    store_u64(to + 12, head->number);
    store_u64(to + 20, head->first_seq);
    store_u32(to + 28, crc32c(0, to, 28));
}

static bool bytes_are_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

enum wal_head_state wal_file_head_read(const uint8_t *from, struct wal_file_head *ret_head) {
    if (bytes_are_zero(from, WAL_FILE_HEAD_BYTES)) {
        return WAL_HEAD_END;
    }
    if (memcmp(from, wal_file_magic, sizeof wal_file_magic) != 0 ||
        load_u32(from + 28) != crc32c(0, from, 28)) {
        return WAL_HEAD_BAD;
    }
    if (load_u32(from + 8) < 1 || load_u32(from + 8) > WAL_VERSION) {
        return WAL_HEAD_VERSION;
    }
    *ret_head =
        (struct wal_file_head){.number = load_u64(from + 12), .first_seq = load_u64(from + 20)};
    return WAL_HEAD_OK;
}

void wal_frame_head_write(uint8_t *to, const struct wal_frame_head *head) {
    memcpy(to, wal_frame_magic, sizeof wal_frame_magic);
    store_u32(to + 4, head->payload_size);
    store_u64(to + 8, head->first_seq);
    store_u32(to + 16, head->batch_count);
    store_u32(to + 20, head->payload_crc);
    store_u32(to + 24, head->file);
    store_u32(to + 28, crc32c(0, to, 28));
}

enum wal_head_state wal_frame_head_read(const uint8_t *from, struct wal_frame_head *ret_head) {
    if (bytes_are_zero(from, WAL_FRAME_HEAD_BYTES)) {
        return WAL_HEAD_END;
    }
    if (memcmp(from, wal_frame_magic, sizeof wal_frame_magic) != 0 ||
        load_u32(from + 28) != crc32c(0, from, 28)) {
        return WAL_HEAD_BAD;
    }
    *ret_head = (struct wal_frame_head){.payload_size = load_u32(from + 4),
        .first_seq = load_u64(from + 8),
        .batch_count = load_u32(from + 16),
        .payload_crc = load_u32(from + 20),
        .file = load_u32(from + 24)};
    bool sane = ret_head->payload_size <= WAL_FRAME_BYTES_MAX && ret_head->first_seq > 0 &&
                ret_head->batch_count > 0;
    return sane ? WAL_HEAD_OK : WAL_HEAD_BAD;
}

/* ---- Runs ---- */

struct run_writer {
    struct buf *to;
    uint64_t value;
    uint64_t length;
};

static void run_writer_end(struct run_writer *run) {
    if (run->length > 0) {
        write_varint(run->to, run->value);
        write_varint(run->to, run->length);
        run->length = 0;
    }
}

static inline void run_writer_put(struct run_writer *run, uint64_t value) {
    if (run->length > 0 && run->value == value) {
        run->length++;
        return;
    }
    run_writer_end(run);
    run->value = value;
    run->length = 1;
}

enum wal_column { COLUMN_TAG, COLUMN_TIME, COLUMN_TYPE, COLUMN_FLAGS, COLUMN_STATUS, COLUMN_COUNT };

static uint64_t column_get(const struct sample *row, enum wal_column column) {
    switch (column) {
    case COLUMN_TAG: return row->tag;
    case COLUMN_TIME: return (uint64_t)row->time_ns;
    case COLUMN_TYPE: return row->type;
    case COLUMN_FLAGS: return row->flags;
    case COLUMN_STATUS: return row->status;
    case COLUMN_COUNT: break;
    }
    return 0;
}

/* Tags and times are written as steps from row to row; the rest as they are. */
static bool column_is_stepped(enum wal_column column) {
    return column == COLUMN_TAG || column == COLUMN_TIME;
}

static void column_put(struct sample *row, enum wal_column column, uint64_t value) {
    switch (column) {
    case COLUMN_TAG: row->tag = (uint32_t)value; break;
    case COLUMN_TIME: row->time_ns = (int64_t)value; break;
    case COLUMN_TYPE: row->type = (uint8_t)value; break;
    case COLUMN_FLAGS: row->flags = (uint8_t)value; break;
    case COLUMN_STATUS: row->status = (uint32_t)value; break;
    case COLUMN_COUNT: break;
    }
}

static inline bool row_is_kept(const struct sample *row) {
    return (row->flags & SAMPLE_DROP) == 0;
}

static inline void batch_column_write(
    struct buf *to, const struct batch *batch, enum wal_column column) {
    struct run_writer run = {.to = to};
    uint64_t before = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if (!row_is_kept(row)) {
            continue;
        }
        uint64_t value = column_get(row, column);
        if (column_is_stepped(column)) {
            run_writer_put(&run, zigzag_of((int64_t)(value - before)));
            before = value;
        } else {
            run_writer_put(&run, value);
        }
    }
    run_writer_end(&run);
}

/* Numbers as 8 bytes each, then the sizes of all texts, then their bytes. */
static void batch_values_write(struct buf *to, const struct batch *batch, uint32_t text_rows) {
    uint8_t *at = buf_reserve(to, (size_t)batch->count * 8);
    if (at == NULL) {
        return;
    }
    size_t size = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if (row_is_kept(row) && row->type != TYPE_TEXT) {
            store_u64(at + size, (uint64_t)row->value.i64);
            size += 8;
        }
    }
    buf_commit(to, size);
    for (uint32_t i = 0; i < batch->count && text_rows > 0; i++) {
        const struct sample *row = &batch->rows[i];
        if (row_is_kept(row) && row->type == TYPE_TEXT) {
            write_varint(to, batch_text(batch, row).size);
        }
    }
    for (uint32_t i = 0; i < batch->count && text_rows > 0; i++) {
        const struct sample *row = &batch->rows[i];
        if (row_is_kept(row) && row->type == TYPE_TEXT) {
            buf_put_str(to, batch_text(batch, row));
        }
    }
}

/* Nearly every batch: numbers of one type with one status, none dropped. Its columns are written
 * by loops of their own, which take a quarter of the time. */
static bool batch_is_plain(const struct batch *batch) {
    const struct sample *first = batch->rows;
    uint32_t differs = batch->count == 0 || !row_is_kept(first) || first->type == TYPE_TEXT;
    for (uint32_t i = 1; i < batch->count; i++) {
        const struct sample *row = &first[i];
        differs |= (uint32_t)(row->type ^ first->type) | (uint32_t)(row->flags ^ first->flags) |
                   (row->status ^ first->status);
    }
    return differs == 0;
}

static void plain_steps_write(struct buf *to, const struct batch *batch, enum wal_column column) {
    const struct sample *rows = batch->rows;
    uint64_t before = 0;
    for (uint32_t i = 0; i < batch->count;) {
        uint32_t start = i;
        uint64_t step = column_get(&rows[i], column) - before;
        do {
            before += step;
            i++;
        } while (i < batch->count && column_get(&rows[i], column) - before == step);
        write_varint(to, zigzag_of((int64_t)step));
        write_varint(to, i - start);
    }
}

static void plain_write(struct buf *to, const struct batch *batch) {
    plain_steps_write(to, batch, COLUMN_TAG);
    plain_steps_write(to, batch, COLUMN_TIME);
    for (enum wal_column column = COLUMN_TYPE; column < COLUMN_COUNT; column++) {
        write_varint(
            to, column_get(&batch->rows[0], column) | (column == COLUMN_TYPE ? PACKED : 0));
        write_varint(to, batch->count);
    }
    wal_pack(to, batch->rows, batch->count);
}

static void wal_batch_head(
    struct buf *to, const struct batch *batch, uint32_t rows, uint64_t text_bytes) {
    write_varint(to, rows);
    write_varint(to, text_bytes);
    write_varint(to, batch->source);
    write_zigzag(to, batch->request_ns);
    write_zigzag(to, batch->reply_ns);
}

void wal_batch_write(struct buf *to, const struct batch *batch) {
    if (batch_is_plain(batch)) {
        wal_batch_head(to, batch, batch->count, 0);
        plain_write(to, batch);
        return;
    }
    uint32_t rows = 0;
    uint32_t text_rows = 0;
    uint64_t text_bytes = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        rows += row_is_kept(row);
        if (row_is_kept(row) && row->type == TYPE_TEXT) {
            text_rows++;
            text_bytes += row->value.text.size;
        }
    }
    wal_batch_head(to, batch, rows, text_bytes);
    batch_column_write(to, batch, COLUMN_TAG);
    batch_column_write(to, batch, COLUMN_TIME);
    batch_column_write(to, batch, COLUMN_TYPE);
    batch_column_write(to, batch, COLUMN_FLAGS);
    batch_column_write(to, batch, COLUMN_STATUS);
    batch_values_write(to, batch, text_rows);
}

/* ---- Reading ---- */

static bool batch_column_read(struct reader *from, struct batch *batch, enum wal_column column) {
    uint64_t value = 0;
    for (uint32_t row = 0; row < batch->count;) {
        uint64_t step = read_varint(from);
        uint64_t length = read_varint(from);
        if (from->failed || length == 0 || length > batch->count - row) {
            return false;
        }
        for (uint64_t i = 0; i < length; i++) {
            value = column_is_stepped(column) ? value + (uint64_t)zigzag_back(step) : step;
            column_put(&batch->rows[row++], column, value);
        }
    }
    return true;
}

/* Whether the values are packed; takes the mark off the types. A row whose type is none is found
 * out by whoever reads the values. */
static bool batch_take_packed(struct batch *batch) {
    bool packed = batch->count > 0;
    for (uint32_t i = 0; i < batch->count && packed; i++) {
        packed = batch->rows[i].type == batch->rows[0].type &&
                 (batch->rows[i].type & PACKED) != 0 &&
                 (batch->rows[i].type & ~PACKED) != TYPE_TEXT;
    }
    for (uint32_t i = 0; i < batch->count && packed; i++) {
        batch->rows[i].type = (uint8_t)(batch->rows[i].type & ~PACKED);
    }
    return packed;
}

static bool batch_values_read(struct reader *from, struct batch *batch, uint64_t text_bytes) {
    bool packed = batch_take_packed(batch);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct sample *row = &batch->rows[i];
        if (row->type < TYPE_F64 || row->type > TYPE_TEXT) {
            return false;
        }
        if (row->type != TYPE_TEXT && !packed) {
            row->value.i64 = (int64_t)read_u64_le(from);
        }
    }
    if (packed && !wal_unpack(from, batch->rows, batch->count)) {
        return false;
    }
    uint64_t offset = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        struct sample *row = &batch->rows[i];
        if (row->type != TYPE_TEXT) {
            continue;
        }
        uint64_t size = read_varint(from);
        if (size > text_bytes - offset) {
            return false;
        }
        row->value.text.offset = (uint32_t)offset;
        row->value.text.size = (uint32_t)size;
        offset += size;
    }
    const uint8_t *text = read_bytes(from, text_bytes);
    if (from->failed || offset != text_bytes) {
        return false;
    }
    if (text_bytes > 0) {
        memcpy(batch->text, text, text_bytes);
    }
    batch->text_size = (uint32_t)text_bytes;
    return true;
}

/* Nobody could have appended others: memory is not asked to take them. */
static bool rows_are_true(const struct batch *batch) {
    bool good = true;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        good &= row->tag > 0 && row->tag <= HIST_TAG_MAX && row->time_ns >= HIST_TIME_MIN &&
                row->time_ns <= HIST_TIME_MAX;
    }
    return good;
}

static bool batch_read(struct reader *from, struct batch **batch) {
    uint64_t rows = read_varint(from);
    uint64_t text_bytes = read_varint(from);
    if (from->failed || rows > LIMIT_BATCH_MADE_ROWS || text_bytes > LIMIT_BATCH_MADE_TEXT_BYTES) {
        return false;
    }
    struct batch *to = *batch;
    if (to == NULL || to->capacity < rows || to->text_capacity < text_bytes) {
        uint32_t row_capacity = to != NULL && to->capacity > rows ? to->capacity : (uint32_t)rows;
        uint32_t text_capacity =
            to != NULL && to->text_capacity > text_bytes ? to->text_capacity : (uint32_t)text_bytes;
        batch_free(to);
        to = batch_new(row_capacity > 0 ? row_capacity : 1, text_capacity);
        *batch = to;
    }
    batch_clear(to);
    memset(to->rows, 0, rows * sizeof *to->rows);
    to->count = (uint32_t)rows;
    uint64_t source = read_varint(from);
    to->source = (uint32_t)source;
    to->request_ns = read_zigzag(from);
    to->reply_ns = read_zigzag(from);
    for (enum wal_column column = COLUMN_TAG; column < COLUMN_COUNT; column++) {
        if (from->failed || !batch_column_read(from, to, column)) {
            return false;
        }
    }
    return source <= UINT32_MAX && batch_values_read(from, to, text_bytes) && rows_are_true(to);
}

int wal_batch_read(struct reader *from, struct batch **batch, struct err *err) {
    if (!batch_read(from, batch)) {
        if (*batch != NULL) {
            batch_clear(*batch);
        }
        return err_set(err, ERR_CORRUPT, MSG_LOG_BATCH_DAMAGED, NO_ARGS);
    }
    return 0;
}
