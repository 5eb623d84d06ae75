#ifndef APP_BENCH_H
#define APP_BENCH_H
/*
 * Benchmarks that print the keys of docs/PERFORMANCE.md. Each puts one JSON object into json_out.
 * They work in a folder of their own below `dir` and remove it. Main thread.
 */
#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"

struct bench_options {
    const char *dir;  // Where the temporary folder goes; NULL: $TMPDIR or /tmp.
    const char *data; // "gen", or a CSV file tag,ts_ms,value without header.
    bool quick;       // A tenth of the work, for tests.
    int64_t lots;     // Of bench_trace; 0: 100,000.
    int64_t depth;    // 0: 6.
};

int bench_growth(const struct bench_options *options, struct buf *json_out, struct err *err);
int bench_historian(const struct bench_options *options, struct buf *json_out, struct err *err);
int bench_refine(const struct bench_options *options, struct buf *json_out, struct err *err);
int bench_trace(const struct bench_options *options, struct buf *json_out, struct err *err);
int bench_programme(const struct bench_options *options, struct buf *json_out, struct err *err);
int bench_collect(const struct bench_options *options, struct buf *json_out, struct err *err);
/* What bench_http measures; bench_historian reports the rate among its own keys. */
struct bench_http_figures {
    double points;
    double seconds;
    double client_cpu_s;
};
int bench_http_measure(
    const struct bench_options *options, struct bench_http_figures *ret_figures, struct err *err);
int bench_http(const struct bench_options *options, struct buf *json_out, struct err *err);

/* What they share: the steady clock in seconds, the middle one of some values (which are sorted),
 * the peak of this process's memory, what it has handed to write calls, what the files of a folder
 * take (those that vanish meanwhile are passed over), and a member with four digits. */
double bench_now_s(void);
double bench_median(double *values, size_t count);
double bench_rss_mb(void);
double bench_written_bytes(void);
int bench_folder_bytes(const char *folder, uint64_t *ret_bytes, struct err *err);
void bench_put(struct json *json, const char *key, double value);

#endif
