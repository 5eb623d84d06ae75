/*
 * Finding rows that stand already, so that importing a file twice changes nothing.
 *
 * A batch is judged against itself first: of several rows with one tag and time only the last
 * counts, sources and corrections apart, since a source's value never replaces a person's. Without
 * that, `1.5` and `2.5` of one time would take turns as the winner at every import. What is left is
 * judged against the last version of its own class that stands.
 *
 * The rows are sorted by tag (two stable passes over 11 bits each: a batch is scan behind scan, in
 * which each tag's times rise already) and by time where they need it, and each tag's are compared
 * in step with a scan, so a block is decoded once however many rows ask for it. What is newer than
 * all that stands is not looked for. A long gap between two rows ends the scan and begins another
 * behind it: two late rows a year apart do not read the year between. How long is long is taken
 * from the data: more time than sixteen rows' usual distance, and at least ten minutes.
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
    bool correction;
    bool stands; // The last version of its class seen so far is the same.
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

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };
_Static_assert(HIST_TAG_MAX < 1 << (2 * DIGIT_BITS), "two digits make a tag");

/* Stable, by one digit of the tag. False: all have the same, nothing was moved. */
static bool sort_digit(
    const struct candidate *from, struct candidate *to, uint32_t count, uint32_t shift) {
    uint32_t places[DIGITS] = {0};
    for (uint32_t i = 0; i < count; i++) {
        places[from[i].tag >> shift & (DIGITS - 1)]++;
    }
    if (places[from[0].tag >> shift & (DIGITS - 1)] == count) {
        return false;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < DIGITS; i++) {
        uint32_t own = places[i];
        places[i] = sum;
        sum += own;
    }
    for (uint32_t i = 0; i < count; i++) {
        to[places[from[i].tag >> shift & (DIGITS - 1)]++] = from[i];
    }
    return true;
}

static void candidates_sort(struct candidate *candidates, uint32_t count) {
    AUTO_FREE struct candidate *spare = mem_alloc(count * sizeof *spare);
    bool moved = sort_digit(candidates, spare, count, 0);
    const struct candidate *at = moved ? spare : candidates;
    struct candidate *to = moved ? candidates : spare;
    if (sort_digit(at, to, count, DIGIT_BITS)) {
        at = to;
    }
    if (at != candidates) {
        memcpy(candidates, at, count * sizeof *candidates);
    }
    for (uint32_t from = 0; from < count;) {
        bool sorted = true;
        uint32_t end = from + 1;
        for (; end < count && candidates[end].tag == candidates[from].tag; end++) {
            sorted = sorted && candidates[end - 1].time_ns <= candidates[end].time_ns;
        }
        if (!sorted) {
            qsort(candidates + from, end - from, sizeof *candidates, candidate_order);
        }
        from = end;
    }
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

/* Compares the candidates of one time, which begin at `first`, with a version of that time. */
static void versions_judge(const struct batch *batch, struct candidate *first,
    const struct candidate *end, const struct hist_rows *rows, uint32_t at) {
    bool correction = rows->flags != NULL && (rows->flags[at] & SAMPLE_CORRECTION) != 0;
    for (struct candidate *one = first; one < end && one->time_ns == first->time_ns; one++) {
        if (one->correction == correction) {
            one->stands = row_is_same(batch, &batch->rows[one->row], rows, at);
        }
    }
}

/* Finds out which of the candidates of one tag stand. */
static int stretch_judge(struct historian *historian, const struct batch *batch,
    struct candidate *candidates, uint32_t count, struct err *err) {
    struct hist_scan_options options = {.tag = candidates[0].tag,
        .from_ns = candidates[0].time_ns,
        .to_ns = candidates[count - 1].time_ns + 1,
        .versions = true};
    struct hist_scan *scan = NULL;
    int rc = hist_scan_open(historian, &options, &scan, err);
    if (rc < 0) {
        return rc;
    }
    uint32_t next = 0;
    struct hist_rows rows;
    while (next < count && (rc = hist_scan_next(scan, &rows, err)) > 0) {
        struct run run = {.time = rows.time_ns, .count = rows.count};
        uint32_t at = 0;
        while (next < count && at < rows.count) {
            if (rows.time_ns[at] < candidates[next].time_ns) {
                at = run_lower_bound(&run, at, candidates[next].time_ns);
            } else if (rows.time_ns[at] > candidates[next].time_ns) {
                next++;
            } else {
                versions_judge(batch, candidates + next, candidates + count, &rows, at);
                at++;
            }
        }
    }
    hist_scan_close(scan);
    return rc < 0 ? rc : 0;
}

/* The rows of the batch that count, in order of tag and time. */
static uint32_t candidates_take(const struct batch *batch, struct candidate *candidates) {
    uint32_t count = 0;
    bool sorted = true;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if ((row->flags & SAMPLE_DROP) != 0 || row->tag == 0 || row->tag > HIST_TAG_MAX) {
            continue; // What cannot be a row is refused by the append.
        }
        candidates[count] = (struct candidate){.tag = row->tag,
            .row = i,
            .time_ns = row->time_ns,
            .correction = (row->flags & SAMPLE_CORRECTION) != 0};
        sorted = sorted &&
                 (count == 0 || candidate_order(&candidates[count - 1], &candidates[count]) < 0);
        count++;
    }
    if (!sorted) {
        candidates_sort(candidates, count);
    }
    return count;
}

/* Drops rows that a later one of the batch replaces. Returns how many candidates are left. */
static uint32_t candidates_supersede(
    struct batch *batch, struct candidate *candidates, uint32_t count) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        /* At most one source value and one correction of this time are kept before it. */
        for (uint32_t back = 1; back <= 2 && back <= kept; back++) {
            struct candidate *earlier = &candidates[kept - back];
            if (earlier->tag != candidates[i].tag || earlier->time_ns != candidates[i].time_ns) {
                break;
            }
            if (earlier->correction == candidates[i].correction) {
                batch->rows[earlier->row].flags |= SAMPLE_DROP;
                *earlier = kept - back + 1 < kept ? candidates[kept - 1] : *earlier;
                kept--;
                break;
            }
        }
        candidates[kept++] = candidates[i];
    }
    return kept;
}

/* Judges the candidates of one tag; newer ones than all that stands need no look. */
static int tag_judge(struct historian *historian, const struct batch *batch,
    struct candidate *candidates, uint32_t count, struct err *err) {
    int64_t newest_ns = last_time(historian, candidates[0].tag);
    while (count > 0 && candidates[count - 1].time_ns > newest_ns) {
        count--;
    }
    for (uint32_t from = 0; from < count;) {
        uint32_t end = stretch_end(candidates, count, from);
        int rc = stretch_judge(historian, batch, candidates + from, end - from, err);
        if (rc < 0) {
            return rc;
        }
        from = end;
    }
    return 0;
}

int hist_mark_duplicates(struct historian *historian, struct batch *batch, struct err *err) {
    AUTO_FREE struct candidate *candidates = mem_alloc((batch->count + 1) * sizeof *candidates);
    uint32_t all = candidates_take(batch, candidates);
    uint32_t count = candidates_supersede(batch, candidates, all);
    for (uint32_t from = 0; from < count;) {
        uint32_t end = from + 1;
        while (end < count && candidates[end].tag == candidates[from].tag) {
            end++;
        }
        int rc = tag_judge(historian, batch, candidates + from, end - from, err);
        if (rc < 0) {
            return rc;
        }
        from = end;
    }
    uint32_t marked = all - count;
    for (uint32_t i = 0; i < count; i++) {
        if (candidates[i].stands) {
            batch->rows[candidates[i].row].flags |= SAMPLE_DROP;
            marked++;
        }
    }
    return (int)marked;
}
