#ifndef PLANT_FORMULA_H
#define PLANT_FORMULA_H
/*
 * Formulas over what tags did in a stretch of time: numbers, + - * / ( ) and functions of a quoted
 * tag, such as 100 * increase("press1.good") / increase("press1.total").
 *
 *   increase  what a counter rose by (model/counter.h); changes to true of a bool
 *   sum avg min max count first last   of the good and uncertain values
 *   time_avg  mean over the time that is covered, each value weighing as long as it stood
 *   on_hours  hours for which a value (0 or 1) stood at 1: time_avg * covered hours
 *   hours()   hours of the stretch that have passed
 *
 * Read without recursion (operators wait on a stack), into steps for a stack of numbers. Pure; any
 * thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

enum { FORMULA_STEPS_MAX = 200, FORMULA_INPUTS_MAX = 16 };

enum formula_of {
    FORMULA_INCREASE,
    FORMULA_SUM,
    FORMULA_AVG,
    FORMULA_MIN,
    FORMULA_MAX,
    FORMULA_COUNT,
    FORMULA_FIRST,
    FORMULA_LAST,
    FORMULA_TIME_AVG,
    FORMULA_ON_HOURS,
    FORMULA_OF_COUNT,
};

struct formula_input {
    struct str tag; // Lives in the text.
    unsigned uses;  // 1 << enum formula_of, or-ed.
};

enum formula_step_kind {
    FORMULA_NUMBER,
    FORMULA_INPUT,
    FORMULA_HOURS,
    FORMULA_ADD,
    FORMULA_SUBTRACT,
    FORMULA_MULTIPLY,
    FORMULA_DIVIDE,
    FORMULA_NEGATE,
    FORMULA_OPEN, // While reading only.
};

struct formula_step {
    enum formula_step_kind kind;
    double number;
    uint32_t input;
    enum formula_of of;
};

struct formula {
    struct formula_step steps[FORMULA_STEPS_MAX];
    uint32_t step_count;
    struct formula_input inputs[FORMULA_INPUTS_MAX];
    uint32_t input_count;
};

const char *formula_of_name(enum formula_of of); // "increase"
/* ERR_INVALID with the place; ERR_LIMIT: too long, or too many tags. */
int formula_parse(struct str text, struct formula *ret_formula, struct err *err);

enum formula_fault { FORMULA_FINE, FORMULA_NO_VALUE, FORMULA_BY_ZERO, FORMULA_TOO_LARGE };
/* values[input][of]: NaN where there is none. NaN and *ret_fault when there is no result;
 * *ret_input is then the input without a value. */
double formula_result(const struct formula *formula, const double (*values)[FORMULA_OF_COUNT],
    double hours, enum formula_fault *ret_fault, uint32_t *ret_input);

#endif
