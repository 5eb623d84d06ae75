/*
 * A sum of weights a reason. Half-lives, because what stopped the press last week stops it again
 * tomorrow, and what stopped it a year ago was repaired; the other machines' stops, because a new
 * machine has no past of its own. Equal sums: the reason seen last comes first.
 */
#include "production/likely.h"

#include <math.h>

#define FORTNIGHT_NS (14.0 * 86400e9)

struct tally {
    int64_t reason;
    double weight;
    int64_t last_ns;
};

static bool is_better(const struct tally *a, const struct tally *b) {
    if (fabs(a->weight - b->weight) > 1e-12) {
        return a->weight > b->weight;
    }
    return a->last_ns != b->last_ns ? a->last_ns > b->last_ns : a->reason < b->reason;
}

static uint32_t add_up(
    const struct likely_stop *past, uint32_t count, int64_t now_ns, struct tally *tallies) {
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        while (at < kinds && tallies[at].reason != past[i].reason) {
            at++;
        }
        if (at == kinds) {
            tallies[kinds++] = (struct tally){.reason = past[i].reason, .last_ns = INT64_MIN};
        }
        double age = now_ns > past[i].begin_ns ? (double)(now_ns - past[i].begin_ns) : 0;
        tallies[at].weight += exp2(-age / FORTNIGHT_NS) * (past[i].same_machine ? 1 : 0.2);
        if (past[i].begin_ns > tallies[at].last_ns) {
            tallies[at].last_ns = past[i].begin_ns;
        }
    }
    return kinds;
}

uint32_t likely_reasons(const struct likely_stop *past, uint32_t count, int64_t now_ns,
    int64_t ret_reasons[LIKELY_MAX]) {
    struct tally tallies[LIKELY_PAST_MAX];
    uint32_t kinds =
        add_up(past, count < LIKELY_PAST_MAX ? count : LIKELY_PAST_MAX, now_ns, tallies);
    uint32_t given = 0;
    while (given < LIKELY_MAX && kinds > 0) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < kinds; i++) {
            best = is_better(&tallies[i], &tallies[best]) ? i : best;
        }
        ret_reasons[given++] = tallies[best].reason;
        tallies[best] = tallies[--kinds];
    }
    return given;
}
