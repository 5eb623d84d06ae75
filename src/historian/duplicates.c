/*
 * Finding late rows that stand already, so that importing a file twice changes nothing.
 *
 * The candidates of a batch are sorted by tag and time, and each tag's are compared in step with a
 * scan of the winners, so a block is decoded once however many rows ask for it. A long gap between
 * two candidates ends the scan and begins another behind it: two late rows a year apart do not read
 * the year between. How long is long is taken from the data: more time than sixteen candidates'
 * usual distance, and at least ten minutes.
 */
#include <stdlib.h>

#include "core/mem.h"
#include "historian/store.h"

#define GAP_NS_MIN (600 * NS_PER_S)
enum { GAP_STEPS = 16 };

struct candidate {
    uint32_t tag;
    uint32_t row;
    int64_t time_ns;
};

static int candidate_order(const void *left, const void *right) {
    const struct candidate *a = left;
    const struct candidate *b = right;
    if (a->tag != b->tag) {
        return a->tag < b->tag ? -1 : 1;
    }
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns ? -1 : 1;
    }
    return a->row < b->row ? -1 : a->row > b->row;
}

static bool row_is_same(const struct batch *batch, const struct sample *row,
    const struct hist_rows *rows, uint32_t at) {
    uint32_t status = rows->status != NULL ? rows->status[at] : 0;
    if ((enum value_type)row->type != rows->type || row->status != status) {
        return false;
    }
    switch (rows->type) {
    case TYPE_F64: return bits_of_f64(row->value.f64) == bits_of_f64(rows->f64[at]);
    case TYPE_I64:
    case TYPE_BOOL: return row->value.i64 == rows->i64[at];
    case TYPE_TEXT: return str_eq(batch_text(batch, row), rows->text[at]);
    }
    return false;
}

/* Where the stretch of candidates that one scan serves ends. */
static uint32_t stretch_end(const struct candidate *candidates, uint32_t count, uint32_t from) {
    uint32_t end = from + 1;
    while (end < count && candidates[end].tag == candidates[from].tag) {
        uint64_t usual =
            ((uint64_t)candidates[end - 1].time_ns - (uint64_t)candidates[from].time_ns) /
            (end - from);
        uint64_t limit = usual < INT64_MAX / GAP_STEPS ? usual * GAP_STEPS : INT64_MAX;
        limit = limit > (uint64_t)GAP_NS_MIN ? limit : (uint64_t)GAP_NS_MIN;
        uint64_t gap = (uint64_t)candidates[end].time_ns - (uint64_t)candidates[end - 1].time_ns;
        if (gap > limit) {
            break;
        }
        end++;
    }
    return end;
}

/* Marks the candidates [from, end) of one tag that stand; returns how many. */
static int stretch_mark(struct historian *historian, struct batch *batch,
    const struct candidate *candidates, uint32_t count, struct err *err) {
    struct hist_scan_options options = {.tag = candidates[0].tag,
        .from_ns = candidates[0].time_ns,
        .to_ns = candidates[count - 1].time_ns + 1};
    struct hist_scan *scan = NULL;
    int rc = hist_scan_open(historian, &options, &scan, err);
    if (rc < 0) {
        return rc;
    }
    int marked = 0;
    uint32_t next = 0;
    struct hist_rows rows;
    while (next < count && (rc = hist_scan_next(scan, &rows, err)) > 0) {
        struct run run = {.time = rows.time_ns, .count = rows.count};
        uint32_t at = 0;
        while (next < count && at < rows.count) {
            const struct candidate *candidate = &candidates[next];
            if (rows.time_ns[at] < candidate->time_ns) {
                at = run_lower_bound(&run, at, candidate->time_ns);
                continue;
            }
            struct sample *row = &batch->rows[candidate->row];
            if (rows.time_ns[at] == candidate->time_ns && row_is_same(batch, row, &rows, at)) {
                row->flags |= SAMPLE_DROP;
                marked++;
            }
            next++; // The same stored row may meet the next candidate of the same time.
        }
    }
    hist_scan_close(scan);
    return rc < 0 ? rc : marked;
}

static bool row_is_candidate(struct historian *historian, const struct sample *row) {
    if ((row->flags & SAMPLE_DROP) != 0 || row->tag == 0 || row->tag > HIST_TAG_MAX) {
        return false;
    }
    return (row->flags & SAMPLE_LATE) != 0 || row->time_ns <= last_time(historian, row->tag);
}

int hist_mark_duplicates(struct historian *historian, struct batch *batch, struct err *err) {
    AUTO_FREE struct candidate *candidates = mem_alloc((batch->count + 1) * sizeof *candidates);
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if (row_is_candidate(historian, row)) {
            candidates[count++] =
                (struct candidate){.tag = row->tag, .row = i, .time_ns = row->time_ns};
        }
    }
    qsort(candidates, count, sizeof *candidates, candidate_order);
    int marked = 0;
    for (uint32_t from = 0; from < count;) {
        uint32_t end = stretch_end(candidates, count, from);
        int rc = stretch_mark(historian, batch, candidates + from, end - from, err);
        if (rc < 0) {
            return rc;
        }
        marked += rc;
        from = end;
    }
    return marked;
}
