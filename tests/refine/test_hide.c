/*
 * Texts and names on their way through the stages: cleaned, cut to a pattern, de-identified before
 * they are stored whoever sent them, and never let through when something is missing.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "refine/deident.h"
#include "refine/stage.h"
#include "tests/refine/support_refine.h"

static void toy_hash(
    const uint8_t key[DEIDENT_KEY_BYTES], struct str value, uint8_t ret_hash[DEIDENT_HASH_BYTES]) {
    uint64_t sum = 1469598103934665603ULL + key[0];
    for (size_t i = 0; i < value.size; i++) {
        sum = (sum ^ (uint8_t)value.data[i]) * 1099511628211ULL;
    }
    for (int i = 0; i < DEIDENT_HASH_BYTES; i++) {
        ret_hash[i] = (uint8_t)(sum >> (8 * (i % 8)));
    }
}

static const struct deident_key KEY = {.bytes = {1}, .hash = toy_hash};

/* A bench whose tag 1 has this type and these rules. */
static void open_bench(
    struct bench *bench, enum value_type type, const char *rules, const struct deident_key *key) {
    bench_init(bench);
    bench->tag->type = type;
    bench->tag->refine = str_of(rules);
    if (key != NULL) {
        refine_set_key(bench->refine, key);
    }
    refine_use(bench->refine, bench->catalogue);
}

static struct str send_text(struct bench *bench, uint32_t source, const char *text) {
    bench_batch(bench, source);
    (void)bench_text(bench, 1000, text);
    refine_run(bench->refine, bench->batch);
    return batch_text(bench->batch, &bench->batch->rows[0]);
}

/* R-016 */
static void texts_are_cleaned_and_cut_to_the_pattern(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, TYPE_TEXT, "clean=trim,half,upper extract=A####", NULL);
    assert_true(str_eq(send_text(&bench, BENCH_DEVICE, "  lot ｂ１２３４ "), STR("B1234")));
    assert_int_equal(bench.batch->rows[0].status, 0);
    assert_true(str_eq(send_text(&bench, BENCH_DEVICE, " no code"), STR("NO CODE")));
    assert_int_equal(status_quality(bench.batch->rows[0].status), QUALITY_UNCERTAIN);
    assert_int_equal(bench_counts(&bench, STAGE_CLEAN).changed, 2);
    bench_fini(&bench);
}

/* R-060 */
static void names_are_hidden_before_they_are_stored_whoever_sends_them(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, TYPE_TEXT, "deident=pseudonym", &KEY);
    char first[64];
    (void)str_copy_z(send_text(&bench, BENCH_DEVICE, "김철수"), first, sizeof first);
    assert_true(strlen(first) == 28 && strncmp(first, "P-", 2) == 0);
    /* The bytes of the name are gone from the batch, which is what is stored. */
    for (uint32_t i = 0; i + 9 <= bench.batch->text_size; i++) {
        assert_memory_not_equal(bench.batch->text + i, "김철수", 9);
    }
    assert_true(str_eq(send_text(&bench, 0, "김철수"), str_of(first))); // An import.
    assert_true(str_eq(send_text(&bench, 0, first), str_of(first)));    // Not hidden twice.
    bench_fini(&bench);
    open_bench(&bench, TYPE_TEXT, "clean=trim deident=mask:1", NULL);
    assert_true(str_eq(send_text(&bench, BENCH_DEVICE, " 김철수 "), STR("김**")));
    bench_fini(&bench);
    open_bench(&bench, TYPE_F64, "deident=group:10", NULL);
    assert_true(bench_run_f64(&bench, 1000, 47.5).value.f64 == 40);
    bench_fini(&bench);
    open_bench(&bench, TYPE_F64, "deident=drop", NULL);
    assert_true((bench_run_f64(&bench, 1000, 47.5).flags & SAMPLE_DROP) != 0);
    bench_fini(&bench);
}

static void without_a_key_or_room_the_row_is_stored_empty_and_marked(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, TYPE_TEXT, "deident=pseudonym", NULL);
    assert_int_equal(send_text(&bench, BENCH_DEVICE, "name").size, 0);
    assert_int_equal(bench.batch->rows[0].status, (uint32_t)STATUS_BAD_CONFIGURATION);
    bench_fini(&bench);
    open_bench(&bench, TYPE_TEXT, "deident=pseudonym", &KEY);
    bench_batch(&bench, BENCH_DEVICE);
    (void)bench_text(&bench, 1000, "name");
    bench.batch->text_capacity = bench.batch->text_size; // No room for 28 bytes.
    refine_run(bench.refine, bench.batch);
    assert_int_equal(batch_text(bench.batch, &bench.batch->rows[0]).size, 0);
    assert_int_equal(bench.batch->rows[0].status, (uint32_t)STATUS_BAD_CONFIGURATION);
    bench_fini(&bench);
}

static void a_line_that_is_not_understood_but_speaks_of_hiding_lets_nothing_through(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, TYPE_TEXT, "deident=scramble:9", &KEY);
    assert_int_equal(send_text(&bench, BENCH_DEVICE, "name").size, 0);
    assert_int_equal(bench.batch->rows[0].status, (uint32_t)STATUS_BAD_CONFIGURATION);
    bench_fini(&bench);
}

static void rules_that_do_not_suit_the_tag_are_refused(void **state) {
    (void)state;
    static const struct {
        enum value_type type;
        const char *rules;
    } BAD[] = {{TYPE_F64, "clean=trim"}, {TYPE_TEXT, "clean=wash"}, {TYPE_I64, "extract=##"},
        {TYPE_TEXT, "extract=#\\"}, {TYPE_F64, "deident=pseudonym"}, {TYPE_TEXT, "deident=hash"},
        {TYPE_F64, "deident=group:10:5"}, {TYPE_TEXT, "deident=group:10"}};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct tag tag = {
            .name = STR("a"), .type = BAD[i].type, .scale = 1, .refine = str_of(BAD[i].rules)};
        struct err err = ERR_INIT;
        assert_int_equal(refine_check(&tag, &err), -ERR_INVALID);
        assert_true(err.note_count > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_cleaned_and_cut_to_the_pattern),
        cmocka_unit_test(names_are_hidden_before_they_are_stored_whoever_sends_them),
        cmocka_unit_test(without_a_key_or_room_the_row_is_stored_empty_and_marked),
        cmocka_unit_test(a_line_that_is_not_understood_but_speaks_of_hiding_lets_nothing_through),
        cmocka_unit_test(rules_that_do_not_suit_the_tag_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
