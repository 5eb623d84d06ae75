/*
 * Our side of the S7 interoperability tests.
 *
 *     s7-peer check ADDRESS [OPTIONS]            reads and writes what s7.test.mjs put into
 * somebody else's server; exit 0 when all is right s7-peer rate ADDRESS SECONDS OPTIONS SOURCE...
 * polls the sources; prints polls/s s7-peer serve                              our simulated
 * controller for somebody else's clients; prints `ready PORT`, ends with its input
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
#include "device/device.h"
#include "device/link.h"
#include "device/plan.h"
#include "device/poll.h"
#include "sim/sim_s7.h"

enum { TAGS_MAX = 64, AREA_BYTES = 1000 };

struct collected {
    double values[TAGS_MAX + 1];
    uint32_t status[TAGS_MAX + 1];
    char texts[TAGS_MAX + 1][300];
    struct batch *batch;
};

static struct batch *take(void *context, int64_t deadline_ns) {
    (void)deadline_ns;
    return ((struct collected *)context)->batch;
}

static int give(void *context, struct batch *batch) {
    struct collected *collected = context;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        collected->status[row->tag] = row->status;
        if (row->type == TYPE_TEXT) {
            (void)str_copy_z(batch_text(batch, row), collected->texts[row->tag],
                sizeof collected->texts[row->tag]);
        } else {
            collected->values[row->tag] = sample_number(row);
        }
    }
    return 0;
}

static struct catalogue *make(
    const char *address, const char *options, const char *const *sources, uint32_t count) {
    struct catalogue *catalogue = catalogue_new();
    catalogue->device_count = 1;
    catalogue->tag_count = count;
    catalogue->devices = ARENA_ARRAY(&catalogue->arena, struct device, 1);
    catalogue->tags = ARENA_ARRAY(&catalogue->arena, struct tag, count);
    catalogue->devices[0] = (struct device){.number = 1,
        .id = STR("peer"),
        .driver = STR("s7"),
        .address = arena_copy(&catalogue->arena, str_of(address)),
        .options = arena_copy(&catalogue->arena, str_of(options)),
        .period_ns = NS_PER_S,
        .enabled = true};
    AUTO_BUF struct buf name;
    buf_init(&name, 64);
    for (uint32_t i = 0; i < count; i++) {
        buf_clear(&name);
        buf_printf(&name, "t%u", i);
        bool is_text = strstr(sources[i], "string") != NULL;
        catalogue->tags[i] = (struct tag){.number = i + 1,
            .type = is_text ? TYPE_TEXT : TYPE_F64,
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

/* What the other side holds (s7.test.mjs), and what writing then makes of it. */
static const struct expectation {
    const char *source;
    double value;
    const char *text; // NULL: a number.
    double written;   // Written before the second reading where it differs.
} expectations[] = {
    {"DB1.DBD0 real", 1.5, NULL, -0.25},
    {"DB1.DBW4 int", -7, NULL, 1234},
    {"DB1.DBX6.1", 1, NULL, 0},
    {"DB1.DBX6.2", 0, NULL, 1},
    {"DB1.DBX6.0", 0, NULL, 0},
    {"DB1.DBW100", 0, NULL, 0},
    {"DB1.DBW300", 100, NULL, 100},
    {"DB1.DBW898", 399, NULL, 65535},
    {"DB1.8 lint", -123456789012345, NULL, -5},
    {"DB1.20 string(20)", 0, "Orangensaft 1 l", 0},
    {"DB2.0 string", 0, "long", 0},
    {"MB10", 0x5a, NULL, 7},
    {"MW20", 0x5a5a, NULL, 0x5a5a},
    {"EB3", 3, NULL, 3},
    {"AW2", 515, NULL, 4660},
    {"Z1", 321, NULL, 321},
    {"T2", 4500, NULL, 4500},
};
enum { EXPECTED = sizeof expectations / sizeof expectations[0] };

static int check_values(const struct collected *collected, bool after) {
    int wrong = 0;
    for (uint32_t i = 0; i < EXPECTED; i++) {
        const struct expectation *wanted = &expectations[i];
        bool right = collected->status[i + 1] == (uint32_t)STATUS_GOOD;
        if (wanted->text != NULL) {
            right =
                right && strncmp(collected->texts[i + 1], wanted->text, strlen(wanted->text)) == 0;
        } else {
            right = right && collected->values[i + 1] == (after ? wanted->written : wanted->value);
        }
        if (!right) {
            (void)fprintf(stderr, "%s %s: status %08x, value %g \"%s\"\n", wanted->source,
                after ? "after writing" : "", collected->status[i + 1], collected->values[i + 1],
                collected->texts[i + 1]);
            wrong++;
        }
    }
    for (uint32_t i = EXPECTED + 1; i <= EXPECTED + 2; i++) {
        if (collected->status[i] != (uint32_t)STATUS_BAD_CONFIGURATION) {
            (void)fprintf(
                stderr, "what is not there was not refused: %08x\n", collected->status[i]);
            wrong++;
        }
    }
    return wrong;
}

static int write_all(struct poller *poller, const struct device_plan *plan, bool back) {
    struct err err = ERR_INIT;
    for (uint32_t i = 0; i < plan->point_count; i++) {
        const struct point *point = &plan->points[i];
        uint32_t at = point->tag - 1;
        if (at >= EXPECTED || expectations[at].value == expectations[at].written) {
            continue;
        }
        struct sample value = {.type = TYPE_F64,
            .value.f64 = back ? expectations[at].value : expectations[at].written};
        if (poller_write(poller, plan, point, &value, &err) < 0) {
            (void)fprintf(stderr, "%s: ", expectations[at].source);
            return complain(&err);
        }
    }
    return 0;
}

static int poll_all(struct poller *poller, struct device_plan *plan, struct collected *collected) {
    struct err err = ERR_INIT;
    int wrong = poller_connect(poller, plan, &err) < 0 ? complain(&err) : 0;
    for (int i = 0; i < 6 && wrong == 0; i++) {
        bool after = i >= 3;
        wrong = i == 3 ? write_all(poller, plan, false) : 0;
        if (wrong == 0) {
            wrong = poller_poll(poller, plan, &err) < 0 ? complain(&err)
                                                        : check_values(collected, after);
        }
    }
    return wrong != 0 ? wrong : write_all(poller, plan, true);
}

static int check(const char *address, const char *options) {
    const char *sources[EXPECTED + 2];
    for (uint32_t i = 0; i < EXPECTED; i++) {
        sources[i] = expectations[i].source;
    }
    sources[EXPECTED] = "DB77.DBW0";
    sources[EXPECTED + 1] = "DB1.DBW2000";
    struct catalogue *catalogue = make(address, options, sources, EXPECTED + 2);
    struct err err = ERR_INIT;
    struct device_plan *plan = device_plan_new(catalogue, &catalogue->devices[0], &err);
    if (plan == NULL) {
        return complain(&err);
    }
    struct collected *collected = MEM_NEW(struct collected);
    collected->batch = batch_new(TAGS_MAX, 8192);
    plan->health = health_new(1);
    struct poller_options poller_options = {.clock = clock_system(),
        .port = {.context = collected, .take = take, .give = give},
        .seed = 1,
        .link = link_new(plan->address, plan->settings.link, clock_system(), -1)};
    struct poller poller;
    poller_init(&poller, plan->driver, &poller_options);
    int wrong = poll_all(&poller, plan, collected);
    poller_fini(&poller);
    health_free(plan->health);
    device_plan_free(plan);
    catalogue_unref(catalogue);
    batch_free(collected->batch);
    mem_free(collected);
    return wrong;
}

static int rate(const char *address, int64_t seconds, const char *options,
    const char *const *sources, uint32_t count) {
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

/* Our controller: a thousand bytes of everything. */
struct memory {
    uint8_t block[AREA_BYTES];
    uint8_t other[AREA_BYTES];
};

static uint8_t *find(void *context, uint8_t area, uint16_t block) {
    struct memory *memory = context;
    if (area == SIM_S7_DB) {
        return block == 1 ? memory->block : NULL;
    }
    return memory->other;
}

static int read_area(void *context, uint8_t area, uint16_t block, uint32_t start, uint32_t count,
    uint8_t *ret_bytes) {
    const uint8_t *bytes = find(context, area, block);
    uint32_t at = area == SIM_S7_COUNTER || area == SIM_S7_TIMER ? start * 2 : start;
    if (bytes == NULL || at + count > AREA_BYTES) {
        return bytes == NULL ? SIM_S7_NO_OBJECT : SIM_S7_OUTSIDE;
    }
    memcpy(ret_bytes, bytes + at, count);
    return SIM_S7_GOOD;
}

static int write_area(void *context, uint8_t area, uint16_t block, uint32_t start, uint32_t count,
    int bit, const uint8_t *from) {
    uint8_t *bytes = find(context, area, block);
    if (bytes == NULL || start + count > AREA_BYTES) {
        return bytes == NULL ? SIM_S7_NO_OBJECT : SIM_S7_OUTSIDE;
    }
    if (bit >= 0) {
        uint8_t mask = (uint8_t)(1u << bit);
        bytes[start] = (uint8_t)((bytes[start] & ~mask) | (from[0] != 0 ? mask : 0));
    } else {
        memcpy(bytes + start, from, count);
    }
    return SIM_S7_GOOD;
}

static int serve(void) {
    struct memory *memory = MEM_NEW(struct memory);
    for (uint32_t i = 0; i < AREA_BYTES; i++) {
        memory->block[i] = (uint8_t)i;
        memory->other[i] = (uint8_t)(i * 3);
    }
    struct sim_s7_source source = {memory, read_area, write_area};
    struct sim_s7_manner manner = {.pdu = 480, .cpu = "CPU 1512C-1 PN"};
    struct sim_s7_server *server = NULL;
    struct err err = ERR_INIT;
    if (sim_s7_server_start(&source, &manner, 0, &server, &err) < 0) {
        return complain(&err);
    }
    printf("ready %u\n", (unsigned)sim_s7_server_port(server));
    (void)fflush(stdout); // A closed pipe is the reader's own wish.
    char c = 0;
    while (read(STDIN_FILENO, &c, 1) > 0) {
    }
    sim_s7_server_stop(server);
    mem_free(memory);
    return 0;
}

int main(int argc, char **argv) {
    int64_t seconds = 0;
    if (argc >= 3 && strcmp(argv[1], "check") == 0) {
        return check(argv[2], argc > 3 ? argv[3] : "timeout_ms=3000") == 0 ? 0 : 1;
    }
    if (argc > 5 && argc - 5 <= TAGS_MAX && strcmp(argv[1], "rate") == 0 &&
        str_to_i64(str_of(argv[3]), &seconds)) {
        return rate(argv[2], seconds, argv[4], (const char *const *)(argv + 5), (uint32_t)argc - 5);
    }
    if (argc == 2 && strcmp(argv[1], "serve") == 0) {
        return serve();
    }
    (void)fprintf(stderr,
        "usage: s7-peer check ADDRESS [OPTIONS] | rate ADDRESS S OPTIONS SOURCE... "
        "| serve\n");
    return 2;
}
