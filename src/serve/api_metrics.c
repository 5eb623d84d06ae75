/*
 * Figures for Prometheus, text format 0.0.4. Of the process for everybody; with a token or session
 * also sums over the plants that it may read and a line for each of their devices: how much a plant
 * produces is nobody else's business, and a sum over two plants less one's own is the other one.
 */
#include "serve/call.h"

#include "core/process.h"
#include "production/fill.h"
#include "serve/server.h"

static void head(struct buf *out, const char *name, const char *type, const char *help) {
    buf_printf(out, "# HELP maru_%s %s\n# TYPE maru_%s %s\n", name, help, name, type);
}

static void one(
    struct buf *out, const char *name, const char *type, const char *help, double value) {
    head(out, name, type, help);
    buf_printf(out, "maru_%s ", name);
    buf_put_f64(out, value);
    buf_put_char(out, '\n');
}

/* A label's value: backslash, quote and line break are escaped (identifiers hold none of them, but
 * this must not depend on it). */
static void put_label(struct buf *out, const char *key, struct str value) {
    buf_printf(out, "%s=\"", key);
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (c == '\\' || c == '"') {
            buf_put_char(out, '\\');
        }
        if (c == '\n') {
            buf_put_str(out, STR("\\n"));
        } else {
            buf_put_char(out, c);
        }
    }
    buf_put_char(out, '"');
}

static void put_process(struct buf *out, struct server *server, int64_t now_ns) {
    struct http_status status;
    struct process_facts facts;
    http_status(server->http, &status);
    process_look(&facts);
    head(out, "build_info", "gauge", "Version of the program.");
    buf_printf(out, "maru_build_info{version=\"%s\"} 1\n", MARU_VERSION);
    one(out, "uptime_seconds", "gauge", "Since the start.",
        (double)((now_ns - server->begin_wall_ns) / NS_PER_MS) / 1000.0);
    one(out, "resident_memory_bytes", "gauge", "Resident memory.", (double)facts.memory_bytes);
    one(out, "cpu_seconds_total", "counter", "Processor time of all threads.", facts.cpu_s);
    one(out, "threads", "gauge", "Threads.", facts.threads);
    one(out, "open_files", "gauge", "Open descriptors.", facts.open_files);
    one(out, "http_connections", "gauge", "Open connections.", status.connections);
    one(out, "http_connections_total", "counter", "Connections taken.", (double)status.accepted);
    one(out, "http_timed_out_total", "counter", "Connections closed for being too slow.",
        (double)status.timed_out);
    one(out, "http_rate_limited_total", "counter", "Requests refused for their rate.",
        (double)status.refused_rate);
    one(out, "streams", "gauge", "Live streams.", stream_hub_count(server->streams));
}

static void put_requests(struct buf *out, struct server *server) {
    head(out, "http_requests_total", "counter", "Requests by route and class of status.");
    for (uint32_t i = 0; i <= ROUTE_COUNT; i++) {
        const char *id = i < ROUTE_COUNT ? route_at(i)->id : "PAGES";
        for (int class = 2; class < STATUS_CLASSES; class ++) {
            uint64_t count = atomic_load(&server->requests[i].answers[class]);
            if (count > 0) {
                buf_printf(out, "maru_http_requests_total{route=\"%s\",status=\"%dxx\"} %llu\n", id,
                    class, (unsigned long long)count);
            }
        }
    }
    head(out, "http_request_seconds_total", "counter", "Time from header to last byte, by route.");
    for (uint32_t i = 0; i <= ROUTE_COUNT; i++) {
        uint64_t time_us = atomic_load(&server->requests[i].time_us);
        if (time_us > 0) {
            const char *id = i < ROUTE_COUNT ? route_at(i)->id : "PAGES";
            buf_printf(out, "maru_http_request_seconds_total{route=\"%s\"} ", id);
            buf_put_f64(out, (double)time_us / 1e6);
            buf_put_char(out, '\n');
        }
    }
}

struct sums {
    struct pipeline_status pipeline;
    struct hist_status store;
    struct consumer_status consumer;
    uint64_t written_rows;
    uint64_t devices[LINK_DOWN + 1];
    uint64_t plants;
};

static void add_plant(struct sums *sums, struct server *server, uint32_t index) {
    struct plant *plant = home_plant_at(server->home, index);
    struct pipeline_status pipeline;
    struct hist_status store;
    struct consumer_status consumer;
    plant_pipeline_status(plant, &pipeline);
    hist_status(plant_historian(plant), &store);
    plant_consumer_status(plant, &consumer);
    sums->plants++;
    sums->pipeline.rows_in += pipeline.rows_in;
    sums->pipeline.rows_kept += pipeline.rows_kept;
    sums->pipeline.rows_omitted += pipeline.rows_omitted;
    sums->pipeline.rows_refused += pipeline.rows_refused;
    sums->pipeline.queue_size += pipeline.queue_size;
    sums->store.rows += store.rows;
    sums->store.segment_count += store.segment_count;
    sums->store.segment_bytes += store.segment_bytes;
    sums->store.log_bytes += store.log_bytes;
    sums->store.sync_count += store.sync_count;
    sums->store.sync_ns += store.sync_ns;
    sums->store.damaged_blocks += store.damaged_blocks;
    sums->store.disk_full = sums->store.disk_full || store.disk_full;
    struct fill_status fill;
    fill_status_get(plant_fill(plant), &fill);
    sums->consumer.lag += consumer.lag + fill.lag;
    sums->written_rows += atomic_load(&server->ingest[index].rows);
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(plant);
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        struct device_health health = {.state = LINK_OFF};
        (void)plant_device_health(plant, catalogue->devices[i].number, &health);
        sums->devices[health.state]++;
    }
}

static void put_sums(struct buf *out, const struct sums *sums) {
    one(out, "plants", "gauge", "Plants that may be read.", (double)sums->plants);
    one(out, "rows_in_total", "counter", "Samples given to the pipeline.",
        (double)sums->pipeline.rows_in);
    one(out, "rows_kept_total", "counter", "Samples made durable.",
        (double)sums->pipeline.rows_kept);
    one(out, "rows_omitted_total", "counter", "Samples omitted by dead-band or as duplicates.",
        (double)sums->pipeline.rows_omitted);
    one(out, "rows_refused_total", "counter", "Samples of unknown tags.",
        (double)sums->pipeline.rows_refused);
    one(out, "rows_written_total", "counter", "Samples taken by /write.",
        (double)sums->written_rows);
    one(out, "pipeline_queue", "gauge", "Batches that wait.", sums->pipeline.queue_size);
    one(out, "store_rows", "gauge", "Samples stored, all versions.", (double)sums->store.rows);
    one(out, "store_segments", "gauge", "Segments.", (double)sums->store.segment_count);
    one(out, "store_segment_bytes", "gauge", "Bytes in segments.",
        (double)sums->store.segment_bytes);
    one(out, "store_log_bytes", "gauge", "Bytes in the log.", (double)sums->store.log_bytes);
    one(out, "store_syncs_total", "counter", "Syncs of the log.", (double)sums->store.sync_count);
    one(out, "store_sync_seconds_total", "counter", "Time spent in them.",
        (double)sums->store.sync_ns / 1e9);
    one(out, "store_damaged_blocks", "gauge", "Blocks in quarantine.",
        (double)sums->store.damaged_blocks);
    one(out, "store_disk_full", "gauge", "1 while writes are refused for space.",
        sums->store.disk_full ? 1 : 0);
    one(out, "consumer_lag_batches", "gauge", "Batches the ledger consumers are behind.",
        (double)sums->consumer.lag);
    head(out, "devices", "gauge", "Devices by state of their link.");
    for (int state = LINK_OFF; state <= LINK_DOWN; state++) {
        buf_printf(out, "maru_devices{state=\"%s\"} %llu\n",
            link_state_name((enum link_state)state), (unsigned long long)sums->devices[state]);
    }
}

enum device_figure { DEVICE_UP, DEVICE_REQUESTS, DEVICE_FAILURES, DEVICE_SAMPLES, DEVICE_FIGURES };

static uint64_t device_figure(const struct device_health *health, enum device_figure figure) {
    switch (figure) {
    case DEVICE_UP: return health->state == LINK_UP ? 1 : 0;
    case DEVICE_REQUESTS: return health->requests;
    case DEVICE_FAILURES: return health->failures;
    case DEVICE_SAMPLES: return health->samples;
    case DEVICE_FIGURES: break;
    }
    return 0;
}

static void put_devices(struct buf *out, struct home *home, const bool *may_read) {
    static const struct {
        const char *name;
        const char *type;
        const char *help;
    } FIGURES[DEVICE_FIGURES] = {
        [DEVICE_UP] = {"device_up", "gauge", "1 while fresh values come."},
        [DEVICE_REQUESTS] = {"device_requests_total", "counter", "Requests sent."},
        [DEVICE_FAILURES] = {"device_failures_total", "counter", "Groups that failed."},
        [DEVICE_SAMPLES] = {"device_samples_total", "counter", "Samples read."},
    };
    for (int figure = 0; figure < DEVICE_FIGURES; figure++) {
        head(out, FIGURES[figure].name, FIGURES[figure].type, FIGURES[figure].help);
        for (uint32_t p = 0; p < home_plant_count(home); p++) {
            struct plant *plant = home_plant_at(home, p);
            AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(plant);
            for (uint32_t i = 0; may_read[p] && i < catalogue->device_count; i++) {
                struct device_health health = {.state = LINK_OFF};
                (void)plant_device_health(plant, catalogue->devices[i].number, &health);
                buf_printf(out, "maru_%s{", FIGURES[figure].name);
                put_label(out, "plant", plant_id(plant));
                buf_put_char(out, ',');
                put_label(out, "device", catalogue->devices[i].id);
                buf_printf(out, "} %llu\n",
                    (unsigned long long)device_figure(&health, (enum device_figure)figure));
            }
        }
    }
}

int api_metrics(struct call *call, struct err *err) {
    bool may_read[HOME_PLANTS_MAX] = {false};
    bool any = false;
    struct server *server = call->server;
    struct http_response *response = &call->http->response;
    struct sums sums = {0};
    response->status = 200;
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    for (uint32_t i = 0; i < home_plant_count(server->home); i++) {
        int rc = call_may_read(call, home_plant_at(server->home, i), &may_read[i], err);
        if (rc < 0) {
            return rc;
        }
        if (may_read[i]) {
            add_plant(&sums, server, i);
            any = true;
        }
    }
    put_process(&response->body, server, call->now_ns);
    put_requests(&response->body, server);
    if (any) {
        put_sums(&response->body, &sums);
        put_devices(&response->body, server->home, may_read);
    }
    return 0;
}
