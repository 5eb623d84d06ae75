/*
 * Completeness and latency, measured. Completeness is by time and not by counting rows: values that
 * tell nothing new are not stored, so a plant that loses nothing has fewer rows than polls. A tag
 * is complete where a value covers the time (plant/quality.h); rows and due polls stand beside it
 * for whoever wants to count. Latency comes from the running pipeline and the links; a process that
 * polls nothing has none to show and says so.
 */
#include <math.h>

#include "device/driver.h"
#include "papers/papers.h"
#include "plant/quality.h"

struct counting {
    uint64_t rows;
    uint64_t bad;
};

static int add_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    struct counting *counting = context;
    counting->rows += bucket->count + bucket->bad_count;
    counting->bad += bucket->bad_count;
    return 0;
}

static int judge(
    struct plant *plant, const struct measure *measure, struct measure_tag *one, struct err *err) {
    struct quality_row row = {.rows = 0};
    struct counting counting = {0, 0};
    int64_t window_ns = 0;
    struct hist_bucket_query query = {.tags = &one->tag->number,
        .tag_count = 1,
        .from_ns = measure->from_ns,
        .to_ns = measure->to_ns};
    int status = hist_buckets(plant_historian(plant), &query, add_bucket, &counting, err);
    if (status >= 0) {
        status =
            quality_span(plant, one->tag, measure->from_ns, measure->to_ns, &row, &window_ns, err);
    }
    if (status < 0) {
        return status;
    }
    one->rows = counting.rows;
    one->bad = counting.bad;
    one->late = row.late;
    one->covered = (double)NAN;
    const struct device *device =
        one->tag->device.size > 0 ? catalogue_device(measure->catalogue, one->tag->device) : NULL;
    const struct driver *driver = device != NULL ? driver_find(device->driver) : NULL;
    if (driver != NULL && driver->events) {
        return 0; // Nothing is due at a time, so nothing can be missing by time.
    }
    struct hist_last last;
    bool is_silent = status == 0 && one->tag->active && device != NULL &&
                     !hist_last(plant_historian(plant), one->tag->number, &last);
    if (is_silent) { // It is asked and never gave a value: nothing of the range is covered.
        window_ns = measure->to_ns - measure->from_ns;
        row.gap_ns = window_ns;
        row.gaps = 0;
    }
    one->judged = status > 0 || is_silent;
    one->window_s = (double)window_ns / (double)NS_PER_S;
    one->gap_s = (double)row.gap_ns / (double)NS_PER_S;
    one->covered = one->judged ? row.gaps : (double)NAN;
    if (device != NULL && device->period_ns > 0) {
        one->expected = (uint64_t)(window_ns / device->period_ns);
    }
    return 0;
}

static void add_up(struct measure_tag *sum, const struct measure_tag *one) {
    sum->judged = sum->judged || one->judged;
    sum->rows += one->rows;
    sum->bad += one->bad;
    sum->expected += one->expected;
    sum->window_s += one->window_s;
    sum->gap_s += one->gap_s;
    sum->late += one->late;
    sum->covered = sum->window_s > 0 ? 100.0 * (1.0 - sum->gap_s / sum->window_s) : (double)NAN;
}

static struct measure_device *device_of(struct measure *measure, const struct tag *tag) {
    const struct device *device =
        tag->device.size > 0 ? catalogue_device(measure->catalogue, tag->device) : NULL;
    for (uint32_t i = 0; i < measure->device_count; i++) {
        if (measure->devices[i].device == device) {
            return &measure->devices[i];
        }
    }
    struct measure_device *made = &measure->devices[measure->device_count++];
    made->device = device;
    made->sum.covered = (double)NAN;
    return made;
}

static int check_range(struct plant *plant, int64_t from_ns, int64_t to_ns, struct err *err) {
    if (from_ns >= to_ns || from_ns >= clock_wall_ns(plant_clock(plant)) || from_ns < 0) {
        return err_set(err, ERR_INVALID, MSG_PAPERS_RANGE, NO_ARGS);
    }
    return (to_ns - from_ns) / (86400 * NS_PER_S) > MEASURE_DAYS_MAX
               ? err_set(err, ERR_LIMIT, MSG_PAPERS_RANGE_LONG, ARGS(A_INT(MEASURE_DAYS_MAX)))
               : 0;
}

static int run(struct plant *plant, struct measure *measure, struct err *err) {
    const struct catalogue *catalogue = measure->catalogue;
    int status = 0;
    for (uint32_t i = 0; i < catalogue->tag_count && status >= 0; i++) {
        struct measure_tag *one = &measure->tags[measure->tag_count];
        *one = (struct measure_tag){.tag = &catalogue->tags[i]};
        status = judge(plant, measure, one, err);
        if (status < 0 || (!one->judged && one->rows == 0 && !one->tag->active)) {
            continue;
        }
        measure->tag_count++;
        struct measure_device *of = device_of(measure, one->tag);
        of->tags++;
        add_up(&of->sum, one);
        add_up(&measure->total, one);
    }
    for (uint32_t i = 0; i < measure->device_count && status >= 0; i++) {
        struct measure_device *one = &measure->devices[i];
        one->has_health = one->device != NULL &&
                          plant_device_health(plant, one->device->number, &one->health) &&
                          one->health.requests > 0;
        measure->is_live = measure->is_live || one->has_health;
    }
    return status;
}

int measure_run(struct plant *plant, int64_t from_ns, int64_t to_ns, struct arena *arena,
    struct measure *ret_measure, struct err *err) {
    int64_t now_ns = clock_wall_ns(plant_clock(plant));
    int status = check_range(plant, from_ns, to_ns, err);
    if (status < 0) {
        return status;
    }
    struct measure measure = {.from_ns = from_ns,
        .to_ns = to_ns < now_ns ? to_ns : now_ns,
        .made_ns = now_ns,
        .total = {.covered = (double)NAN},
        .catalogue = plant_catalogue(plant)};
    measure.tags = ARENA_ARRAY(arena, struct measure_tag, measure.catalogue->tag_count + 1);
    measure.devices =
        ARENA_ARRAY(arena, struct measure_device, measure.catalogue->device_count + 1);
    plant_pipeline_status(plant, &measure.pipeline);
    status = run(plant, &measure, err);
    if (status < 0) {
        catalogue_unref(measure.catalogue);
        return status;
    }
    *ret_measure = measure;
    return 0;
}

void measure_fini(struct measure *measure) {
    catalogue_unref(measure->catalogue);
}
