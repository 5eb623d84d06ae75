#ifndef SIM_SIM_SPARKPLUG_H
#define SIM_SIM_SPARKPLUG_H
/*
 * A Sparkplug B edge node with one device, a compressor, that publishes by itself to a broker on
 * loopback (Eclipse Sparkplug 3.0): births with aliases, data by change, its death as the will. It
 * shares no code with src/wire/sparkplug.
 *
 * `sim_sparkplug` owns the machine and, once started, a thread. Made, aged and read by one thread;
 * started at most once.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/* One metric of the device: also a line of the tag list. */
struct sim_sparkplug_row {
    const char *metric; // "Air/Pressure"
    const char *tag;    // "util.comp1.pressure"
    const char *type;   // "f64" "i64" "bool" "text"
    const char *unit;
    const char *kind; // "measurement" "counter" "state"
    double min;       // NaN: none.
    double max;
    const char *display_ko;
    const char *display_en;
    int datatype; // Clause 6.4.16.
    int value;    // Of the machine.
    double step;  // Published when it has changed by so much; values are rounded to it.
};
const struct sim_sparkplug_row *sim_sparkplug_rows(size_t *ret_count);

#define SIM_SPARKPLUG_GROUP  "Maru"
#define SIM_SPARKPLUG_EDGE   "Utility"
#define SIM_SPARKPLUG_DEVICE "Comp1"

struct sim_sparkplug;

/* 0: a seed of the system. */
struct sim_sparkplug *sim_sparkplug_new(uint64_t seed);
/* Lets the machine run for so many milliseconds. Before the start only. */
void sim_sparkplug_age(struct sim_sparkplug *node, int64_t ms);
/* What would be published now. Before the start only. */
double sim_sparkplug_value(const struct sim_sparkplug *node, const struct sim_sparkplug_row *row);
/* Publishes to 127.0.0.1:port until stopped; connects again when the connection ends. `every_ms`:
 * changes are looked for so often; 0: 500. */
void sim_sparkplug_start(struct sim_sparkplug *node, uint16_t port, int64_t every_ms);
/* Says its death, leaves, frees. NULL is allowed. */
void sim_sparkplug_stop(struct sim_sparkplug *node);
/* Births of the node so far. Any thread. */
uint32_t sim_sparkplug_births(const struct sim_sparkplug *node);

#endif
