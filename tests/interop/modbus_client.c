/*
 * Our Modbus client against somebody else's server.
 *
 *     modbus-client check ADDRESS [OPTIONS]           reads all four tables, types and orders, and
 *                                                     a wrong address; exit 0 when all is as the
 *                                                     peers' servers are filled (modbus_peer.c)
 *     modbus-client rate ADDRESS SECONDS OPTIONS      100 registers a request; prints requests/s
 */
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "device/device.h"
#include "device/link.h"
#include "device/plan.h"
#include "device/poll.h"

enum { TAGS_MAX = 2048, REGISTERS = 100 };

struct collected {
    double values[TAGS_MAX + 1];
    uint32_t status[TAGS_MAX + 1];
    struct batch *batch;
};

static struct batch *take(void *context, int64_t deadline_ns) {
    (void)deadline_ns;
    return ((struct collected *)context)->batch;
}

static int give(void *context, struct batch *batch) {
    struct collected *collected = context;
    for (uint32_t i = 0; i < batch->count; i++) {
        collected->values[batch->rows[i].tag] = sample_number(&batch->rows[i]);
        collected->status[batch->rows[i].tag] = batch->rows[i].status;
    }
    return 0;
}

static struct catalogue *make(
    const char *address, const char *options, const char (*sources)[64], uint32_t count) {
    struct catalogue *catalogue = catalogue_new();
    catalogue->device_count = 1;
    catalogue->tag_count = count;
    catalogue->devices = ARENA_ARRAY(&catalogue->arena, struct device, 1);
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, count);
    catalogue->devices[0] = (struct device){.number = 1,
        .id = STR("peer"),
        .driver = STR("modbus"),
        .address = arena_copy(&catalogue->arena, str_of(address)),
        .options = arena_copy(&catalogue->arena, str_of(options)),
        .period_ns = NS_PER_S,
        .enabled = true};
    AUTO_BUF struct buf name;
    buf_init(&name, 64);
    for (uint32_t i = 0; i < count; i++) {
        buf_clear(&name);
        buf_printf(&name, "t%u", i);
        catalogue->tags[i] = (struct tag){.number = i + 1,
            .type = TYPE_F64,
            .name = arena_copy(&catalogue->arena, buf_str(&name)),
            .device = STR("peer"),
            .source = str_of(sources[i]),
            .active = true};
    }
    catalogue_finish(catalogue);
    return catalogue;
}

static int complain(const struct err *err) {
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(err, LANG_EN, &words);
    (void)fprintf(stderr, "%s\n", buf_z(&words));
    return 1;
}

struct expectation {
    const char *source;
    double value;
};

/* Registers n hold 3n, inputs n + 1; two registers at 2 hold 00 06 00 09. */
static const struct expectation expectations[] = {
    {"holding:0", 0},
    {"holding:99", 297},
    {"holding:999", 2997},
    {"holding:2 u32", 0x00060009},
    {"holding:2 u32 CDAB", 0x00090006},
    {"holding:2 u32 BADC", 0x06000900},
    {"holding:2 u32 DCBA", 0x09000600},
    {"holding:1.0", 1},
    {"holding:1 bit 2", 0},
    {"40011", 30},
    {"input:0", 1},
    {"input:500", 501},
    {"30100", 100},
    {"coil:0", 1},
    {"coil:1", 0},
    {"coil:998", 1},
    {"discrete:3", 1},
    {"discrete:4", 0},
};
enum { EXPECTED = sizeof expectations / sizeof expectations[0] };

static int check_values(const struct collected *collected) {
    int wrong = 0;
    for (uint32_t i = 0; i < EXPECTED; i++) {
        if (collected->status[i + 1] != (uint32_t)STATUS_GOOD ||
            collected->values[i + 1] != expectations[i].value) {
            (void)fprintf(stderr, "%s: status %08x, value %g instead of %g\n",
                expectations[i].source, collected->status[i + 1], collected->values[i + 1],
                expectations[i].value);
            wrong++;
        }
    }
    if (collected->status[EXPECTED + 1] != (uint32_t)STATUS_BAD_CONFIGURATION) {
        (void)fprintf(
            stderr, "a wrong address was not refused: %08x\n", collected->status[EXPECTED + 1]);
        wrong++;
    }
    return wrong;
}

static int check(const char *address, const char *options) {
    static char sources[EXPECTED + 1][64];
    for (uint32_t i = 0; i < EXPECTED; i++) {
        (void)snprintf(sources[i], sizeof sources[i], "%s", expectations[i].source);
    }
    (void)snprintf(sources[EXPECTED], sizeof sources[EXPECTED], "holding:5000");
    struct catalogue *catalogue = make(address, options, sources, EXPECTED + 1);
    struct err err = ERR_INIT;
    struct device_plan *plan = device_plan_new(catalogue, &catalogue->devices[0], &err);
    if (plan == NULL) {
        return complain(&err);
    }
    struct collected *collected = MEM_NEW(struct collected);
    collected->batch = batch_new(TAGS_MAX, 4096);
    plan->health = health_new(1);
    struct poller_options poller_options = {.clock = clock_system(),
        .port = {.context = collected, .take = take, .give = give},
        .seed = 1,
        .link = link_new(plan->address, plan->settings.link, clock_system(), -1)};
    struct poller poller;
    poller_init(&poller, plan->driver, &poller_options);
    int wrong = poller_connect(&poller, plan, &err) < 0 ? complain(&err) : 0;
    for (int i = 0; i < 5 && wrong == 0; i++) { // The later ones with what the first one learned.
        wrong = poller_poll(&poller, plan, &err) < 0 ? complain(&err) : check_values(collected);
    }
    poller_fini(&poller);
    health_free(plan->health);
    device_plan_free(plan);
    catalogue_unref(catalogue);
    batch_free(collected->batch);
    mem_free(collected);
    return wrong;
}

static int rate(const char *address, int64_t seconds, const char *options, uint32_t groups) {
    static char sources[TAGS_MAX][64];
    uint32_t count = REGISTERS * groups;
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(sources[i], sizeof sources[i], "holding:%u", i);
    }
    struct catalogue *catalogue = make(address, options, sources, count);
    struct device_rate result = {0};
    struct err err = ERR_INIT;
    int failed =
        device_measure(catalogue, &catalogue->devices[0], seconds * NS_PER_S, &result, &err);
    catalogue_unref(catalogue);
    if (failed < 0) {
        return complain(&err);
    }
    printf("%.0f\n", (double)result.requests * 1e9 / (double)result.elapsed_ns);
    return 0;
}

int main(int argc, char **argv) {
    int64_t seconds = 0;
    if (argc >= 3 && strcmp(argv[1], "check") == 0) {
        return check(argv[2], argc > 3 ? argv[3] : "unit=1") == 0 ? 0 : 1;
    }
    if (argc == 5 && strcmp(argv[1], "rate") == 0 && str_to_i64(str_of(argv[3]), &seconds)) {
        return rate(argv[2], seconds, argv[4], strstr(argv[4], "pipeline=") != NULL ? 10 : 1);
    }
    (void)fprintf(
        stderr, "usage: modbus-client check ADDRESS [OPTIONS] | rate ADDRESS S OPTIONS\n");
    return 2;
}
