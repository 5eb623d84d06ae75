/*
 * The newest row before a moment, without reading from the beginning.
 *
 * A block knows the time of its first row and how many good rows and numbers it has. Of each
 * segment the last block that begins before the moment and has what is sought is looked at; the
 * latest of their begins bounds the search: some row of the kind stands at it or behind, so one
 * stretch of about a block is read, however long the tag was silent. What lies in memory is walked.
 * Only where all those rows are outranked by other versions (or a block is damaged) is the stretch
 * before looked at too; each round begins earlier, so it ends.
 */
#include "historian/before.h"

#include <math.h>

#include "historian/cursor.h"
#include "historian/store.h"
#include "model/counter.h"

struct point point_of(const struct run *run, uint32_t row) {
    struct point point = {.has = true, .type = run_type(run, row), .time_ns = run->time[row]};
    bool bad = run_status(run, row) >> 31 != 0;
    point.number = (double)NAN;
    if (point.type == TYPE_F64) {
        point.number = f64_of_bits(run->value[row]);
    } else if (point.type != TYPE_TEXT) {
        point.i64 = (int64_t)run->value[row];
        point.number = (double)point.i64;
    }
    point.usable = !bad && !isnan(point.number);
    return point;
}

bool point_is_count(const struct point *point) {
    return point->usable && (point->type == TYPE_F64 ? counter_is_count_f64(point->number)
                                                     : counter_is_count_i64(point->i64));
}

double point_between(const struct point *a, const struct point *b, int64_t time_ns) {
    double part = (double)((uint64_t)time_ns - (uint64_t)a->time_ns) /
                  (double)((uint64_t)b->time_ns - (uint64_t)a->time_ns);
    return a->number == b->number ? a->number : a->number * (1 - part) + b->number * part;
}

static bool block_may(const struct block_entry *block, enum before_need need) {
    const struct summary *sum = &block->summary;
    if (block->split) {
        return true; // It has no statistics of its own.
    }
    switch (need) {
    case BEFORE_GOOD: return sum->count > 0;
    case BEFORE_NUMBER: return sum->number_count > 0;
    case BEFORE_COUNT: return sum->number_count > 0 && sum->max >= 0;
    }
    return true;
}

static bool row_is(const struct run *run, uint32_t row, enum before_need need) {
    struct point point = point_of(run, row);
    switch (need) {
    case BEFORE_GOOD:
        return point.usable || (point.type == TYPE_TEXT && run_status(run, row) >> 31 == 0);
    case BEFORE_NUMBER: return point.usable;
    case BEFORE_COUNT: return point_is_count(&point);
    }
    return false;
}

/* Moves *from_ns up to the begin of the segment's last fitting block. 1 when there is one. */
static int window_of_segment(struct segment *segment, uint32_t tag, int64_t before_ns,
    enum before_need need, int64_t *from_ns, struct err *err) {
    int64_t min_ns = 0;
    int64_t max_ns = 0;
    struct tag_page *page = NULL;
    /* The whole tag lies at or behind the moment, or before what is known already. */
    int rc = segment_tag_range(segment, tag, &min_ns, &max_ns, err);
    if (rc <= 0 || min_ns >= before_ns || max_ns < *from_ns) {
        return rc < 0 ? rc : 0;
    }
    rc = segment_page(segment, tag, &page, err);
    if (rc <= 0) {
        return rc;
    }
    int found = 0;
    for (uint32_t i = page->block_count; i > 0 && found == 0; i--) {
        const struct block_entry *block = &page->blocks[i - 1];
        if (block->min_ns < before_ns && block_may(block, need)) {
            found = 1;
            *from_ns = block->min_ns > *from_ns ? block->min_ns : *from_ns;
        }
    }
    tag_page_unref(page);
    return found;
}

static bool window_of_memtable(struct memtable *table, uint32_t tag, int64_t before_ns,
    enum before_need need, int64_t *from_ns) {
    bool found = false;
    struct memtable_walk walk;
    struct run run;
    memtable_walk_init(&walk, table, tag, INT64_MIN, before_ns);
    while (memtable_walk_next(&walk, &run)) {
        for (uint32_t i = run.count; i > 0; i--) {
            if (row_is(&run, i - 1, need)) {
                found = true;
                *from_ns = run.time[i - 1] > *from_ns ? run.time[i - 1] : *from_ns;
                break;
            }
        }
    }
    memtable_walk_fini(&walk);
    return found;
}

int before_window(struct view *view, uint32_t tag, int64_t before_ns, enum before_need need,
    int64_t *ret_from_ns, struct err *err) {
    int64_t from_ns = horizons_of(view->horizons, tag);
    int found = 0;
    if (before_ns <= from_ns) {
        return 0;
    }
    if (view->frozen != NULL) {
        found |= window_of_memtable(view->frozen, tag, before_ns, need, &from_ns);
    }
    if (view->active != NULL) {
        found |= window_of_memtable(view->active, tag, before_ns, need, &from_ns);
    }
    for (uint32_t i = 0; i < view->segment_count; i++) {
        int rc = window_of_segment(view->segments[i], tag, before_ns, need, &from_ns, err);
        if (rc < 0) {
            return rc;
        }
        found |= rc;
    }
    *ret_from_ns = from_ns;
    return found;
}

/* The later of two points, of which the first may be missing. */
static void point_later(struct point *point, const struct point *other) {
    if (!point->has || other->time_ns > point->time_ns) {
        *point = *other;
    }
}

static int read_window(struct view *view, const struct cursor_options *options,
    struct before *before, struct err *err) {
    struct cursor_set set;
    int rc = cursor_set_open(&set, view, options, err);
    if (rc < 0) {
        return rc;
    }
    struct run run;
    while ((rc = cursor_set_next(&set, &run, err)) > 0) {
        for (uint32_t i = 0; i < run.count; i++) {
            struct point point = point_of(&run, i);
            point_later(&before->last, &point);
            if (point.usable) {
                point_later(&before->number, &point);
            }
            if (point_is_count(&point)) {
                point_later(&before->count, &point);
            }
        }
    }
    cursor_set_close(&set);
    return rc;
}

int before_find(struct view *view, uint32_t tag, int64_t before_ns, bool count,
    struct before *ret_before, struct err *err) {
    struct before before = {.last = {.has = false}};
    int64_t end_ns = before_ns;
    int rc = 1;
    while (rc > 0 && (!before.number.has || (count && !before.count.has))) {
        enum before_need need = before.number.has ? BEFORE_COUNT : BEFORE_NUMBER;
        struct cursor_options options = {.tag = tag, .to_ns = end_ns};
        rc = before_window(view, tag, end_ns, need, &options.from_ns, err);
        if (rc > 0) {
            int status = read_window(view, &options, &before, err);
            rc = status < 0 ? status : rc;
            end_ns = options.from_ns;
        }
    }
    if (rc >= 0) {
        *ret_before = before;
    }
    return rc < 0 ? rc : 0;
}

void before_bound(struct before *before, int64_t oldest_ns) {
    struct point *const points[] = {&before->last, &before->number, &before->count};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        points[i]->has = points[i]->has && points[i]->time_ns >= oldest_ns;
    }
}
