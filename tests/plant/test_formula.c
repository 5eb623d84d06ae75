/*
 * Formulas of indicators: what they give for known figures, what they refuse and where.
 */
#include "plant/formula.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static double result(const char *text, double (*values)[FORMULA_OF_COUNT],
    enum formula_fault *ret_fault, uint32_t *ret_input) {
    static struct formula formula;
    struct err err = ERR_INIT;
    if (formula_parse(str_of(text), &formula, &err) < 0) {
        fail_msg("refused: %s", text);
    }
    return formula_result(
        &formula, (const double(*)[FORMULA_OF_COUNT])values, 720, ret_fault, ret_input);
}

static void arithmetic_binds_as_on_paper(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double result;
    } CASES[] = {{"1 + 2 * 3", 7}, {"(1 + 2) * 3", 9}, {"2 - 3 - 4", -5}, {"12 / 3 / 2", 2},
        {"-2 * -3", 6}, {"-(1 + 2)", -3}, {"1 - -1", 2}, {"hours() / 24", 30}, {".5 + 1.25", 1.75},
        {"2 * (3 + (4 - 1)) / 4", 3}, {"  7  ", 7}};
    enum formula_fault fault = FORMULA_FINE;
    uint32_t input = 0;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        double is = result(CASES[i].text, NULL, &fault, &input);
        if (fault != FORMULA_FINE || fabs(is - CASES[i].result) > 1e-12) {
            fail_msg("%s gives %g", CASES[i].text, is);
        }
    }
}

static void a_good_rate_comes_from_two_counters(void **state) {
    (void)state;
    double values[2][FORMULA_OF_COUNT];
    values[0][FORMULA_INCREASE] = 970;
    values[1][FORMULA_INCREASE] = 1000;
    enum formula_fault fault = FORMULA_FINE;
    uint32_t input = 0;
    const char *text = "100 * increase(\"p.good\") / increase('p.total')";
    assert_true(fabs(result(text, values, &fault, &input) - 97) < 1e-12);
    values[1][FORMULA_INCREASE] = 0;
    assert_true(isnan(result(text, values, &fault, &input)));
    assert_int_equal(fault, FORMULA_BY_ZERO);
    values[1][FORMULA_INCREASE] = (double)NAN;
    assert_true(isnan(result(text, values, &fault, &input)));
    assert_int_equal(fault, FORMULA_NO_VALUE);
    assert_int_equal(input, 1);
}

static void what_cannot_be_read_is_refused(void **state) {
    (void)state;
    static const char *const TEXTS[] = {"", "1 +", "(1", "1)", "1 2", "increase(a)",
        "increase(\"\")", "increase(\"a)", "rise(\"a\")", "hours(\"a\")", "1..2", "* 2", "()",
        "1 + )", "sum(\"a\"", "1 / / 2", "%"};
    struct formula formula;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct err err = ERR_INIT;
        if (formula_parse(str_of(TEXTS[i]), &formula, &err) != -ERR_INVALID) {
            fail_msg("taken: %s", TEXTS[i]);
        }
    }
}

static void long_formulas_are_refused_and_deep_ones_need_no_stack(void **state) {
    (void)state;
    char text[4096] = "";
    struct formula formula;
    struct err err = ERR_INIT;
    for (int i = 0; i < 17; i++) {
        (void)snprintf(
            text + strlen(text), sizeof text - strlen(text), "%ssum(\"t%d\")", i > 0 ? "+" : "", i);
    }
    assert_int_equal(formula_parse(str_of(text), &formula, &err), -ERR_LIMIT);
    memset(text, '(', 150);
    text[150] = '1';
    memset(text + 151, ')', 150);
    text[301] = '\0';
    assert_int_equal(formula_parse(str_of(text), &formula, &err), 0);
    memset(text, '(', 1000);
    assert_int_equal(formula_parse((struct str){text, 1000}, &formula, &err), -ERR_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_binds_as_on_paper),
        cmocka_unit_test(a_good_rate_comes_from_two_counters),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(long_formulas_are_refused_and_deep_ones_need_no_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
