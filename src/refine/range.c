/*
 * Valid range: a value outside [min, max] of its tag is kept and marked
 * UncertainEngineeringUnitsExceeded (IEC 62541-8: the value is outside the range that was defined
 * for it). It is not bad: the sensor may be right and the range too narrow, and a foreman wants to
 * see the peak. The limits themselves are inside. NaN is neither above nor below.
 */
#include <math.h>

#include "refine/stage.h"

bool range_prepare(const struct stage_setup *setup) {
    return !isnan(setup->tag->min) || !isnan(setup->tag->max);
}

unsigned stage_range(const struct stage_row *in) {
    if (in->row->type == TYPE_TEXT) {
        return EFFECT_NONE;
    }
    double value = sample_number(in->row);
    if (value < in->tag->min || value > in->tag->max) {
        return stage_mark(in->row, (uint32_t)STATUS_UNCERTAIN_ENGINEERING_UNITS_EXCEEDED);
    }
    return EFFECT_NONE;
}
