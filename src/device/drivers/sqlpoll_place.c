/*
 * Where a table was left, in the device's bookmarks. The head ("place") holds the mark and the
 * hashes of the rows that share it; when they are many, the others stand in further bookmarks
 * ("ties0.1", "ties0.2", ...) that are written before the head, into the one of two sets that the
 * head in force does not name. So a kill between two of them leaves the old place whole.
 *
 * The head begins with a hash of table, query and mark column: a device that is set to another
 * table begins anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "device/drivers/sqlpoll.h"

enum {
    HEX = 16,
    HEAD_TIES = 64,   // In the head; with the mark it stays below 4,096 bytes.
    CHUNK_TIES = 240, // In each further bookmark.
    VALUE_BYTES = 4096,
    KEY_BYTES = 32,
};
#define FNV_BASIS 0xcbf29ce484222325ULL
#define FNV_PRIME 0x100000001b3ULL

static uint64_t fnv(uint64_t hash, const void *data, size_t size) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * FNV_PRIME;
    }
    return hash;
}

uint64_t sql_row_hash(const struct sql_row *row, uint32_t from) {
    uint64_t hash = FNV_BASIS;
    for (uint32_t i = from; i < row->count; i++) {
        /* The size stands before the bytes, so that "a","bc" and "ab","c" differ; NULL has one
         * that no text has. */
        uint64_t size = row->cells[i].data == NULL ? UINT64_MAX : row->cells[i].size;
        uint8_t head[8];
        for (int b = 0; b < 8; b++) {
            head[b] = (uint8_t)(size >> (8 * b));
        }
        hash = fnv(hash, head, sizeof head);
        hash = fnv(hash, row->cells[i].data, row->cells[i].size);
    }
    return hash;
}

static uint64_t source_hash(const struct driver_settings *settings) {
    static const enum sqlpoll_option PARTS[] = {
        SQLPOLL_TABLE, SQLPOLL_QUERY, SQLPOLL_MARK, SQLPOLL_START};
    uint64_t hash = FNV_BASIS;
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        struct str part = settings->texts[PARTS[i]];
        hash = fnv(hash, part.data, part.size);
        hash = fnv(hash, "|", 1);
    }
    return hash;
}

void sql_place_init(struct sql_place *place) {
    *place = (struct sql_place){0};
    buf_init(&place->mark, SQL_MARK_BYTES);
}

void sql_place_fini(struct sql_place *place) {
    buf_fini(&place->mark);
    mem_free(place->ties);
    *place = (struct sql_place){0};
}

bool sql_place_add(struct sql_place *place, uint64_t hash) {
    if (place->tie_count == SQL_TIES_MAX) {
        return false;
    }
    if (place->tie_count == place->tie_capacity) {
        place->tie_capacity = place->tie_capacity * 2 + 64;
        place->ties = mem_resize(place->ties, place->tie_capacity * sizeof *place->ties);
    }
    place->ties[place->tie_count++] = hash;
    return true;
}

static int compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

void sql_place_sort(struct sql_place *place) {
    if (place->tie_count > 0) {
        qsort(place->ties, place->tie_count, sizeof *place->ties, compare);
    }
}

/* ---- Bookmarks ---- */

static bool take_hex(struct str *rest, uint64_t *ret_value) {
    uint64_t value = 0;
    for (size_t i = 0; i < HEX; i++) {
        char c = i < rest->size ? rest->data[i] : 'x';
        uint64_t digit = c >= '0' && c <= '9'   ? (uint64_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a' + 10)
                                                : HEX;
        if (digit == HEX) {
            return false;
        }
        value = value << 4 | digit;
    }
    *rest = str_slice(*rest, HEX, rest->size);
    *ret_value = value;
    return true;
}

static void take_ties(struct sql_place *place, struct str text, uint32_t total) {
    uint64_t hash = 0;
    while (place->tie_count < total && take_hex(&text, &hash) && sql_place_add(place, hash)) {
    }
}

static void tie_key(char *key, uint32_t generation, uint32_t chunk) {
    (void)snprintf(key, KEY_BYTES, "ties%u.%u", generation, chunk);
}

/* "HASH GENERATION TIES MARKSIZE MARK HEX..." */
static bool parse_head(
    struct sql_place *place, struct str text, uint64_t wanted, uint32_t *ret_total) {
    uint64_t source = 0;
    uint64_t generation = 0;
    uint64_t total = 0;
    uint64_t size = 0;
    if (!take_hex(&text, &source) || source != wanted || str_cut(&text, ' ').size != 0 ||
        !str_to_u64(str_cut(&text, ' '), &generation) || generation > 1 ||
        !str_to_u64(str_cut(&text, ' '), &total) || total > SQL_TIES_MAX ||
        !str_to_u64(str_cut(&text, ' '), &size) || size > text.size || size > SQL_MARK_BYTES) {
        return false;
    }
    place->generation = (uint32_t)generation;
    buf_put_str(&place->mark, str_slice(text, 0, size));
    place->has_mark = true;
    uint32_t in_head = total < HEAD_TIES ? (uint32_t)total : HEAD_TIES;
    take_ties(place, str_slice(text, size, text.size), in_head);
    *ret_total = (uint32_t)total;
    return true;
}

int sql_place_load(struct sql_place *place, struct driver_io *io, struct err *err) {
    AUTO_BUF struct buf text;
    buf_init(&text, VALUE_BYTES);
    int result = io_bookmark_get(io, STR("place"), &text, err);
    uint32_t total = 0;
    if (result == -ERR_NOT_FOUND) {
        err_clear(err);
        return 0;
    }
    if (result < 0 || !parse_head(place, buf_str(&text), source_hash(io_settings(io)), &total)) {
        return result < 0 ? result : 0;
    }
    for (uint32_t chunk = 1; place->tie_count < total; chunk++) {
        char key[KEY_BYTES];
        tie_key(key, place->generation, chunk);
        buf_clear(&text);
        uint32_t before = place->tie_count;
        result = io_bookmark_get(io, str_of(key), &text, err);
        take_ties(place, buf_str(&text), total);
        if (result == -ERR_NOT_FOUND || place->tie_count == before) {
            err_clear(err); // Its rows come again, which is better than to leave them out.
            break;
        }
        if (result < 0) {
            return result;
        }
    }
    sql_place_sort(place);
    return 0;
}

static int save_ties(const struct sql_place *place, struct driver_io *io, struct err *err) {
    uint32_t chunk = 1;
    for (uint32_t from = HEAD_TIES; from < place->tie_count; from += CHUNK_TIES) {
        AUTO_BUF struct buf text;
        buf_init(&text, VALUE_BYTES);
        for (uint32_t i = from; i < place->tie_count && i < from + CHUNK_TIES; i++) {
            buf_printf(&text, "%016llx", (unsigned long long)place->ties[i]);
        }
        char key[KEY_BYTES];
        tie_key(key, place->generation, chunk++);
        int result = io_bookmark_put(io, str_of(key), buf_str(&text), err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

int sql_place_save(struct sql_place *place, struct driver_io *io, struct err *err) {
    if (place->tie_count > HEAD_TIES) {
        place->generation = 1 - place->generation;
        int result = save_ties(place, io, err);
        if (result < 0) {
            return result;
        }
    }
    AUTO_BUF struct buf text;
    buf_init(&text, VALUE_BYTES);
    buf_printf(&text, "%016llx %u %u %zu ", (unsigned long long)source_hash(io_settings(io)),
        place->generation, place->tie_count, place->mark.size);
    buf_put_str(&text, buf_str(&place->mark));
    for (uint32_t i = 0; i < place->tie_count && i < HEAD_TIES; i++) {
        buf_printf(&text, "%016llx", (unsigned long long)place->ties[i]);
    }
    return io_bookmark_put(io, STR("place"), buf_str(&text), err);
}
