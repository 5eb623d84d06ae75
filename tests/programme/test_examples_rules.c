/* The worked examples of eligibility, scores and ranking, asked of the programmes that ship. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support_examples.h"

#define EXAMPLES TEST_DATA "/programme_examples_rules.json"

/* R-059 R-072 R-096 R-105 R-116 R-119 R-120 R-121 R-122 R-123 R-129 R-130 R-131 R-132 R-133 R-134
 * R-135 R-136 R-137 R-138 R-143 R-255 */
static void who_may_apply_is_answered_as_announced(void **state) {
    (void)state;
    assert_true(run_examples(EXAMPLES, "eligible") >= 54);
}

/* R-178 R-179 R-180 R-181 R-182 R-183 R-184 R-186 R-187 R-189 R-190 R-191 */
static void sheets_and_bonus_score_as_printed(void **state) {
    (void)state;
    assert_true(run_examples(EXAMPLES, "score") >= 17);
}

/* R-192 R-193 R-194 R-195 R-196 R-197 R-198 R-200 */
static void applications_are_ordered_as_announced(void **state) {
    (void)state;
    assert_true(run_examples(EXAMPLES, "rank") >= 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_apply_is_answered_as_announced),
        cmocka_unit_test(sheets_and_bonus_score_as_printed),
        cmocka_unit_test(applications_are_ordered_as_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
