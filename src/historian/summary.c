/*
 * Statistics of rows.
 *
 * Bad rows are excluded and counted, and so are numbers that are no numbers (NaN): they have no
 * place in a minimum, a maximum or a sum. Infinities are values: they are kept, and a sum that
 * meets one is infinite (or NaN where both signs meet).
 *
 * The sum is the double-double sum of Dekker (1971) with Knuth's error-free addition, in eight
 * lanes (kernels.h).
 */
#include "historian/summary.h"

#include <math.h>

#include "historian/kernels.h"

void summary_init(struct summary *summary) {
    *summary = (struct summary){
        .min = (double)NAN, .max = (double)NAN, .first = (double)NAN, .last = (double)NAN};
}

/* Adds `value` to the pair (sum, low). */
static inline void pair_add(double *sum, double *low, double value) {
    double total = *sum + value;
    double part = total - *sum;
    *low += (*sum - (total - part)) + (value - part);
    *sum = total;
}

/* Makes the pair canonical: |low| is at most half a unit in the last place of sum. */
static void pair_settle(double *sum, double *low) {
    if (!isfinite(*sum)) {
        *low = 0;
        return;
    }
    double total = *sum + *low;
    *low -= total - *sum;
    *sum = total;
}

static double row_number(const struct run *run, uint32_t row) {
    switch ((enum value_type)run_type(run, row)) {
    case TYPE_F64: return f64_of_bits(run->value[row]);
    case TYPE_I64:
    case TYPE_BOOL: return (double)(int64_t)run->value[row];
    case TYPE_TEXT: return (double)NAN;
    }
    return (double)NAN;
}

static void summary_number(struct summary *summary, double number) {
    if (summary->number_count == 0) {
        summary->min = number;
        summary->max = number;
    } else {
        summary->min = number < summary->min ? number : summary->min;
        summary->max = number > summary->max ? number : summary->max;
    }
    summary->number_count++;
    pair_add(&summary->sum, &summary->sum_low, number);
}

static void summary_row(struct summary *summary, const struct run *run, uint32_t row) {
    double number = row_number(run, row);
    bool text = run_type(run, row) == TYPE_TEXT;
    if (run_status(run, row) >> 31 != 0 || (!text && isnan(number))) {
        summary->bad_count++;
        return;
    }
    if (summary->count == 0) {
        summary->first = number;
        summary->first_ns = run->time[row];
    }
    summary->count++;
    summary->last = number;
    summary->last_ns = run->time[row];
    if (!text) {
        summary_number(summary, number);
    }
}

/* The usual case: good doubles, no versions. True when it applied. */
static bool summary_plain(
    struct summary *summary, const struct run *run, uint32_t from, uint32_t to) {
    if (run->types != NULL || run->type != TYPE_F64 || run->status != NULL || !run->strict) {
        return false;
    }
    struct stats stats;
    kernels_best()->stats(run->value + from, to - from, &stats);
    double sum = summary->sum;
    double low = summary->sum_low;
    double min = stats.min;
    double max = stats.max;
    pair_add(&sum, &low, stats.sum);
    low += stats.low;
    if (isnan(sum) || isnan(low)) {
        return false; // A NaN among them, or infinities: row by row.
    }
    if (summary->number_count > 0) {
        min = summary->min < min ? summary->min : min;
        max = summary->max > max ? summary->max : max;
    }
    if (summary->count == 0) {
        summary->first = f64_of_bits(run->value[from]);
        summary->first_ns = run->time[from];
    }
    summary->count += to - from;
    summary->number_count += to - from;
    summary->min = min;
    summary->max = max;
    summary->sum = sum;
    summary->sum_low = low;
    summary->last = f64_of_bits(run->value[to - 1]);
    summary->last_ns = run->time[to - 1];
    return true;
}

void summary_add(struct summary *summary, const struct run *run, uint32_t from, uint32_t to) {
    if (from >= to) {
        return;
    }
    if (!summary_plain(summary, run, from, to)) {
        for (uint32_t i = from; i < to;) {
            uint32_t winner = i++;
            for (; i < to && run->time[i] == run->time[winner]; i++) {
                if (version_wins(run_flags(run, i), run_flags(run, winner))) {
                    winner = i;
                }
            }
            summary_row(summary, run, winner);
        }
    }
    pair_settle(&summary->sum, &summary->sum_low);
}

void summary_merge(struct summary *summary, const struct summary *other) {
    if (other->count > 0) {
        if (summary->count == 0 || other->first_ns < summary->first_ns) {
            summary->first = other->first;
            summary->first_ns = other->first_ns;
        }
        if (summary->count == 0 || other->last_ns > summary->last_ns) {
            summary->last = other->last;
            summary->last_ns = other->last_ns;
        }
    }
    if (other->number_count > 0) {
        bool none = summary->number_count == 0;
        summary->min = none || other->min < summary->min ? other->min : summary->min;
        summary->max = none || other->max > summary->max ? other->max : summary->max;
        pair_add(&summary->sum, &summary->sum_low, other->sum);
        summary->sum_low += other->sum_low;
        pair_settle(&summary->sum, &summary->sum_low);
    }
    summary->count += other->count;
    summary->bad_count += other->bad_count;
    summary->number_count += other->number_count;
}
