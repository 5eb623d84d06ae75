/*
 * Formulas from outside: whatever bytes come, reading ends, and what was read can be computed: the
 * stack of numbers neither runs dry nor over.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"
#include "plant/formula.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct formula formula;
    static double values[FORMULA_INPUTS_MAX][FORMULA_OF_COUNT];
    if (formula_parse((struct str){(const char *)data, size}, &formula, NULL) < 0) {
        return 0;
    }
    enum formula_fault fault = FORMULA_FINE;
    uint32_t input = 0;
    values[0][FORMULA_AVG] = size % 2 == 0 ? 3 : (double)NAN;
    double result =
        formula_result(&formula, (const double(*)[FORMULA_OF_COUNT])values, 744, &fault, &input);
    CHECK(isnan(result) == (fault != FORMULA_FINE));
    CHECK(input < FORMULA_INPUTS_MAX);
    return 0;
}
