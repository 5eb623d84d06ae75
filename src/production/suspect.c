/*
 * Slips of the pen.
 *
 * A question that comes too often is answered without reading it, so each rule asks only where the
 * explanation is better than "it is so": a factor is named when the value divided by it is usual,
 * exchanged digits when the other way round was typed before or is expected.
 */
#include "production/suspect.h"

#include <math.h>
#include <stdlib.h>

#include "production/amount.h"

#define SIGMA_OF_MAD  1.4826
#define NEAR_SIGMAS   3.0
#define FAR_SIGMAS    6.0
#define AMOUNT_NEAR   0.5 // Of logarithms: a factor of 1.65.
#define AMOUNT_FAR    1.1 // A factor of 3.
#define EXPECTED_NEAR 0.02
#define ONE_SIDED     10.0 // So many times a single limit away from it is far.

static const struct {
    const char *name;
    double value;
} FACTORS[] = {{"10", 10}, {"100", 100}, {"1000", 1000}, {"2.2046", 2.20462262185}, {"25.4", 25.4}};
enum { FACTOR_COUNT = sizeof FACTORS / sizeof FACTORS[0], QUANTITY_FACTORS = 4 };

/* ---- The middle ---- */

static int by_size(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median_of(double *values, uint32_t count) {
    qsort(values, count, sizeof values[0], by_size);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct middle {
    double median;
    double sigma;
};

static struct middle middle_of(const double *values, uint32_t count) {
    double work[SUSPECT_PAST_MAX];
    for (uint32_t i = 0; i < count; i++) {
        work[i] = values[i];
    }
    struct middle middle = {.median = median_of(work, count)};
    for (uint32_t i = 0; i < count; i++) {
        work[i] = fabs(values[i] - middle.median);
    }
    middle.sigma = SIGMA_OF_MAD * median_of(work, count);
    return middle;
}

/* ---- Digits ---- */

/* The decimal text with the digits at `at` and behind it exchanged. False: there are none. */
static bool exchange(int64_t value_u, size_t at, int64_t *ret_u) {
    char text[AMOUNT_TEXT_MAX];
    size_t size = amount_text(value_u, text);
    size_t next = at + 1 < size && text[at + 1] == '.' ? at + 2 : at + 1;
    if (next >= size || text[at] < '0' || text[at] > '9' || text[at] == text[next]) {
        return false;
    }
    char kept = text[at];
    text[at] = text[next];
    text[next] = kept;
    if (at == 0 && text[0] == '0' && next == 1) {
        return false; // 1000 for 0100 is a zero too many, not an exchange.
    }
    return amount_parse((struct str){text, size}, ret_u);
}

/* ---- Against one number ---- */

static bool is_near(int64_t value_u, int64_t expected_u) {
    return fabs((double)value_u / (double)expected_u - 1) <= EXPECTED_NEAR;
}

static bool find_factor(int64_t value_u, int factors, struct suspect *suspect,
    bool (*fits)(const void *context, int64_t u), const void *context) {
    for (int i = 0; i < 2 * factors; i++) {
        double factor = FACTORS[i / 2].value;
        double other = i % 2 == 0 ? (double)value_u / factor : (double)value_u * factor;
        if (fabs(other) < 9e18 && fits(context, llround(other))) {
            suspect->kind = SUSPECT_UNIT;
            suspect->factor = FACTORS[i / 2].name;
            suspect->likely_u = llround(other);
            return true;
        }
    }
    return false;
}

static bool find_exchange(int64_t value_u, struct suspect *suspect,
    bool (*fits)(const void *context, int64_t u), const void *context) {
    for (size_t at = 0; at < AMOUNT_TEXT_MAX; at++) {
        int64_t other_u = 0;
        if (exchange(value_u, at, &other_u) && fits(context, other_u)) {
            suspect->kind = SUSPECT_SWAPPED;
            suspect->likely_u = other_u;
            return true;
        }
    }
    return false;
}

static bool near_expected(const void *context, int64_t u) {
    return is_near(u, *(const int64_t *)context);
}

static bool is_expected(const void *context, int64_t u) {
    return u == *(const int64_t *)context;
}

struct suspect suspect_expected(int64_t value_u, int64_t expected_u) {
    struct suspect suspect = {.usual_u = expected_u};
    if (value_u <= 0 || expected_u <= 0 || is_near(value_u, expected_u)) {
        return suspect;
    }
    if (find_exchange(value_u, &suspect, is_expected, &expected_u) ||
        find_factor(value_u, QUANTITY_FACTORS, &suspect, near_expected, &expected_u)) {
        return suspect;
    }
    double apart = fabs(log((double)value_u / (double)expected_u));
    bool matters = llabs(value_u - expected_u) >= 10LL * AMOUNT_UNIT;
    suspect.kind = matters && apart > AMOUNT_FAR ? SUSPECT_OUTLIER : SUSPECT_NONE;
    return suspect;
}

/* ---- Quantities against the past ---- */

struct usual {
    const struct suspect_past *past;
    struct middle middle;
    double near;
};

static bool is_usual(const void *context, int64_t u) {
    const struct usual *usual = context;
    return u > 0 && fabs(log((double)u) - usual->middle.median) <= usual->near;
}

/* Typed before, and more than once. */
static bool is_known(const void *context, int64_t u) {
    const struct usual *usual = context;
    uint32_t times = 0;
    for (uint32_t i = 0; i < usual->past->count; i++) {
        times += usual->past->all_u[i] == u;
    }
    return times >= 3;
}

struct suspect suspect_amount(int64_t value_u, const struct suspect_past *past) {
    struct suspect suspect = {.kind = SUSPECT_NONE};
    double logs[SUSPECT_PAST_MAX];
    uint32_t count = 0;
    bool seen = false;
    for (uint32_t i = 0; i < past->count && i < SUSPECT_PAST_MAX; i++) {
        seen = seen || past->all_u[i] == value_u;
        if (past->all_u[i] > 0) {
            logs[count++] = log((double)past->all_u[i]);
        }
    }
    if (value_u <= 0 || seen || count < SUSPECT_PAST_MIN) {
        return suspect;
    }
    struct usual usual = {.past = past, .middle = middle_of(logs, count)};
    usual.near = fmax(NEAR_SIGMAS * usual.middle.sigma, AMOUNT_NEAR);
    double apart = fabs(log((double)value_u) - usual.middle.median);
    suspect.usual_u = llround(exp(usual.middle.median));
    if (find_exchange(value_u, &suspect, is_known, &usual)) {
        return suspect;
    }
    if (apart <= fmax(FAR_SIGMAS * usual.middle.sigma, AMOUNT_FAR)) {
        return suspect;
    }
    if (!find_factor(value_u, QUANTITY_FACTORS, &suspect, is_usual, &usual)) {
        suspect.kind = SUSPECT_OUTLIER;
    }
    return suspect;
}

/* ---- Measured values ---- */

static bool is_inside(const void *context, int64_t u) {
    const struct suspect_band *band = context;
    return (!band->has_lower || u >= band->lower_u) && (!band->has_upper || u <= band->upper_u);
}

/* What is usual: the past, else the middle of the limits, else the limit. False: nobody knows. */
static bool find_usual(
    const struct suspect_band *band, const struct suspect_past *past, struct middle *ret_middle) {
    double values[SUSPECT_PAST_MAX];
    uint32_t count = past->count < SUSPECT_PAST_MAX ? past->count : SUSPECT_PAST_MAX;
    for (uint32_t i = 0; i < count; i++) {
        values[i] = (double)past->all_u[i];
    }
    if (count >= SUSPECT_PAST_MIN) {
        *ret_middle = middle_of(values, count);
        return true;
    }
    if (band->has_lower && band->has_upper) {
        *ret_middle =
            (struct middle){.median = (double)band->lower_u / 2 + (double)band->upper_u / 2};
        return true;
    }
    double limit = band->has_lower ? (double)band->lower_u : (double)band->upper_u;
    *ret_middle = (struct middle){.median = limit, .sigma = fabs(limit) * ONE_SIDED / FAR_SIGMAS};
    return (band->has_lower || band->has_upper) && limit != 0;
}

struct suspect suspect_measure(
    int64_t value_u, const struct suspect_band *band, const struct suspect_past *past) {
    struct suspect suspect = {.kind = SUSPECT_NONE};
    struct middle middle;
    bool both = band->has_lower && band->has_upper;
    if ((band->has_lower || band->has_upper) && is_inside(band, value_u)) {
        return suspect;
    }
    if (!find_usual(band, past, &middle)) {
        return suspect;
    }
    suspect.usual_u = llround(middle.median);
    if (both && (find_factor(value_u, FACTOR_COUNT, &suspect, is_inside, band) ||
                    find_exchange(value_u, &suspect, is_inside, band))) {
        return suspect;
    }
    double width = fabs(middle.median) * EXPECTED_NEAR;
    if (both) {
        width = (double)band->upper_u - (double)band->lower_u;
    } else if (band->has_lower || band->has_upper) { // As far on the other side of the limit.
        double limit = band->has_lower ? (double)band->lower_u : (double)band->upper_u;
        width = fmax(width, fabs(limit - middle.median));
    }
    double far = fmax(FAR_SIGMAS * middle.sigma, 5 * width);
    suspect.kind = fabs((double)value_u - middle.median) > far ? SUSPECT_OUTLIER : SUSPECT_NONE;
    return suspect;
}
