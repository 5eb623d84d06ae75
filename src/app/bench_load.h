#ifndef APP_BENCH_LOAD_H
#define APP_BENCH_LOAD_H
/*
 * Loads of the historian's benchmark as a file of 20-byte points (u32 tag, i64 ns, f64 value, all
 * little-endian), so that memory during the run is the historian's own. Main thread.
 */
#include "core/err.h"
#include "model/sample.h"

enum { LOAD_POINT_BYTES = 20 };

struct load {
    int fd;
    uint64_t points;
    uint32_t tag_max; // Tags are 1..tag_max here: the load's tag + 1.
    int64_t min_ns;
    int64_t max_ns;
};

/* "gen": the line of 1,000 tags at 1 Hz, `seconds` long; else a CSV file tag,ts_ms,value. */
int load_make(
    const char *data, uint32_t seconds, const char *path, struct load *ret_load, struct err *err);
void load_close(struct load *load);
/* Reads points [from, from + count) into the batch. */
int load_read(
    const struct load *load, uint64_t from, uint32_t count, struct batch *batch, struct err *err);

#endif
