/*
 * `maru bench historian`: the historian against this machine's own limits, measured in one run.
 *
 * The load is written to a file first, so neither its making nor its memory counts; reading it
 * does. Ingest is commits of 100,000 points until everything is durable, sealed and queryable.
 * Sizes and queries are taken after merging, from the same files. Queries are warm, the median of
 * twenty. `scan_mpts_s` is one durable commit per 1,000 points, as a line really writes. `open_s`
 * is the opening after a process was killed with its newest rows only in the log. Every answer is
 * checked against the load: a figure without the right rows is an error.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/bench.h"
#include "app/bench_load.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/json.h"
#include "core/mem.h"
#include "historian/historian.h"

enum {
    COMMIT_POINTS = 100000,
    BATCH_POINTS = COMMIT_POINTS / 2, // A batch holds at most 65,536 rows.
    SCAN_POINTS = 1000,
    REPEATS = 20,
    SYNC_BYTES = 8192, // About what 1,000 points take in the log.
    SYNC_COUNT = 300,
    COPY_BYTES = 64 << 20,
    PATH_BYTES = 512,
};

struct bench {
    char dir[PATH_BYTES];
    char history[PATH_BYTES + 32];
    struct load load;
    bool quick;
    struct historian *historian;
    /* Figures. */
    double ingest_mpts_s;
    double scan_mpts_s;
    double bytes_per_point;
    double q_ms[4];
    double scan_core_mpts_s;
    double rss_mb;
    double open_s;
    double memcpy_gb_s;
    double seq_write_gb_s;
    double fdatasync_ms;
};

static int bench_open(struct bench *bench, struct err *err) {
    struct hist_options options = {.dir = bench->history};
    return hist_open(&options, &bench->historian, err);
}

static void bench_shut(struct bench *bench) {
    hist_close(bench->historian);
    bench->historian = NULL;
}

/* ---- Writing ---- */

static int commit_points(
    struct bench *bench, struct batch **batches, uint64_t from, uint64_t count, struct err *err) {
    uint32_t used = 0;
    for (uint64_t done = 0; done < count; used++) {
        uint64_t left = count - done;
        uint32_t part = left < BATCH_POINTS ? (uint32_t)left : BATCH_POINTS;
        batch_clear(batches[used]);
        int rc = load_read(&bench->load, from + done, part, batches[used], err);
        if (rc < 0) {
            return rc;
        }
        done += part;
    }
    return hist_append(bench->historian, batches, used, err);
}

static int ingest(struct bench *bench, struct err *err) {
    int rc = bench_open(bench, err);
    if (rc < 0) {
        return rc;
    }
    struct batch *batches[2] = {batch_new(BATCH_POINTS, 0), batch_new(BATCH_POINTS, 0)};
    double start = bench_now_s();
    for (uint64_t from = 0; rc == 0 && from < bench->load.points; from += COMMIT_POINTS) {
        uint64_t left = bench->load.points - from;
        rc = commit_points(bench, batches, from, left < COMMIT_POINTS ? left : COMMIT_POINTS, err);
    }
    rc = rc < 0 ? rc : hist_seal(bench->historian, err);
    bench->ingest_mpts_s = (double)bench->load.points / (bench_now_s() - start) / 1e6;
    bench->rss_mb = bench_rss_mb();
    batch_free(batches[0]);
    batch_free(batches[1]);
    while (rc == 0 && (rc = hist_merge(bench->historian, err)) > 0) {
        rc = 0;
    }
    bench_shut(bench);
    return rc;
}

static int measure_size(struct bench *bench, struct err *err) {
    uint64_t bytes = 0;
    int rc = bench_folder_bytes(bench->history, &bytes, err);
    bench->bytes_per_point = (double)bytes / (double)bench->load.points;
    return rc;
}

/* One commit per scan of the line, into a history of its own. */
static int scans(struct bench *bench, struct err *err) {
    char path[PATH_BYTES + 32];
    (void)snprintf(path, sizeof path, "%s/scans", bench->dir);
    struct hist_options options = {.dir = path};
    struct historian *historian = NULL;
    int rc = hist_open(&options, &historian, err);
    if (rc < 0) {
        return rc;
    }
    uint64_t count = bench->quick ? 200 : 3000;
    count = count * SCAN_POINTS < bench->load.points ? count : bench->load.points / SCAN_POINTS;
    AUTO_BATCH struct batch *batch = batch_new(SCAN_POINTS, 0);
    double spent = 0;
    for (uint64_t i = 0; rc == 0 && i < count; i++) {
        batch_clear(batch);
        rc = load_read(&bench->load, i * SCAN_POINTS, SCAN_POINTS, batch, err);
        double start = bench_now_s();
        rc = rc < 0 ? rc : hist_append(historian, &batch, 1, err);
        spent += bench_now_s() - start;
    }
    bench->scan_mpts_s = (double)(count * SCAN_POINTS) / spent / 1e6;
    hist_close(historian);
    return rc;
}

/* ---- Queries ---- */

static bool is_hit(double value) {
    double part = value - 37.05;
    return part * part < 1.0; // No statistics answer this.
}

static uint64_t count_hits(const double *values, uint32_t count) {
    uint64_t hits = 0;
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8) { // Eight at a time become vectors.
        for (uint32_t j = 0; j < 8; j++) {
            hits += is_hit(values[i + j]);
        }
    }
    for (; i < count; i++) {
        hits += is_hit(values[i]);
    }
    return hits;
}

static int count_rows(struct bench *bench, const struct hist_scan_options *options,
    uint64_t *ret_rows, uint64_t *ret_hits, struct err *err) {
    struct hist_scan *scan = NULL;
    int rc = hist_scan_open(bench->historian, options, &scan, err);
    if (rc < 0) {
        return rc;
    }
    struct hist_rows rows;
    while ((rc = hist_scan_next(scan, &rows, err)) > 0) {
        *ret_hits += count_hits(rows.f64, rows.count);
        *ret_rows += rows.count;
    }
    hist_scan_close(scan);
    return rc;
}

static int count_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    *(uint64_t *)context += bucket->count + bucket->bad_count;
    return 0;
}

/* Query `which`; *ret_rows: rows it stands for. */
static int query_run(
    struct bench *bench, int which, const uint32_t *tags, uint64_t *ret_rows, struct err *err) {
    const struct load *load = &bench->load;
    struct hist_bucket_query query = {.tags = tags,
        .tag_count = which == 1 ? 1 : load->tag_max,
        .from_ns = load->min_ns,
        .to_ns = load->max_ns + 1,
        .every_ns = (which == 1 ? 60 : 600) * NS_PER_S};
    struct hist_scan_options hour = {.tag = tags[0],
        .from_ns = load->min_ns + 1000 * NS_PER_S,
        .to_ns = load->min_ns + 4600 * NS_PER_S};
    uint64_t hits = 0;
    struct hist_last last;
    switch (which) {
    case 0: return count_rows(bench, &hour, ret_rows, &hits, err);
    case 1:
    case 2: return hist_buckets(bench->historian, &query, count_bucket, ret_rows, err);
    default:
        for (uint32_t i = 0; i < load->tag_max; i++) {
            *ret_rows += hist_last(bench->historian, tags[i], &last);
        }
        return 0;
    }
}

static int queries(struct bench *bench, struct err *err) {
    int rc = bench_open(bench, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_FREE uint32_t *tags = MEM_ARRAY(uint32_t, bench->load.tag_max);
    for (uint32_t i = 0; i < bench->load.tag_max; i++) {
        tags[i] = i + 1;
    }
    for (int which = 0; rc >= 0 && which < 4; which++) {
        double spent[REPEATS + 1];
        for (int i = 0; rc >= 0 && i <= REPEATS; i++) {
            uint64_t rows = 0;
            double start = bench_now_s();
            rc = query_run(bench, which, tags, &rows, err);
            spent[i] = (bench_now_s() - start) * 1e3;
            if (rc >= 0 && which == 2 && rows != bench->load.points) {
                rc = err_set(err, ERR_INTERNAL, MSG_NONE, NO_ARGS);
            }
        }
        bench->q_ms[which] = bench_median(spent + 1, REPEATS); // The first warms up.
    }
    double best = (double)INFINITY;
    for (int i = 0; rc >= 0 && i < 3; i++) {
        uint64_t rows = 0;
        uint64_t hits = 0;
        double start = bench_now_s();
        for (uint32_t tag = 0; rc >= 0 && tag < bench->load.tag_max; tag++) {
            struct hist_scan_options all = {
                .tag = tags[tag], .from_ns = INT64_MIN, .to_ns = INT64_MAX};
            rc = count_rows(bench, &all, &rows, &hits, err);
        }
        double spent = bench_now_s() - start;
        best = spent < best ? spent : best;
        if (rc >= 0 && rows != bench->load.points) {
            rc = err_set(err, ERR_INTERNAL, MSG_NONE, NO_ARGS);
        }
    }
    bench->scan_core_mpts_s = (double)bench->load.points / best / 1e6;
    double rss = bench_rss_mb();
    bench->rss_mb = rss > bench->rss_mb ? rss : bench->rss_mb;
    bench_shut(bench);
    return rc < 0 ? rc : 0;
}

/* A child appends a memory full and goes without closing; then we open. */
static int opening(struct bench *bench, struct err *err) {
    pid_t pid = fork();
    if (pid == 0) {
        struct batch *batches[2] = {batch_new(BATCH_POINTS, 0), batch_new(BATCH_POINTS, 0)};
        int rc = bench_open(bench, NULL);
        for (uint64_t n = 0; rc == 0 && n < 10; n++) {
            uint64_t count =
                bench->load.points < COMMIT_POINTS ? bench->load.points : COMMIT_POINTS;
            rc = commit_points(bench, batches, 0, count, NULL);
        }
        _exit(rc == 0 ? 0 : 1);
    }
    int status = 1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        return err_set(err, ERR_INTERNAL, MSG_NONE, NO_ARGS);
    }
    double start = bench_now_s();
    int rc = bench_open(bench, err);
    bench->open_s = bench_now_s() - start;
    bench_shut(bench);
    return rc;
}

/* ---- The machine ---- */

static void measure_copy(struct bench *bench) {
    AUTO_FREE uint8_t *from = mem_alloc(COPY_BYTES);
    AUTO_FREE uint8_t *to = mem_alloc(COPY_BYTES);
    memset(from, 1, COPY_BYTES);
    memset(to, 2, COPY_BYTES);
    double spent[9];
    for (size_t i = 0; i < 9; i++) {
        double start = bench_now_s();
        memcpy(to, from, COPY_BYTES);
        __asm__ volatile("" : : "r"(to) : "memory"); // The copy must happen.
        spent[i] = bench_now_s() - start;
    }
    bench->memcpy_gb_s = COPY_BYTES / bench_median(spent, 9) / 1e9;
}

static int measure_disk(struct bench *bench, struct err *err) {
    char path[PATH_BYTES + 32];
    (void)snprintf(path, sizeof path, "%s/disk", bench->dir);
    struct files *files = files_system();
    AUTO_CLOSE int fd = -1;
    AUTO_FREE uint8_t *bytes = mem_zero(1, 1 << 20);
    memset(bytes, 7, 1 << 20);
    uint64_t size = bench->quick ? 32 << 20 : 256 << 20;
    int rc = file_open(files, path, FILE_CREATE_NEW, &fd, err);
    double start = bench_now_s();
    for (uint64_t at = 0; rc == 0 && at < size; at += 1 << 20) {
        rc = file_write_at(files, fd, path, at, bytes, 1 << 20, err);
    }
    rc = rc < 0 ? rc : file_sync(files, fd, path, err);
    bench->seq_write_gb_s = (double)size / (bench_now_s() - start) / 1e9;
    double spent[SYNC_COUNT];
    for (uint64_t i = 0; rc == 0 && i < SYNC_COUNT; i++) {
        double begin = bench_now_s();
        rc = file_write_at(files, fd, path, i * SYNC_BYTES, bytes, SYNC_BYTES, err);
        rc = rc < 0 ? rc : file_sync(files, fd, path, err);
        spent[i] = (bench_now_s() - begin) * 1e3;
    }
    if (rc == 0) {
        bench->fdatasync_ms = bench_median(spent, SYNC_COUNT);
    }
    return rc;
}

/* ---- The whole ---- */

static void report(const struct bench *bench, const char *data,
    const struct bench_http_figures *http, struct buf *json_out) {
    struct json json;
    json_init(&json, json_out);
    json_object_begin(&json);
    json_put_str(&json, "data", str_of(data));
    json_put_i64(&json, "points", (int64_t)bench->load.points);
    bench_put(&json, "ingest_mpts_s", bench->ingest_mpts_s);
    bench_put(&json, "scan_mpts_s", bench->scan_mpts_s);
    bench_put(&json, "bytes_per_point", bench->bytes_per_point);
    bench_put(&json, "q1_ms", bench->q_ms[0]);
    bench_put(&json, "q2_ms", bench->q_ms[1]);
    bench_put(&json, "q3_ms", bench->q_ms[2]);
    bench_put(&json, "q4_ms", bench->q_ms[3]);
    bench_put(&json, "scan_core_mpts_s", bench->scan_core_mpts_s);
    bench_put(&json, "rss_mb", bench->rss_mb);
    bench_put(&json, "open_s", bench->open_s);
    bench_put(&json, "http_mpts_s", http->points / http->seconds / 1e6);
    json_key(&json, "limits");
    json_object_begin(&json);
    bench_put(&json, "memcpy_gb_s", bench->memcpy_gb_s);
    bench_put(&json, "seq_write_gb_s", bench->seq_write_gb_s);
    bench_put(&json, "fdatasync_ms", bench->fdatasync_ms);
    json_object_end(&json);
    json_object_end(&json);
}

static int bench_run(struct bench *bench, const char *data, struct err *err) {
    char path[PATH_BYTES + 32];
    (void)snprintf(path, sizeof path, "%s/load", bench->dir);
    int rc = load_make(data, bench->quick ? 1000 : 10000, path, &bench->load, err);
    if (rc < 0) {
        return rc;
    }
    rc = ingest(bench, err);
    rc = rc < 0 ? rc : measure_size(bench, err);
    rc = rc < 0 ? rc : queries(bench, err);
    rc = rc < 0 ? rc : scans(bench, err);
    rc = rc < 0 ? rc : measure_disk(bench, err);
    rc = rc < 0 ? rc : opening(bench, err);
    if (rc == 0) {
        measure_copy(bench); // Last: its memory is not the historian's.
    }
    load_close(&bench->load);
    return rc;
}

int bench_historian(const struct bench_options *options, struct buf *json_out, struct err *err) {
    struct bench bench = {.quick = options->quick};
    const char *data = options->data != NULL ? options->data : "gen";
    const char *parent = options->dir != NULL ? options->dir : getenv("TMPDIR");
    (void)snprintf(
        bench.dir, sizeof bench.dir, "%s/maru-bench-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(bench.dir) == NULL) {
        return err_set(err, ERR_IO, MSG_FILE_MISSING, ARGS(A_CSTR(bench.dir)));
    }
    (void)snprintf(bench.history, sizeof bench.history, "%s/history", bench.dir);
    int rc = bench_run(&bench, data, err);
    (void)dir_remove_all(bench.dir, NULL); // Left-overs are named so that they can be found.
    struct bench_http_figures http;
    if (rc == 0) {
        rc = bench_http_measure(options, &http, err); // Over HTTP: a home and server of its own.
    }
    if (rc == 0) {
        report(&bench, data, &http, json_out);
    }
    return rc;
}
