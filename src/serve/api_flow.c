/*
 * The data flow at one moment: sources, stages, pipeline, store, consumers. Every figure is a total
 * since the start, read without stopping anything; a page takes differences for rates.
 */
#include "serve/call.h"

#include "core/file.h"
#include "production/fill.h"
#include "serve/server.h"
#include "serve/view.h"

static void put_sources(struct json *json, struct call *call) {
    AUTO_CATALOGUE struct catalogue *catalogue = plant_catalogue(call->plant);
    json_key(json, "sources");
    json_array_begin(json);
    for (uint32_t i = 0; i < catalogue->device_count; i++) {
        view_device(json, call->plant, &catalogue->devices[i], call->lang);
    }
    json_array_end(json);
}

static void put_ingest(struct json *json, const struct call *call) {
    struct server *server = call->server;
    struct ingest_counts *ingest = &server->ingest[server_plant_index(server, call->plant)];
    json_key(json, "ingest");
    json_object_begin(json);
    json_put_i64(json, "rows", (int64_t)atomic_load(&ingest->rows));
    json_put_i64(json, "requests", (int64_t)atomic_load(&ingest->requests));
    json_put_i64(json, "refused", (int64_t)atomic_load(&ingest->refused));
    json_object_end(json);
}

static void put_stages(struct json *json, const struct call *call) {
    const struct refine *refine = plant_refine(call->plant);
    json_key(json, "stages");
    json_array_begin(json);
    for (int i = 0; i < STAGE_COUNT; i++) {
        enum refine_stage stage = (enum refine_stage)i;
        struct stage_counts counts;
        refine_counts(refine, stage, &counts);
        view_stage(json, stage, &counts, call->lang);
    }
    json_array_end(json);
}

static void put_pipeline(struct json *json, const struct call *call) {
    struct pipeline_status status;
    plant_pipeline_status(call->plant, &status);
    json_key(json, "pipeline");
    json_object_begin(json);
    json_put_i64(json, "batches_in", (int64_t)status.batches_in);
    json_put_i64(json, "rows_in", (int64_t)status.rows_in);
    json_put_i64(json, "rows_kept", (int64_t)status.rows_kept);
    json_put_i64(json, "rows_omitted", (int64_t)status.rows_omitted);
    json_put_i64(json, "rows_refused", (int64_t)status.rows_refused);
    json_put_i64(json, "queue_size", status.queue_size);
    json_put_i64(json, "queue_capacity", status.queue_capacity);
    json_put_f64(json, "lag_ms", (double)(status.lag_ns / NS_PER_US) / 1000.0);
    json_put_f64(json, "lag_max_ms", (double)(status.lag_max_ns / NS_PER_US) / 1000.0);
    json_put_i64(json, "commits", (int64_t)status.commits);
    json_put_bool(json, "stalled", status.stalled);
    view_put_error(json, "last_error", &status.last_error, call->lang);
    json_object_end(json);
}

struct notices {
    struct json *json;
    enum lang lang;
};

static void put_notice(void *context, const struct err *what) {
    const struct notices *notices = context;
    AUTO_BUF struct buf words = {0};
    buf_init(&words, 4096);
    err_render(what, notices->lang, &words);
    json_str(notices->json, buf_str(&words));
}

static void put_store(struct json *json, const struct call *call) {
    struct historian *historian = plant_historian(call->plant);
    struct hist_status status;
    hist_status(historian, &status);
    json_key(json, "store");
    json_object_begin(json);
    json_put_i64(json, "seq", (int64_t)status.seq);
    json_put_i64(json, "rows", (int64_t)status.rows);
    json_put_i64(json, "segments", (int64_t)status.segment_count);
    json_put_i64(json, "segment_bytes", (int64_t)status.segment_bytes);
    json_put_i64(json, "log_bytes", (int64_t)status.log_bytes);
    json_put_i64(json, "memory_bytes", (int64_t)status.memory_bytes);
    json_put_i64(json, "appended_rows", (int64_t)status.appended_rows);
    json_put_i64(json, "sync_count", (int64_t)status.sync_count);
    uint64_t average_us =
        status.sync_count > 0 ? status.sync_ns / status.sync_count / (uint64_t)NS_PER_US : 0;
    json_put_f64(json, "sync_ms_avg", (double)average_us / 1000.0);
    json_put_i64(json, "damaged_blocks", (int64_t)status.damaged_blocks);
    json_put_i64(json, "torn_bytes_cut", (int64_t)status.torn_bytes_cut);
    json_put_bool(json, "disk_full", status.disk_full);
    view_put_time(json, "disk_full_since", status.disk_full ? status.disk_full_since_ns : 0);
    json_put_i64(json, "disk_free_bytes", (int64_t)disk_free_bytes(home_dir(call->server->home)));
    json_key(json, "notices");
    json_array_begin(json);
    struct notices notices = {json, call->lang};
    hist_notices(historian, put_notice, &notices);
    json_array_end(json);
    json_object_end(json);
}

static void put_consumer(struct json *json, const struct call *call, struct str id,
    const struct consumer_status *status) {
    json_object_begin(json);
    json_put_str(json, "id", id);
    json_put_i64(json, "seq", (int64_t)status->seq);
    json_put_i64(json, "lag", (int64_t)status->lag);
    view_put_error(json, "last_error", &status->last_error, call->lang);
    json_object_end(json);
}

static void put_consumers(struct json *json, const struct call *call) {
    struct consumer_status strokes;
    plant_consumer_status(call->plant, &strokes);
    struct fill_status fill;
    fill_status_get(plant_fill(call->plant), &fill);
    const struct consumer_status filling = {fill.seq, fill.lag, fill.last_error};
    json_key(json, "consumers");
    json_array_begin(json);
    put_consumer(json, call, STR("strokes"), &strokes);
    put_consumer(json, call, STR("production"), &filling);
    json_array_end(json);
}

int api_flow(struct call *call, struct err *err) {
    (void)err;
    struct json json;
    call_json(call, 200, &json);
    json_object_begin(&json);
    json_put_time(&json, "now", call->now_ns);
    put_sources(&json, call);
    put_ingest(&json, call);
    put_stages(&json, call);
    put_pipeline(&json, call);
    put_store(&json, call);
    put_consumers(&json, call);
    json_object_end(&json);
    return 0;
}
