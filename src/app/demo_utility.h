#ifndef APP_DEMO_UTILITY_H
#define APP_DEMO_UTILITY_H
/*
 * The demo's compressor: a Sparkplug edge node, its broker, and their lines in the catalogue. Used
 * by cmd_demo.c alone, main thread.
 */
#include "app/command.h"
#include "app/demo_broker.h"
#include "ledger/ledger.h"
#include "plant/plant.h"
#include "sim/sim_sparkplug.h"

struct demo_utility {
    struct demo_broker broker;
    struct sim_sparkplug *node; // NULL: left out.
};

/* Starts the broker with its files in DIR/broker and makes the machine.
 * Where that cannot be, it is left out, which is said on stderr; with `--broker none` silently. */
void demo_utility_init(
    struct demo_utility *utility, struct call *call, const char *dir, uint64_t seed);
/* Puts its equipment, device and tags. */
int demo_utility_put(
    struct ledger_tx *tx, const struct demo_utility *utility, enum lang lang, struct err *err);
/* Its hour before now into the plant. */
int demo_utility_past(struct demo_utility *utility, struct plant *plant, struct err *err);
/* Lets the node publish. */
void demo_utility_start(struct demo_utility *utility);
void demo_utility_fini(struct demo_utility *utility);

#endif
