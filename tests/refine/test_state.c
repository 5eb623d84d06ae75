/*
 * States and cycles.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/refine/support_refine.h"

static void begin(struct bench *bench) {
    bench_init(bench);
    bench->catalogue->tags[3].type = TYPE_TEXT; // t4
    bench->tag->refine = STR("state=run:>5,stop:<=4 state_tag=t4 cycle_tag=t3");
}

/* The state told, or nothing; *ret_cycle is the cycle told, or NaN. */
static struct str told(struct bench *bench, int64_t seconds, double value, double *ret_cycle) {
    (void)bench_run_f64(bench, seconds * NS_PER_S, value);
    struct str name = STR_NONE;
    *ret_cycle = (double)NAN;
    const struct batch *batch = bench->batch;
    for (uint32_t i = 1; i < batch->count; i++) {
        assert_int_equal(batch->rows[i].time_ns, seconds * NS_PER_S);
        if (batch->rows[i].tag == 4) {
            name = batch_text(batch, &batch->rows[i]);
        } else {
            assert_int_equal(batch->rows[i].tag, 3);
            *ret_cycle = batch->rows[i].value.f64;
        }
    }
    return name;
}

static void states_are_told_when_they_change_and_edges_make_cycles(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *name;
        double cycle;
    } STEPS[] = {
        {4.5, "", (double)NAN},    // Between: not known yet.
        {3, "stop", (double)NAN},  //
        {4.9, "", (double)NAN},    // Between: it stays.
        {5.1, "run", (double)NAN}, // At 3 s: the first beginning.
        {4.1, "", (double)NAN},    // Hysteresis.
        {4, "stop", (double)NAN},  //
        {6, "run", 3},             // At 6 s.
        {7, "", (double)NAN},      //
        {0, "stop", (double)NAN},  //
        {5.5, "run", 3},           // At 9 s.
    };
    struct bench bench;
    begin(&bench);
    for (int i = 0; i < 10; i++) {
        double cycle = 0;
        struct str name = told(&bench, i, STEPS[i].value, &cycle);
        assert_true(str_eq(name, str_of(STEPS[i].name)));
        assert_int_equal(isnan(cycle), isnan(STEPS[i].cycle));
        assert_true(isnan(cycle) || cycle == STEPS[i].cycle);
    }
    assert_int_equal(bench_counts(&bench, STAGE_STATE).made, 8);
    bench_fini(&bench);
}

static void a_cycle_that_was_not_seen_whole_is_not_told(void **state) {
    (void)state;
    struct bench bench;
    begin(&bench);
    double cycle = 0;
    (void)told(&bench, 0, 0, &cycle);
    (void)told(&bench, 1, 9, &cycle);
    (void)told(&bench, 2, 0, &cycle);
    (void)told(&bench, 3, (double)NAN, &cycle); // A broken sensor.
    assert_true(str_eq(told(&bench, 4, 9, &cycle), STR("run")));
    assert_true(isnan(cycle));
    (void)told(&bench, 5, 0, &cycle);
    (void)told(&bench, 6, 9, &cycle);
    assert_true(cycle == 2);
    bench_fini(&bench);
}

static void wrong_states_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum msg_id words;
    } CASES[] = {
        {"state=run:>5,stop:<=5 state_tag=b", MSG_NONE},
        {"state=run:>=-1e3 cycle_tag=b.c", MSG_NONE},
        {"state=run:>5", MSG_REFINE_STATE_TAGS},
        {"state_tag=b", MSG_REFINE_RULE_NEEDS},
        {"cycle_tag=b", MSG_REFINE_RULE_NEEDS},
        {"state=run:5 state_tag=b", MSG_REFINE_STATE_ENTRY},
        {"state=:>55 state_tag=b", MSG_REFINE_STATE_ENTRY},
        {"state=run:>x state_tag=b", MSG_REFINE_STATE_ENTRY},
        {"state=run:>5,run:<3 state_tag=b", MSG_REFINE_STATE_TWICE},
        {"state=run:>5, state_tag=b", MSG_REFINE_STATE_ENTRY},
        {"state=a:>1,b:>1,c:>1,d:>1,e:>1,f:>1,g:>1,h:>1,i:>1 state_tag=b", MSG_REFINE_STATE_MANY},
        {"state=run:>5 state_tag=b cycle_tag=b", MSG_REFINE_COMPANION_TWICE},
        {"state=run:>5 state_tag=a", MSG_REFINE_COMPANION_TWICE},
        {"state=run:>5 state_tag=b..c", MSG_MODEL_TAG_NAME_PART},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct tag tag = {.name = STR("a"), .type = TYPE_F64, .refine = str_of(CASES[i].line)};
        struct err err = ERR_INIT;
        assert_int_equal(refine_check(&tag, &err), CASES[i].words ? -ERR_INVALID : 0);
        assert_int_equal(err.notes[0].msg, CASES[i].words);
    }
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(states_are_told_when_they_change_and_edges_make_cycles),
        cmocka_unit_test(a_cycle_that_was_not_seen_whole_is_not_told),
        cmocka_unit_test(wrong_states_are_refused),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
