/*
 * Derived tags: what an expression needs, when values are computed and with which time and quality,
 * chains and circles, windows against a naive sum, and that cutting the rows into other batches
 * changes nothing.
 */
#include "refine/derived.h"

#include <math.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/random.h"

enum { TAGS_MAX = 8 };

struct desk {
    struct catalogue *catalogue;
    struct derived *derived;
    struct batch *batch;
};

struct wish {
    const char *name;
    enum value_type type;
    const char *source; // NULL: an input.
};

static void desk_open(struct desk *desk, const struct wish *wishes, uint32_t count) {
    desk->catalogue = catalogue_new();
    desk->catalogue->tags = ARENA_ARRAY(&desk->catalogue->arena, struct tag, TAGS_MAX);
    desk->catalogue->tag_count = count;
    for (uint32_t i = 0; i < count; i++) {
        desk->catalogue->tags[i] = (struct tag){.number = i + 1,
            .type = wishes[i].type,
            .name = str_of(wishes[i].name),
            .source = str_of(wishes[i].source),
            .device = STR_NONE,
            .scale = 1,
            .min = (double)NAN,
            .max = 1e6,
            .dead_band = (double)NAN,
            .active = true};
    }
    catalogue_finish(desk->catalogue);
    desk->derived = derived_new(desk->catalogue, clock_system());
    desk->batch = batch_new(16, 64);
}

static void desk_close(struct desk *desk) {
    derived_free(desk->derived);
    batch_free(desk->batch);
    catalogue_unref(desk->catalogue);
}

static void put(struct desk *desk, uint32_t tag, int64_t time_ns, double value) {
    batch_reserve(desk->batch, 1, 0);
    struct sample *row = batch_add(desk->batch);
    row->tag = tag;
    row->type = TYPE_F64;
    row->time_ns = time_ns;
    row->value.f64 = value;
}

/* Runs what was put; the rows that were added stand at the end. */
static uint32_t go(struct desk *desk) {
    uint32_t added = derived_run(desk->derived, desk->batch);
    assert_int_equal(desk->batch->made, added);
    return added;
}

static const struct sample *last(const struct desk *desk) {
    return &desk->batch->rows[desk->batch->count - 1];
}

static void needs_are_read_from_the_source(void **state) {
    (void)state;
    struct derived_need needs[DERIVED_NEEDS_MAX];
    struct err err = ERR_INIT;
    int count = derived_needs(
        STR("= -- tag('no')\n --[[ tag('no') ]] tag(\"a.b\") + avg('c', 60) + avg('c', 20, 'rows')"
            " + math.max(1, 2) + #'tag(\"no\")' + delta ( 'a.b' ) + [[tag('no')]]"),
        needs, &err);
    assert_int_equal(count, 2);
    assert_true(str_eq(needs[0].name, STR("a.b")) && needs[0].rows == 2 && needs[0].span_ns == 0);
    assert_true(str_eq(needs[1].name, STR("c")) && needs[1].rows == 20);
    assert_true(needs[1].span_ns == 60 * NS_PER_S);
    static const char *const BAD[] = {"= 1 + 2", "= tag('a b')", "= avg('a')", "= avg('a', n)",
        "= avg('a', 0)", "= avg('a', 1e9)", "= avg('a', 10, 'lines')", "= avg('a', 1.5, 'rows')",
        "= tag(name)", "="};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (derived_needs(str_of(BAD[i]), needs, &err) >= 0) {
            fail_msg("%s", BAD[i]);
        }
    }
}

/* */
static void a_value_is_computed_at_each_moment_of_an_input(void **state) {
    (void)state;
    static const struct wish WISHES[] = {{"c", TYPE_F64, NULL}, {"x", TYPE_F64, NULL},
        {"f", TYPE_F64, "= tag('c') * 1.8 + 32"}, {"g", TYPE_F64, "= tag('f') + tag('x', 0)"}};
    struct desk desk;
    desk_open(&desk, WISHES, 4);
    put(&desk, 1, 1000, 100);
    assert_int_equal(go(&desk), 2); // f, and g of it.
    assert_true(last(&desk)->tag == 4 && last(&desk)->time_ns == 1000);
    assert_true(last(&desk)->value.f64 == 212);
    batch_clear(desk.batch);
    put(&desk, 2, 2000, 0.5); // Only g.
    assert_int_equal(go(&desk), 1);
    assert_true(last(&desk)->tag == 4 && last(&desk)->value.f64 == 212.5);
    batch_clear(desk.batch);
    put(&desk, 1, 3000, 0);
    put(&desk, 2, 3000, 1); // One moment: each once.
    assert_int_equal(go(&desk), 2);
    assert_true(last(&desk)->value.f64 == 33 && last(&desk)->time_ns == 3000);
    batch_clear(desk.batch);
    put(&desk, 1, 2500, 7); // Older than what is known: brings nothing about.
    assert_int_equal(go(&desk), 0);
    batch_clear(desk.batch);
    put(&desk, 1, 4000, 1);
    desk.batch->rows[0].flags = SAMPLE_DROP; // Omitted.
    assert_int_equal(go(&desk), 0);
    desk_close(&desk);
}

static void quality_goes_with_the_inputs_unless_it_is_handled(void **state) {
    (void)state;
    static const struct wish WISHES[] = {{"a", TYPE_F64, NULL}, {"d", TYPE_F64, "= tag('a') * 2"},
        {"h", TYPE_F64, "= good('a') and tag('a') or -1"},
        {"n", TYPE_F64, "= if tag('a', 0) > 0 then return 1 end return nil"},
        {"t", TYPE_I64, "= tag('a', 0) + 0.5"}, {"e", TYPE_F64, "= tag('a', 0) .. 'x'"},
        {"b", TYPE_F64, "= tag('a', 0) * 1e9"}};
    struct desk desk;
    desk_open(&desk, WISHES, 7);
    put(&desk, 1, 1000, 5);
    desk.batch->rows[0].status = (uint32_t)STATUS_UNCERTAIN;
    assert_int_equal(go(&desk), 6);
    const struct sample *rows = desk.batch->rows;
    assert_true(rows[1].status == (uint32_t)STATUS_UNCERTAIN && rows[1].value.f64 == 10);
    assert_true(rows[3].value.f64 == 1);
    assert_int_equal(rows[4].status, (uint32_t)STATUS_BAD_CONFIGURATION); // 5.5 is no whole number.
    assert_int_equal(rows[5].status, (uint32_t)STATUS_BAD_CONFIGURATION); // A text.
    assert_int_equal(rows[6].status, (uint32_t)STATUS_UNCERTAIN_ENGINEERING_UNITS_EXCEEDED);
    batch_clear(desk.batch);
    put(&desk, 1, 2000, 0);
    desk.batch->rows[0].status = (uint32_t)STATUS_BAD_TIMEOUT;
    assert_int_equal(go(&desk), 5); // n says nothing.
    rows = desk.batch->rows;
    assert_true(rows[1].status == (uint32_t)STATUS_BAD_NO_DATA && isnan(rows[1].value.f64));
    assert_true(rows[2].status == 0 && rows[2].value.f64 == -1);
    desk_close(&desk);
}

static void windows_agree_with_a_naive_sum(void **state) {
    (void)state;
    static const struct wish WISHES[] = {{"a", TYPE_F64, NULL}, {"s", TYPE_F64, "= sum('a', 10)"},
        {"m", TYPE_F64, "= max('a', 7, 'rows')"}, {"v", TYPE_F64, "= avg('a', 3, 'rows')"}};
    struct desk desk;
    desk_open(&desk, WISHES, 4);
    struct random random;
    random_seed(&random, 11);
    double values[600];
    int64_t times[600];
    int64_t now = 0;
    for (int i = 0; i < 600; i++) {
        now += 1 + (int64_t)random_below(&random, 2 * NS_PER_S);
        times[i] = now;
        values[i] = (double)random_below(&random, 1000);
        batch_clear(desk.batch);
        put(&desk, 1, now, values[i]);
        assert_int_equal(go(&desk), 3);
        double sum = 0;
        double most = -1;
        double three = 0;
        for (int k = i; k >= 0; k--) {
            sum += times[k] > now - 10 * NS_PER_S ? values[k] : 0;
            most = k > i - 7 && values[k] > most ? values[k] : most;
            three += k > i - 3 ? values[k] : 0;
        }
        const struct sample *rows = desk.batch->rows;
        assert_true(rows[1].value.f64 == sum); // Whole numbers: exact in any order.
        assert_true(rows[2].value.f64 == most);
        assert_true(rows[3].value.f64 == three / (i < 2 ? i + 1 : 3));
    }
    desk_close(&desk);
}

static void cutting_rows_into_other_batches_changes_nothing(void **state) {
    (void)state;
    static const struct wish WISHES[] = {{"a", TYPE_F64, NULL}, {"b", TYPE_F64, NULL},
        {"x", TYPE_F64, "= tag('a') - tag('b') + delta('a') + age('b') + time() % 10"},
        {"y", TYPE_F64, "= avg('x', 5) + previous('x')"}};
    double results[3][400];
    uint32_t counts[3] = {0};
    for (uint32_t cut = 0; cut < 3; cut++) {
        struct desk desk;
        struct random random;
        random_seed(&random, 3);
        desk_open(&desk, WISHES, 4);
        int64_t now = 1000;
        for (int i = 0; i < 150; i++) {
            now += (int64_t)random_below(&random, NS_PER_S) + 1;
            put(&desk, 1 + (uint32_t)random_below(&random, 2), now,
                (double)random_below(&random, 9));
            bool ends = cut == 0 || (cut == 1 && i % 7 == 6) || i == 149;
            if (!ends) {
                continue;
            }
            uint32_t own = desk.batch->count;
            uint32_t added = go(&desk);
            for (uint32_t k = 0; k < added; k++) {
                const struct sample *row = &desk.batch->rows[own + k];
                results[cut][counts[cut]++] =
                    status_quality(row->status) == QUALITY_BAD ? -1 : row->value.f64 + row->tag;
            }
            batch_clear(desk.batch);
        }
        desk_close(&desk);
    }
    assert_true(counts[0] > 250);
    for (int cut = 1; cut < 3; cut++) {
        assert_int_equal(counts[cut], counts[0]);
        assert_memory_equal(results[cut], results[0], counts[0] * sizeof(double));
    }
}

static int source_of(void *context, struct str name, struct str *ret_source, struct err *err) {
    (void)err;
    const struct wish *wishes = context;
    for (int i = 0; wishes[i].name != NULL; i++) {
        if (str_eq(name, str_of(wishes[i].name))) {
            *ret_source = str_of(wishes[i].source);
            return 1;
        }
    }
    return 0;
}

static void circles_and_missing_inputs_are_refused(void **state) {
    (void)state;
    static struct wish standing[] = {{"a", TYPE_F64, ""}, {"b", TYPE_F64, "= tag('c') + 1"},
        {"c", TYPE_F64, "= tag('d')"}, {"d", TYPE_F64, "= tag('a')"}, {NULL, TYPE_F64, NULL}};
    const struct derived_lookup lookup = {.context = standing, .source_of = source_of};
    static const struct {
        const char *source;
        int result;
    } CASES[] = {{"= tag('a')", 0}, {"= tag('b') + tag('a')", -ERR_INVALID},
        {"= tag('d')", -ERR_INVALID}, {"= tag('nothing')", -ERR_NOT_FOUND},
        {"= tag('a') +", -ERR_INVALID}, {"= 1", -ERR_INVALID}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct tag tag = {.name = STR("d"), .source = str_of(CASES[i].source), .device = STR_NONE};
        struct err err = ERR_INIT;
        assert_true(derived_is(&tag));
        assert_int_equal(derived_check(&tag, &lookup, &err), CASES[i].result);
        assert_int_equal(err.note_count > 0, CASES[i].result != 0);
    }
}

static void a_circle_that_stands_all_the_same_is_left_out(void **state) {
    (void)state;
    static const struct wish WISHES[] = {{"a", TYPE_F64, NULL},
        {"p", TYPE_F64, "= tag('q') + tag('a')"}, {"q", TYPE_F64, "= tag('p')"},
        {"r", TYPE_F64, "= tag('a')"}};
    struct desk desk;
    desk_open(&desk, WISHES, 4);
    put(&desk, 1, 1000, 1);
    assert_int_equal(go(&desk), 1);
    assert_int_equal(last(&desk)->tag, 4);
    desk_close(&desk);
}

/* Each look at this clock takes a millisecond. */
static int64_t slow_mono_ns(const struct clock *clock) {
    union {
        const struct clock *clock;
        struct clock_fake *fake;
    } own = {.clock = clock};
    return atomic_fetch_add(&own.fake->mono_ns, NS_PER_MS);
}

static void a_slow_expression_rests_and_others_go_on(void **state) {
    (void)state;
    static const struct wish WISHES[] = {{"a", TYPE_F64, NULL},
        {"slow", TYPE_F64, "= local x = tag('a') while true do end return x"},
        {"b", TYPE_F64, NULL}, {"quick", TYPE_F64, "= tag('b') + 1"}};
    struct desk desk;
    struct clock_fake fake;
    clock_fake_init(&fake, 0);
    fake.clock.mono_ns = slow_mono_ns;
    desk_open(&desk, WISHES, 4);
    derived_free(desk.derived);
    desk.derived = derived_new(desk.catalogue, &fake.clock);
    uint32_t rows = 0;
    for (int i = 0; i < 400; i++) {
        put(&desk, 1, 1000 + i, 1);
        rows += go(&desk);
        assert_true(status_quality(last(&desk)->status) == QUALITY_BAD);
        batch_clear(desk.batch);
    }
    assert_int_equal(rows, 400); // Each says that it failed.
    /* Without rest it would be 400 runs of 50 ms. */
    assert_true(atomic_load(&fake.mono_ns) < 3603 * NS_PER_S); // It begins at an hour.
    fake.clock = *clock_system();
    for (int i = 0; i < 10; i++) {
        put(&desk, 3, 2000 + i, i);
        assert_int_equal(go(&desk), 1);
        assert_true(last(&desk)->value.f64 == i + 1);
        batch_clear(desk.batch);
    }
    desk_close(&desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_are_read_from_the_source),
        cmocka_unit_test(a_value_is_computed_at_each_moment_of_an_input),
        cmocka_unit_test(quality_goes_with_the_inputs_unless_it_is_handled),
        cmocka_unit_test(windows_agree_with_a_naive_sum),
        cmocka_unit_test(cutting_rows_into_other_batches_changes_nothing),
        cmocka_unit_test(circles_and_missing_inputs_are_refused),
        cmocka_unit_test(a_slow_expression_rests_and_others_go_on),
        cmocka_unit_test(a_circle_that_stands_all_the_same_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
