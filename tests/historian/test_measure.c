/*
 * Measures against definitions worked out naively: every winning row of the tag in a list, every
 * answer by looking at all of them, in long double. Random rows (late, repeated, corrected, bad, of
 * changing type) in memory, log and segments, with expiry; then the edges one by one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"

#include "support_history.h"

static const double PERCENTILES[] = {0, 5, 50, 95, 99.9, 100};
enum { PERCENTILE_COUNT = sizeof PERCENTILES / sizeof PERCENTILES[0] };
static const unsigned ALL = HIST_STDDEV | HIST_TIME_AVG | HIST_PERCENTILES | HIST_INCREASE;

/* ---- The naive answers ---- */

struct check {
    const struct hist_measure_query *query;
    struct picked all; // Winning rows of the tag, of all times.
    double counter_max;
    int64_t lo_ns; // The present bucket, cut to the range.
    int64_t hi_ns;
};

static long double number_of(const struct row *row) {
    return row->type == TYPE_F64 ? (long double)row->value.f64 : (long double)row->value.i64;
}

static bool usable(const struct row *row) {
    return row->status >> 31 == 0 && row->type != TYPE_TEXT &&
           !(row->type == TYPE_F64 && isnan(row->value.f64));
}

static bool inside(const struct check *check, const struct row *row) {
    return row->time_ns >= check->lo_ns && row->time_ns < check->hi_ns;
}

static int order(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static void near(long double want, double got, const char *what) {
    if (isnan(want) || isnan(got)) {
        if (isnan(want) != isnan(got)) {
            fail_msg("%s: %.17Lg, not %.17g", what, want, got);
        }
        return;
    }
    long double scale = fabsl(want) > 1 ? fabsl(want) : 1;
    if (fabsl(want - (long double)got) > scale * 1e-9L) {
        fail_msg("%s: %.17Lg, not %.17g", what, want, got);
    }
}

static void check_numbers(const struct check *check, const struct hist_measured *got) {
    double *numbers = mem_alloc((check->all.count + 1) * sizeof *numbers);
    uint32_t count = 0;
    long double sum = 0;
    for (uint32_t i = 0; i < check->all.count; i++) {
        const struct row *row = check->all.rows[i];
        if (inside(check, row) && usable(row)) {
            numbers[count++] = (double)number_of(row);
            sum += number_of(row);
        }
    }
    long double squares = 0;
    for (uint32_t i = 0; i < count; i++) {
        long double less = (long double)numbers[i] - sum / count;
        squares += less * less;
    }
    if (!got->filled) {
        near(count > 0 ? sum / count : (long double)NAN, got->avg, "avg");
    }
    near(count > 1 ? sqrtl(squares / (count - 1)) : (long double)NAN, got->stddev, "stddev");
    qsort(numbers, count, sizeof *numbers, order);
    for (uint32_t i = 0; i < PERCENTILE_COUNT && !got->filled; i++) {
        long double want = (long double)NAN;
        if (count > 0) {
            long double place = (long double)PERCENTILES[i] / 100 * (count - 1);
            uint32_t low = (uint32_t)(place + 1e-12L);
            uint32_t high = low + 1 < count ? low + 1 : low;
            want = (long double)numbers[low] +
                   (place - low) * ((long double)numbers[high] - (long double)numbers[low]);
        }
        near(want, got->percentiles[i], "percentile");
    }
    mem_free(numbers);
}

/* The rule told once more, in one type. */
static long double rise(const struct row *last, const struct row *row, double max, bool *fell) {
    long double a = number_of(last);
    long double b = number_of(row);
    long double top = row->type == TYPE_BOOL ? 0 : (long double)max;
    long double wrapped = top + 1 - a + b;
    *fell = false;
    if (b >= a) {
        return b - a;
    }
    if (top > 0 && a <= top && wrapped <= (top + 1) / 2) {
        return wrapped;
    }
    *fell = row->type != TYPE_BOOL;
    return b;
}

static void check_increase(const struct check *check, const struct hist_measured *got) {
    const struct row *last = NULL;
    long double want = (long double)NAN;
    uint64_t resets = 0;
    for (uint32_t i = 0; i < check->all.count; i++) {
        const struct row *row = check->all.rows[i];
        if (!usable(row) || number_of(row) < 0 || number_of(row) > 9007199254740992.0L) {
            continue;
        }
        if (inside(check, row)) {
            want = isnan(want) ? 0 : want;
            if (last != NULL && last->type == row->type) {
                bool fell = false;
                want += rise(last, row, check->counter_max, &fell);
                resets += fell;
            }
        }
        last = row;
    }
    near(want, got->increase, "increase");
    assert_int_equal(resets, got->resets);
}

static void check_time(const struct check *check, const struct hist_measured *got) {
    bool linear = check->query->interpolation == HIST_LINEAR;
    long double sum = 0;
    long double covered = 0;
    for (uint32_t i = 0; i < check->all.count; i++) {
        const struct row *row = check->all.rows[i];
        const struct row *next = i + 1 < check->all.count ? check->all.rows[i + 1] : NULL;
        if (!usable(row) || (linear && (next == NULL || !usable(next)))) {
            continue;
        }
        int64_t begin = row->time_ns > check->lo_ns ? row->time_ns : check->lo_ns;
        int64_t end = next != NULL && next->time_ns < check->hi_ns ? next->time_ns : check->hi_ns;
        if (begin >= end) {
            continue;
        }
        long double value = number_of(row);
        if (linear) {
            long double slope = (number_of(next) - value) / (next->time_ns - row->time_ns);
            value += slope * ((long double)(begin - row->time_ns) + (long double)(end - begin) / 2);
        }
        sum += value * (end - begin);
        covered += end - begin;
    }
    assert_int_equal((uint64_t)covered, got->covered_ns);
    if (covered > 0 || !got->filled) {
        near(covered > 0 ? sum / covered : (long double)NAN, got->time_avg, "time_avg");
    }
}

static uint32_t rows_inside(const struct check *check) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < check->all.count; i++) {
        count += inside(check, check->all.rows[i]);
    }
    return count;
}

static void check_bucket(const struct check *check, const struct hist_measured *got) {
    uint32_t count = rows_inside(check);
    assert_int_equal(got->bucket.count + got->bucket.bad_count, count);
    check_numbers(check, got);
    check_increase(check, got);
    check_time(check, got);
}

/* What the buckets of a tag were, to look at the filled ones afterwards. */
enum { SEEN_MAX = 4096 };
struct seen {
    uint32_t count;
    int64_t start_ns[SEEN_MAX];
    double avg[SEEN_MAX];
    bool full[SEEN_MAX];
};

static double last_before(const struct check *check, int64_t time_ns) {
    double number = (double)NAN;
    for (uint32_t i = 0; i < check->all.count; i++) {
        const struct row *row = check->all.rows[i];
        if (row->time_ns < time_ns && usable(row)) {
            number = (double)number_of(row);
        }
    }
    return number;
}

static void check_filled(const struct check *check, const struct seen *seen) {
    for (uint32_t i = 0; i < seen->count; i++) {
        long double want = (long double)NAN;
        uint32_t before = i;
        uint32_t after = i;
        while (before > 0 && !seen->full[before]) {
            before--;
        }
        while (after + 1 < seen->count && !seen->full[after]) {
            after++;
        }
        if (seen->full[i]) {
            continue;
        }
        if (check->query->fill == HIST_FILL_PREVIOUS) {
            want = (long double)(seen->full[before] ? seen->avg[before]
                                                    : last_before(check, check->query->from_ns));
        } else if (check->query->fill == HIST_FILL_LINEAR && seen->full[before] &&
                   seen->full[after]) {
            long double part = (long double)(seen->start_ns[i] - seen->start_ns[before]) /
                               (seen->start_ns[after] - seen->start_ns[before]);
            want = (long double)seen->avg[before] +
                   part * ((long double)seen->avg[after] - (long double)seen->avg[before]);
        }
        near(want, seen->avg[i], "filled avg");
    }
}

static void seen_add(struct seen *seen, const struct hist_measured *got) {
    if (seen->count < SEEN_MAX) {
        seen->start_ns[seen->count] = got->bucket.start_ns;
        seen->avg[seen->count] = got->avg;
        seen->full[seen->count++] = got->bucket.count > 0;
    }
}

/* Walks over the answer for one tag. */
static void compare_tag(const struct model *model, struct historian *historian, uint32_t tag,
    struct hist_measure_query query) {
    double max = 40000;
    memcpy(query.percentiles, PERCENTILES, sizeof PERCENTILES);
    query.percentile_count = PERCENTILE_COUNT;
    query.tags = &tag;
    query.tag_count = 1;
    query.counter_max = &max;
    query.what = ALL;
    struct check check = {.query = &query, .counter_max = max};
    model_pick(model, tag, INT64_MIN, INT64_MAX, false, &check.all);
    struct hist_measure *measure = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_measure_open(historian, &query, &measure, &err), &err);
    struct hist_measured got;
    struct seen *seen = MEM_NEW(struct seen);
    uint32_t got_tag = 0;
    uint32_t rows = 0;
    int64_t behind_ns = query.from_ns;
    int rc = 0;
    while ((rc = hist_measure_next(measure, &got_tag, &got, &err)) > 0) {
        assert_int_equal(got_tag, tag);
        bool first = behind_ns == query.from_ns;
        int64_t start_ns = got.bucket.start_ns;
        assert_true(first ? got.bucket.end_ns > behind_ns : start_ns >= behind_ns);
        assert_true(query.fill == HIST_FILL_NONE ||
                    (first ? start_ns <= behind_ns : start_ns == behind_ns));
        check.lo_ns = start_ns > query.from_ns ? start_ns : query.from_ns;
        check.hi_ns = got.bucket.end_ns < query.to_ns ? got.bucket.end_ns : query.to_ns;
        check_bucket(&check, &got);
        rows += rows_inside(&check);
        seen_add(seen, &got);
        assert_true(query.fill != HIST_FILL_NONE || rows_inside(&check) > 0);
        behind_ns = got.bucket.end_ns;
    }
    expect_ok(rc, &err);
    hist_measure_close(measure);
    assert_true(query.fill == HIST_FILL_NONE || behind_ns >= query.to_ns);
    check.lo_ns = query.from_ns;
    check.hi_ns = query.to_ns;
    assert_int_equal(rows, rows_inside(&check));
    if (query.fill != HIST_FILL_NONE && seen->count < SEEN_MAX) {
        check_filled(&check, seen);
    }
    mem_free(seen);
    mem_free(check.all.rows);
}

/* ---- Moments ---- */

struct moment_check {
    const struct picked *all;
    const int64_t *times_ns;
    bool linear;
    uint32_t at;
};

static int check_moment(
    void *context, uint32_t tag, const struct hist_moment *got, struct err *err) {
    (void)tag;
    (void)err;
    struct moment_check *check = context;
    int64_t time_ns = check->times_ns[check->at++];
    const struct row *want = NULL;
    const struct row *next = NULL;
    bool interrupted = false;
    for (uint32_t i = 0; i < check->all->count; i++) {
        const struct row *row = check->all->rows[i];
        if (row->time_ns > time_ns) {
            next = row;
            break;
        }
        bool good = usable(row) || (row->type == TYPE_TEXT && row->status >> 31 == 0);
        interrupted = !good;
        want = good ? row : want;
    }
    assert_int_equal(got->time_ns, time_ns);
    assert_int_equal(got->has_value, want != NULL);
    if (want == NULL) {
        return 0;
    }
    assert_int_equal(got->value_ns, want->time_ns);
    assert_int_equal(got->interrupted, interrupted);
    bool between = check->linear && !interrupted && usable(want) && want->type != TYPE_BOOL &&
                   want->time_ns < time_ns && next != NULL && usable(next) &&
                   next->type != TYPE_BOOL;
    assert_int_equal(got->interpolated, between);
    if (between) {
        long double part = (long double)(time_ns - want->time_ns) / (next->time_ns - want->time_ns);
        near(number_of(want) + part * (number_of(next) - number_of(want)), got->f64, "moment");
        return 0;
    }
    assert_int_equal(got->type, want->type);
    assert_int_equal(got->status, want->status);
    if (want->type == TYPE_TEXT) {
        assert_true(str_eq(str_of(want->text), got->text));
    } else if (want->type == TYPE_F64) {
        assert_memory_equal(&got->f64, &want->value.f64, 8);
    } else {
        assert_int_equal(got->i64, want->value.i64);
    }
    return 0;
}

static void compare_moments(
    const struct model *model, struct historian *historian, struct random *random) {
    int64_t times_ns[40];
    for (uint32_t tag = 1; tag <= 5; tag++) {
        struct picked all;
        model_pick(model, tag, INT64_MIN, INT64_MAX, false, &all);
        for (uint32_t i = 0; i < 40; i++) {
            times_ns[i] = TEST_T0 + (int64_t)random_below(random, 8000000) * NS_PER_MS;
            if (all.count > 0 && i % 4 == 0) {
                times_ns[i] = all.rows[random_below(random, all.count)]->time_ns;
            }
        }
        times_ns[7] = 0;
        for (int linear = 0; linear < 2; linear++) {
            struct moment_check check = {.all = &all, .times_ns = times_ns, .linear = linear != 0};
            struct hist_moment_query query = {.tags = &tag,
                .tag_count = 1,
                .times_ns = times_ns,
                .time_count = 40,
                .interpolation = linear ? HIST_LINEAR : HIST_STEP};
            struct err err = ERR_INIT;
            expect_ok(hist_moments(historian, &query, check_moment, &check, &err), &err);
            assert_int_equal(check.at, 40);
        }
        mem_free(all.rows);
    }
}

/* ---- The random history ---- */

struct run {
    char dir[128];
    struct historian *historian;
    struct model model;
    struct random random;
    int64_t now_ns;
};

static void run_append(struct run *run, uint32_t count) {
    struct row *rows = MEM_ARRAY(struct row, count);
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = model_random_row(&run->random, &run->now_ns);
        model_add(&run->model, &rows[i]);
    }
    history_append(run->historian, rows, count);
    mem_free(rows);
}

static void run_step(struct run *run) {
    struct err err = ERR_INIT;
    switch (random_below(&run->random, 8)) {
    case 0: expect_ok(hist_seal(run->historian, &err), &err); break;
    case 1: expect_ok(hist_merge(run->historian, &err), &err); break;
    case 2:
        hist_close(run->historian);
        run->historian = history_open(run->dir, NULL);
        break;
    case 3: {
        uint32_t tag = 1 + (uint32_t)random_below(&run->random, 4);
        int64_t before_ns = TEST_T0 + (int64_t)random_below(&run->random, 500) * NS_PER_S;
        expect_ok(hist_expire(run->historian, tag, before_ns, &err), &err);
        if (run->model.horizon_ns[tag] < before_ns) {
            run->model.horizon_ns[tag] = before_ns;
        }
        break;
    }
    default: run_append(run, 2 + (uint32_t)random_below(&run->random, 400)); break;
    }
}

static void run_compare(struct run *run) {
    static const int64_t WIDTHS_NS[] = {0, 7 * NS_PER_S, 60 * NS_PER_S, 600 * NS_PER_S};
    for (uint32_t i = 0; i < 16; i++) {
        struct hist_measure_query query = {.from_ns = TEST_T0 + 333 * NS_PER_S,
            .to_ns = TEST_T0 + 1500 * NS_PER_S + 1,
            .every_ns = WIDTHS_NS[i % 4],
            .interpolation = i / 4 % 2 == 0 ? HIST_STEP : HIST_LINEAR,
            .fill = (enum hist_fill)random_below(&run->random, 4)};
        if (i >= 8) {
            query.from_ns = TEST_T0 - NS_PER_S;
            query.to_ns = TEST_T0 + (int64_t)random_below(&run->random, 6000) * NS_PER_S;
        }
        compare_tag(&run->model, run->historian, 1 + i % 5, query);
        compare_tag(
            &run->model, run->historian, 1 + (uint32_t)random_below(&run->random, 4), query);
    }
    compare_moments(&run->model, run->historian, &run->random);
}

static void answers_equal_those_of_a_naive_model(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct run run = {.now_ns = TEST_T0};
        folder_new(run.dir);
        model_init(&run.model);
        random_seed(&run.random, seed);
        run.historian = history_open(run.dir, NULL);
        for (int step = 0; step < 24; step++) {
            run_step(&run);
            if (step % 4 == 3) {
                run_compare(&run);
            }
        }
        hist_close(run.historian);
        model_fini(&run.model);
        folder_remove(run.dir);
    }
}

/* ---- Edges ---- */

struct rig {
    char dir[128];
    struct historian *historian;
};

static void rig_open(struct rig *rig) {
    folder_new(rig->dir);
    rig->historian = history_open(rig->dir, NULL);
}

static void rig_close(struct rig *rig) {
    hist_close(rig->historian);
    folder_remove(rig->dir);
}

static int64_t at(int64_t seconds) {
    return TEST_T0 + seconds * NS_PER_S;
}

static void put(struct rig *rig, int64_t seconds, double value, uint32_t status) {
    struct row row = row_f64(1, at(seconds), value);
    row.status = status;
    history_append(rig->historian, &row, 1);
}

static void put_i64(struct rig *rig, int64_t seconds, int64_t value) {
    struct row row = {.tag = 1, .time_ns = at(seconds), .type = TYPE_I64, .value = {.i64 = value}};
    history_append(rig->historian, &row, 1);
}

/* Asks for one tag; count of buckets. */
static uint32_t ask(
    struct rig *rig, struct hist_measure_query query, struct hist_measured *to, uint32_t capacity) {
    static const uint32_t TAG = 1;
    query.tags = &TAG;
    query.tag_count = 1;
    struct hist_measure *measure = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_measure_open(rig->historian, &query, &measure, &err), &err);
    uint32_t count = 0;
    uint32_t tag = 0;
    int rc = 0;
    struct hist_measured got;
    while ((rc = hist_measure_next(measure, &tag, &got, &err)) > 0) {
        assert_true(count < capacity);
        to[count++] = got;
    }
    expect_ok(rc, &err);
    hist_measure_close(measure);
    return count;
}

static void a_value_stands_until_the_next_and_a_bad_one_ends_it(void **state) {
    (void)state;
    struct rig rig;
    struct hist_measured got[8];
    rig_open(&rig);
    put(&rig, 0, 10, 0);
    put(&rig, 30, 20, 0);
    put(&rig, 90, 40, 0);
    put(&rig, 100, 0, 0x809B0000U); // A marked gap.
    put(&rig, 200, 5, 0);
    struct hist_measure_query query = {.what = HIST_TIME_AVG,
        .fill = HIST_FILL_EMPTY,
        .from_ns = at(0),
        .to_ns = at(240),
        .every_ns = 60 * NS_PER_S};
    assert_int_equal(ask(&rig, query, got, 8), 4);
    assert_true(got[0].time_avg == 15 && got[0].covered_ns == 60 * (uint64_t)NS_PER_S);
    assert_true(got[1].time_avg == (20.0 * 30 + 40.0 * 10) / 40);
    assert_int_equal(got[1].covered_ns, 40 * NS_PER_S);
    assert_true(isnan(got[2].time_avg) && got[2].covered_ns == 0); // 120 to 180: nothing.
    assert_true(got[3].time_avg == 5 && got[3].covered_ns == 40 * (uint64_t)NS_PER_S);
    query.interpolation = HIST_LINEAR;
    assert_int_equal(ask(&rig, query, got, 8), 4);
    assert_true(fabs(got[0].time_avg - (15.0 * 30 + 25.0 * 30) / 60) < 1e-12);
    assert_int_equal(got[1].covered_ns, 30 * NS_PER_S); // 60 to 90: 30 rising to 40.
    assert_true(fabs(got[1].time_avg - 35) < 1e-12);
    assert_int_equal(got[3].covered_ns, 0); // Nothing behind 200.
    rig_close(&rig);
}

static void the_newest_value_stands_no_longer_than_until_now(void **state) {
    (void)state;
    struct rig rig;
    struct hist_measured got[1];
    rig_open(&rig);
    int64_t now_ns = clock_wall_ns(clock_system());
    struct row row = row_f64(1, now_ns - 100 * NS_PER_S, 7);
    history_append(rig.historian, &row, 1);
    struct hist_measure_query query = {.what = HIST_TIME_AVG,
        .from_ns = now_ns - 200 * NS_PER_S,
        .to_ns = now_ns + 100000 * NS_PER_S};
    assert_int_equal(ask(&rig, query, got, 1), 1);
    assert_true(fabs(got[0].time_avg - 7) < 1e-12); // The time is no whole number of anything.
    assert_true(got[0].covered_ns >= 100 * (uint64_t)NS_PER_S);
    assert_true(got[0].covered_ns < 50000 * (uint64_t)NS_PER_S);
    rig_close(&rig);
}

static void increases_of_buckets_add_up_to_that_of_the_range(void **state) {
    (void)state;
    struct rig rig;
    struct hist_measured got[64];
    struct hist_measured whole[1];
    rig_open(&rig);
    struct random random;
    random_seed(&random, 5);
    int64_t value = 65000;
    int64_t want = 0;
    for (int64_t i = 0; i < 2000; i++) {
        if (i == 777) {
            value = 3; // A reset.
            want += 3;
        } else if (i > 0) {
            int64_t more = (int64_t)random_below(&random, 900);
            value = (value + more) % 65536; // Rolls over at 65535.
            want += i >= 100 ? more : 0;
        }
        put_i64(&rig, i, value);
        if (i == 1234) {
            struct err err = ERR_INIT;
            expect_ok(hist_seal(rig.historian, &err), &err);
        }
    }
    double max = 65535;
    struct hist_measure_query query = {
        .what = HIST_INCREASE, .counter_max = &max, .from_ns = at(100), .to_ns = at(2000)};
    assert_int_equal(ask(&rig, query, whole, 1), 1);
    assert_true(whole[0].increase == (double)want);
    query.every_ns = 61 * NS_PER_S;
    uint32_t count = ask(&rig, query, got, 64);
    double sum = 0;
    uint64_t resets = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += got[i].increase;
        resets += got[i].resets;
    }
    assert_true(sum == whole[0].increase);
    assert_int_equal(resets, whole[0].resets);
    assert_true(resets >= 1);
    rig_close(&rig);
}

static void large_whole_numbers_rise_without_loss(void **state) {
    (void)state;
    struct rig rig;
    struct hist_measured got[1];
    rig_open(&rig);
    put_i64(&rig, 0, INT64_MAX - 5);
    put_i64(&rig, 1, INT64_MAX - 2);
    put_i64(&rig, 2, -7); // No count.
    put_i64(&rig, 3, INT64_MAX);
    struct hist_measure_query query = {.what = HIST_INCREASE, .from_ns = at(0), .to_ns = at(10)};
    assert_int_equal(ask(&rig, query, got, 1), 1);
    assert_true(got[0].increase == 5);
    assert_int_equal(got[0].resets, 0);
    rig_close(&rig);
}

/* The newest count lies behind a block that has none, in one that has others too. */
static void a_count_far_before_the_range_is_found(void **state) {
    (void)state;
    struct rig rig;
    struct hist_measured got[1];
    struct err err = ERR_INIT;
    rig_open(&rig);
    put_i64(&rig, 0, 5);
    put_i64(&rig, 1, -1);
    expect_ok(hist_seal(rig.historian, &err), &err);
    put_i64(&rig, 2, -2);
    expect_ok(hist_seal(rig.historian, &err), &err);
    put_i64(&rig, 3, -3);
    put_i64(&rig, 10, 9);
    struct hist_measure_query query = {.what = HIST_INCREASE, .from_ns = at(5), .to_ns = at(20)};
    assert_int_equal(ask(&rig, query, got, 1), 1);
    assert_true(got[0].increase == 4);
    rig_close(&rig);
}

/* Large and close: the squares of these agree in their first 16 digits. */
static void deviations_keep_their_digits(void **state) {
    (void)state;
    struct rig rig;
    struct hist_measured got[1];
    rig_open(&rig);
    put(&rig, 0, 0, 0); // Even when the first value is far from all others.
    for (int64_t i = 1; i <= 10001; i++) {
        put(&rig, i, 1e9 + (double)(i % 2) * 0.25, 0);
    }
    struct hist_measure_query query = {.what = HIST_STDDEV, .from_ns = at(1), .to_ns = at(10001)};
    assert_int_equal(ask(&rig, query, got, 1), 1);
    assert_true(fabs(got[0].stddev / (0.125 * sqrt(10000.0 / 9999)) - 1) < 1e-9);
    query.from_ns = at(0);
    assert_int_equal(ask(&rig, query, got, 1), 1);
    assert_true(fabs(got[0].stddev / ((1e9 + 0.125) / sqrt(10001)) - 1) < 1e-9);
    rig_close(&rig);
}

static void odd_numbers_and_few_rows_have_answers(void **state) {
    (void)state;
    struct rig rig;
    struct hist_measured got[4];
    rig_open(&rig);
    struct hist_measure_query query = {.what = ALL,
        .percentiles = {50, 100},
        .percentile_count = 2,
        .from_ns = at(0),
        .to_ns = at(100)};
    assert_int_equal(ask(&rig, query, got, 4), 0); // No rows at all.
    query.fill = HIST_FILL_PREVIOUS;
    assert_int_equal(ask(&rig, query, got, 4), 1);
    assert_true(got[0].bucket.count == 0 && isnan(got[0].avg) && !got[0].filled);
    query.fill = HIST_FILL_NONE;
    put(&rig, 1, 3, 0);
    assert_int_equal(ask(&rig, query, got, 4), 1);
    assert_true(isnan(got[0].stddev) && got[0].percentiles[0] == 3 && got[0].increase == 0);
    put(&rig, 2, (double)NAN, 0);
    put(&rig, 3, (double)INFINITY, 0);
    put(&rig, 4, 5, 0);
    assert_int_equal(ask(&rig, query, got, 4), 1);
    assert_int_equal(got[0].bucket.count, 3);
    assert_int_equal(got[0].bucket.bad_count, 1);
    assert_true(isnan(got[0].stddev));
    assert_true(got[0].percentiles[0] == 5 && isinf(got[0].percentiles[1]));
    assert_true(got[0].increase == 2); // 3 to 5; an infinity is no count.
    assert_true(isinf(got[0].time_avg));
    put(&rig, 100, 1, 0); // At the end: outside.
    put(&rig, 0, 4, 0);   // At the begin: inside.
    assert_int_equal(ask(&rig, query, got, 4), 1);
    assert_int_equal(got[0].bucket.count, 4);
    rig_close(&rig);
}

static void empty_buckets_are_filled_as_asked(void **state) {
    (void)state;
    static const unsigned WHATS[] = {0, HIST_STDDEV}; // From roll-ups, and from rows.
    struct rig rig;
    struct hist_measured got[8];
    rig_open(&rig);
    put(&rig, -500, 8, 0);
    put(&rig, 70, 10, 0);
    put(&rig, 130, 0, 0x80050000U);
    put(&rig, 250, 40, 0);
    for (size_t i = 0; i < 2; i++) {
        struct hist_measure_query query = {
            .what = WHATS[i], .from_ns = at(0), .to_ns = at(360), .every_ns = 60 * NS_PER_S};
        query.fill = HIST_FILL_NONE;
        assert_int_equal(ask(&rig, query, got, 8), 3); // One of them holds bad rows only.
        query.fill = HIST_FILL_EMPTY;
        assert_int_equal(ask(&rig, query, got, 8), 6);
        assert_true(isnan(got[0].avg) && got[1].avg == 10 && isnan(got[2].bucket.max));
        assert_int_equal(got[2].bucket.bad_count, 1);
        query.fill = HIST_FILL_PREVIOUS;
        assert_int_equal(ask(&rig, query, got, 8), 6);
        assert_true(got[0].filled && got[0].avg == 8 && got[0].bucket.min == 8);
        assert_true(got[2].filled && got[2].avg == 10 && got[2].bucket.count == 0);
        assert_true(!got[4].filled && got[5].filled && got[5].bucket.last == 40);
        query.fill = HIST_FILL_LINEAR;
        assert_int_equal(ask(&rig, query, got, 8), 6);
        assert_true(isnan(got[0].avg) && got[2].avg == 20 && got[3].avg == 30);
        assert_true(got[2].filled && isnan(got[5].avg));
    }
    rig_close(&rig);
}

static void what_cannot_be_answered_is_refused(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    uint32_t tag = 1;
    struct err err = ERR_INIT;
    struct hist_measure *measure = NULL;
    struct hist_measure_query query = {
        .tags = &tag, .tag_count = 1, .from_ns = INT64_MIN, .to_ns = at(5)};
    query.fill = HIST_FILL_EMPTY;
    assert_int_equal(hist_measure_open(rig.historian, &query, &measure, &err), -ERR_INVALID);
    query.from_ns = at(0);
    query.to_ns = at(20000000);
    query.every_ns = NS_PER_S;
    assert_int_equal(hist_measure_open(rig.historian, &query, &measure, &err), -ERR_LIMIT);
    query.fill = HIST_FILL_NONE;
    query.percentile_count = 1;
    query.percentiles[0] = 100.5;
    assert_int_equal(hist_measure_open(rig.historian, &query, &measure, &err), -ERR_INVALID);
    query.percentile_count = HIST_PERCENTILES_MAX + 1;
    assert_int_equal(hist_measure_open(rig.historian, &query, &measure, &err), -ERR_LIMIT);
    rig_close(&rig);
}

/* One more than a bucket may have for percentiles. */
static void a_bucket_of_too_many_rows_is_refused_in_words(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    AUTO_BATCH struct batch *batch = batch_new(LIMIT_BATCH_ROWS, 0);
    struct err err = ERR_INIT;
    for (uint32_t i = 0; i <= HIST_PERCENTILE_ROWS;) {
        batch_clear(batch);
        for (; batch->count < LIMIT_BATCH_ROWS && i <= HIST_PERCENTILE_ROWS; i++) {
            struct row row = row_f64(1, TEST_T0 + (int64_t)i * NS_PER_MS, (double)(i % 7));
            batch_put(batch, &row);
        }
        expect_ok(hist_append(rig.historian, &batch, 1, &err), &err);
    }
    uint32_t tag = 1;
    uint32_t got_tag = 0;
    struct hist_measured got;
    struct hist_measure *measure = NULL;
    struct hist_measure_query query = {.tags = &tag,
        .tag_count = 1,
        .what = HIST_PERCENTILES,
        .percentiles = {50},
        .percentile_count = 1,
        .from_ns = TEST_T0,
        .to_ns = TEST_T0 + (int64_t)HIST_PERCENTILE_ROWS * NS_PER_MS};
    expect_ok(hist_measure_open(rig.historian, &query, &measure, &err), &err);
    expect_ok(hist_measure_next(measure, &got_tag, &got, &err), &err);
    assert_true(got.percentiles[0] == 3);
    hist_measure_close(measure);
    query.to_ns++;
    expect_ok(hist_measure_open(rig.historian, &query, &measure, &err), &err);
    assert_int_equal(hist_measure_next(measure, &got_tag, &got, &err), -ERR_LIMIT);
    assert_int_equal(hist_measure_next(measure, &got_tag, &got, &err), -ERR_LIMIT); // It stays so.
    hist_measure_close(measure);
    rig_close(&rig);
}

/* ---- Two threads ---- */

static void two_threads_give_what_one_gives(void **state) {
    (void)state;
    struct run run = {.now_ns = TEST_T0};
    folder_new(run.dir);
    model_init(&run.model);
    random_seed(&run.random, 77);
    run.historian = history_open(run.dir, NULL);
    for (int i = 0; i < 20; i++) {
        run_append(&run, 2000);
    }
    static const uint32_t TAGS[] = {3, 1, 2, 4, 1, 5, 2};
    struct hist_measure_query query = {.tags = TAGS,
        .tag_count = sizeof TAGS / sizeof TAGS[0],
        .what = ALL,
        .from_ns = INT64_MIN,
        .to_ns = INT64_MAX,
        .every_ns = 3 * NS_PER_S};
    struct hist_measure *one = NULL;
    struct hist_measure *two = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_measure_open(run.historian, &query, &one, &err), &err);
    query.parallel = true;
    expect_ok(hist_measure_open(run.historian, &query, &two, &err), &err);
    uint32_t buckets = 0;
    for (;; buckets++) {
        uint32_t tags[2] = {0, 0};
        struct hist_measured got[2];
        memset(got, 0, sizeof got);
        int rc = hist_measure_next(one, &tags[0], &got[0], &err);
        assert_int_equal(hist_measure_next(two, &tags[1], &got[1], &err), rc);
        expect_ok(rc, &err);
        if (rc == 0) {
            break;
        }
        assert_int_equal(tags[0], tags[1]);
        assert_int_equal(got[0].bucket.start_ns, got[1].bucket.start_ns);
        assert_int_equal(got[0].bucket.count, got[1].bucket.count);
        assert_memory_equal(&got[0].stddev, &got[1].stddev, sizeof(double));
        assert_memory_equal(&got[0].increase, &got[1].increase, sizeof(double));
    }
    assert_true(buckets > 5000);
    hist_measure_close(one);
    hist_measure_close(two);
    expect_ok(hist_measure_open(run.historian, &query, &two, &err), &err);
    hist_measure_close(two); // Given up at once: the other thread stands at a full queue.
    hist_close(run.historian);
    model_fini(&run.model);
    folder_remove(run.dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_equal_those_of_a_naive_model),
        cmocka_unit_test(a_value_stands_until_the_next_and_a_bad_one_ends_it),
        cmocka_unit_test(the_newest_value_stands_no_longer_than_until_now),
        cmocka_unit_test(increases_of_buckets_add_up_to_that_of_the_range),
        cmocka_unit_test(a_count_far_before_the_range_is_found),
        cmocka_unit_test(large_whole_numbers_rise_without_loss),
        cmocka_unit_test(deviations_keep_their_digits),
        cmocka_unit_test(odd_numbers_and_few_rows_have_answers),
        cmocka_unit_test(empty_buckets_are_filled_as_asked),
        cmocka_unit_test(what_cannot_be_answered_is_refused),
        cmocka_unit_test(a_bucket_of_too_many_rows_is_refused_in_words),
        cmocka_unit_test(two_threads_give_what_one_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
