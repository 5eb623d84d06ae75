/*
 * maru bench collect: what collecting costs.
 *
 * Rates: our Modbus client against the simulator's server in this process, both pinned to one CPU,
 * 100 registers a request, once with one request in flight and once pipelined; beside it the
 * limit of the machine: a bare ping-pong of the same sizes over loopback between two threads on the
 * same CPU, without any protocol. bench/collect-peers.sh sets our client beside libmodbus.
 *
 * Links: 500 links with 100 tags each at 1 Hz against 500 servers. CPU is that of the link threads
 * alone (their names begin with dev-), read from /proc/self/task/N/schedstat, so the servers do not
 * count. Jitter: a poll is due at a fixed phase within its period; the lateness of a poll is its
 * phase minus the earliest phase of that device in the run.
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/bench.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/thread.h"
#include "device/device.h"
#include "sim/sim.h"

enum {
    REGISTERS = 100,
    PIPELINED_GROUPS = 16,
    LINKS = 500,
    LINK_TAGS = 100,
    LINK_SECONDS = 8,
    LINKS_QUICK = 50,
    LINK_SECONDS_QUICK = 3,
    POLLS_MAX = LINKS * (LINK_SECONDS + 4),
    BATCHES = 64,
    ANSWER_BYTES = 9 + 2 * REGISTERS, // As a Modbus answer with 100 registers.
    REQUEST_BYTES = 12,
};

/* --- one client, one server --- */

static int read_counting(void *context, uint8_t unit, enum sim_table table, uint16_t start,
    uint16_t count, uint16_t *ret_words) {
    (void)context;
    (void)unit;
    (void)table;
    for (uint16_t i = 0; i < count; i++) {
        ret_words[i] = (uint16_t)(start + i);
    }
    return 0;
}

/* A catalogue with `links` devices on the given ports and `tags` registers each. */
static struct catalogue *make_catalogue(
    const uint16_t *ports, uint32_t links, uint32_t tags, const char *options) {
    struct catalogue *catalogue = catalogue_new();
    struct arena *arena = &catalogue->arena;
    catalogue->device_count = links;
    catalogue->tag_count = links * tags;
    catalogue->devices = ARENA_ARRAY(arena, struct device, links);
    catalogue->tags = ARENA_ARRAY(arena, struct tag, catalogue->tag_count);
    AUTO_BUF struct buf text;
    buf_init(&text, 256);
    for (uint32_t i = 0; i < links; i++) {
        buf_clear(&text);
        buf_printf(&text, "link%u", i);
        struct str id = arena_copy(arena, buf_str(&text));
        buf_clear(&text);
        buf_printf(&text, "127.0.0.1:%u", (unsigned)ports[i]);
        catalogue->devices[i] = (struct device){.number = i + 1,
            .id = id,
            .driver = STR("modbus"),
            .address = arena_copy(arena, buf_str(&text)),
            .options = str_of(options),
            .period_ns = NS_PER_S,
            .enabled = true};
        for (uint32_t k = 0; k < tags; k++) {
            uint32_t number = i * tags + k;
            buf_clear(&text);
            buf_printf(&text, "link%u.r%u", i, k);
            struct str name = arena_copy(arena, buf_str(&text));
            buf_clear(&text);
            buf_printf(&text, "holding:%u", k);
            catalogue->tags[number] = (struct tag){.number = number + 1,
                .type = TYPE_I64,
                .name = name,
                .device = id,
                .source = arena_copy(arena, buf_str(&text)),
                .active = true};
        }
    }
    catalogue_finish(catalogue);
    return catalogue;
}

static int measure(uint16_t port, uint32_t tags, const char *options, int64_t duration_ns,
    struct device_rate *ret_rate, struct err *err) {
    struct catalogue *catalogue = make_catalogue(&port, 1, tags, options);
    int result = device_measure(catalogue, &catalogue->devices[0], duration_ns, ret_rate, err);
    catalogue_unref(catalogue);
    return result;
}

static double per_second(uint64_t count, int64_t elapsed_ns) {
    return elapsed_ns > 0 ? (double)count * 1e9 / (double)elapsed_ns : 0;
}

static int bench_rates(int64_t duration_ns, struct json *json, struct err *err) {
    struct sim_modbus_server *server = NULL;
    struct sim_modbus_source source = {.read = read_counting};
    int result = sim_modbus_server_start(&source, 0, &server, err);
    if (result < 0) {
        return result;
    }
    uint16_t port = sim_modbus_server_port(server);
    struct device_rate one = {0};
    struct device_rate many = {0};
    result = measure(port, REGISTERS, "unit=1 timeout_ms=5000", duration_ns, &one, err);
    if (result == 0) {
        result = measure(port, REGISTERS * PIPELINED_GROUPS,
            "unit=1 timeout_ms=5000 max_registers=100 pipeline=8", duration_ns, &many, err);
    }
    sim_modbus_server_stop(server);
    if (result == 0) {
        json_put_f64(json, "modbus_rps", per_second(one.requests, one.elapsed_ns));
        json_put_i64(json, "modbus_rtt_p50_us", one.rtt_p50_us);
        json_put_i64(json, "modbus_rtt_p99_us", one.rtt_p99_us);
        json_put_f64(json, "modbus_pipelined_rps", per_second(many.requests, many.elapsed_ns));
        json_put_f64(json, "modbus_pipelined_samples_s", per_second(many.samples, many.elapsed_ns));
    }
    return result;
}

/* --- the machine's limit --- */

static void echo_run(void *context) {
    const int *fd = context;
    char request[REQUEST_BYTES];
    static const char answer[ANSWER_BYTES] = {0};
    while (recv(*fd, request, sizeof request, MSG_WAITALL) == (ssize_t)sizeof request &&
           send(*fd, answer, sizeof answer, MSG_NOSIGNAL) == (ssize_t)sizeof answer) {
    }
}

/* Bare request and answer of the same sizes between two threads. */
static int bench_ping_pong(int64_t duration_ns, double *ret_rate, struct err *err) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return err_set_errno(err, errno, STR("socketpair"));
    }
    struct thread thread = {0};
    thread_start(&thread, "bench-echo", echo_run, &pair[1]);
    const struct clock *clock = clock_system();
    char request[REQUEST_BYTES] = {0};
    char answer[ANSWER_BYTES];
    uint64_t count = 0;
    int64_t begun_ns = clock_mono_ns(clock);
    int64_t elapsed_ns = 0;
    while (elapsed_ns < duration_ns &&
           send(pair[0], request, sizeof request, MSG_NOSIGNAL) == (ssize_t)sizeof request &&
           recv(pair[0], answer, sizeof answer, MSG_WAITALL) == (ssize_t)sizeof answer) {
        count++;
        elapsed_ns = clock_mono_ns(clock) - begun_ns;
    }
    (void)shutdown(pair[0], SHUT_RDWR); // Ends the other thread.
    thread_join(&thread);
    (void)close(pair[0]);
    (void)close(pair[1]);
    *ret_rate = per_second(count, elapsed_ns);
    return 0;
}

/* --- many links --- */

struct poll_note {
    uint32_t device;
    int64_t phase_ns;
};

struct collector {
    struct mutex lock;
    struct batch *batches[BATCHES];
    uint32_t batch_count;
    struct poll_note *notes;
    uint32_t note_count;
    uint64_t samples;
};

static struct batch *collector_take(void *context, int64_t deadline_ns) {
    (void)deadline_ns;
    struct collector *collector = context;
    struct batch *batch = NULL;
    mutex_lock(&collector->lock);
    if (collector->batch_count > 0) {
        batch = collector->batches[--collector->batch_count];
    }
    mutex_unlock(&collector->lock);
    return batch;
}

static int collector_give(void *context, struct batch *batch) {
    struct collector *collector = context;
    mutex_lock(&collector->lock);
    collector->samples += batch->count;
    if (collector->note_count < POLLS_MAX && batch->request_ns > 0) {
        collector->notes[collector->note_count++] =
            (struct poll_note){.device = batch->source, .phase_ns = batch->request_ns % NS_PER_S};
    }
    batch_clear(batch);
    collector->batches[collector->batch_count++] = batch;
    mutex_unlock(&collector->lock);
    return 0;
}

/* CPU time that the link threads have used, in nanoseconds. */
static int64_t link_threads_cpu_ns(void) {
    int64_t total = 0;
    DIR *folder = opendir("/proc/self/task");
    if (folder == NULL) {
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[320];
        char text[64] = "";
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "re");
        bool ours =
            file != NULL && fgets(text, sizeof text, file) != NULL && strncmp(text, "dev-", 4) == 0;
        if (file != NULL) {
            (void)fclose(file); // Opened for reading.
        }
        if (!ours) {
            continue;
        }
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", entry->d_name);
        file = fopen(path, "re");
        if (file != NULL && fgets(text, sizeof text, file) != NULL) {
            struct str rest = str_of(text);
            int64_t ns = 0;
            total += str_to_i64(str_cut(&rest, ' '), &ns) ? ns : 0;
        }
        if (file != NULL) {
            (void)fclose(file); // Opened for reading.
        }
    }
    (void)closedir(folder);
    return total;
}

static int compare_ns(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Lateness at the permille over all polls, in ms. */
static double jitter_ms(const struct collector *collector, uint32_t links, uint32_t permille) {
    AUTO_FREE int64_t *earliest = mem_zero((size_t)links + 1, sizeof *earliest);
    AUTO_FREE int64_t *late = mem_zero((size_t)collector->note_count + 1, sizeof *late);
    AUTO_FREE bool *known = mem_zero((size_t)links + 1, sizeof *known);
    for (uint32_t i = 0; i < collector->note_count; i++) {
        const struct poll_note *note = &collector->notes[i];
        /* Phases wrap at the full second: compare on the circle around the first one seen. */
        int64_t phase_ns = note->phase_ns;
        if (!known[note->device]) {
            known[note->device] = true;
            earliest[note->device] = phase_ns;
        }
        int64_t delta = phase_ns - earliest[note->device];
        delta += delta > NS_PER_S / 2 ? -NS_PER_S : delta < -NS_PER_S / 2 ? NS_PER_S : 0;
        if (delta < 0) {
            earliest[note->device] = phase_ns;
        }
    }
    for (uint32_t i = 0; i < collector->note_count; i++) {
        const struct poll_note *note = &collector->notes[i];
        int64_t delta = note->phase_ns - earliest[note->device];
        late[i] = delta < 0 ? delta + NS_PER_S : delta;
    }
    qsort(late, collector->note_count, sizeof *late, compare_ns);
    if (collector->note_count == 0) {
        return 0;
    }
    return (double)late[(uint64_t)(collector->note_count - 1) * permille / 1000] / 1e6;
}

/* Two sockets a link, and some to spare. */
static void allow_descriptors(uint32_t links) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)links * 8) {
        limit.rlim_cur = limit.rlim_max < (rlim_t)links * 8 ? limit.rlim_max : (rlim_t)links * 8;
        (void)setrlimit(RLIMIT_NOFILE, &limit); // If it stays low, connecting says so.
    }
}

static void run_links(struct collector *collector, const uint16_t *ports, uint32_t links,
    int64_t duration_ns, struct json *json) {
    const struct clock *clock = clock_system();
    struct catalogue *catalogue = make_catalogue(ports, links, LINK_TAGS, "unit=1 timeout_ms=5000");
    struct device_set_options options = {
        .port = {.context = collector, .take = collector_take, .give = collector_give},
        .random_seed = 1};
    struct device_set *set = device_set_new(&options);
    struct stop_flag never;
    stop_flag_init(&never);
    device_set_apply(set, catalogue);
    (void)stop_flag_wait(&never, clock_mono_ns(clock) + 2 * NS_PER_S); // All connected.
    mutex_lock(&collector->lock);
    collector->note_count = 0;
    collector->samples = 0;
    mutex_unlock(&collector->lock);
    int64_t cpu_ns = link_threads_cpu_ns();
    int64_t begun_ns = clock_mono_ns(clock);
    (void)stop_flag_wait(&never, begun_ns + duration_ns);
    int64_t elapsed_ns = clock_mono_ns(clock) - begun_ns;
    cpu_ns = link_threads_cpu_ns() - cpu_ns;
    mutex_lock(&collector->lock);
    json_put_i64(json, "links", links);
    json_put_f64(json, "links_cpu_pct", 100.0 * (double)cpu_ns / (double)elapsed_ns);
    json_put_f64(json, "links_samples_s", per_second(collector->samples, elapsed_ns));
    json_put_f64(json, "links_jitter_p50_ms", jitter_ms(collector, links, 500));
    json_put_f64(json, "links_jitter_p99_ms", jitter_ms(collector, links, 990));
    mutex_unlock(&collector->lock);
    device_set_free(set);
    stop_flag_fini(&never);
    catalogue_unref(catalogue);
}

static int bench_links(bool quick, struct json *json, struct err *err) {
    uint32_t links = quick ? LINKS_QUICK : LINKS;
    int64_t duration_ns = (quick ? LINK_SECONDS_QUICK : LINK_SECONDS) * NS_PER_S;
    allow_descriptors(links);
    struct sim_modbus_source source = {.read = read_counting};
    struct collector collector = {.notes = mem_zero(POLLS_MAX, sizeof *collector.notes)};
    mutex_init(&collector.lock);
    while (collector.batch_count < BATCHES) {
        collector.batches[collector.batch_count++] = batch_new(LINK_TAGS, 1024);
    }
    struct sim_modbus_server *servers[LINKS] = {0};
    uint16_t ports[LINKS];
    int result = 0;
    for (uint32_t i = 0; i < links && result == 0; i++) {
        result = sim_modbus_server_start(&source, 0, &servers[i], err);
        ports[i] = result == 0 ? sim_modbus_server_port(servers[i]) : 0;
    }
    if (result == 0) {
        run_links(&collector, ports, links, duration_ns, json);
    }
    for (uint32_t i = 0; i < links; i++) {
        sim_modbus_server_stop(servers[i]);
    }
    for (uint32_t i = 0; i < collector.batch_count; i++) {
        batch_free(collector.batches[i]);
    }
    mem_free(collector.notes);
    mutex_fini(&collector.lock);
    return result;
}

int bench_collect(const struct bench_options *options, struct buf *json_out, struct err *err) {
    struct json json;
    json_init(&json, json_out);
    json_object_begin(&json);
    cpu_set_t all;
    cpu_set_t one;
    CPU_ZERO(&one);
    bool can_pin = sched_getaffinity(0, sizeof all, &all) == 0;
    for (size_t cpu = 0; can_pin && cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
        if (CPU_ISSET(cpu, &all)) {
            CPU_SET(cpu, &one);
        }
    }
    can_pin = can_pin && sched_setaffinity(0, sizeof one, &one) == 0;
    int64_t duration_ns = (options->quick ? 1 : 5) * NS_PER_S;
    double ping_pong = 0;
    int result = bench_rates(duration_ns, &json, err);
    if (result == 0) {
        result = bench_ping_pong(duration_ns / 2, &ping_pong, err);
    }
    if (can_pin) {
        (void)sched_setaffinity(0, sizeof all, &all); // What was allowed before is allowed now.
    }
    if (result == 0) {
        result = bench_links(options->quick, &json, err);
    }
    json_key(&json, "limits");
    json_object_begin(&json);
    json_put_f64(&json, "ping_pong_rps", ping_pong);
    json_object_end(&json);
    json_object_end(&json);
    return result;
}
