#ifndef APP_DEMO_FLOOR_H
#define APP_DEMO_FLOOR_H
/*
 * The demo's bar code reader and tester: started with the simulated plant, and their lines in the
 * catalogue. Used by cmd_demo.c alone.
 */
#include "core/limits.h"
#include "ledger/ledger.h"
#include "sim/sim_floor.h"

/* Starts both; the tester's files go to DIR/tester, which is made. */
int demo_floor_start(const char *dir, uint64_t seed, struct sim_floor **ret_floor, struct err *err);
/* Puts their devices and tags. */
int demo_floor_put(struct ledger_tx *tx, const struct sim_floor *floor, const char *dir,
    enum lang lang, struct err *err);

#endif
