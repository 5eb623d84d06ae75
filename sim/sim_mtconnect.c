/*
 * The counting agent: /current and /sample of ANSI/MTC1.4 over HTTP/1.1, behind the sockets of
 * sim_server.c. Observations are computed from their number when they are asked for, so an agent
 * that runs for days needs no memory. An answer holds SIM_MTCONNECT_COUNT_MAX of them, so that it
 * fits into a frame; whoever asks says a count not above it.
 */
#include "sim/sim_mtconnect.h"

#include <stdatomic.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/time.h"
#include "sim/sim_server.h"

struct sim_mtconnect {
    struct sim_server *server;
    const struct clock *clock;
    uint64_t per_second;
    _Atomic int64_t begun_wall_ns; // 0: not yet. In whole milliseconds.
    _Atomic int64_t begun_mono_ns;
    _Atomic uint64_t halted; // How many were made then, plus 1; 0: going on.
    _Atomic uint64_t requests;
    _Atomic uint64_t asked;
};

uint64_t sim_mtconnect_made(const struct sim_mtconnect *sim) {
    uint64_t halted = atomic_load(&sim->halted);
    int64_t begun_ns = atomic_load(&sim->begun_mono_ns);
    if (halted > 0 || begun_ns == 0) {
        return halted > 0 ? halted - 1 : 0;
    }
    uint64_t passed_ms = (uint64_t)((clock_mono_ns(sim->clock) - begun_ns) / NS_PER_MS);
    return passed_ms * sim->per_second / 1000;
}

int64_t sim_mtconnect_time_ns(const struct sim_mtconnect *sim, uint64_t n) {
    return atomic_load(&sim->begun_wall_ns) + (int64_t)(n * 1000 / sim->per_second) * NS_PER_MS;
}

static void put_observation(struct buf *body, const struct sim_mtconnect *sim, uint64_t n) {
    char text[TIME_TEXT_MAX];
    size_t size = time_format(sim_mtconnect_time_ns(sim, n), NULL, text);
    buf_printf(body,
        "<PartCount dataItemId=\"n%u\" sequence=\"%llu\" timestamp=\"%.*s\">%llu</PartCount>",
        (unsigned)(n % SIM_MTCONNECT_ITEMS), (unsigned long long)n, (int)size, text,
        (unsigned long long)n);
}

static void put_document(
    struct buf *body, const struct sim_mtconnect *sim, uint64_t from, uint64_t end) {
    uint64_t made = sim_mtconnect_made(sim);
    buf_printf(body,
        "<MTConnectStreams><Header instanceId=\"1\" version=\"1.4.0\" sender=\"maru\" "
        "bufferSize=\"131072\" firstSequence=\"1\" lastSequence=\"%llu\" nextSequence=\"%llu\"/>"
        "<Streams><DeviceStream name=\"counter\" uuid=\"1\"><ComponentStream component=\"Path\">",
        (unsigned long long)made, (unsigned long long)end);
    for (uint64_t n = from; n < end; n++) {
        put_observation(body, sim, n);
    }
    buf_printf(body, "</ComponentStream></DeviceStream></Streams></MTConnectStreams>");
}

/* /current: the newest of each item. */
static void put_current(struct buf *body, const struct sim_mtconnect *sim) {
    uint64_t end = sim_mtconnect_made(sim) + 1;
    uint64_t from = end > SIM_MTCONNECT_ITEMS ? end - SIM_MTCONNECT_ITEMS : 1;
    put_document(body, sim, from, end);
}

/* /sample?from=N&count=M */
static bool put_sample(struct buf *body, struct sim_mtconnect *sim, struct str query) {
    uint64_t from = 0;
    uint64_t count = 0;
    (void)str_cut(&query, '=');
    bool good = str_to_u64(str_cut(&query, '&'), &from);
    (void)str_cut(&query, '=');
    uint64_t end = sim_mtconnect_made(sim) + 1;
    if (!good || !str_to_u64(query, &count) || from == 0 || from > end) {
        buf_printf(body,
            "<MTConnectError><Header instanceId=\"1\"/><Errors><Error "
            "errorCode=\"OUT_OF_RANGE\">1 to %llu</Error></Errors></MTConnectError>",
            (unsigned long long)end);
        return false;
    }
    count = count < SIM_MTCONNECT_COUNT_MAX ? count : SIM_MTCONNECT_COUNT_MAX;
    put_document(body, sim, from, from + count < end ? from + count : end);
    atomic_fetch_add(&sim->requests, 1);
    if (from > atomic_load(&sim->asked)) { // One thread alone answers.
        atomic_store(&sim->asked, from);
    }
    return true;
}

static int answer(void *context, const uint8_t *in, size_t size, size_t *ret_used, uint8_t *out) {
    struct sim_mtconnect *sim = context;
    const uint8_t *end = memmem(in, size, "\r\n\r\n", 4);
    *ret_used = end != NULL ? (size_t)(end - in) + 4 : 0;
    if (end == NULL) {
        return 0;
    }
    struct str head = {.data = (const char *)in, .size = *ret_used};
    struct str method = str_cut(&head, ' ');
    struct str target = str_cut(&head, ' ');
    struct str path = str_cut(&target, '?');
    if (!str_eq(method, STR("GET"))) {
        return -1;
    }
    AUTO_BUF struct buf body;
    AUTO_BUF struct buf text;
    buf_init(&body, SIM_FRAME_BYTES);
    buf_init(&text, SIM_FRAME_BYTES);
    bool found = true;
    if (str_ends(path, STR("/current"))) {
        put_current(&body, sim);
    } else {
        found = str_ends(path, STR("/sample")) && put_sample(&body, sim, target);
    }
    buf_printf(&text, "HTTP/1.1 %s\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n\r\n",
        found ? "200 OK" : "404 Not Found", body.size);
    buf_put(&text, body.data, body.size);
    if (body.overflow || text.overflow) {
        return -1;
    }
    memcpy(out, text.data, text.size);
    return (int)text.size;
}

int sim_mtconnect_start(const struct clock *clock, uint64_t per_second,
    struct sim_mtconnect **ret_sim, struct err *err) {
    struct sim_mtconnect *sim = MEM_NEW(struct sim_mtconnect);
    sim->clock = clock;
    sim->per_second = per_second;
    struct sim_speech speech = {.name = "sim-mtconnect", .context = sim, .answer = answer};
    int failed = sim_server_start(&speech, 0, &sim->server, err);
    if (failed < 0) {
        mem_free(sim);
        return failed;
    }
    *ret_sim = sim;
    return 0;
}

void sim_mtconnect_stop(struct sim_mtconnect *sim) {
    if (sim != NULL) {
        sim_server_stop(sim->server);
        mem_free(sim);
    }
}

uint16_t sim_mtconnect_port(const struct sim_mtconnect *sim) {
    return sim_server_port(sim->server);
}

void sim_mtconnect_begin(struct sim_mtconnect *sim) {
    int64_t now_ns = clock_wall_ns(sim->clock);
    atomic_store(&sim->begun_wall_ns, now_ns - now_ns % NS_PER_MS);
    atomic_store(&sim->begun_mono_ns, clock_mono_ns(sim->clock));
}

uint64_t sim_mtconnect_halt(struct sim_mtconnect *sim) {
    uint64_t made = sim_mtconnect_made(sim);
    atomic_store(&sim->halted, made + 1);
    return made;
}

uint64_t sim_mtconnect_requests(const struct sim_mtconnect *sim) {
    return atomic_load(&sim->requests);
}

uint64_t sim_mtconnect_asked(const struct sim_mtconnect *sim) {
    return atomic_load(&sim->asked);
}

void sim_mtconnect_cut(struct sim_mtconnect *sim) {
    sim_server_kill(sim->server);
}

int sim_mtconnect_mend(struct sim_mtconnect *sim, struct err *err) {
    return sim_server_revive(sim->server, err);
}
