/*
 * A group is 256 neighbouring rows: a scan, mostly, so of different tags. What they share is that
 * sensors send short decimals. A group whose doubles are, but for a few, n / 10^e for one e is
 * written as the integers n in 0, 1, 2 or 4 bytes each above the smallest; the few stand beside as
 * exceptions. Anything else is 8 plain bytes. Whole bytes and not bits: they need no shifting, and
 * what is written here is gone in seconds.
 *
 * The exponent is looked for once a batch, and again only by a group that it does not fit.
 */
#include "historian/wal_pack.h"

#include "core/mem.h"
#include "historian/decimal.h"

enum {
    GROUP_ROWS = 256,
    EXCEPTIONS_MAX = GROUP_ROWS / 16,
    SAMPLES = 16,
    SEARCH_MAX = 9, // Exponents that are tried: more digits are seldom, and gain little.
    /* The first byte of a group: width in the upper three bits, exponent in the lower five. */
    WIDTH_SHIFT = 5,
    PLAIN = 4, // In place of a width: 8 bytes a value.
    EXPONENT_MASK = 31,
    GROUP_HEAD_MAX = 16 + EXCEPTIONS_MAX * 9,
};

/* Width code to bytes. */
static uint32_t width_bytes(uint32_t width) {
    return width == 0 ? 0 : 1U << (width - 1);
}

static uint32_t width_for(uint64_t range) {
    return range == 0            ? 0
           : range <= UINT8_MAX  ? 1
           : range <= UINT16_MAX ? 2
           : range <= UINT32_MAX ? 3
                                 : PLAIN;
}

struct group {
    uint32_t count;
    bits64 values[GROUP_ROWS];
    int64_t integers[GROUP_ROWS];
    uint8_t bad[GROUP_ROWS]; // 1: no integer.
};

/* The smallest exponent that fits a sample of the values; SEARCH_MAX + 1: none. */
static uint32_t exponent_find(const struct group *group) {
    uint32_t step = group->count > SAMPLES ? group->count / SAMPLES : 1;
    for (uint32_t exponent = 0; exponent <= SEARCH_MAX; exponent++) {
        uint32_t missed = 0;
        for (uint32_t i = 0; i < group->count && missed <= 1; i += step) {
            int64_t integer = 0;
            missed += !decimal_of(group->values[i], decimal_powers[exponent], &integer);
        }
        if (missed <= 1) {
            return exponent;
        }
    }
    return SEARCH_MAX + 1;
}

/* Fills the integers; returns how many have none, the filled-up rows of a last group among them. */
HOT_LOOP static uint32_t group_scale(struct group *group, double power) {
    uint64_t bad = 0;
    for (uint32_t i = 0; i < GROUP_ROWS; i++) { // All of them: a constant length makes vectors.
        int64_t integer = 0;
        uint64_t missed = !decimal_of(group->values[i], power, &integer);
        group->integers[i] = integer;
        group->bad[i] = (uint8_t)missed;
        bad += missed;
    }
    return (uint32_t)bad;
}

HOT_LOOP static void group_bound(const struct group *group, int64_t *ret_min, int64_t *ret_max) {
    int64_t min = group->integers[0];
    int64_t max = min;
    for (uint32_t i = 0; i < GROUP_ROWS; i++) {
        int64_t one = group->integers[i];
        min = one < min ? one : min;
        max = one > max ? one : max;
    }
    *ret_min = min;
    *ret_max = max;
}

HOT_LOOP static void put_bytes(uint8_t *to, const int64_t *integers, uint32_t count, int64_t min) {
    for (uint32_t i = 0; i < count; i++) {
        to[i] = (uint8_t)((uint64_t)integers[i] - (uint64_t)min);
    }
}

HOT_LOOP static void put_halves(uint8_t *to, const int64_t *integers, uint32_t count, int64_t min) {
    for (uint32_t i = 0; i < count; i++) {
        uint16_t half = htole16((uint16_t)((uint64_t)integers[i] - (uint64_t)min));
        memcpy(to + (size_t)i * 2, &half, sizeof half);
    }
}

HOT_LOOP static void put_words(uint8_t *to, const int64_t *integers, uint32_t count, int64_t min) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word = htole32((uint32_t)((uint64_t)integers[i] - (uint64_t)min));
        memcpy(to + (size_t)i * 4, &word, sizeof word);
    }
}

static void put_plain(struct buf *to, const struct group *group) {
    write_u8(to, PLAIN << WIDTH_SHIFT);
    uint8_t *at = buf_reserve(to, sizeof group->values);
    for (uint32_t i = 0; i < group->count && at != NULL; i++) {
        store_u64(at + (size_t)i * 8, group->values[i]);
    }
    buf_commit(to, at != NULL ? (size_t)group->count * 8 : 0);
}

static void put_exceptions(struct buf *to, struct group *group, uint32_t bad) {
    write_u8(to, (uint8_t)bad);
    for (uint32_t i = 0; i < group->count && bad > 0; i++) {
        if (group->bad[i] != 0) {
            write_u8(to, (uint8_t)i);
            write_u64_le(to, group->values[i]);
            bad--;
        }
    }
}

/* An exception takes the place of a neighbour among the integers, so that it does not widen. */
static void exceptions_fold(struct group *group) {
    int64_t good = 0;
    for (uint32_t i = 0; i < GROUP_ROWS; i++) {
        good = group->bad[i] == 0 ? group->integers[i] : good;
        group->integers[i] = good;
    }
}

static void group_put(struct buf *to, struct group *group, uint32_t exponent, uint32_t bad) {
    if (bad > 0) {
        exceptions_fold(group);
    }
    int64_t min = 0;
    int64_t max = 0;
    group_bound(group, &min, &max);
    uint32_t width = width_for((uint64_t)max - (uint64_t)min);
    if (width == PLAIN) {
        put_plain(to, group);
        return;
    }
    write_u8(to, (uint8_t)(width << WIDTH_SHIFT | exponent));
    put_exceptions(to, group, bad);
    write_zigzag(to, min);
    uint8_t *at = buf_reserve(to, sizeof(uint32_t) * GROUP_ROWS);
    if (at == NULL) {
        return;
    }
    switch (width) {
    case 1: put_bytes(at, group->integers, group->count, min); break;
    case 2: put_halves(at, group->integers, group->count, min); break;
    case 3: put_words(at, group->integers, group->count, min); break;
    default: break;
    }
    buf_commit(to, (size_t)group->count * width_bytes(width));
}

static void group_take(struct group *group, const struct sample *rows, uint32_t count) {
    group->count = count;
    for (uint32_t i = 0; i < count; i++) {
        group->values[i] = (uint64_t)rows[i].value.i64;
    }
    for (uint32_t i = count; i < GROUP_ROWS; i++) { // The last group: like its last row.
        group->values[i] = group->values[count - 1];
    }
}

/* Doubles: true when written as decimals with *exponent, which may be changed. */
static bool decimals_put(struct buf *to, struct group *group, uint32_t *exponent) {
    uint32_t allowed = group->count / (GROUP_ROWS / EXCEPTIONS_MAX);
    uint32_t filled_up = GROUP_ROWS - group->count;
    for (int tries = 0; tries < 2; tries++) {
        if (*exponent <= SEARCH_MAX) {
            uint32_t bad = group_scale(group, decimal_powers[*exponent]);
            bad -= group->bad[group->count - 1] != 0 ? filled_up : 0; // They are like the last row.
            if (bad <= allowed) {
                group_put(to, group, *exponent, bad);
                return true;
            }
        }
        if (tries == 0) {
            *exponent = exponent_find(group);
        }
    }
    return false;
}

void wal_pack(struct buf *to, const struct sample *rows, uint32_t count) {
    struct group group;
    uint32_t exponent = SEARCH_MAX + 1;
    for (uint32_t from = 0; from < count; from += GROUP_ROWS) {
        uint32_t left = count - from;
        group_take(&group, rows + from, left < GROUP_ROWS ? left : GROUP_ROWS);
        if (rows->type != TYPE_F64) {
            memcpy(group.integers, group.values, sizeof group.integers);
            group_put(to, &group, 0, 0);
        } else if (!decimals_put(to, &group, &exponent)) {
            put_plain(to, &group);
        }
    }
}

/* ---- Reading ---- */

static bool get_plain(struct reader *from, struct sample *rows, uint32_t count) {
    const uint8_t *at = read_bytes(from, (size_t)count * 8);
    for (uint32_t i = 0; i < count && at != NULL; i++) {
        rows[i].value.i64 = (int64_t)load_u64(at + (size_t)i * 8);
    }
    return at != NULL;
}

static uint64_t load_narrow(const uint8_t *at, uint32_t bytes) {
    uint64_t value = 0;
    for (uint32_t i = bytes; i-- > 0;) {
        value = value << 8 | at[i];
    }
    return value;
}

static bool group_get(struct reader *from, struct sample *rows, uint32_t count) {
    uint8_t head = read_u8(from);
    uint32_t width = head >> WIDTH_SHIFT;
    uint32_t exponent = head & EXPONENT_MASK;
    if (head == PLAIN << WIDTH_SHIFT) {
        return get_plain(from, rows, count);
    }
    if (width >= PLAIN || exponent > DECIMAL_EXPONENT_MAX) {
        return false;
    }
    uint32_t bad = read_u8(from);
    const uint8_t *exceptions = read_bytes(from, (size_t)bad * 9);
    uint64_t min = (uint64_t)read_zigzag(from);
    uint32_t bytes = width_bytes(width);
    const uint8_t *at = read_bytes(from, (size_t)count * bytes);
    if (from->failed) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t integer = (int64_t)(min + load_narrow(at + (size_t)i * bytes, bytes));
        if (rows[i].type == TYPE_F64) {
            rows[i].value.f64 = (double)integer / decimal_powers[exponent];
        } else {
            rows[i].value.i64 = integer;
        }
    }
    for (uint32_t i = 0; i < bad; i++, exceptions += 9) {
        if (exceptions[0] >= count) {
            return false;
        }
        rows[exceptions[0]].value.i64 = (int64_t)load_u64(exceptions + 1);
    }
    return true;
}

bool wal_unpack(struct reader *from, struct sample *rows, uint32_t count) {
    for (uint32_t at = 0; at < count; at += GROUP_ROWS) {
        uint32_t left = count - at;
        if (!group_get(from, rows + at, left < GROUP_ROWS ? left : GROUP_ROWS)) {
            return false;
        }
    }
    return true;
}
