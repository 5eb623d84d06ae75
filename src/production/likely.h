#ifndef PRODUCTION_LIKELY_H
#define PRODUCTION_LIKELY_H
/*
 * Which reasons a stop probably has: those that stops like it had, the machine's own and the recent
 * ones first. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

enum { LIKELY_MAX = 5, LIKELY_PAST_MAX = 1000 };

struct likely_stop {
    int64_t begin_ns;
    int64_t reason;
    bool same_machine;
};
/* The likeliest first, each once, among the first LIKELY_PAST_MAX of `past`; how many. A stop
 * weighs half after a fortnight, and a fifth where it was another machine's. */
uint32_t likely_reasons(const struct likely_stop *past, uint32_t count, int64_t now_ns,
    int64_t ret_reasons[LIKELY_MAX]);

#endif
