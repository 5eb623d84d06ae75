#ifndef APP_DEMO_FLOOR_H
#define APP_DEMO_FLOOR_H
/*
 * The demo's bar code reader and tester: started with the simulated plant, and their lines in the
 * catalogue. Used by cmd_demo.c alone.
 */
#include "core/limits.h"
#include "ledger/ledger.h"
#include "sim/sim_floor.h"

struct demo_floor {
    struct sim_floor *sim;
    char folder[LIMIT_PATH_BYTES]; // The tester's files.
    int lock_fd;                   // Held while the folder is in use.
};

/* Starts both; the tester's folder is made in `base`, where those of killed demos are removed.
 * Whatever comes back, demo_floor_stop is called. */
int demo_floor_start(
    const char *base, uint64_t seed, struct demo_floor *ret_floor, struct err *err);
/* Stops both and removes the folder. Zeroed: nothing. */
void demo_floor_stop(struct demo_floor *floor);
/* Puts their devices and tags. */
int demo_floor_put(
    struct ledger_tx *tx, const struct demo_floor *floor, enum lang lang, struct err *err);

#endif
