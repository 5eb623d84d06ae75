/*
 * Column buffers of one tag's rows.
 *
 * Optional columns (text, status, flags) are allocated with the rest but only read where the
 * buffer says that a row needed them: most rows of a factory are good numbers without flags, and
 * a scan that returns NULL for those columns saves its reader the test per row.
 *
 * Sorting is stable by construction: (time, position) pairs are sorted, and rows arrive nearly in
 * order, so a merge sort that takes its runs as they come costs little more than a copy.
 */
#include "historian/rows.h"

#include "core/mem.h"

void rows_init(struct rows_buffer *rows) {
    *rows = (struct rows_buffer){0};
}

void rows_fini(struct rows_buffer *rows) {
    mem_free(rows->time);
    mem_free(rows->value);
    mem_free(rows->text);
    mem_free(rows->types);
    mem_free(rows->status);
    mem_free(rows->flags);
    rows_init(rows);
}

void rows_clear(struct rows_buffer *rows) {
    rows->count = 0;
    rows->has_text = false;
    rows->has_status = false;
    rows->has_flags = false;
}

void rows_reserve(struct rows_buffer *rows, uint32_t capacity) {
    if (capacity <= rows->capacity) {
        return;
    }
    uint32_t grown = rows->capacity * 2 > capacity ? rows->capacity * 2 : capacity;
    rows->time = mem_resize(rows->time, grown * sizeof *rows->time);
    rows->value = mem_resize(rows->value, grown * sizeof *rows->value);
    rows->text = mem_resize(rows->text, grown * sizeof *rows->text);
    rows->types = mem_resize(rows->types, grown * sizeof *rows->types);
    rows->status = mem_resize(rows->status, grown * sizeof *rows->status);
    rows->flags = mem_resize(rows->flags, grown * sizeof *rows->flags);
    rows->capacity = grown;
}

static void rows_append_optional(
    struct rows_buffer *rows, const struct run *run, uint32_t from, uint32_t count) {
    uint32_t at = rows->count;
    if (run->types != NULL) {
        memcpy(rows->types + at, run->types + from, count);
    } else {
        memset(rows->types + at, run->type, count);
    }
    if (run->text != NULL) {
        memcpy(rows->text + at, run->text + from, count * sizeof *rows->text);
        rows->has_text = true;
    } else {
        memset(rows->text + at, 0, count * sizeof *rows->text);
    }
    if (run->status != NULL) {
        memcpy(rows->status + at, run->status + from, count * sizeof *rows->status);
        rows->has_status = true;
    } else {
        memset(rows->status + at, 0, count * sizeof *rows->status);
    }
    if (run->flags != NULL) {
        memcpy(rows->flags + at, run->flags + from, count);
        rows->has_flags = true;
    } else {
        memset(rows->flags + at, 0, count);
    }
}

void rows_append(struct rows_buffer *rows, const struct run *run, uint32_t from, uint32_t to) {
    if (from >= to) {
        return;
    }
    uint32_t count = to - from;
    rows_reserve(rows, rows->count + count);
    memcpy(rows->time + rows->count, run->time + from, count * sizeof *rows->time);
    memcpy(rows->value + rows->count, run->value + from, count * sizeof *rows->value);
    rows_append_optional(rows, run, from, count);
    rows->count += count;
}

void rows_replace(struct rows_buffer *rows, uint32_t at, const struct run *run, uint32_t from) {
    uint32_t count = rows->count;
    rows->count = at;
    rows_append(rows, run, from, from + 1);
    rows->count = count;
}

struct place {
    int64_t time;
    uint32_t row;
};

/* Merges the sorted halves [0, middle) and [middle, count) of `from` into `to`. */
static void places_merge(
    const struct place *from, uint32_t middle, uint32_t count, struct place *to) {
    uint32_t left = 0;
    uint32_t right = middle;
    for (uint32_t i = 0; i < count; i++) {
        bool take_left = left < middle && (right >= count || from[left].time <= from[right].time);
        to[i] = from[take_left ? left++ : right++];
    }
}

/* Bottom-up merge sort; returns the array that holds the result. */
static struct place *places_sort(struct place *places, struct place *spare, uint32_t count) {
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t start = 0; start < count; start += 2 * width) {
            uint32_t left = (uint32_t)(width < count - start ? width : count - start);
            uint32_t both = (uint32_t)(2 * width < count - start ? 2 * width : count - start);
            if (left == both || places[start + left - 1].time <= places[start + left].time) {
                memcpy(spare + start, places + start, both * sizeof *places);
            } else {
                places_merge(places + start, left, both, spare + start);
            }
        }
        struct place *swap = places;
        places = spare;
        spare = swap;
    }
    return places;
}

static bool rows_are_sorted(const struct rows_buffer *rows) {
    for (uint32_t i = 1; i < rows->count; i++) {
        if (rows->time[i] < rows->time[i - 1]) {
            return false;
        }
    }
    return true;
}

void rows_sort(struct rows_buffer *rows) {
    if (rows_are_sorted(rows)) {
        return;
    }
    uint32_t count = rows->count;
    AUTO_FREE struct place *places = mem_alloc(count * sizeof *places);
    AUTO_FREE struct place *spare = mem_alloc(count * sizeof *spare);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = (struct place){.time = rows->time[i], .row = i};
    }
    const struct place *sorted = places_sort(places, spare, count);
    struct rows_buffer to;
    rows_init(&to);
    rows_reserve(&to, count);
    to.has_text = rows->has_text;
    to.has_status = rows->has_status;
    to.has_flags = rows->has_flags;
    to.count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = sorted[i].row;
        to.time[i] = rows->time[row];
        to.value[i] = rows->value[row];
        to.text[i] = rows->text[row];
        to.types[i] = rows->types[row];
        to.status[i] = rows->status[row];
        to.flags[i] = rows->flags[row];
    }
    rows_fini(rows);
    *rows = to;
}

struct run rows_run(const struct rows_buffer *rows) {
    struct run run = {.time = rows->time,
        .value = rows->value,
        .text = rows->has_text ? rows->text : NULL,
        .status = rows->has_status ? rows->status : NULL,
        .flags = rows->has_flags ? rows->flags : NULL,
        .count = rows->count,
        .strict = true};
    for (uint32_t i = 1; i < rows->count; i++) {
        run.strict = run.strict && rows->time[i] > rows->time[i - 1];
        if (rows->types[i] != rows->types[0]) {
            run.types = rows->types;
        }
    }
    if (run.types == NULL && rows->count > 0) {
        run.type = rows->types[0];
    }
    return run;
}

uint32_t run_lower_bound(const struct run *run, uint32_t from, int64_t time_ns) {
    const int64_t *time = run->time;
    uint32_t low = from;
    uint32_t high = run->count;
    if (low >= high || time[low] >= time_ns) {
        return low;
    }
    /* Mostly rows come at a steady pace: where a time should stand tells where it does. */
    if (time_ns <= time[high - 1]) {
        double gone = (double)((uint64_t)time_ns - (uint64_t)time[low]);
        double all = (double)((uint64_t)time[high - 1] - (uint64_t)time[low]);
        uint32_t guess = low + (uint32_t)(gone / all * (high - 1 - low));
        if (time[guess] < time_ns) {
            low = guess + 1; // The last row is late enough, so there is one.
            if (time[low] >= time_ns) {
                return low;
            }
        } else if (time[guess - 1] < time_ns) { // The first row is too early: guess > from.
            return guess;
        } else {
            high = guess;
        }
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (time[middle] < time_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
