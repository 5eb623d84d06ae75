/*
 * What the benchmarks share.
 */
#include "app/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "core/clock.h"
#include "core/file.h"

enum { PATH_BYTES = 1024 };

double bench_now_s(void) {
    return (double)clock_mono_ns(clock_system()) / 1e9;
}

static int by_value(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

double bench_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

double bench_rss_mb(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage); // Cannot fail for ourselves.
    return (double)usage.ru_maxrss / 1024;
}

double bench_written_bytes(void) {
    double bytes = 0;
    FILE *file = fopen("/proc/self/io", "re");
    char line[128];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        struct str rest = str_of(line);
        int64_t number = 0;
        if (str_eq(str_cut(&rest, ':'), STR("wchar")) && str_to_i64(str_trim(rest), &number)) {
            bytes = (double)number;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes;
}

struct folder {
    const char *path;
    uint64_t bytes;
};

static int add_size(void *context, const char *name, struct err *err) {
    (void)err;
    struct folder *folder = context;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", folder->path, name);
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    if (file_open(files_system(), path, FILE_READ, &fd, NULL) == 0 &&
        file_size(fd, path, &size, NULL) == 0) {
        folder->bytes += size;
    }
    return 0;
}

int bench_folder_bytes(const char *path, uint64_t *ret_bytes, struct err *err) {
    struct folder folder = {.path = path};
    int rc = dir_each(path, add_size, &folder, err);
    *ret_bytes = folder.bytes;
    return rc;
}

void bench_put(struct json *json, const char *key, double value) {
    char text[32];
    double unit = pow(10, floor(log10(fabs(value) + 1e-12)) - 3);
    (void)snprintf(text, sizeof text, "%.4g", round(value / unit) * unit);
    json_key(json, key);
    json_raw(json, str_of(text));
}
