#ifndef SERVE_FACTORIES_H
#define SERVE_FACTORIES_H
/*
 * How each plant of the home stands, in a few figures, for whoever looks after several. Looked up
 * at most once in FACTORIES_KEPT_MS for a plant however many ask; any thread.
 */
#include "upkeep/nightly.h"

struct call;
struct factories;

enum { FACTORIES_KEPT_MS = 3000 };

struct factory {
    uint32_t errors;
    uint32_t warnings;
    bool has_worst;
    struct finding worst;
    uint32_t devices;   // That are switched on.
    uint32_t connected; // Of these.
    int64_t newest_ns;  // When the newest value came; 0: none has.
    bool has_rate;
    uint32_t rows_per_minute; // Of the last whole minute.
    double disk_days;         // NaN: not known; infinity: never full.
};

struct factories *factories_new(void);
void factories_free(struct factories *factories); // NULL is allowed.
/* `index`: the plant's place in the home. */
void factories_get(struct call *call, uint32_t index, struct factory *ret_factory);

#endif
