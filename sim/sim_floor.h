#ifndef SIM_SIM_FLOOR_H
#define SIM_SIM_FLOOR_H
/*
 * What stands on a floor besides controllers: a bar code reader that sends a GS1 label each time a
 * box passes, and a tester that drops a CSV file with its results into a folder. Each has a thread
 * of its own. Any thread starts and stops them.
 */
#include <stdint.h>

#include "core/clock.h"
#include "core/err.h"

struct sim_floor;

struct sim_floor_options {
    const char *folder; // Where the tester's files go; must exist.
    uint64_t seed;
    int64_t scan_every_ms; // 0: 4,000.
    int64_t file_every_ms; // 0: 10,000.
};

/* Binds the reader to a free port of 127.0.0.1. */
int sim_floor_start(
    const struct sim_floor_options *options, struct sim_floor **ret_floor, struct err *err);
void sim_floor_stop(struct sim_floor *floor); // NULL is allowed.
uint16_t sim_floor_scanner_port(const struct sim_floor *floor);

#endif
