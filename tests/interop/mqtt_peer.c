/*
 * Our side of the Sparkplug interoperability test.
 *
 *     mqtt-peer host ADDRESS OPTIONS SOURCE...   collects and prints `row INDEX TIME_MS STATUS
 * VALUE` for each row, until its input ends mqtt-peer encode                           prints a
 * payload with a metric of each type, in hexadecimal, for somebody else's decoder
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
#include "device/device.h"
#include "wire/sparkplug.h"

enum { TAGS_MAX = 64 };

static struct batch *take(void *context, int64_t deadline_ns) {
    (void)deadline_ns;
    struct batch *batch = context;
    batch_clear(batch);
    return batch;
}

static int give(void *context, struct batch *batch) {
    (void)context;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        printf("row %u %lld %x ", row->tag - 1, (long long)(row->time_ns / 1000000),
            (unsigned)row->status);
        if (row->type == TYPE_TEXT) {
            printf("%.*s\n", STR_ARG(batch_text(batch, row)));
        } else {
            printf("%.17g\n", sample_number(row));
        }
    }
    (void)fflush(stdout); // A closed pipe is the reader's own wish.
    return 0;
}

static int submit(void *context, struct batch *batch, struct err *err) {
    (void)err;
    return give(context, batch);
}

static struct catalogue *make(char *address, char *options, char **sources, uint32_t count) {
    struct catalogue *catalogue = catalogue_new();
    struct arena *arena = &catalogue->arena;
    catalogue->device_count = 1;
    catalogue->tag_count = count;
    catalogue->devices = ARENA_ARRAY(arena, struct device, 1);
    catalogue->tags = ARENA_ARRAY(arena, struct tag, count);
    catalogue->devices[0] = (struct device){.number = 1,
        .id = STR("peer"),
        .driver = STR("mqtt"),
        .address = arena_copy(arena, str_of(address)),
        .options = arena_copy(arena, str_of(options)),
        .period_ns = NS_PER_S,
        .enabled = true};
    AUTO_BUF struct buf name;
    buf_init(&name, 64);
    for (uint32_t i = 0; i < count; i++) {
        buf_clear(&name);
        buf_printf(&name, "t%u", i);
        catalogue->tags[i] = (struct tag){.number = i + 1,
            .type = TYPE_TEXT,
            .name = arena_copy(arena, buf_str(&name)),
            .device = STR("peer"),
            .source = arena_copy(arena, str_of(sources[i])),
            .active = true};
    }
    catalogue_finish(catalogue);
    return catalogue;
}

static int host(int argc, char **argv) {
    struct catalogue *catalogue = make(argv[2], argv[3], argv + 4, (uint32_t)(argc - 4));
    struct batch *batch = batch_new(8192, 1 << 20);
    struct device_set_options options = {.clock = clock_system(),
        .port = {.context = batch, .take = take, .give = give, .submit = submit}};
    struct device_set *set = device_set_new(&options);
    device_set_apply(set, catalogue);
    char byte = 0;
    while (read(0, &byte, 1) > 0) {
    }
    device_set_free(set);
    batch_free(batch);
    catalogue_unref(catalogue);
    return 0;
}

static struct sparkplug_metric named(const char *name) {
    struct sparkplug_metric metric = {
        .name = str_of(name), .has_name = true, .has_time = true, .time_ms = 1700000000123};
    return metric;
}

static int encode(void) {
    static const int64_t WHOLE[] = {
        0, -5, -300, -70000, -5000000000, 200, 60000, 4000000000, 9000000000000000000};
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 16);
    sparkplug_put_time(&out, 1700000000123);
    for (uint32_t type = SPARKPLUG_INT8; type <= SPARKPLUG_UINT64; type++) {
        struct sparkplug_metric metric = named(sparkplug_type_name(type));
        metric.alias = type;
        metric.has_alias = true;
        sparkplug_set_i64(&metric, (enum sparkplug_type)type, WHOLE[type]);
        sparkplug_put_metric(&out, &metric);
    }
    struct sparkplug_metric metric = named("Float");
    sparkplug_set_f64(&metric, SPARKPLUG_FLOAT, 1.5);
    sparkplug_put_metric(&out, &metric);
    metric = named("Double");
    sparkplug_set_f64(&metric, SPARKPLUG_DOUBLE, -2.25e100);
    metric.has_quality = true;
    metric.quality = SPARKPLUG_QUALITY_STALE;
    sparkplug_put_metric(&out, &metric);
    metric = named("Boolean");
    sparkplug_set_bool(&metric, true);
    metric.is_historical = true;
    sparkplug_put_metric(&out, &metric);
    metric = named("온도");
    sparkplug_set_text(&metric, SPARKPLUG_STRING, STR("사출 1호기"));
    sparkplug_put_metric(&out, &metric);
    metric = named("When");
    sparkplug_set_i64(&metric, SPARKPLUG_DATETIME, 1700000000123);
    sparkplug_put_metric(&out, &metric);
    metric = named("Nothing");
    metric.datatype = SPARKPLUG_DOUBLE;
    metric.is_null = true;
    sparkplug_put_metric(&out, &metric);
    sparkplug_put_seq(&out, 255);
    for (size_t i = 0; i < out.size; i++) {
        printf("%02x", out.data[i]);
    }
    printf("\n");
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "encode") == 0) {
        return encode();
    }
    if (argc > 4 && argc <= 4 + TAGS_MAX && strcmp(argv[1], "host") == 0) {
        return host(argc, argv);
    }
    (void)fprintf(stderr, "usage: mqtt-peer host ADDRESS OPTIONS SOURCE... | encode\n");
    return 2;
}
