/*
 * Key figures: each rule by a case, then random days against a calculation that looks at every
 * second by itself and knows nothing of edges.
 */
#include "production/kpi.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/clock.h"
#include "production/fill.h"

#define S NS_PER_S
#define U 1000000LL

static int64_t leaves_sum(const struct kpi *kpi) {
    int64_t sum = 0;
    for (int i = 0; i < LOSS_COUNT; i++) {
        sum += kpi->leaves[i];
    }
    return sum;
}

static const struct kpi_span SHIFT[] = {{.from_ns = 0, .to_ns = 1000 * S, .what = 0}};

static void pieces_divide_the_run_time(void **state) {
    (void)state;
    const struct kpi_span states[] = {{0, 800 * S, MACHINE_RUN}, {800 * S, 1000 * S, MACHINE_STOP}};
    const struct kpi_span stops[] = {{800 * S, INT64_MAX, LOSS_MATERIAL}};
    const struct kpi_run runs[] = {{0, INT64_MAX, false, 2 * S, 300 * U, 50 * U}};
    const struct kpi_input input = {0, 1000 * S, 60 * S, states, 2, stops, 1, SHIFT, 1, runs, 1};
    struct kpi kpi;
    kpi_compute(&input, &kpi);
    assert_int_equal(kpi.leaves[LOSS_EFFECTIVE], 600 * S);
    assert_int_equal(kpi.leaves[LOSS_QUALITY], 100 * S);
    assert_int_equal(kpi.leaves[LOSS_SPEED], 100 * S);
    assert_int_equal(kpi.leaves[LOSS_MATERIAL], 200 * S);
    assert_int_equal(leaves_sum(&kpi), 1000 * S);
    assert_int_equal(kpi.apt_ns, 800 * S);
    assert_int_equal(kpi.pbt_ns, 1000 * S);
    assert_int_equal(kpi.adet_ns, 200 * S);
    assert_int_equal(kpi.pq_u, 350 * U);
    assert_true(fabs(kpi.availability - 0.8) < 1e-12);
    assert_true(fabs(kpi.effectiveness - 0.875) < 1e-12);
    assert_true(fabs(kpi.quality - 300.0 / 350) < 1e-12);
    /* What is left of the planned time by good pieces at the ideal cycle. */
    assert_true(fabs(kpi.oee - 600.0 / 1000) < 1e-12);
}

static void faster_than_ideal_is_a_loss_below_zero(void **state) {
    (void)state;
    const struct kpi_span states[] = {{0, 1000 * S, MACHINE_RUN}};
    const struct kpi_run runs[] = {{-5 * S, 1000 * S, false, 3 * S, 400 * U, 0}};
    const struct kpi_input input = {0, 1000 * S, 60 * S, states, 1, NULL, 0, SHIFT, 1, runs, 1};
    struct kpi kpi;
    kpi_compute(&input, &kpi);
    assert_int_equal(kpi.leaves[LOSS_SPEED], -200 * S);
    assert_int_equal(leaves_sum(&kpi), 1000 * S);
    assert_true(kpi.oee > 1.19 && kpi.oee < 1.21);
}

static void without_an_ideal_cycle_there_is_no_oee(void **state) {
    (void)state;
    const struct kpi_span states[] = {{0, 1000 * S, MACHINE_RUN}};
    const struct kpi_run runs[] = {{0, 1000 * S, false, 0, 400 * U, 4 * U}};
    const struct kpi_input input = {0, 1000 * S, 60 * S, states, 1, NULL, 0, SHIFT, 1, runs, 1};
    struct kpi kpi;
    kpi_compute(&input, &kpi);
    assert_int_equal(kpi.leaves[LOSS_NO_IDEAL], 1000 * S);
    assert_int_equal(kpi.leaves[LOSS_EFFECTIVE], 0);
    assert_int_equal(kpi.apt_ns, 1000 * S);
    assert_true(isnan(kpi.effectiveness));
    assert_true(isnan(kpi.oee));
    assert_true(fabs(kpi.quality - 400.0 / 404) < 1e-12);
}

static void nothing_known_is_off_and_divides_nothing(void **state) {
    (void)state;
    const struct kpi_input input = {.from_ns = 0, .to_ns = 10 * S};
    struct kpi kpi;
    kpi_compute(&input, &kpi);
    assert_int_equal(kpi.leaves[LOSS_OFF], 10 * S);
    assert_int_equal(kpi.pbt_ns, 0);
    assert_true(isnan(kpi.availability) && isnan(kpi.quality) && isnan(kpi.oee));
    const struct kpi_input none = {.from_ns = 5, .to_ns = 5};
    kpi_compute(&none, &kpi);
    assert_int_equal(leaves_sum(&kpi), 0);
}

/* One leaf after the other as docs/PRODUCTION.md has them. */
static void the_first_rule_that_fits_has_the_time(void **state) {
    (void)state;
    static const struct {
        int32_t state;
        int32_t stop; // -1: none.
        int32_t plan; // -1: off.
        int run;      // 0: none, 1: make, 2: set-up.
        enum loss_leaf leaf;
    } CASES[] = {
        {MACHINE_RUN, -1, 0, 1, LOSS_NO_IDEAL},
        {MACHINE_RUN, -1, 1, 1, LOSS_NO_IDEAL},
        {MACHINE_RUN, -1, -1, 1, LOSS_NO_IDEAL},
        {MACHINE_RUN, -1, -1, 0, LOSS_OFF},
        {MACHINE_RUN, -1, 0, 0, LOSS_NO_ORDER},
        {MACHINE_RUN, -1, 0, 2, LOSS_SETUP},
        {MACHINE_STOP, LOSS_BREAKDOWN, -1, 1, LOSS_OFF},
        {MACHINE_STOP, LOSS_BREAKDOWN, 1, 1, LOSS_BREAK},
        {MACHINE_STOP, LOSS_BREAKDOWN, 0, 0, LOSS_NO_ORDER},
        {MACHINE_STOP, LOSS_BREAKDOWN, 0, 1, LOSS_BREAKDOWN},
        {MACHINE_STOP, LOSS_PLANNED, 0, 1, LOSS_PLANNED},
        {MACHINE_STOP, LOSS_PEOPLE, 0, 2, LOSS_SETUP},
        {MACHINE_STOP, LOSS_UNREASONED, 0, 1, LOSS_UNREASONED},
        {MACHINE_STOP, -1, 0, 1, LOSS_MINOR},
        {MACHINE_SETUP, -1, 0, 1, LOSS_SETUP},
        {MACHINE_SETUP, LOSS_OTHER, 0, 1, LOSS_SETUP},
        {MACHINE_UNKNOWN, -1, 0, 1, LOSS_UNKNOWN},
        {MACHINE_UNKNOWN, -1, 0, 2, LOSS_SETUP},
        {MACHINE_UNKNOWN, -1, 1, 1, LOSS_BREAK},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct kpi_span states[] = {{0, 100 * S, CASES[i].state}};
        const struct kpi_span stops[] = {{0, 100 * S, CASES[i].stop}};
        const struct kpi_span plan[] = {{0, 100 * S, CASES[i].plan}};
        const struct kpi_run runs[] = {{0, 100 * S, CASES[i].run == 2, 0, 0, 0}};
        const struct kpi_input input = {0, 100 * S, 60 * S, states, 1, stops, CASES[i].stop >= 0,
            plan, CASES[i].plan >= 0, runs, CASES[i].run != 0};
        struct kpi kpi;
        kpi_compute(&input, &kpi);
        assert_int_equal(kpi.leaves[CASES[i].leaf], 100 * S);
        assert_int_equal(leaves_sum(&kpi), 100 * S);
    }
}

static void a_short_stop_nobody_explained_is_minor_by_its_whole_length(void **state) {
    (void)state;
    const struct kpi_span states[] = {{0, 1000 * S, MACHINE_STOP}};
    const struct kpi_run runs[] = {{0, 1000 * S, false, 0, 0, 0}};
    struct kpi_span stops[] = {{-30 * S, 29 * S, LOSS_UNREASONED}, {100 * S, 150 * S, LOSS_OTHER},
        {900 * S, 1030 * S, LOSS_UNREASONED}};
    const struct kpi_input input = {0, 1000 * S, 60 * S, states, 1, stops, 3, SHIFT, 1, runs, 1};
    struct kpi kpi;
    kpi_compute(&input, &kpi);
    assert_int_equal(kpi.leaves[LOSS_UNREASONED], 100 * S); // Of 130 s, 100 inside.
    assert_int_equal(kpi.leaves[LOSS_OTHER], 50 * S);       // Somebody took the trouble.
    assert_int_equal(kpi.leaves[LOSS_MINOR], 850 * S);
}

static void absurd_quantities_keep_the_sum(void **state) {
    (void)state;
    const struct kpi_span states[] = {{0, 1000 * S, MACHINE_RUN}};
    struct kpi_run runs[40];
    for (int i = 0; i < 40; i++) {
        runs[i] = (struct kpi_run){i * 25 * S, (i + 1) * 25 * S, false, INT64_MAX / 2, INT64_MAX,
            i % 2 == 0 ? INT64_MAX : INT64_MIN};
    }
    const struct kpi_input input = {0, 1000 * S, 60 * S, states, 1, NULL, 0, SHIFT, 1, runs, 40};
    struct kpi kpi;
    kpi_compute(&input, &kpi);
    assert_int_equal(leaves_sum(&kpi), 1000 * S);
}

static void every_leaf_has_a_name_of_its_own(void **state) {
    (void)state;
    for (int i = 0; i < LOSS_COUNT; i++) {
        assert_non_null(loss_name((enum loss_leaf)i));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(loss_name((enum loss_leaf)i), loss_name((enum loss_leaf)j));
        }
    }
}

/* ---- Random days ---- */

enum { SECONDS = 5000, SPANS = 64 };

struct day {
    struct kpi_span states[SPANS];
    struct kpi_span stops[SPANS];
    struct kpi_span plan[SPANS];
    struct kpi_run runs[SPANS];
    struct kpi_input input;
};

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static int64_t below(uint64_t *seed, int64_t limit) {
    return (int64_t)(next_random(seed) % (uint64_t)limit);
}

/* Spans apart from each other, in order, that may stick out on both sides. */
static uint32_t random_spans(
    uint64_t *seed, struct kpi_span *spans, const int32_t *whats, int64_t kinds, bool gaps) {
    uint32_t count = 0;
    int64_t at = -below(seed, 400);
    while (at < SECONDS + 300 && count < SPANS - 1) {
        int64_t to = at + 1 + below(seed, 300);
        spans[count++] = (struct kpi_span){at * S, to * S, whats[below(seed, kinds)]};
        at = to + (gaps ? below(seed, 200) : 0);
    }
    if (!gaps) {
        spans[count] = (struct kpi_span){at * S, INT64_MAX, whats[0]};
        count += at < SECONDS;
    }
    return count;
}

static void random_day(uint64_t *seed, struct day *day) {
    static const int32_t STATES[] = {
        MACHINE_RUN, MACHINE_RUN, MACHINE_STOP, MACHINE_SETUP, MACHINE_UNKNOWN};
    static const int32_t STOPS[] = {LOSS_UNREASONED, LOSS_BREAKDOWN, LOSS_SETUP, LOSS_MATERIAL,
        LOSS_PEOPLE, LOSS_QUALITY_STOP, LOSS_OTHER, LOSS_PLANNED};
    static const int32_t PLANS[] = {0, 0, 0, 1};
    static const int32_t PHASES[] = {0, 0, 0, 1};
    struct kpi_span spans[SPANS];
    day->input = (struct kpi_input){.from_ns = 0,
        .to_ns = SECONDS * S,
        .minor_ns = below(seed, 120) * S,
        .states = day->states,
        .state_count = random_spans(seed, day->states, STATES, 5, false),
        .stops = day->stops,
        .stop_count = random_spans(seed, day->stops, STOPS, 8, true),
        .plan = day->plan,
        .plan_count = random_spans(seed, day->plan, PLANS, 4, true),
        .runs = day->runs,
        .run_count = random_spans(seed, spans, PHASES, 4, true)};
    for (uint32_t i = 0; i < day->input.run_count; i++) {
        int64_t cycle = below(seed, 3) == 0 ? 0 : 1 + below(seed, 60 * S);
        day->runs[i] = (struct kpi_run){spans[i].from_ns, spans[i].to_ns, spans[i].what == 1, cycle,
            below(seed, 500 * U), below(seed, 50 * U)};
    }
}

/* Which span holds a second, found anew each time. */
static const struct kpi_span *slow_find(const struct kpi_span *spans, uint32_t count, int64_t at) {
    for (uint32_t i = 0; i < count; i++) {
        if (spans[i].from_ns <= at && at < spans[i].to_ns) {
            return &spans[i];
        }
    }
    return NULL;
}

static int slow_leaf(const struct kpi_input *in, int64_t at, int *ret_run) {
    const struct kpi_span *state = slow_find(in->states, in->state_count, at);
    const struct kpi_span *stop = slow_find(in->stops, in->stop_count, at);
    const struct kpi_span *plan = slow_find(in->plan, in->plan_count, at);
    int run = -1;
    for (uint32_t i = 0; i < in->run_count; i++) {
        run = in->runs[i].from_ns <= at && at < in->runs[i].to_ns ? (int)i : run;
    }
    *ret_run = run;
    int told = state == NULL ? 0 : state->what;
    if (told == 1 && run >= 0 && !in->runs[run].setup) {
        return -1;
    }
    int leaf = plan == NULL          ? LOSS_OFF
               : plan->what == 1     ? LOSS_BREAK
               : run < 0             ? LOSS_NO_ORDER
               : told == 3           ? LOSS_SETUP
               : in->runs[run].setup ? LOSS_SETUP
               : stop != NULL        ? stop->what
               : told == 2           ? LOSS_MINOR
                                     : LOSS_UNKNOWN;
    bool brief =
        leaf == LOSS_UNREASONED && stop != NULL && stop->to_ns - stop->from_ns < in->minor_ns;
    return brief ? LOSS_MINOR : leaf;
}

/* Everything anew: leaves in seconds, figures in long doubles. */
static void assert_as_slowly(const struct kpi_input *in, const struct kpi *kpi) {
    long double leaves[LOSS_COUNT] = {0};
    long double run_known = 0;
    for (int64_t second = 0; second < SECONDS; second++) {
        int run;
        int leaf = slow_leaf(in, second * S, &run);
        if (leaf >= 0) {
            leaves[leaf] += 1;
        } else if (in->runs[run].cycle_ns > 0) {
            run_known += 1;
        } else {
            leaves[LOSS_NO_IDEAL] += 1;
        }
    }
    long double good = 0;
    long double bad = 0;
    for (uint32_t i = 0; i < in->run_count; i++) {
        if (!in->runs[i].setup) {
            good += in->runs[i].good_u;
            bad += in->runs[i].bad_u;
            leaves[LOSS_EFFECTIVE] +=
                (long double)in->runs[i].good_u * in->runs[i].cycle_ns / 1e15L;
            leaves[LOSS_QUALITY] += (long double)in->runs[i].bad_u * in->runs[i].cycle_ns / 1e15L;
        }
    }
    leaves[LOSS_SPEED] = run_known - leaves[LOSS_EFFECTIVE] - leaves[LOSS_QUALITY];
    for (int i = 0; i < LOSS_COUNT; i++) {
        assert_true(fabsl((long double)kpi->leaves[i] / S - leaves[i]) < 1e-8L);
    }
    long double apt = run_known + leaves[LOSS_NO_IDEAL];
    long double pbt = SECONDS - leaves[LOSS_OFF] - leaves[LOSS_BREAK] - leaves[LOSS_PLANNED] -
                      leaves[LOSS_NO_ORDER];
    long double oee = apt / pbt * ((leaves[LOSS_EFFECTIVE] + leaves[LOSS_QUALITY]) / run_known) *
                      (good / (good + bad));
    if (pbt > 0 && run_known > 0 && good + bad > 0) {
        assert_true(fabsl((long double)kpi->oee - oee) < 1e-9L * (1 + fabsl(oee)));
    } else {
        assert_true(isnan(kpi->oee));
    }
}

static void random_days_are_as_a_slow_calculation_has_them(void **state) {
    (void)state;
    uint64_t seed = 88172645463325252ULL;
    for (int round = 0; round < 150; round++) {
        struct day day;
        random_day(&seed, &day);
        struct kpi kpi;
        kpi_compute(&day.input, &kpi);
        assert_int_equal(leaves_sum(&kpi), SECONDS * S);
        assert_as_slowly(&day.input, &kpi);
    }
}

/* A question cut into parts has the same leaves, but for pieces. */
static void parts_sum_to_the_whole(void **state) {
    (void)state;
    uint64_t seed = 42;
    for (int round = 0; round < 200; round++) {
        struct day day;
        random_day(&seed, &day);
        for (uint32_t i = 0; i < day.input.run_count; i++) {
            day.runs[i].good_u = 0;
            day.runs[i].bad_u = 0;
        }
        struct kpi whole;
        kpi_compute(&day.input, &whole);
        int64_t cut = below(&seed, SECONDS * S);
        struct kpi_input part = day.input;
        part.to_ns = cut;
        struct kpi first;
        kpi_compute(&part, &first);
        part.from_ns = cut;
        part.to_ns = day.input.to_ns;
        struct kpi second;
        kpi_compute(&part, &second);
        for (int i = 0; i < LOSS_COUNT; i++) {
            assert_int_equal(whole.leaves[i], first.leaves[i] + second.leaves[i]);
        }
    }
}

/* Two machines together are as one that did it one after the other. */
static void a_sum_has_the_ratios_of_the_whole(void **state) {
    (void)state;
    const struct kpi_span states[] = {{0, 600 * S, MACHINE_RUN}, {600 * S, 1000 * S, MACHINE_STOP}};
    const struct kpi_run runs[] = {{0, 500 * S, false, 2 * S, 200 * U, 10 * U},
        {500 * S, 1000 * S, false, 1 * S, 70 * U, 2 * U}};
    struct kpi_input input = {0, 1000 * S, 60 * S, states, 2, NULL, 0, SHIFT, 1, runs, 2};
    struct kpi whole;
    kpi_compute(&input, &whole);
    struct kpi sum = {.apt_ns = 0};
    for (int i = 0; i < 2; i++) {
        struct kpi_input part = input;
        part.from_ns = i * 500 * S;
        part.to_ns = (i + 1) * 500 * S;
        part.runs = &runs[i];
        part.run_count = 1;
        struct kpi one;
        kpi_compute(&part, &one);
        kpi_add(&sum, &one);
    }
    assert_int_equal(leaves_sum(&sum), 1000 * S);
    for (int i = 0; i < LOSS_COUNT; i++) {
        assert_int_equal(sum.leaves[i], whole.leaves[i]);
    }
    assert_true(fabs(sum.oee - whole.oee) < 1e-9);
    assert_true(fabs(sum.effectiveness - whole.effectiveness) < 1e-9);
    assert_int_equal(sum.pq_u, whole.pq_u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_divide_the_run_time),
        cmocka_unit_test(faster_than_ideal_is_a_loss_below_zero),
        cmocka_unit_test(without_an_ideal_cycle_there_is_no_oee),
        cmocka_unit_test(nothing_known_is_off_and_divides_nothing),
        cmocka_unit_test(the_first_rule_that_fits_has_the_time),
        cmocka_unit_test(a_short_stop_nobody_explained_is_minor_by_its_whole_length),
        cmocka_unit_test(absurd_quantities_keep_the_sum),
        cmocka_unit_test(every_leaf_has_a_name_of_its_own),
        cmocka_unit_test(random_days_are_as_a_slow_calculation_has_them),
        cmocka_unit_test(parts_sum_to_the_whole),
        cmocka_unit_test(a_sum_has_the_ratios_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
