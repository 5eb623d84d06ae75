/*
 * Names of codes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/refine/support_refine.h"

static void run(struct bench *bench) {
    refine_reserve(bench->refine, bench->batch);
    refine_run(bench->refine, bench->batch);
}

static void a_text_tag_takes_the_name_of_a_number(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_TEXT;
    bench.tag->refine = STR("enum='0:정지,1:운전 중'");
    (void)bench_i64(&bench, 1, 1);
    (void)bench_f64(&bench, 2, 0);
    (void)bench_i64(&bench, 3, 7);
    (void)bench_f64(&bench, 4, 0.5);
    (void)bench_text(&bench, 5, "시험");
    run(&bench);
    static const char *const EXPECTED[] = {"운전 중", "정지", "7", "0.5", "시험"};
    for (uint32_t i = 0; i < 5; i++) {
        const struct sample *row = &bench.batch->rows[i];
        assert_true(str_eq(batch_text(bench.batch, row), str_of(EXPECTED[i])));
        assert_int_equal(row->status, i == 2 || i == 3 ? (uint32_t)STATUS_UNCERTAIN : 0);
    }
    assert_int_equal(bench_counts(&bench, STAGE_ENUM).changed, 4);
    assert_int_equal(bench_counts(&bench, STAGE_ENUM).marked, 2);
    bench_fini(&bench);
}

static void a_number_tag_takes_the_code_of_a_name(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_I64;
    bench.tag->refine = STR("enum=0:stop,-1:fault");
    (void)bench_text(&bench, 1, " FAULT ");
    (void)bench_text(&bench, 2, "unheard of");
    (void)bench_i64(&bench, 3, 0);
    (void)bench_i64(&bench, 4, 9);
    run(&bench);
    const struct sample *rows = bench.batch->rows;
    assert_true(rows[0].type == TYPE_I64 && rows[0].value.i64 == -1 && rows[0].status == 0);
    assert_int_equal(rows[1].status, (uint32_t)STATUS_BAD_TYPE_MISMATCH);
    assert_int_equal(rows[1].type, TYPE_I64);
    assert_int_equal(rows[2].status, 0);
    assert_int_equal(rows[3].status, (uint32_t)STATUS_UNCERTAIN);
    assert_int_equal(rows[3].value.i64, 9);
    bench_fini(&bench);
}

static void a_row_without_a_value_gets_no_name(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->type = TYPE_TEXT;
    bench.tag->refine = STR("enum=0:stop");
    bench_i64(&bench, 1, 0)->status = (uint32_t)STATUS_BAD_COMMUNICATION;
    run(&bench);
    assert_int_equal(bench.batch->rows[0].status, (uint32_t)STATUS_BAD_COMMUNICATION);
    assert_int_equal(bench.batch->rows[0].type, TYPE_TEXT);
    assert_false(str_eq(batch_text(bench.batch, &bench.batch->rows[0]), STR("stop")));
    bench_fini(&bench);
}

static void a_wrong_table_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum value_type type;
        enum msg_id words;
    } CASES[] = {
        {"enum=0:a,1:b", TYPE_TEXT, MSG_NONE},
        {"enum=0:a,1:b", TYPE_I64, MSG_NONE},
        {"enum=0:a,1:b", TYPE_F64, MSG_REFINE_RULE_TYPE},
        {"enum=0:a,0:b", TYPE_TEXT, MSG_REFINE_ENUM_TWICE},
        {"enum=0:a,1:A", TYPE_TEXT, MSG_REFINE_ENUM_TWICE},
        {"enum=0:a,", TYPE_TEXT, MSG_REFINE_ENUM_ENTRY},
        {"enum=x:a", TYPE_TEXT, MSG_REFINE_ENUM_ENTRY},
        {"enum=0:\"\"", TYPE_TEXT, MSG_NONE},
        {"enum='0: '", TYPE_TEXT, MSG_REFINE_ENUM_ENTRY},
        {"enum=0a,", TYPE_TEXT, MSG_REFINE_ENUM_ENTRY},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct tag tag = {.name = STR("a"), .type = CASES[i].type, .refine = str_of(CASES[i].line)};
        struct err err = ERR_INIT;
        assert_int_equal(refine_check(&tag, &err), CASES[i].words ? -ERR_INVALID : 0);
        assert_int_equal(err.notes[0].msg, CASES[i].words);
    }
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(a_text_tag_takes_the_name_of_a_number),
        cmocka_unit_test(a_number_tag_takes_the_code_of_a_name),
        cmocka_unit_test(a_row_without_a_value_gets_no_name),
        cmocka_unit_test(a_wrong_table_is_refused),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
