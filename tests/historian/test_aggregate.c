/*
 * Names of aggregates: what is taken, what is refused, and which number a name stands for.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "historian/aggregate.h"

static void names_are_taken_in_order_and_once(void **state) {
    (void)state;
    struct aggregates got;
    struct err err = ERR_INIT;
    assert_int_equal(aggregates_parse(STR("max, p95,time_avg,max,p99.9,count"), &got, &err), 0);
    static const char *const NAMES[] = {"max", "p95", "time_avg", "covered_s", "p99.9", "count"};
    assert_int_equal(got.count, 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_string_equal(got.items[i].name, NAMES[i]);
    }
    assert_int_equal(got.what, HIST_PERCENTILES | HIST_TIME_AVG);
    assert_int_equal(got.percentile_count, 2);
    assert_true(got.percentiles[1] == 99.9);
    assert_int_equal(aggregates_parse(STR("avg,bad"), &got, &err), 0);
    assert_int_equal(got.what, 0);
    assert_int_equal(aggregates_parse(STR("p50,p50.0"), &got, &err), 0);
    assert_int_equal(got.percentile_count, 1); // Two columns, one number.
    assert_int_equal(got.count, 2);
}

static void what_is_no_aggregate_is_refused(void **state) {
    (void)state;
    static const char *const WRONG[] = {
        "", "median", "p", "p101", "p-1", "pnan", "avg,,max", "p0.00000000000001", "AVG", "p 5"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct aggregates got;
        struct err err = ERR_INIT;
        if (aggregates_parse(str_of(WRONG[i]), &got, &err) != -ERR_INVALID) {
            fail_msg("%s was taken", WRONG[i]);
        }
    }
    struct aggregates got;
    struct err err = ERR_INIT;
    char many[1024] = "p0";
    int size = 2;
    for (int i = 1; i <= HIST_PERCENTILES_MAX; i++) {
        size += snprintf(many + size, sizeof many - (size_t)size, ",p%d", i);
    }
    assert_int_equal(aggregates_parse(str_of(many), &got, &err), -ERR_LIMIT);
    size = snprintf(many, sizeof many, "p1");
    for (int i = 0; i < 40; i++) { // The same number, written in forty ways.
        size += snprintf(
            many + size, sizeof many - (size_t)size, ",p%0*d.%0*d", i / 8 + 1, 1, i % 8 + 1, 0);
    }
    assert_true(size < (int)sizeof many);
    assert_int_equal(aggregates_parse(str_of(many), &got, &err), -ERR_LIMIT);
    *strchr(many + 300, ',') = '\0'; // Fewer of them are taken: one number in many columns.
    assert_int_equal(aggregates_parse(str_of(many), &got, &err), 0);
    assert_int_equal(got.percentile_count, 1);
    assert_true(got.count > 20);
}

static void texts_are_counted_only(void **state) {
    (void)state;
    struct hist_bucket bucket = {.count = 2, .bad_count = 1, .min = 1, .max = 3, .sum = 4};
    struct hist_measured measured = aggregate_bucket(&bucket);
    struct aggregates got;
    struct err err = ERR_INIT;
    assert_int_equal(aggregates_parse(STR("avg,count,bad,sum,stddev"), &got, &err), 0);
    static const double WANT[] = {2, 2, 1, 4};
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(aggregate_value(&got.items[i], &measured, TYPE_F64) == WANT[i]);
    }
    assert_true(isnan(aggregate_value(&got.items[4], &measured, TYPE_F64)));
    assert_true(isnan(aggregate_value(&got.items[0], &measured, TYPE_TEXT)));
    assert_true(aggregate_value(&got.items[1], &measured, TYPE_TEXT) == 2);
}

static void a_bucket_of_bad_rows_is_told_where_they_are_asked_for(void **state) {
    (void)state;
    struct hist_bucket bad = {.bad_count = 3};
    struct hist_bucket none = {.bad_count = 0};
    struct aggregates got;
    struct err err = ERR_INIT;
    assert_int_equal(aggregates_parse(STR("avg,time_avg"), &got, &err), 0);
    assert_false(aggregates_tell(&got, &bad));
    assert_int_equal(aggregates_parse(STR("avg,bad"), &got, &err), 0);
    assert_true(aggregates_tell(&got, &bad));
    assert_false(aggregates_tell(&got, &none));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken_in_order_and_once),
        cmocka_unit_test(what_is_no_aggregate_is_refused),
        cmocka_unit_test(a_bucket_of_bad_rows_is_told_where_they_are_asked_for),
        cmocka_unit_test(texts_are_counted_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
