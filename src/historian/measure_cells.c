/*
 * Buckets that are only to be filled: no row need be seen, so they come from roll-ups and block
 * statistics (buckets_of_view), a slice of some hundred widths at a time. A slice ends on a border
 * of buckets, therefore the buckets do not show where it was cut.
 */
#include "core/check.h"
#include "core/mem.h"
#include "core/time.h"
#include "historian/measure.h"
#include "historian/store.h"

enum { SLICE_BUCKETS = 512 };

void measure_cells_open(struct measure_cells *cells, const struct measure_ask *ask) {
    *cells = (struct measure_cells){.ask = *ask, .slice_ns = ask->from_ns};
    /* One more than the widths: a slice may begin inside a bucket. Local days differ in length. */
    cells->buckets = MEM_ARRAY(struct hist_bucket, 2 * SLICE_BUCKETS);
}

void measure_cells_close(struct measure_cells *cells) {
    mem_free(cells->buckets);
    cells->buckets = NULL;
}

static int cells_take(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    struct measure_cells *cells = context;
    (void)tag;
    (void)err;
    CHECK(cells->count < 2 * SLICE_BUCKETS);
    cells->buckets[cells->count++] = *bucket;
    return 0;
}

static int64_t slice_end(const struct measure_cells *cells) {
    const struct hist_measure_query *query = cells->ask.query;
    int64_t span_ns = 0;
    int64_t end_ns = 0;
    if (query->every_ns == 0 ||
        __builtin_mul_overflow(query->every_ns, (int64_t)SLICE_BUCKETS, &span_ns) ||
        __builtin_add_overflow(cells->slice_ns, span_ns, &end_ns) || end_ns >= cells->ask.to_ns) {
        return cells->ask.to_ns;
    }
    end_ns = time_bucket_start(end_ns, query->every_ns, query->zone, NULL);
    return end_ns > cells->slice_ns ? end_ns : cells->ask.to_ns;
}

/* Makes buckets[at] the next one, unless the range is at its end. */
static int cells_load(struct measure_cells *cells, struct err *err) {
    int rc = 0;
    while (rc >= 0 && cells->at == cells->count && cells->slice_ns < cells->ask.to_ns) {
        struct hist_bucket_query query = {.tags = &cells->ask.tag,
            .tag_count = 1,
            .from_ns = cells->slice_ns,
            .to_ns = slice_end(cells),
            .every_ns = cells->ask.query->every_ns,
            .zone = cells->ask.query->zone};
        cells->at = 0;
        cells->count = 0;
        rc = buckets_of_view(cells->ask.view, &query, cells_take, cells, err);
        cells->slice_ns = query.to_ns;
    }
    return rc < 0 ? rc : 0;
}

int measure_cells_peek(struct measure_cells *cells, int64_t *ret_time_ns, struct err *err) {
    int rc = cells_load(cells, err);
    if (rc < 0 || cells->at == cells->count) {
        return rc;
    }
    *ret_time_ns = cells->buckets[cells->at].start_ns;
    return 1;
}

int measure_cells_bucket(struct measure_cells *cells, int64_t start_ns, int64_t end_ns,
    struct hist_measured *ret_measured, struct err *err) {
    struct hist_measured measured = measured_none(start_ns, end_ns);
    int64_t next_ns = 0;
    int rc = 0;
    while ((rc = measure_cells_peek(cells, &next_ns, err)) > 0 && next_ns < end_ns) {
        if (next_ns == start_ns) {
            measured.bucket = cells->buckets[cells->at];
            measured.avg = (measured.bucket.sum + measured.bucket.sum_low) /
                           (double)measured.bucket.count; // NaN where nothing was good.
        }
        cells->at++;
    }
    if (rc >= 0) {
        *ret_measured = measured;
    }
    return rc < 0 ? rc : 0;
}
