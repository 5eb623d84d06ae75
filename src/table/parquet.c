/*
 * The writer. A column gathers the values of its open page as PLAIN writes them (texts as places in
 * a dictionary while that has room) and beside them, where nulls may stand, a level a row: 1 is a
 * value, 0 is none. A full page is packed and put behind the column's finished pages in memory,
 * because a row group keeps each column's pages together: they go out when the group ends. The
 * foot's part on a group is written then, too, so nothing else of it stays.
 *
 * Every page carries the CRC-32 of its bytes as they stand in the file. Pages are of version 1:
 * every reader there is knows them.
 */
#include "table/parquet.h"

#include "core/bytes.h"
#include "core/check.h"
#include "core/mem.h"
#include "table/pack.h"
#include "table/parquet_bounds.h"
#include "table/parquet_code.h"
#include "table/thrift.h"

/* Numbers of parquet.thrift. */
enum physical { BOOLEAN = 0, INT32 = 1, INT64 = 2, DOUBLE = 5, BYTE_ARRAY = 6 };
enum repetition { REQUIRED = 0, OPTIONAL = 1 };
enum converted { CONVERTED_UTF8 = 0, CONVERTED_UINT_32 = 13 };
enum encoding { PLAIN = 0, RLE = 3, RLE_DICTIONARY = 8 };
enum codec { UNCOMPRESSED = 0, ZSTD = 6 };
enum page_kind { DATA_PAGE = 0, DICTIONARY_PAGE = 2 };

enum {
    FORMAT_VERSION = 2,
    PAGE_BYTES = 1 << 20,
    GROUP_TEXT_BYTES = 64 << 20, // A group ends where its texts are so long.
    HEAD_BYTES = 256,            // Of a page, at most.
};
static const char MAGIC[] = "PAR1";

struct column {
    struct parquet_column is;
    /* The open page. */
    uint32_t rows;
    uint32_t value_count;
    uint32_t *levels;  // By row; NULL: nulls cannot be.
    struct buf values; // PLAIN.
    uint32_t *places;  // In the dictionary, by value; NULL: no texts.
    /* The open group. */
    struct parquet_dictionary dictionary;
    bool placing; // The dictionary still takes texts.
    struct buf pages;
    uint64_t plain_bytes; // Of `pages` before packing, with heads.
    uint64_t nulls;
    uint32_t plain_pages;
    uint32_t placed_pages;
    struct parquet_bounds bounds;
};

struct parquet_writer {
    struct parquet_options options;
    uint32_t group_rows_max;
    uint32_t page_bytes;
    struct column *columns;
    uint32_t at; // The next cell's column.
    uint32_t group_rows;
    uint64_t group_text_bytes;
    uint64_t rows;
    uint64_t offset; // Bytes handed on.
    struct pack_piece *piece;
    struct buf body;   // A page before packing.
    struct buf packed; // And after.
    struct buf groups; // The foot's parts on the groups.
    uint32_t group_count;
    int status;
    struct err err;
};

static enum physical physical_of(enum parquet_type type) {
    switch (type) {
    case PARQUET_BOOL: return BOOLEAN;
    case PARQUET_U32: return INT32;
    case PARQUET_I64:
    case PARQUET_TIME_NS: return INT64;
    case PARQUET_F64: return DOUBLE;
    case PARQUET_TEXT: return BYTE_ARRAY;
    }
    NEVER(true);
    return BYTE_ARRAY;
}

/* ---- Out ---- */

static int emit(struct parquet_writer *writer, const void *bytes, size_t size, struct err *err) {
    int status = size > 0 ? writer->options.write(writer->options.context, bytes, size, err) : 0;
    writer->offset += status >= 0 ? size : 0;
    return status;
}

static void keep_limit(struct parquet_writer *writer) {
    if (writer->status >= 0) {
        writer->status = err_set(&writer->err, ERR_LIMIT, MSG_TABLE_PARQUET_LARGE, NO_ARGS);
    }
}

static int told(struct parquet_writer *writer, struct err *err) {
    if (writer->status < 0 && err != NULL) {
        *err = writer->err;
    }
    return writer->status;
}

/* ---- Pages ---- */

struct page {
    enum page_kind kind;
    enum encoding encoding;
    uint32_t values; // With nulls.
};

/* Head and bytes of the page in `body` to the end of `to`; the bytes it takes unpacked. */
static uint64_t put_page(struct parquet_writer *writer, const struct page *page, struct buf *to) {
    const struct buf *body = &writer->body;
    const struct buf *bytes = body;
    if (!writer->options.plain) {
        buf_clear(&writer->packed);
        pack_piece_put(writer->piece, body->data, body->size, &writer->packed);
        bytes = &writer->packed;
    }
    if (body->overflow || bytes->overflow || buf_reserve(to, HEAD_BYTES + bytes->size) == NULL) {
        keep_limit(writer);
        return 0;
    }
    size_t head = to->size;
    struct thrift thrift = thrift_of(to);
    thrift_put_i32(&thrift, 1, (int32_t)page->kind);
    thrift_put_i32(&thrift, 2, (int32_t)body->size);
    thrift_put_i32(&thrift, 3, (int32_t)bytes->size);
    thrift_put_i32(&thrift, 4, (int32_t)pack_crc32(bytes->data, bytes->size));
    thrift_struct(&thrift, page->kind == DATA_PAGE ? 5 : 7);
    thrift_put_i32(&thrift, 1, (int32_t)page->values);
    thrift_put_i32(&thrift, 2, (int32_t)page->encoding);
    if (page->kind == DATA_PAGE) {
        thrift_put_i32(&thrift, 3, RLE); // Of the levels.
        thrift_put_i32(&thrift, 4, RLE);
    }
    thrift_end(&thrift);
    thrift_end(&thrift);
    head = to->size - head;
    buf_put(to, bytes->data, bytes->size);
    return head + body->size;
}

/* The open page, when it has rows, becomes a finished one. */
static void page_end(struct parquet_writer *writer, struct column *column) {
    if (column->rows == 0) {
        return;
    }
    struct buf *body = &writer->body;
    buf_clear(body);
    if (column->levels != NULL) {
        write_u32_le(body, 0);
        parquet_put_runs(body, column->levels, column->rows, 1);
        patch_u32_le(body, 0, (uint32_t)body->size - 4);
    }
    bool placed = column->places != NULL && column->placing && column->value_count > 0;
    if (placed) {
        unsigned width = parquet_width(column->dictionary.count);
        write_u8(body, (uint8_t)width);
        parquet_put_runs(body, column->places, column->value_count, width);
    } else {
        buf_put(body, column->values.data, column->values.size);
    }
    struct page page = {DATA_PAGE, placed ? RLE_DICTIONARY : PLAIN, column->rows};
    column->plain_bytes += put_page(writer, &page, &column->pages);
    column->placed_pages += placed;
    column->plain_pages += !placed;
    column->rows = 0;
    column->value_count = 0;
    buf_clear(&column->values);
}

/* ---- Row groups ---- */

static void put_count(struct thrift *thrift, const struct page *page) {
    if (page->values > 0) {
        thrift_item_struct(thrift);
        thrift_put_i32(thrift, 1, (int32_t)page->kind);
        thrift_put_i32(thrift, 2, (int32_t)page->encoding);
        thrift_put_i32(thrift, 3, (int32_t)page->values);
        thrift_end(thrift);
    }
}

/* Where a column's pages stand and what they hold. */
struct chunk {
    uint64_t offset;          // Of its first page,
    uint64_t dictionary_size; // which is the dictionary when this is not 0.
    uint64_t size;
    uint64_t plain_size;
};

static void put_chunk(struct thrift *thrift, const struct parquet_writer *writer,
    const struct column *column, const struct chunk *chunk) {
    bool placed = column->placed_pages > 0;
    bool nullable = column->is.nullable;
    thrift_item_struct(thrift);
    thrift_put_i64(thrift, 2, 0); // What is told here is told nowhere else in the file.
    thrift_struct(thrift, 3);
    thrift_put_i32(thrift, 1, (int32_t)physical_of(column->is.type));
    thrift_list(thrift, 2, THRIFT_I32, 1 + (size_t)nullable + placed);
    thrift_item_i32(thrift, PLAIN);
    if (nullable) {
        thrift_item_i32(thrift, RLE);
    }
    if (placed) {
        thrift_item_i32(thrift, RLE_DICTIONARY);
    }
    thrift_list(thrift, 3, THRIFT_BINARY, 1);
    thrift_item_binary(thrift, str_of(column->is.name));
    thrift_put_i32(thrift, 4, writer->options.plain ? UNCOMPRESSED : ZSTD);
    thrift_put_i64(thrift, 5, writer->group_rows);
    thrift_put_i64(thrift, 6, (int64_t)chunk->plain_size);
    thrift_put_i64(thrift, 7, (int64_t)chunk->size);
    thrift_put_i64(thrift, 9, (int64_t)(chunk->offset + chunk->dictionary_size));
    if (placed) {
        thrift_put_i64(thrift, 11, (int64_t)chunk->offset);
    }
    parquet_bounds_put(&column->bounds, column->is.type, column->nulls, thrift, 12);
    bool plain = column->plain_pages > 0;
    thrift_list(thrift, 13, THRIFT_STRUCT, (placed ? 2 : 0) + (size_t)plain);
    put_count(thrift, &(struct page){DICTIONARY_PAGE, PLAIN, placed});
    put_count(thrift, &(struct page){DATA_PAGE, RLE_DICTIONARY, column->placed_pages});
    put_count(thrift, &(struct page){DATA_PAGE, PLAIN, column->plain_pages});
    thrift_end(thrift);
    thrift_end(thrift);
}

static void column_clear(struct column *column) {
    buf_clear(&column->pages);
    column->plain_bytes = 0;
    column->nulls = 0;
    column->plain_pages = 0;
    column->placed_pages = 0;
    parquet_bounds_clear(&column->bounds);
    if (column->places != NULL) {
        parquet_dictionary_clear(&column->dictionary);
        column->placing = true;
    }
}

/* The column's pages out, its dictionary first. */
static void column_out(
    struct parquet_writer *writer, struct column *column, struct chunk *ret_chunk) {
    struct chunk chunk = {.offset = writer->offset, .plain_size = column->plain_bytes};
    if (column->placed_pages > 0 && writer->status >= 0) {
        AUTO_BUF struct buf page;
        buf_init(&page, SIZE_MAX);
        buf_clear(&writer->body);
        buf_put(&writer->body, column->dictionary.page.data, column->dictionary.page.size);
        struct page is = {DICTIONARY_PAGE, PLAIN, column->dictionary.count};
        chunk.plain_size += put_page(writer, &is, &page);
        chunk.dictionary_size = page.size;
        if (writer->status >= 0) {
            writer->status = emit(writer, page.data, page.size, &writer->err);
        }
    }
    if (writer->status >= 0) {
        writer->status = emit(writer, column->pages.data, column->pages.size, &writer->err);
    }
    chunk.size = writer->offset - chunk.offset;
    *ret_chunk = chunk;
}

static void group_end(struct parquet_writer *writer) {
    uint64_t start = writer->offset;
    uint64_t plain_size = 0;
    struct thrift thrift = thrift_of(&writer->groups);
    thrift_list(&thrift, 1, THRIFT_STRUCT, writer->options.column_count);
    for (uint32_t i = 0; i < writer->options.column_count; i++) {
        struct column *column = &writer->columns[i];
        struct chunk chunk = {0};
        page_end(writer, column);
        column_out(writer, column, &chunk);
        put_chunk(&thrift, writer, column, &chunk);
        plain_size += chunk.plain_size;
        column_clear(column);
    }
    thrift_put_i64(&thrift, 2, (int64_t)plain_size);
    thrift_put_i64(&thrift, 3, writer->group_rows);
    thrift_put_i64(&thrift, 5, (int64_t)start);
    thrift_put_i64(&thrift, 6, (int64_t)(writer->offset - start));
    thrift_end(&thrift);
    writer->group_count++;
    writer->group_rows = 0;
    writer->group_text_bytes = 0;
    if (writer->groups.overflow) {
        keep_limit(writer);
    }
}

/* ---- Cells ---- */

static struct column *next_column(struct parquet_writer *writer) {
    CHECK(writer->at < writer->options.column_count);
    return &writer->columns[writer->at++];
}

static void put_level(struct column *column, bool value) {
    if (column->levels != NULL) {
        column->levels[column->rows] = value;
    }
    column->rows++;
    column->value_count += value;
}

static void value_put(struct parquet_writer *writer, struct column *column) {
    put_level(column, true);
    if (column->values.size >= writer->page_bytes) {
        page_end(writer, column);
    }
}

void parquet_put_bool(struct parquet_writer *writer, bool value) {
    struct column *column = next_column(writer);
    CHECK(column->is.type == PARQUET_BOOL);
    unsigned bit = column->value_count % 8;
    if (bit == 0) {
        write_u8(&column->values, 0);
    }
    column->values.data[column->values.size - 1] |= (uint8_t)((unsigned)value << bit);
    parquet_bound_whole(&column->bounds, value);
    value_put(writer, column);
}

void parquet_put_u32(struct parquet_writer *writer, uint32_t value) {
    struct column *column = next_column(writer);
    CHECK(column->is.type == PARQUET_U32);
    write_u32_le(&column->values, value);
    parquet_bound_whole(&column->bounds, value);
    value_put(writer, column);
}

void parquet_put_i64(struct parquet_writer *writer, int64_t value) {
    struct column *column = next_column(writer);
    CHECK(column->is.type == PARQUET_I64 || column->is.type == PARQUET_TIME_NS);
    write_u64_le(&column->values, (uint64_t)value);
    parquet_bound_whole(&column->bounds, value);
    value_put(writer, column);
}

void parquet_put_f64(struct parquet_writer *writer, double value) {
    struct column *column = next_column(writer);
    CHECK(column->is.type == PARQUET_F64);
    write_f64_le(&column->values, value);
    parquet_bound_real(&column->bounds, value);
    value_put(writer, column);
}

void parquet_put_text(struct parquet_writer *writer, struct str text) {
    struct column *column = next_column(writer);
    CHECK(column->is.type == PARQUET_TEXT);
    if (text.size > PARQUET_TEXT_MAX_BYTES) {
        keep_limit(writer);
        text = STR_NONE;
    }
    bool is_new = true;
    int32_t place = PARQUET_NO_ENTRY;
    if (column->placing) {
        place = parquet_dictionary_find(&column->dictionary, text, &is_new);
        if (place == PARQUET_NO_ENTRY) {
            page_end(writer, column);
            column->placing = false;
            is_new = true; // It found no room: nobody has bounded it yet.
        }
    }
    if (is_new) {
        parquet_bound_text(&column->bounds, text);
    }
    if (place != PARQUET_NO_ENTRY) {
        column->places[column->value_count] = (uint32_t)place;
    } else {
        write_u32_le(&column->values, (uint32_t)text.size);
        buf_put_str(&column->values, text);
        writer->group_text_bytes += text.size;
    }
    value_put(writer, column);
}

void parquet_put_null(struct parquet_writer *writer) {
    struct column *column = next_column(writer);
    CHECK(column->is.nullable);
    column->nulls++;
    put_level(column, false);
}

int parquet_end_row(struct parquet_writer *writer, struct err *err) {
    CHECK(writer->at == writer->options.column_count);
    writer->at = 0;
    writer->rows++;
    writer->group_rows++;
    if (writer->group_rows >= writer->group_rows_max ||
        writer->group_text_bytes >= GROUP_TEXT_BYTES) {
        group_end(writer);
    }
    return told(writer, err);
}

uint64_t parquet_rows(const struct parquet_writer *writer) {
    return writer->rows;
}

/* ---- The file ---- */

static void column_init(
    const struct parquet_writer *writer, const struct parquet_column *is, struct column *column) {
    column->is = *is;
    /* One value more than a page may stand in it, and a page is never longer than a group. */
    buf_init(&column->values, (size_t)writer->page_bytes + PARQUET_TEXT_MAX_BYTES + 8);
    buf_init(&column->pages, SIZE_MAX); // A group ends by rows and texts.
    parquet_bounds_init(&column->bounds);
    if (is->nullable) {
        column->levels = MEM_ARRAY(uint32_t, writer->group_rows_max);
    }
    if (is->type == PARQUET_TEXT) {
        parquet_dictionary_init(&column->dictionary);
        column->places = MEM_ARRAY(uint32_t, writer->group_rows_max);
        column->placing = true;
    }
}

static void column_fini(struct column *column) {
    buf_fini(&column->values);
    buf_fini(&column->pages);
    parquet_bounds_fini(&column->bounds);
    mem_free(column->levels);
    mem_free(column->places);
    if (column->is.type == PARQUET_TEXT) {
        parquet_dictionary_fini(&column->dictionary);
    }
}

int parquet_open(
    const struct parquet_options *options, struct parquet_writer **ret_writer, struct err *err) {
    CHECK(options->column_count > 0 && options->column_count <= PARQUET_COLUMNS_MAX);
    struct parquet_writer *writer = MEM_NEW(struct parquet_writer);
    uint32_t rows = options->group_rows != 0 ? options->group_rows : PARQUET_GROUP_ROWS;
    writer->options = *options;
    writer->group_rows_max = rows < PARQUET_GROUP_ROWS_MAX ? rows : PARQUET_GROUP_ROWS_MAX;
    writer->page_bytes = options->page_bytes != 0 && options->page_bytes < PAGE_BYTES
                             ? options->page_bytes
                             : PAGE_BYTES;
    writer->columns = MEM_ARRAY(struct column, options->column_count);
    for (uint32_t i = 0; i < options->column_count; i++) {
        column_init(writer, &options->columns[i], &writer->columns[i]);
    }
    writer->piece = pack_piece_new();
    buf_init(&writer->body, SIZE_MAX); // A page and the levels of a group's rows.
    buf_init(&writer->packed, SIZE_MAX);
    buf_init(&writer->groups, PARQUET_FOOT_MAX_BYTES);
    int status = emit(writer, MAGIC, sizeof MAGIC - 1, err);
    if (status < 0) {
        parquet_close(writer);
        return status;
    }
    *ret_writer = writer;
    return 0;
}

void parquet_close(struct parquet_writer *writer) {
    if (writer == NULL) {
        return;
    }
    for (uint32_t i = 0; i < writer->options.column_count; i++) {
        column_fini(&writer->columns[i]);
    }
    pack_piece_free(writer->piece);
    buf_fini(&writer->body);
    buf_fini(&writer->packed);
    buf_fini(&writer->groups);
    mem_free(writer->columns);
    mem_free(writer);
}

/* What the column means beyond its bytes: LogicalType and, for older readers, ConvertedType. */
static void put_meaning(struct thrift *thrift, enum parquet_type type) {
    if (type == PARQUET_TEXT) {
        thrift_put_i32(thrift, 6, CONVERTED_UTF8);
        thrift_struct(thrift, 10);
        thrift_struct(thrift, 1); // STRING
        thrift_end(thrift);
        thrift_end(thrift);
    } else if (type == PARQUET_U32) {
        thrift_put_i32(thrift, 6, CONVERTED_UINT_32);
        thrift_struct(thrift, 10);
        thrift_struct(thrift, 10); // INTEGER
        thrift_put_i8(thrift, 1, 32);
        thrift_put_bool(thrift, 2, false);
        thrift_end(thrift);
        thrift_end(thrift);
    } else if (type == PARQUET_TIME_NS) { // No ConvertedType knows nanoseconds.
        thrift_struct(thrift, 10);
        thrift_struct(thrift, 8);         // TIMESTAMP
        thrift_put_bool(thrift, 1, true); // A moment, not a reading of some clock.
        thrift_struct(thrift, 2);
        thrift_struct(thrift, 3); // NANOS
        thrift_end(thrift);
        thrift_end(thrift);
        thrift_end(thrift);
        thrift_end(thrift);
    }
}

static void put_schema(struct thrift *thrift, int field, const struct parquet_options *options) {
    thrift_list(thrift, field, THRIFT_STRUCT, options->column_count + (size_t)1);
    thrift_item_struct(thrift);
    thrift_put_binary(thrift, 4, STR("schema"));
    thrift_put_i32(thrift, 5, (int32_t)options->column_count);
    thrift_end(thrift);
    for (uint32_t i = 0; i < options->column_count; i++) {
        const struct parquet_column *column = &options->columns[i];
        thrift_item_struct(thrift);
        thrift_put_i32(thrift, 1, (int32_t)physical_of(column->type));
        thrift_put_i32(thrift, 3, column->nullable ? OPTIONAL : REQUIRED);
        thrift_put_binary(thrift, 4, str_of(column->name));
        put_meaning(thrift, column->type);
        thrift_end(thrift);
    }
}

static void put_foot(const struct parquet_writer *writer, struct buf *to) {
    const struct parquet_options *options = &writer->options;
    struct thrift thrift = thrift_of(to);
    thrift_put_i32(&thrift, 1, FORMAT_VERSION);
    put_schema(&thrift, 2, options);
    thrift_put_i64(&thrift, 3, (int64_t)writer->rows);
    thrift_list(&thrift, 4, THRIFT_STRUCT, writer->group_count);
    buf_put(to, writer->groups.data, writer->groups.size);
    if (options->fact_count > 0) {
        thrift_list(&thrift, 5, THRIFT_STRUCT, options->fact_count);
    }
    for (uint32_t i = 0; i < options->fact_count; i++) {
        thrift_item_struct(&thrift);
        thrift_put_binary(&thrift, 1, str_of(options->facts[i].key));
        thrift_put_binary(&thrift, 2, options->facts[i].value);
        thrift_end(&thrift);
    }
    thrift_put_binary(&thrift, 6, str_of(options->created_by));
    thrift_list(&thrift, 7, THRIFT_STRUCT, options->column_count);
    for (uint32_t i = 0; i < options->column_count; i++) {
        thrift_item_struct(&thrift);
        thrift_struct(&thrift, 1); // The order that belongs to the type.
        thrift_end(&thrift);
        thrift_end(&thrift);
    }
    thrift_end(&thrift);
}

int parquet_finish(struct parquet_writer *writer, struct err *err) {
    CHECK(writer->at == 0);
    if (writer->group_rows > 0 && writer->status >= 0) {
        group_end(writer);
    }
    AUTO_BUF struct buf foot;
    buf_init(&foot, (size_t)2 * PARQUET_FOOT_MAX_BYTES);
    put_foot(writer, &foot);
    write_u32_le(&foot, (uint32_t)foot.size);
    buf_put(&foot, MAGIC, sizeof MAGIC - 1);
    if (foot.overflow) {
        keep_limit(writer);
    }
    if (writer->status >= 0) {
        writer->status = emit(writer, foot.data, foot.size, &writer->err);
    }
    return told(writer, err);
}
