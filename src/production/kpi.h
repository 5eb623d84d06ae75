#ifndef PRODUCTION_KPI_H
#define PRODUCTION_KPI_H
/*
 * Key figures of ISO 22400-2 and the loss tree of a machine over [from, to), pure: from its states,
 * stops, runs, counts and the plan of its shifts. Leaves are whole nanoseconds and sum to the
 * calendar time exactly. docs/PRODUCTION.md defines each.
 */
#include <stdbool.h>
#include <stdint.h>

enum loss_leaf {
    LOSS_EFFECTIVE, // Good pieces at the ideal cycle.
    LOSS_QUALITY,   // Bad pieces at the ideal cycle.
    LOSS_SPEED,     // Rest of the run time; below 0 when faster than the ideal cycle.
    LOSS_NO_IDEAL,  // Run time of runs whose ideal cycle nobody gave.
    LOSS_MINOR,     // Stops shorter than the machine's limit.
    LOSS_BREAKDOWN, // Stops with a reason of that loss.
    LOSS_SETUP,     // Set-up, and stops with that loss.
    LOSS_MATERIAL,
    LOSS_PEOPLE,
    LOSS_QUALITY_STOP,
    LOSS_OTHER,
    LOSS_UNREASONED, // Stops nobody gave a reason.
    LOSS_UNKNOWN,    // No data.
    LOSS_PLANNED,    // Stops with a planned reason.
    LOSS_NO_ORDER,   // Scheduled, nothing to do.
    LOSS_BREAK,
    LOSS_OFF, // Outside all shifts.
    LOSS_COUNT
};
const char *loss_name(enum loss_leaf leaf); // "effective", "quality", ...

struct kpi_span {
    int64_t from_ns;
    int64_t to_ns;
    int32_t what; // States: of fill.h; stops: loss_leaf; plan: 0 shift, 1 break.
};
struct kpi_run {
    int64_t from_ns;
    int64_t to_ns; // INT64_MAX: it goes on.
    bool setup;
    int64_t cycle_ns; // Ideal, of one piece; 0: not known.
    int64_t good_u;   // Made inside [from, to) of the question; millionths.
    int64_t bad_u;
};
struct kpi_input {
    int64_t from_ns;
    int64_t to_ns;
    int64_t minor_ns;              // Stops shorter than it are minor.
    const struct kpi_span *states; // Gapless over [from, to), in order.
    uint32_t state_count;
    const struct kpi_span *stops; // In order, apart from each other; may stick out.
    uint32_t stop_count;
    const struct kpi_span *plan; // Shifts and their breaks, in order, apart from each other.
    uint32_t plan_count;
    const struct kpi_run *runs; // In order, apart from each other.
    uint32_t run_count;
};
/* ISO 22400-2:2014 names. Times in ns, quantities in millionths; ratios NaN where nothing divides.
 */
struct kpi {
    int64_t leaves[LOSS_COUNT];
    int64_t apt_ns; // Actual production time: run.
    int64_t
        pbt_ns; // Planned busy time: scheduled without breaks, planned stops and without orders.
    int64_t aust_ns; // Actual unit set-up time.
    int64_t adet_ns; // Actual unit delay time: stops, minor ones and no data.
    int64_t pq_u;    // Produced quantity.
    int64_t gq_u;    // Good quantity.
    int64_t sq_u;    // Scrap quantity.
    double availability;
    double effectiveness; // PRI x PQ / APT, over runs whose cycle is known.
    double quality;
    double oee;
};
void kpi_compute(const struct kpi_input *input, struct kpi *ret_kpi);
/* Adds another machine's or another time's; the ratios become those of the sums. A sum begins as
 * zeros. */
void kpi_add(struct kpi *sum, const struct kpi *more);

#endif
