#ifndef PRODUCTION_SUSPECT_H
#define PRODUCTION_SUSPECT_H
/*
 * Whether a typed number may be a slip: a factor of ten, a hundred or a thousand, pounds for
 * kilograms, inches for millimetres, two neighbouring digits exchanged, or far from everything that
 * was typed before. Robust: by the median and the median of the absolute deviations from it (scaled
 * by 1.4826, as of a normal distribution), so that one wild value among the old ones changes
 * nothing (B. Iglewicz and D. C. Hoaglin, "How to Detect and Handle Outliers", ASQC 1993). Pure;
 * any thread.
 */
#include "core/buf.h"

enum {
    SUSPECT_PAST_MAX = 50, // The newest values are enough.
    SUSPECT_PAST_MIN = 5,  // Fewer say nothing.
};

enum suspect_kind { SUSPECT_NONE, SUSPECT_UNIT, SUSPECT_SWAPPED, SUSPECT_OUTLIER };

struct suspect {
    enum suspect_kind kind;
    int64_t usual_u;    // What was to be expected.
    int64_t likely_u;   // What was meant, perhaps; of UNIT and SWAPPED.
    const char *factor; // Of UNIT: "10", "2.2046", ...
};

struct suspect_past {
    int64_t all_u[SUSPECT_PAST_MAX]; // In any order.
    uint32_t count;
};
/* Quantities spread by factors rather than by sums: three times the usual is far, and only above
 * that is asked. */
struct suspect suspect_amount(int64_t value_u, const struct suspect_past *past);
/* Against one number that is known: a balance, an ordered quantity. */
struct suspect suspect_expected(int64_t value_u, int64_t expected_u);
/* A measured value. What is inside its limits is never asked; what is outside may be a slip of the
 * pen or a bad piece, and only the first is asked. */
struct suspect_band {
    bool has_lower;
    bool has_upper;
    int64_t lower_u;
    int64_t upper_u;
};
struct suspect suspect_measure(
    int64_t value_u, const struct suspect_band *band, const struct suspect_past *past);

#endif
