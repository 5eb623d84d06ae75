/*
 * The rule of counters. Kept in `model` because three rooms that do not know each other follow it:
 * what a stage tells as it comes, what the ledger counts exactly once, and what a question about
 * the past answers must be one number.
 */
#include "model/counter.h"

bool counter_rolls_over(double last, double value, double max) {
    return max > 0 && value < last && last <= max && max + 1 - last + value <= (max + 1) / 2;
}

int64_t counter_rise_i64(int64_t last, int64_t value, double max) {
    if (value >= last) {
        return value - last; // Both are not negative.
    }
    bool rolls = counter_rolls_over((double)last, (double)value, max);
    return rolls ? (int64_t)max + 1 - last + value : value;
}

double counter_rise_f64(double last, double value, double max) {
    if (value >= last) {
        return value - last;
    }
    return counter_rolls_over(last, value, max) ? max + 1 - last + value : value;
}
