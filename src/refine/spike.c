/*
 * Spike: a value far from the median of the last ones is kept and marked
 * UncertainSensorNotAccurate.
 *
 * Hampel's identifier (F. R. Hampel, "The influence curve and its role in robust estimation", J.
 * Amer. Statist. Assoc. 69, 1974): x is a spike when |x - median| > k * 1.4826 * MAD, where MAD is
 * the median of |x_i - median| and 1.4826 makes it a standard deviation for normal noise. Median
 * and MAD bear nearly half of the window being wrong, which mean and variance do not.
 *
 * The window holds the past only: the usual form looks at both sides and would hold every sample
 * back by half a window. The price: a true step is marked until half of the window has seen it.
 * So values enter the window whether they were marked or not. Where the window stands still (MAD
 * 0) nothing can be said about noise, and only a deviation beyond `spike_min` (if given) is marked.
 *
 * Cost: two insertion sorts of the window, 0.1 us for 7 values, 3 us for 61.
 */
#include <math.h>

#include "core/mem.h"
#include "refine/stage.h"

enum { WINDOW_DEFAULT = 7, WINDOW_MAX = 61 };

static const double SIGMA_OF_MAD = 1.4826;

int spike_check(const struct rule_line *line, const struct tag *tag, struct err *err) {
    int status = rule_for_numbers(line, RULE_SPIKE, tag, err);
    status = status < 0 ? status : rule_needs(line, RULE_SPIKE_WINDOW, RULE_SPIKE, err);
    return status < 0 ? status : rule_needs(line, RULE_SPIKE_MIN, RULE_SPIKE, err);
}

bool spike_prepare(const struct stage_setup *setup) {
    if (setup->line == NULL || !rule_is_set(setup->line, RULE_SPIKE)) {
        return false;
    }
    struct spike_part *spike = &setup->state->more->spike;
    uint16_t size = (uint16_t)rule_number(setup->line, RULE_SPIKE_WINDOW, WINDOW_DEFAULT);
    if (spike->size != size) {
        mem_free(spike->window);
        *spike = (struct spike_part){.window = MEM_ARRAY(double, size), .size = size};
    }
    spike->factor = setup->line->numbers[RULE_SPIKE];
    spike->smallest = rule_number(setup->line, RULE_SPIKE_MIN, 0);
    return true;
}

void spike_fini(struct tag_more *more) {
    mem_free(more->spike.window);
}

/* The median of `count` (1..WINDOW_MAX) values, which are sorted in place. */
static double median(double *values, int count) {
    for (int i = 1; i < count; i++) {
        double value = values[i];
        int at = i;
        while (at > 0 && values[at - 1] > value) {
            values[at] = values[at - 1];
            at--;
        }
        values[at] = value;
    }
    double middle = values[count / 2];
    return count % 2 == 1 ? middle : values[count / 2 - 1] / 2 + middle / 2;
}

static bool is_spike(const struct spike_part *spike, double value) {
    double values[WINDOW_MAX] = {0};
    for (int i = 0; i < spike->count; i++) {
        values[i] = spike->window[i];
    }
    double center = median(values, spike->count);
    for (int i = 0; i < spike->count; i++) {
        values[i] = fabs(values[i] - center);
    }
    double limit = spike->factor * SIGMA_OF_MAD * median(values, spike->count);
    if (limit <= 0 && spike->smallest <= 0) {
        return false;
    }
    return fabs(value - center) > fmax(limit, spike->smallest);
}

unsigned stage_spike(const struct stage_row *in) {
    struct spike_part *spike = &in->state->more->spike;
    double value = sample_number(in->row);
    bool is_later = spike->count == 0 || in->row->time_ns > spike->time_ns;
    if (!row_is_curve(in->row) || !isfinite(value) || !is_later) {
        return EFFECT_NONE;
    }
    bool far = spike->count == spike->size && is_spike(spike, value);
    spike->window[spike->next] = value;
    spike->next = (uint16_t)((spike->next + 1) % spike->size);
    spike->count = (uint16_t)(spike->count + (spike->count < spike->size));
    spike->time_ns = in->row->time_ns;
    return far ? stage_mark(in->row, (uint32_t)STATUS_UNCERTAIN_SENSOR_NOT_ACCURATE) : EFFECT_NONE;
}
