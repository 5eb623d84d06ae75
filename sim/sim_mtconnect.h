#ifndef SIM_SIM_MTCONNECT_H
#define SIM_SIM_MTCONNECT_H
/*
 * An MTConnect agent that counts: observation n (1, 2, ...) has the value n, the time `begun` +
 * n / per_second and belongs to item n % SIM_MTCONNECT_ITEMS. So whoever knows how many it made
 * knows every value that must have arrived. It makes none before it is begun and keeps all it made.
 * One thread, its server's; every function from any thread.
 */
#include <stdint.h>

#include "core/clock.h"
#include "core/err.h"

enum { SIM_MTCONNECT_ITEMS = 4, SIM_MTCONNECT_COUNT_MAX = 20 }; // Items "n0" to "n3".

struct sim_mtconnect;

/* On 127.0.0.1, any free port. per_second <= 1000: times are told in milliseconds. */
int sim_mtconnect_start(const struct clock *clock, uint64_t per_second,
    struct sim_mtconnect **ret_sim, struct err *err);
void sim_mtconnect_stop(struct sim_mtconnect *sim); // NULL is allowed.
uint16_t sim_mtconnect_port(const struct sim_mtconnect *sim);

void sim_mtconnect_begin(struct sim_mtconnect *sim);
/* Makes no more; returns how many it made. */
uint64_t sim_mtconnect_halt(struct sim_mtconnect *sim);
uint64_t sim_mtconnect_made(const struct sim_mtconnect *sim);
/* Wall time of observation n. */
int64_t sim_mtconnect_time_ns(const struct sim_mtconnect *sim, uint64_t n);
/* How often observations were asked for, and the highest one: all before it have arrived. */
uint64_t sim_mtconnect_requests(const struct sim_mtconnect *sim);
uint64_t sim_mtconnect_asked(const struct sim_mtconnect *sim);

/* Cuts the line and mends it. */
void sim_mtconnect_cut(struct sim_mtconnect *sim);
int sim_mtconnect_mend(struct sim_mtconnect *sim, struct err *err);

#endif
