#ifndef MODEL_COUNTER_H
#define MODEL_COUNTER_H
/*
 * What a counter rose by between two of its values: the one rule for increments (refine), counted
 * totals (plant) and the increase of a stretch of history (historian). Pure; any thread.
 *
 * A fall is a reset: the counter began again at 0, so the new value is the rise. With a declared
 * largest value a fall may be a roll-over: then the rise is max + 1 - last + value, if that is at
 * most half of the range; a larger one would mean that the counter ran through half of its range
 * between two values, where a reset is the likelier story. Negative values, and reals beyond 2^53,
 * are no counts: callers pass over them.
 */
#include <stdbool.h>
#include <stdint.h>

#define COUNTER_MAX 9007199254740992.0 // 2^53: beyond, a double no longer holds whole numbers.

static inline bool counter_is_count_i64(int64_t value) {
    return value >= 0;
}
static inline bool counter_is_count_f64(double value) {
    return value >= 0 && value <= COUNTER_MAX; // False for a NaN.
}
/* Whether a fall from `last` to `value` is the roll-over at `max` (0: it has none) and no reset. */
bool counter_rolls_over(double last, double value, double max);
/* The rise between two counts; `max` at most 2^53, 0: none is declared. */
int64_t counter_rise_i64(int64_t last, int64_t value, double max);
double counter_rise_f64(double last, double value, double max);

#endif
