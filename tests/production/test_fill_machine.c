/*
 * The rules of one machine, sample by sample. States are drawn as a line, a letter a second: R run,
 * r run that was reckoned, S stop, U set-up, ? unknown, and '.' before anything was told.
 */
#include "production/fill_machine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"

#define S NS_PER_S

enum { LENGTH = 400 };

struct bench {
    struct fill_rules rules;
    struct fill_memory memory;
    int64_t cycle_ns;
    int64_t strokes;
    int64_t bad;
    char line[LENGTH + 1]; // From second 1 on: 0 is no time.
};

static void bench_init(struct bench *bench, bool has_state) {
    *bench = (struct bench){
        .rules = {.stop_after_ns = 10 * S, .silent_after_ns = 5 * S, .has_state = has_state}};
    fill_memory_init(&bench->memory);
    memset(bench->line, '.', LENGTH);
}

static char letter(const struct fill_effect *effect) {
    return effect->state == MACHINE_RUN && effect->reckoned ? 'r' : "?RSU"[effect->state];
}

/* Effects on the drawn line, second by second. */
static void draw(struct bench *bench, const struct fill_effects *effects) {
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct fill_effect *effect = &effects->list[i];
        int64_t from = effect->from_ns / S;
        int64_t to =
            effect->kind == FILL_FROM || effect->kind == FILL_TURN ? LENGTH : effect->to_ns / S;
        char first = from < LENGTH ? bench->line[from] : '.';
        for (int64_t at = from; at < to && at < LENGTH; at++) {
            if (effect->kind == FILL_CUT && bench->line[at] != first) {
                break;
            }
            if (effect->kind != FILL_TURN) {
                bench->line[at] = letter(effect);
            } else if (bench->line[at] == 'R' || bench->line[at] == 'r') {
                bench->line[at] = 'S';
            }
        }
    }
}

static void counter(struct bench *bench, int64_t second, double value) {
    struct fill_effects effects = {.count = 0};
    bench->strokes += fill_counter_sample(
        &bench->rules, &bench->memory, second * S, value, bench->cycle_ns, &effects);
    draw(bench, &effects);
}

static void told(struct bench *bench, int64_t second, enum machine_state state) {
    struct fill_effects effects = {.count = 0};
    fill_state_sample(&bench->rules, &bench->memory, second * S, state, &effects);
    draw(bench, &effects);
}

static void blind(struct bench *bench) {
    struct fill_effects effects = {.count = 0};
    fill_blind(&bench->rules, &bench->memory, &effects);
    draw(bench, &effects);
}

/* The line from second 1 up to a second. */
static void assert_line(struct bench *bench, int64_t to, const char *expected) {
    char line[LENGTH + 1];
    memcpy(line, bench->line, LENGTH);
    line[to] = '\0';
    assert_string_equal(line + 1, expected);
}

/* ---- Counting ---- */

static void counts_add_up_through_reset_and_roll_over(void **state) {
    (void)state;
    static const struct {
        double value;
        int64_t strokes; // In all.
    } STEPS[] = {{990, 0}, {995, 5}, {999, 9}, {3, 13}, {500, 510}, {7, 517}, {7, 517}, {9.9, 519},
        {10.1, 520}};
    struct bench bench;
    bench_init(&bench, false);
    bench.rules.counter_max = 999;
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        counter(&bench, (int64_t)i + 1, STEPS[i].value);
        assert_int_equal(bench.strokes, STEPS[i].strokes);
    }
}

static void what_is_late_or_no_count_adds_nothing(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, false);
    counter(&bench, 10, 5);
    counter(&bench, 20, 9);
    counter(&bench, 15, 7);
    counter(&bench, 20, 30);
    counter(&bench, 21, (double)NAN);
    counter(&bench, 22, -1);
    counter(&bench, 23, 1e300);
    assert_int_equal(bench.strokes, 4);
    counter(&bench, 24, 10);
    assert_int_equal(bench.strokes, 5);
}

static void rejects_count_by_the_same_rule(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, false);
    bench.rules.rejects_max = 65535;
    static const double VALUES[] = {65530, 65535, 2, 2, 0, 4};
    static const int64_t SUMS[] = {0, 5, 8, 8, 8, 12};
    for (int i = 0; i < 6; i++) {
        bench.bad += fill_rejects_sample(&bench.rules, &bench.memory, (i + 1) * S, VALUES[i]);
        assert_int_equal(bench.bad, SUMS[i]);
    }
    assert_int_equal(fill_rejects_sample(&bench.rules, &bench.memory, 3 * S, 100), 0);
}

/* ---- Time by the counter ---- */

static void strokes_make_run_and_their_absence_stop_back_to_the_last(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, false);
    bench.cycle_ns = 3 * S;
    double value = 100;
    for (int64_t second = 1; second <= 40; second++) {
        bool strikes = second == 4 || second == 7 || second == 10 || second == 30 || second == 33;
        value += strikes;
        counter(&bench, second, value);
        if (second == 19) { // 9 s since the last one: still taken for run.
            assert_line(&bench, 19, "RRRRRRRRRRRRRRRRRR");
        }
        if (second == 20) {
            assert_line(&bench, 20, "RRRRRRRRRSSSSSSSSSS");
        }
    }
    assert_int_equal(bench.strokes, 5);
    /* The stroke of second 30 took its cycle of 3 s. */
    assert_line(&bench, 40, "RRRRRRRRRSSSSSSSSSSSSSSSSSRRRRRRRRRRRRR");
    assert_int_equal(bench.memory.cycle_ns, 3 * S);
}

static void a_machine_that_never_strikes_stands_once_that_is_sure(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, false);
    for (int64_t second = 1; second <= 11; second++) {
        assert_line(&bench, second, &"??????????????"[15 - second]);
        counter(&bench, second, 7);
    }
    assert_line(&bench, 12, "SSSSSSSSSSS");
}

static void seldom_samples_show_a_stop_between_two_strokes(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, false);
    bench.rules.silent_after_ns = 100 * S;
    bench.cycle_ns = 4 * S;
    counter(&bench, 1, 1);
    counter(&bench, 5, 2);
    counter(&bench, 9, 3);
    counter(&bench, 30, 5); // Two strokes in 21 s: 8 s ran.
    assert_line(&bench, 31, "RRRRRRRRSSSSSSSSSSSSSRRRRRRRRR");
}

static void a_lost_link_is_unknown_but_for_the_strokes_it_hid(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, false);
    bench.cycle_ns = 2 * S;
    for (int64_t second = 1; second <= 10; second++) {
        counter(&bench, second, (double)(second / 2));
    }
    blind(&bench); // Seconds 11 to 29 came bad.
    assert_line(&bench, 13, "RRRRRRRRR???");
    blind(&bench);
    counter(&bench, 30, 5 + 4);
    assert_int_equal(bench.strokes, 9);
    assert_line(&bench, 32, "RRRRRRRRR????????????rrrrrrrrRR");
    counter(&bench, 31, 9);
    counter(&bench, 32, 10);
    assert_line(&bench, 34, "RRRRRRRRR????????????rrrrrrrrRRRR");
}

static void silence_is_a_gap_too_and_shorter_is_none(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, false);
    bench.cycle_ns = 2 * S;
    counter(&bench, 1, 1);
    counter(&bench, 3, 2);
    counter(&bench, 8, 3);  // 5 s: watched.
    counter(&bench, 14, 3); // 6 s: a gap; and nothing was struck in it.
    assert_line(&bench, 16, "RRRRRRR??????RR");
    counter(&bench, 18, 3); // 10 s since the last stroke: stop, the gap stays what it was.
    assert_line(&bench, 20, "RRRRRRR??????SSSSSS");
}

static void strokes_beyond_the_gap_fill_no_more_than_it(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, false);
    bench.cycle_ns = 2 * S;
    counter(&bench, 1, 1);
    counter(&bench, 3, 2);
    blind(&bench);
    counter(&bench, 20, 1000); // More than fits.
    assert_line(&bench, 21, "RRrrrrrrrrrrrrrrrrrR");
}

/* ---- Time by a state tag ---- */

static void a_state_holds_until_the_next(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, true);
    told(&bench, 1, MACHINE_RUN);
    told(&bench, 4, MACHINE_STOP);
    told(&bench, 7, MACHINE_SETUP);
    told(&bench, 10, MACHINE_RUN);
    counter(&bench, 12, 5);
    counter(&bench, 14, 5); // No stroke, but the machine says that it runs.
    assert_line(&bench, 16, "RRRSSSUUURRRRRR");
}

static void a_bad_state_is_unknown_until_a_good_one(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, true);
    bench.cycle_ns = 2 * S;
    told(&bench, 1, MACHINE_RUN);
    counter(&bench, 1, 0);
    told(&bench, 4, MACHINE_RUN);
    counter(&bench, 4, 1);
    blind(&bench);
    counter(&bench, 8, 2); // The counter came back before the state.
    assert_line(&bench, 9, "RRR??rr?");
    told(&bench, 9, MACHINE_STOP);
    assert_line(&bench, 12, "RRR??rr?SSS");
    assert_int_equal(bench.strokes, 2);
}

/* Whichever tag of the machine is worked in first. */
static void the_order_of_tags_at_one_moment_does_not_matter(void **state) {
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct bench bench;
        bench_init(&bench, true);
        bench.cycle_ns = 2 * S;
        told(&bench, 1, MACHINE_RUN);
        counter(&bench, 1, 10);
        if (order == 0) {
            told(&bench, 20, MACHINE_STOP);
            counter(&bench, 20, 13);
        } else {
            counter(&bench, 20, 13);
            told(&bench, 20, MACHINE_STOP);
        }
        assert_int_equal(bench.strokes, 3);
        assert_line(&bench, 22, "?????????????rrrrrrSS");
    }
}

static void late_states_are_put_where_they_belong(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench, true);
    told(&bench, 1, MACHINE_RUN);
    told(&bench, 20, MACHINE_RUN); // 19 s of silence, whose samples come behind.
    assert_line(&bench, 22, "???????????????????RR");
    told(&bench, 4, MACHINE_RUN);
    told(&bench, 8, MACHINE_STOP);
    told(&bench, 12, MACHINE_SETUP);
    assert_line(&bench, 22, "???RRRRSSSSUUUUUUUURR");
    told(&bench, 20, MACHINE_STOP); // The same moment again: what was first holds.
    assert_line(&bench, 22, "???RRRRSSSSUUUUUUUURR");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_add_up_through_reset_and_roll_over),
        cmocka_unit_test(what_is_late_or_no_count_adds_nothing),
        cmocka_unit_test(rejects_count_by_the_same_rule),
        cmocka_unit_test(strokes_make_run_and_their_absence_stop_back_to_the_last),
        cmocka_unit_test(a_machine_that_never_strikes_stands_once_that_is_sure),
        cmocka_unit_test(seldom_samples_show_a_stop_between_two_strokes),
        cmocka_unit_test(a_lost_link_is_unknown_but_for_the_strokes_it_hid),
        cmocka_unit_test(silence_is_a_gap_too_and_shorter_is_none),
        cmocka_unit_test(strokes_beyond_the_gap_fill_no_more_than_it),
        cmocka_unit_test(a_state_holds_until_the_next),
        cmocka_unit_test(a_bad_state_is_unknown_until_a_good_one),
        cmocka_unit_test(the_order_of_tags_at_one_moment_does_not_matter),
        cmocka_unit_test(late_states_are_put_where_they_belong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
