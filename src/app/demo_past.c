/*
 * One hour in about a quarter of a second. The simulator steps its physics when it is asked, by its
 * own clock; that clock is moved forward two seconds at a time, every numeric tag is read, cut to
 * what its registers can hold (so that past and present look alike), and submitted like any other
 * sample. Two seconds keep the hour small: 170,000 samples, well below a megabyte on disk.
 *
 * Rejected: writing invented curves. The past would not fit the machines' counters and states.
 */
#include "app/demo_past.h"

#include <math.h>
#include <stdatomic.h>

enum { STEP_MS = 2000 };

static int64_t past_wall_ns(const struct clock *clock) {
    const struct demo_clock *demo = (const struct demo_clock *)(const void *)clock;
    return clock_wall_ns(clock_system()) - atomic_load(&demo->behind_ns);
}

static int64_t past_mono_ns(const struct clock *clock) {
    const struct demo_clock *demo = (const struct demo_clock *)(const void *)clock;
    return clock_mono_ns(clock_system()) - atomic_load(&demo->behind_ns);
}

void demo_clock_init(struct demo_clock *clock) {
    clock->clock = (struct clock){.wall_ns = past_wall_ns, .mono_ns = past_mono_ns};
    atomic_store(&clock->behind_ns, DEMO_PAST_MINUTES * 60 * NS_PER_S);
}

void demo_clock_go_live(struct demo_clock *clock) {
    atomic_store(&clock->behind_ns, 0);
}

/* What the registers would have given for the true value. */
static double as_registers(const struct sim_tag_row *row, double value) {
    if (row->format == SIM_F32 || row->format == SIM_S7_REAL) {
        return (double)(float)value;
    }
    double scale = row->scale != 0 ? row->scale : 1;
    return round((value - row->offset) / scale) * scale + row->offset;
}

static void add_row(struct batch *batch, const struct tag *tag, const struct sim_tag_row *row,
    double value, int64_t time_ns) {
    struct sample *sample = batch_add(batch);
    sample->tag = tag->number;
    sample->time_ns = time_ns;
    sample->type = (uint8_t)tag->type;
    if (tag->type == TYPE_F64) {
        sample->value.f64 = as_registers(row, value);
    } else {
        sample->value.i64 = (int64_t)round(value);
    }
}

static void read_all(struct batch *batch, const struct catalogue *catalogue, struct sim_plant *sim,
    int64_t time_ns) {
    size_t count = 0;
    const struct sim_tag_row *rows = sim_tag_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const struct tag *tag = catalogue_find(catalogue, str_of(rows[i].name));
        if (tag != NULL && tag->type != TYPE_TEXT) {
            add_row(batch, tag, &rows[i], sim_plant_value(sim, &rows[i]), time_ns);
        }
    }
}

static int fill(
    struct plant *plant, struct sim_plant *sim, struct demo_clock *clock, struct err *err) {
    size_t tags = 0;
    (void)sim_tag_rows(&tags);
    AUTO_BATCH struct batch *batch = batch_new(LIMIT_BATCH_ROWS, 16);
    struct catalogue *catalogue = plant_catalogue(plant);
    int status = 0;
    while (status >= 0 && atomic_load(&clock->behind_ns) > STEP_MS * NS_PER_MS) {
        atomic_fetch_sub(&clock->behind_ns, STEP_MS * NS_PER_MS);
        read_all(batch, catalogue, sim, clock_wall_ns(&clock->clock));
        if (batch->count + tags > batch->capacity) {
            status = plant_submit(plant, &batch, 1, err);
            batch_clear(batch);
        }
    }
    if (status >= 0 && batch->count > 0) {
        status = plant_submit(plant, &batch, 1, err);
    }
    catalogue_unref(catalogue);
    return status;
}

int demo_past_fill(
    struct plant *plant, struct sim_plant *sim, struct demo_clock *clock, struct err *err) {
    int status = fill(plant, sim, clock, err);
    demo_clock_go_live(clock);
    return status;
}
