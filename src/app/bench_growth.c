/*
 * `maru bench growth`: what ten years and many tags cost.
 *
 * The same number of points goes in as 100, 10,000 and 100,000 tags, scan by scan; then one tag is
 * asked for all it has. Each size runs in a process of its own, so that `rss_mb` is its own peak.
 * `open_s` is the opening of a history of `open_gb` after the process that wrote it was killed:
 * its values are noise, since anything else would take days to fill the disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/bench.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/json.h"
#include "core/random.h"
#include "historian/historian.h"

enum {
    BATCH_POINTS = 50000,
    SIZES = 3,
    QUERIES = 21,
    QUERY_ROWS = 200,
    OPEN_TAGS = 1000,
    OPEN_GB = 10,
    OPEN_LOOK_POINTS = 10000000, // The folder is measured after so many.
    PATH_BYTES = 512,
};
#define FIRST_NS INT64_C(1735689600000000000) // 2025-01-01

static const uint32_t TAGS[SIZES] = {100, 10000, 100000};

struct growth {
    double ingest_mpts_s;
    double bytes_per_point;
    double
        write_factor; // Bytes written, log and all merges included, for each that stands at last.
    double query_ms;
    double rss_mb;
};

/* Where the next point goes: tag after tag, second after second. */
struct scan {
    uint32_t tags;
    uint32_t tag;
    int64_t second;
    struct random *noise; // NULL: values with one decimal that move slowly.
};

static void scan_fill(struct scan *scan, struct batch *batch) {
    batch_clear(batch);
    for (uint32_t i = 0; i < BATCH_POINTS; i++) {
        struct sample *row = batch_add(batch);
        *row = (struct sample){
            .tag = scan->tag + 1, .time_ns = FIRST_NS + scan->second * NS_PER_S, .type = TYPE_F64};
        row->value.f64 = scan->noise != NULL
                             ? random_unit(scan->noise)
                             : (double)((scan->tag * 7 + scan->second * 3) % 1000) / 10;
        if (++scan->tag == scan->tags) {
            scan->tag = 0;
            scan->second++;
        }
    }
}

static int count_bucket(
    void *context, uint32_t tag, const struct hist_bucket *bucket, struct err *err) {
    (void)tag;
    (void)err;
    *(uint64_t *)context += bucket->count;
    return 0;
}

/* The middle tag's newest rows in steps of ten seconds, which every size has: the median of some.
 */
static int ask(
    struct historian *historian, const struct scan *scan, double *ret_ms, struct err *err) {
    uint32_t tag = scan->tags / 2;
    int64_t asked = scan->second < QUERY_ROWS ? scan->second : QUERY_ROWS;
    struct hist_bucket_query query = {.tags = &tag,
        .tag_count = 1,
        .from_ns = FIRST_NS + (scan->second - asked) * NS_PER_S,
        .to_ns = FIRST_NS + scan->second * NS_PER_S,
        .every_ns = 10 * NS_PER_S};
    double times[QUERIES];
    for (uint32_t i = 0; i < QUERIES; i++) {
        uint64_t rows = 0;
        double start = bench_now_s();
        int rc = hist_buckets(historian, &query, count_bucket, &rows, err);
        times[i] = (bench_now_s() - start) * 1e3;
        if (rc < 0) {
            return rc;
        }
        if (rows != (uint64_t)asked) {
            return err_set(err, ERR_INTERNAL, MSG_NONE, NO_ARGS); // A figure without its rows.
        }
    }
    *ret_ms = bench_median(times, QUERIES);
    return 0;
}

static int grow(const char *folder, uint32_t tags, uint64_t points, struct growth *ret_growth,
    struct err *err) {
    struct historian *historian = NULL;
    int rc = hist_open(&(struct hist_options){.dir = folder}, &historian, err);
    if (rc < 0) {
        return rc;
    }
    struct batch *batch = batch_new(BATCH_POINTS, 0);
    struct scan scan = {.tags = tags};
    double spent = 0;
    double written = bench_written_bytes();
    for (uint64_t done = 0; rc == 0 && done < points; done += BATCH_POINTS) {
        scan_fill(&scan, batch);
        double start = bench_now_s();
        rc = hist_append(historian, &batch, 1, err);
        spent += bench_now_s() - start;
    }
    double start = bench_now_s();
    rc = rc < 0 ? rc : hist_seal(historian, err);
    spent += bench_now_s() - start;
    batch_free(batch);
    while (rc == 0 && (rc = hist_merge(historian, err)) > 0) {
        rc = 0;
    }
    uint64_t bytes = 0;
    rc = rc < 0 ? rc : bench_folder_bytes(folder, &bytes, err);
    rc = rc < 0 ? rc : ask(historian, &scan, &ret_growth->query_ms, err);
    hist_close(historian);
    ret_growth->ingest_mpts_s = (double)points / spent / 1e6;
    ret_growth->write_factor = (bench_written_bytes() - written) / (double)bytes;
    ret_growth->bytes_per_point = (double)bytes / (double)points;
    ret_growth->rss_mb = bench_rss_mb();
    return rc;
}

/* `grow` in a process of its own. */
static int grow_apart(const char *folder, uint32_t tags, uint64_t points, struct growth *ret_growth,
    struct err *err) {
    int ends[2];
    if (pipe(ends) != 0) {
        return err_set(err, ERR_INTERNAL, MSG_NONE, NO_ARGS);
    }
    pid_t pid = fork();
    if (pid == 0) {
        struct growth growth = {0};
        int rc = grow(folder, tags, points, &growth, NULL);
        bool told = write(ends[1], &growth, sizeof growth) == (ssize_t)sizeof growth;
        _exit(rc == 0 && told ? 0 : 1);
    }
    (void)close(ends[1]);
    int status = 1;
    bool done = pid > 0 && read(ends[0], ret_growth, sizeof *ret_growth) == sizeof *ret_growth;
    (void)close(ends[0]);
    done = pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 && done;
    return done ? 0 : err_set(err, ERR_INTERNAL, MSG_NONE, NO_ARGS);
}

/* Noise until the folder has `want` bytes; memory and log are left as they are. */
static int fill(const char *folder, uint64_t want) {
    struct historian *historian = NULL;
    int rc = hist_open(&(struct hist_options){.dir = folder}, &historian, NULL);
    struct random noise;
    random_seed(&noise, 10);
    struct scan scan = {.tags = OPEN_TAGS, .noise = &noise};
    struct batch *batch = batch_new(BATCH_POINTS, 0);
    uint64_t bytes = 0;
    for (uint64_t points = 0; rc == 0 && bytes < want; points += BATCH_POINTS) {
        scan_fill(&scan, batch);
        rc = hist_append(historian, &batch, 1, NULL);
        if (rc == 0 && points % OPEN_LOOK_POINTS == 0) {
            rc = bench_folder_bytes(folder, &bytes, NULL);
        }
    }
    return rc; // Killed, as it were: nothing is closed.
}

static int opening(const char *folder, uint64_t want, double *ret_s, struct err *err) {
    pid_t pid = fork();
    if (pid == 0) {
        _exit(fill(folder, want) == 0 ? 0 : 1);
    }
    int status = 1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        return err_set(err, ERR_INTERNAL, MSG_NONE, NO_ARGS);
    }
    struct historian *historian = NULL;
    double start = bench_now_s();
    int rc = hist_open(&(struct hist_options){.dir = folder}, &historian, err);
    *ret_s = bench_now_s() - start;
    hist_close(historian);
    return rc;
}

static int grow_all(
    const struct bench_options *options, const char *dir, struct json *json, struct err *err) {
    char folder[PATH_BYTES + 32];
    int rc = 0;
    uint64_t points = options->quick ? 1000000 : 20000000;
    for (int i = 0; i < SIZES && rc == 0; i++) {
        struct growth growth = {0};
        (void)snprintf(folder, sizeof folder, "%s/tags-%u", dir, (unsigned)TAGS[i]);
        rc = grow_apart(folder, TAGS[i], points, &growth, err);
        char key[32];
        (void)snprintf(key, sizeof key, "tags_%u", (unsigned)TAGS[i]);
        json_key(json, key);
        json_object_begin(json);
        bench_put(json, "ingest_mpts_s", growth.ingest_mpts_s);
        bench_put(json, "bytes_per_point", growth.bytes_per_point);
        bench_put(json, "write_factor", growth.write_factor);
        bench_put(json, "query_ms", growth.query_ms);
        bench_put(json, "rss_mb", growth.rss_mb);
        json_object_end(json);
        (void)dir_remove_all(folder, NULL);
    }
    double open_s = 0;
    double open_gb = options->quick ? 0.1 : OPEN_GB;
    (void)snprintf(folder, sizeof folder, "%s/large", dir);
    rc = rc < 0 ? rc : opening(folder, (uint64_t)(open_gb * 1e9), &open_s, err);
    bench_put(json, "open_gb", open_gb);
    bench_put(json, "open_s", open_s);
    return rc;
}

int bench_growth(const struct bench_options *options, struct buf *json_out, struct err *err) {
    char dir[PATH_BYTES];
    const char *parent = options->dir != NULL ? options->dir : getenv("TMPDIR");
    (void)snprintf(dir, sizeof dir, "%s/maru-growth-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(dir) == NULL) {
        return err_set(err, ERR_IO, MSG_FILE_MISSING, ARGS(A_CSTR(dir)));
    }
    struct json json;
    json_init(&json, json_out);
    json_object_begin(&json);
    int rc = grow_all(options, dir, &json, err);
    json_object_end(&json);
    (void)dir_remove_all(dir, NULL); // Left-overs are named so that they can be found.
    return rc;
}
