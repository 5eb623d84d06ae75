/*
 * The compressor of the demo. What most MQTT machines in shops are: nobody asks it, it tells. It
 * needs a broker, which is Debian's and may not be installed; the demo is whole without it, so its
 * absence is a line on stderr and no failure.
 */
#include "app/demo_utility.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/demo_past.h"
#include "core/clock.h"
#include "sim/sim.h"

enum { STEP_MS = 2000 };

/* Where the broker's program is; false: the machine is to be left out, said. */
static bool find_broker(struct call *call, char program[LIMIT_PATH_BYTES]) {
    const char *given = call_value(call, "--broker");
    if (given != NULL && strcmp(given, "none") == 0) {
        return false;
    }
    if (given != NULL) {
        (void)str_copy_z(str_of(given), program, LIMIT_PATH_BYTES);
        return true;
    }
    if (demo_broker_find(program) < 0) {
        call_say(call, MSG_DEMO_NO_BROKER, NO_ARGS);
        return false;
    }
    return true;
}

void demo_utility_init(
    struct demo_utility *utility, struct call *call, const char *dir, uint64_t seed) {
    *utility = (struct demo_utility){.node = NULL};
    char program[LIMIT_PATH_BYTES];
    if (!find_broker(call, program)) {
        return;
    }
    AUTO_BUF struct buf folder;
    buf_init(&folder, LIMIT_PATH_BYTES);
    buf_printf(&folder, "%s/broker", dir);
    struct err err = ERR_INIT;
    if (demo_broker_start(&utility->broker, program, buf_z(&folder), &err) < 0) {
        call_say_err(call, &err); // The demo goes on without this machine.
        return;
    }
    utility->node = sim_sparkplug_new(seed);
}

static int put_asset(struct ledger_tx *tx, enum lang lang, struct err *err) {
    struct asset asset = {.id = STR("comp1"),
        .display = lang == LANG_KO ? STR("공기압축기") : STR("Air compressor"),
        .kind = STR("compressor"),
        .level = ASSET_EQUIPMENT,
        .x = 290,
        .y = 420};
    uint32_t number = 0;
    bool changed = false;
    return asset_put(tx, &asset, STR("util"), &number, &changed, err);
}

static int put_device(
    struct ledger_tx *tx, const struct demo_utility *utility, enum lang lang, struct err *err) {
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)utility->broker.port);
    struct device device = {.id = STR("comp1"),
        .display = lang == LANG_KO ? STR("공기압축기") : STR("Air compressor"),
        .driver = STR("mqtt"),
        .address = str_of(address),
        .options = STR("mode=sparkplug timeout_ms=2000"),
        .period_ns = NS_PER_S,
        .enabled = true};
    uint32_t number = 0;
    bool changed = false;
    return device_put(tx, &device, &number, &changed, err);
}

static int put_tag(
    struct ledger_tx *tx, const struct sim_sparkplug_row *row, enum lang lang, struct err *err) {
    char source[128];
    (void)snprintf(source, sizeof source, "sparkplug:%s/%s/%s %s", SIM_SPARKPLUG_GROUP,
        SIM_SPARKPLUG_EDGE, SIM_SPARKPLUG_DEVICE, row->metric);
    struct tag tag = {.name = str_of(row->tag),
        .display = str_of(lang == LANG_KO ? row->display_ko : row->display_en),
        .unit = str_of(lang == LANG_KO ? row->unit : sim_unit_en(row->unit)),
        .device = STR("comp1"),
        .source = str_of(source),
        .scale = 1,
        .min = row->min,
        .max = row->max,
        .dead_band = (double)NAN,
        .active = true};
    if (!value_type_of_name(str_of(row->type), &tag.type) ||
        !tag_kind_of_name(str_of(row->kind), &tag.kind)) {
        return err_set(err, ERR_INTERNAL, MSG_DEMO_TABLE, ARGS(A_CSTR(row->tag)));
    }
    uint32_t number = 0;
    bool changed = false;
    return tag_put(tx, &tag, &number, &changed, err);
}

int demo_utility_put(
    struct ledger_tx *tx, const struct demo_utility *utility, enum lang lang, struct err *err) {
    if (utility->node == NULL) {
        return 0;
    }
    int status = put_asset(tx, lang, err);
    status = status < 0 ? status : put_device(tx, utility, lang, err);
    size_t count = 0;
    const struct sim_sparkplug_row *rows = sim_sparkplug_rows(&count);
    for (size_t i = 0; i < count && status >= 0; i++) {
        status = put_tag(tx, &rows[i], lang, err);
    }
    return status;
}

static void add_rows(struct batch *batch, const struct catalogue *catalogue,
    const struct sim_sparkplug *node, int64_t time_ns) {
    size_t count = 0;
    const struct sim_sparkplug_row *rows = sim_sparkplug_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const struct tag *tag = catalogue_find(catalogue, str_of(rows[i].tag));
        if (tag == NULL || tag->type == TYPE_TEXT) {
            continue;
        }
        struct sample *sample = batch_add(batch);
        double value = sim_sparkplug_value(node, &rows[i]);
        sample->tag = tag->number;
        sample->time_ns = time_ns;
        sample->type = (uint8_t)tag->type;
        if (tag->type == TYPE_F64) {
            sample->value.f64 = value;
        } else {
            sample->value.i64 = (int64_t)value;
        }
    }
}

int demo_utility_past(struct demo_utility *utility, struct plant *plant, struct err *err) {
    if (utility->node == NULL) {
        return 0;
    }
    size_t count = 0;
    (void)sim_sparkplug_rows(&count);
    AUTO_BATCH struct batch *batch = batch_new(LIMIT_BATCH_ROWS, 16);
    struct catalogue *catalogue = plant_catalogue(plant);
    int64_t now_ns = clock_wall_ns(clock_system());
    int status = 0;
    for (int64_t left_ms = DEMO_PAST_MINUTES * 60000; left_ms > STEP_MS && status >= 0;) {
        left_ms -= STEP_MS;
        sim_sparkplug_age(utility->node, STEP_MS);
        add_rows(batch, catalogue, utility->node, now_ns - left_ms * NS_PER_MS);
        if (batch->count + count > batch->capacity || left_ms <= STEP_MS) {
            status = plant_submit(plant, &batch, 1, err);
            batch_clear(batch);
        }
    }
    catalogue_unref(catalogue);
    return status;
}

void demo_utility_start(struct demo_utility *utility) {
    if (utility->node != NULL) {
        sim_sparkplug_start(utility->node, utility->broker.port, 0);
    }
}

void demo_utility_fini(struct demo_utility *utility) {
    sim_sparkplug_stop(utility->node);
    utility->node = NULL;
    demo_broker_stop(&utility->broker);
}
