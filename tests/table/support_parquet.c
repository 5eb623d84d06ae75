/*
 * The reader. The foot and the heads of pages become trees of numbered fields first, whatever they
 * mean; then the columns of each group are decoded one by one into cells, and the cells are
 * written row by row.
 */
#include "tests/table/support_parquet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bytes.h"
#include "table/pack.h"
#include "tests/table/support_table.h"

enum { BOOLEAN = 0, INT32 = 1, INT64 = 2, DOUBLE = 5, BYTE_ARRAY = 6 };
enum { PLAIN = 0, RLE_DICTIONARY = 8, DATA_PAGE = 0, DICTIONARY_PAGE = 2 };

/* ---- Thrift's compact protocol ---- */

struct node {
    int field; // 0: an item of a list.
    int64_t number;
    struct str bytes;
    struct node *child;
    struct node *next;
    uint32_t count; // Of a list.
};

static void read_struct(struct reader *from, struct arena *arena, struct node *to);

static void read_value(
    struct reader *from, struct arena *arena, unsigned type, struct node *to, bool in_list) {
    switch (type) {
    case 1:
    case 2: to->number = in_list ? read_u8(from) == 1 : type == 1; break;
    case 3: to->number = (int8_t)read_u8(from); break;
    case 4:
    case 5:
    case 6: to->number = read_zigzag(from); break;
    case 8: {
        size_t size = read_varint(from);
        to->bytes = (struct str){(const char *)read_bytes(from, size), size};
        break;
    }
    case 9: {
        uint8_t head = read_u8(from);
        to->count = head >> 4 == 15 ? (uint32_t)read_varint(from) : head >> 4;
        struct node **last = &to->child;
        for (uint32_t i = 0; i < to->count && !from->failed; i++) {
            *last = ARENA_NEW(arena, struct node);
            read_value(from, arena, head & 15, *last, true);
            last = &(*last)->next;
        }
        break;
    }
    case 12: read_struct(from, arena, to); break;
    default: fail_msg("thrift type %u", type);
    }
}

static void read_struct(struct reader *from, struct arena *arena, struct node *to) {
    struct node **last = &to->child;
    int field = 0;
    for (uint8_t head = read_u8(from); head != 0 && !from->failed; head = read_u8(from)) {
        field = head >> 4 != 0 ? field + (head >> 4) : (int)read_zigzag(from);
        *last = ARENA_NEW(arena, struct node);
        (*last)->field = field;
        read_value(from, arena, head & 15, *last, false);
        last = &(*last)->next;
    }
    assert_false(from->failed);
}

static const struct node *find(const struct node *in, int field) {
    const struct node *node = in->child;
    while (node != NULL && node->field != field) {
        node = node->next;
    }
    return node;
}

static const struct node *need(const struct node *in, int field) {
    const struct node *node = find(in, field);
    if (node == NULL) {
        fail_msg("field %d is missing", field);
    }
    return node;
}

/* ---- Columns ---- */

struct cell {
    bool null;
    int64_t whole;
    double real;
    struct str text;
};

struct chunk {
    int type;
    bool is_unsigned;
    bool nullable;
    struct cell *cells;
    uint64_t count;
    struct cell *dictionary;
    uint32_t dictionary_count;
};

static struct str unpack_page(struct arena *arena, struct str packed, int64_t codec, size_t size) {
    if (codec == 0) {
        return packed;
    }
    assert_int_equal(codec, 6);
    struct memory_file file = {.bytes = packed};
    struct table_options options = memory_options(&file);
    struct source *source = source_new(&options);
    struct unpack *unpack = unpack_new(TABLE_ZSTD, source);
    char *to = arena_alloc(arena, size + 1);
    size_t used = 0;
    size_t got = 0;
    do {
        assert_int_equal(unpack_read(unpack, to + used, size + 1 - used, &got, NULL), 0);
        used += got;
    } while (got > 0);
    unpack_free(unpack);
    source_free(source);
    assert_int_equal(used, size);
    return (struct str){to, size};
}

static struct cell read_plain(struct reader *from, const struct chunk *chunk, uint32_t index) {
    struct cell cell = {.null = false};
    switch (chunk->type) {
    case BOOLEAN: // The bytes are taken by the last of eight.
        cell.whole = from->data[from->offset] >> index % 8 & 1;
        from->offset += index % 8 == 7 ? 1 : 0;
        break;
    case INT32: {
        uint32_t number = read_u32_le(from);
        cell.whole = chunk->is_unsigned ? (int64_t)number : (int32_t)number;
        break;
    }
    case INT64: cell.whole = (int64_t)read_u64_le(from); break;
    case DOUBLE: cell.real = read_f64_le(from); break;
    case BYTE_ARRAY: {
        uint32_t size = read_u32_le(from);
        cell.text = (struct str){(const char *)read_bytes(from, size), size};
        assert_true(from->failed || str_is_utf8(cell.text, NULL));
        break;
    }
    default: fail_msg("type %d", chunk->type);
    }
    assert_false(from->failed);
    return cell;
}

static void read_runs(struct reader *from, unsigned width, uint32_t *to, uint32_t count) {
    uint32_t at = 0;
    while (at < count) {
        uint64_t head = read_varint(from);
        assert_false(from->failed);
        if ((head & 1) == 0) {
            uint32_t number = 0;
            for (unsigned bit = 0; bit < width; bit += 8) {
                number |= (uint32_t)read_u8(from) << bit;
            }
            assert_true(head >> 1 > 0 && head >> 1 <= count - at);
            for (uint64_t i = 0; i < head >> 1; i++) {
                to[at++] = number;
            }
            continue;
        }
        size_t groups = head >> 1;
        const uint8_t *bits = read_bytes(from, groups * width);
        assert_non_null(bits);
        assert_true(at + groups * 8 < count + 8); // Only the last group is filled up.
        for (size_t i = 0; i < groups * 8 && at < count; i++) {
            uint32_t number = 0;
            for (unsigned bit = 0; bit < width; bit++) {
                size_t place = i * width + bit;
                number |= (uint32_t)(bits[place / 8] >> place % 8 & 1) << bit;
            }
            to[at++] = number;
        }
    }
    assert_false(from->failed);
}

static void read_data_page(
    struct chunk *chunk, struct str bytes, const struct node *head, struct arena *arena) {
    uint32_t rows = (uint32_t)need(head, 1)->number;
    int64_t encoding = need(head, 2)->number;
    assert_int_equal(need(head, 3)->number, 3);
    uint32_t *levels = ARENA_ARRAY(arena, uint32_t, rows + 1);
    struct reader from = reader_of(bytes.data, bytes.size);
    uint32_t values = rows;
    if (chunk->nullable) {
        uint32_t size = read_u32_le(&from);
        struct reader level_bytes = reader_of(read_bytes(&from, size), size);
        read_runs(&level_bytes, 1, levels, rows);
        assert_int_equal(reader_left(&level_bytes), 0);
        values = 0;
        for (uint32_t i = 0; i < rows; i++) {
            values += levels[i];
        }
    }
    uint32_t *places = ARENA_ARRAY(arena, uint32_t, values + 1);
    if (encoding == RLE_DICTIONARY) {
        unsigned width = read_u8(&from);
        read_runs(&from, width, places, values);
    } else {
        assert_int_equal(encoding, PLAIN);
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < rows; i++) {
        struct cell *cell = &chunk->cells[chunk->count++];
        if (chunk->nullable && levels[i] == 0) {
            *cell = (struct cell){.null = true};
        } else if (encoding == RLE_DICTIONARY) {
            assert_true(places[at] < chunk->dictionary_count);
            *cell = chunk->dictionary[places[at++]];
        } else {
            *cell = read_plain(&from, chunk, at++);
        }
    }
    assert_int_equal(at, values);
    bool half_byte = chunk->type == BOOLEAN && values % 8 != 0;
    assert_int_equal(reader_left(&from), half_byte ? 1 : 0);
}

static struct cell bound_of(const struct chunk *chunk, struct str bytes) {
    struct reader from = reader_of(bytes.data, bytes.size);
    if (chunk->type == BYTE_ARRAY) {
        return (struct cell){.text = bytes};
    }
    return read_plain(&from, chunk, 0);
}

static int compare(const struct chunk *chunk, const struct cell *a, const struct cell *b) {
    if (chunk->type == BYTE_ARRAY) {
        return str_cmp(a->text, b->text);
    }
    if (chunk->type == DOUBLE) {
        assert_true(a->real == a->real); // Chunks with a NaN have no bounds.
        return (a->real > b->real) - (a->real < b->real);
    }
    return (a->whole > b->whole) - (a->whole < b->whole);
}

static void check_statistics(
    const struct chunk *chunk, const struct node *statistics, struct parquet_seen *seen) {
    const struct node *max = find(statistics, 5);
    const struct node *min = find(statistics, 6);
    uint64_t nulls = 0;
    assert_int_equal(max == NULL, min == NULL);
    seen->bounded += max != NULL;
    for (uint64_t i = 0; i < chunk->count; i++) {
        nulls += chunk->cells[i].null;
        if (max != NULL && !chunk->cells[i].null) {
            struct cell high = bound_of(chunk, max->bytes);
            struct cell low = bound_of(chunk, min->bytes);
            assert_true(compare(chunk, &chunk->cells[i], &high) <= 0);
            assert_true(compare(chunk, &chunk->cells[i], &low) >= 0);
        }
    }
    assert_int_equal(need(statistics, 3)->number, nulls);
}

static void read_pages(struct str file, const struct node *meta, struct chunk *chunk,
    struct arena *arena, struct parquet_seen *seen) {
    const struct node *dictionary = find(meta, 11);
    uint64_t start = (uint64_t)(dictionary != NULL ? dictionary->number : need(meta, 9)->number);
    uint64_t size = (uint64_t)need(meta, 7)->number;
    uint64_t unpacked = 0;
    struct reader from = reader_of(file.data, start + size);
    assert_true(start + size <= file.size);
    from.offset = start;
    while (reader_left(&from) > 0) {
        size_t begin = from.offset;
        struct node head = {0};
        read_struct(&from, arena, &head);
        uint64_t head_size = from.offset - begin;
        size_t packed_size = (size_t)need(&head, 3)->number;
        const uint8_t *packed = read_bytes(&from, packed_size);
        assert_non_null(packed);
        assert_int_equal((uint32_t)need(&head, 4)->number, pack_crc32(packed, packed_size));
        size_t page_size = (size_t)need(&head, 2)->number;
        struct str bytes = unpack_page(arena, (struct str){(const char *)packed, packed_size},
            need(meta, 4)->number, page_size);
        unpacked += head_size + page_size;
        if (need(&head, 1)->number == DATA_PAGE) {
            if (chunk->count == 0) {
                assert_int_equal(begin, need(meta, 9)->number);
            }
            seen->data_pages++;
            seen->placed_pages += need(need(&head, 5), 2)->number == RLE_DICTIONARY;
            read_data_page(chunk, bytes, need(&head, 5), arena);
            continue;
        }
        assert_int_equal(need(&head, 1)->number, DICTIONARY_PAGE);
        seen->dictionary_pages++;
        chunk->dictionary_count = (uint32_t)need(need(&head, 7), 1)->number;
        chunk->dictionary = ARENA_ARRAY(arena, struct cell, chunk->dictionary_count);
        struct reader texts = reader_of(bytes.data, bytes.size);
        for (uint32_t i = 0; i < chunk->dictionary_count; i++) {
            chunk->dictionary[i] = read_plain(&texts, chunk, i);
        }
        assert_int_equal(reader_left(&texts), 0);
    }
    assert_int_equal(unpacked, need(meta, 6)->number);
}

/* ---- The file ---- */

static void put_cell(struct buf *to, const struct chunk *chunk, const struct cell *cell) {
    buf_put_char(to, '[');
    if (cell->null) {
        buf_put_char(to, '~');
    } else if (chunk->type == BYTE_ARRAY) {
        buf_put_str(to, cell->text);
    } else if (chunk->type == DOUBLE) {
        buf_put_f64(to, cell->real);
    } else {
        buf_put_i64(to, cell->whole);
    }
    buf_put_char(to, ']');
}

static void read_group(struct str file, const struct node *schema, const struct node *group,
    struct buf *rows, struct parquet_seen *seen) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    const struct node *columns = need(group, 1);
    struct chunk *chunks = ARENA_ARRAY(&arena, struct chunk, columns->count);
    uint64_t count = (uint64_t)need(group, 3)->number;
    const struct node *element = schema->child->next; // Behind the root.
    const struct node *column = columns->child;
    for (uint32_t i = 0; i < columns->count; i++, column = column->next, element = element->next) {
        const struct node *meta = need(column, 3);
        chunks[i].type = (int)need(meta, 1)->number;
        assert_int_equal(chunks[i].type, need(element, 1)->number);
        assert_true(str_eq(need(meta, 3)->child->bytes, need(element, 4)->bytes));
        chunks[i].nullable = need(element, 3)->number == 1;
        chunks[i].is_unsigned = find(element, 6) != NULL && find(element, 6)->number == 13;
        chunks[i].cells = ARENA_ARRAY(&arena, struct cell, count);
        assert_int_equal(need(meta, 5)->number, count);
        read_pages(file, meta, &chunks[i], &arena, seen);
        assert_int_equal(chunks[i].count, count);
        check_statistics(&chunks[i], need(meta, 12), seen);
    }
    for (uint64_t row = 0; row < count; row++) {
        for (uint32_t i = 0; i < columns->count; i++) {
            put_cell(rows, &chunks[i], &chunks[i].cells[row]);
        }
        buf_put_char(rows, '\n');
    }
    seen->rows += count;
    seen->groups++;
}

void see_parquet(struct str file, struct buf *rows, struct parquet_seen *seen) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    *seen = (struct parquet_seen){.rows = 0};
    buf_init(&seen->names, 1 << 20);
    buf_init(&seen->facts, 1 << 20);
    assert_true(file.size >= 12);
    assert_memory_equal(file.data, "PAR1", 4);
    assert_memory_equal(file.data + file.size - 4, "PAR1", 4);
    struct reader length = reader_of(file.data + file.size - 8, 4);
    size_t foot_size = read_u32_le(&length);
    assert_true(foot_size <= file.size - 12);
    struct reader from = reader_of(file.data + file.size - 8 - foot_size, foot_size);
    struct node foot = {0};
    read_struct(&from, &arena, &foot);
    assert_int_equal(reader_left(&from), 0);
    assert_int_equal(need(&foot, 1)->number, 2);
    const struct node *schema = need(&foot, 2);
    assert_int_equal(need(schema->child, 5)->number, schema->count - 1);
    assert_int_equal(need(&foot, 7)->count, schema->count - 1);
    for (const struct node *one = schema->child->next; one != NULL; one = one->next) {
        buf_printf(&seen->names, "%.*s:%lld:%lld ", STR_ARG(need(one, 4)->bytes),
            (long long)need(one, 1)->number, (long long)need(one, 3)->number);
    }
    const struct node *facts = find(&foot, 5);
    for (const struct node *one = facts != NULL ? facts->child : NULL; one != NULL;
         one = one->next) {
        buf_printf(&seen->facts, "%.*s=%.*s\n", STR_ARG(need(one, 1)->bytes),
            STR_ARG(need(one, 2)->bytes));
    }
    seen->created_by = need(&foot, 6)->bytes;
    for (const struct node *one = need(&foot, 4)->child; one != NULL; one = one->next) {
        read_group(file, schema, one, rows, seen);
    }
    assert_int_equal(seen->rows, need(&foot, 3)->number);
}

void parquet_seen_fini(struct parquet_seen *seen) {
    buf_fini(&seen->names);
    buf_fini(&seen->facts);
}
