/*
 * Grouping: never more requests than the best possible, never more cells than needed for them, and
 * the learning of holes.
 */
#include "support_device.h"

#include "device/group.h"

enum { POINTS_MAX = 12 };

/* max_length in values[0], max_gap in values[1]. */
static struct driver_span test_span(const struct driver_settings *settings, uint32_t space) {
    (void)space;
    return (struct driver_span){
        .max_length = (uint32_t)settings->values[0], .max_gap = (uint32_t)settings->values[1]};
}
static const struct driver test_driver = {.name = "test", .span = test_span};

struct setup {
    struct driver_settings settings;
    struct point points[256];
    struct group_set set;
};

static void make(
    struct setup *setup, int64_t max, int64_t gap, const uint32_t (*cells)[2], uint32_t count) {
    *setup = (struct setup){.settings.values = {max, gap}};
    for (uint32_t i = 0; i < count; i++) {
        setup->points[i] =
            (struct point){.tag = i + 1, .start = cells[i][0], .length = cells[i][1]};
    }
    group_sort(setup->points, count);
    group_set_init(&setup->set, &test_driver, &setup->settings, setup->points, count);
}

static void neighbours_are_read_together(void **state) {
    (void)state;
    static const struct {
        int64_t max, gap;
        uint32_t cells[4][2];
        uint32_t count, groups, first_length;
    } cases[] = {
        {125, 125, {{0, 1}, {1, 1}, {2, 2}}, 3, 1, 4},
        {125, 0, {{0, 1}, {1, 1}, {3, 1}}, 3, 2, 2},   // A gap of one is too wide.
        {125, 1, {{0, 1}, {1, 1}, {3, 1}}, 3, 1, 4},   // Or just allowed.
        {125, 125, {{0, 1}, {124, 1}}, 2, 1, 125},     // The limit itself.
        {125, 125, {{0, 1}, {124, 2}}, 2, 2, 1},       // One beyond.
        {125, 125, {{5, 1}, {5, 2}, {5, 1}}, 3, 1, 2}, // The same cells.
        {2, 0, {{0, 4}, {4, 1}}, 2, 2, 4},             // Longer than the limit: alone.
        {10, 10, {{0, 1}, {8, 1}, {10, 1}}, 3, 2, 1},  // Two either way; {8, 10} is shorter.
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct setup setup;
        make(&setup, cases[i].max, cases[i].gap, cases[i].cells, cases[i].count);
        assert_int_equal(cases[i].groups, setup.set.group_count);
        assert_int_equal(cases[i].first_length, setup.set.groups[0].length);
        group_set_fini(&setup.set);
    }
}

static void units_and_spaces_are_never_mixed(void **state) {
    (void)state;
    struct setup setup = {.settings.values = {125, 125}};
    for (uint32_t i = 0; i < 8; i++) {
        setup.points[i] =
            (struct point){.unit = i / 4, .space = i / 2 % 2, .start = i, .length = 1};
    }
    group_sort(setup.points, 8);
    group_set_init(&setup.set, &test_driver, &setup.settings, setup.points, 8);
    assert_int_equal(4, setup.set.group_count);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(2, setup.set.groups[i].count);
    }
    group_set_fini(&setup.set);
}

/* Tries every way to cut the sorted points. Cost as in group.c. */
static uint64_t brute_force(const struct setup *setup, uint32_t count) {
    uint64_t best = UINT64_MAX;
    for (uint32_t cuts = 0; cuts < 1u << (count - 1); cuts++) {
        uint64_t cost = 0;
        uint32_t start = setup->points[0].start;
        uint32_t end = start;
        bool allowed = true;
        for (uint32_t i = 0; i < count; i++) {
            const struct point *point = &setup->points[i];
            if (i > 0 && (cuts >> (i - 1) & 1) != 0) {
                cost += (1ULL << 32) + (end - start);
                start = point->start;
                end = start;
            }
            allowed =
                allowed && (end >= point->start || point->start - end <= setup->settings.values[1]);
            end = point->start + point->length > end ? point->start + point->length : end;
            allowed = allowed && (int64_t)(end - start) <= setup->settings.values[0];
        }
        cost += (1ULL << 32) + (end - start);
        best = allowed && cost < best ? cost : best;
    }
    return best;
}

static void no_cut_is_better_than_the_plan(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 3);
    for (int round = 0; round < 300; round++) {
        uint32_t cells[POINTS_MAX][2];
        uint32_t count = 1 + (uint32_t)random_below(&random, POINTS_MAX);
        for (uint32_t i = 0; i < count; i++) {
            cells[i][0] = (uint32_t)random_below(&random, 60);
            cells[i][1] = 1 + (uint32_t)random_below(&random, 4);
        }
        struct setup setup;
        make(&setup, 6 + (int64_t)random_below(&random, 20), (int64_t)random_below(&random, 10),
            (const uint32_t(*)[2])cells, count);
        uint64_t cost = 0;
        uint32_t points = 0;
        for (uint32_t i = 0; i < setup.set.group_count; i++) {
            cost += (1ULL << 32) + setup.set.groups[i].length;
            points += setup.set.groups[i].count;
        }
        assert_int_equal(count, points);
        assert_true(cost <= brute_force(&setup, count));
        group_set_fini(&setup.set);
    }
}

/* Asks a device that has only some cells, until nothing changes. The number of requests refused. */
static uint32_t learn(struct setup *setup, const bool *exists, int polls) {
    struct group_set *set = &setup->set;
    uint32_t refusals = 0;
    for (int poll = 0; poll < polls; poll++) {
        bool again = true;
        bool refused_any = false;
        for (int round = 0; again && round < 24; round++) {
            again = false;
            for (uint32_t i = 0; i < set->group_count; i++) {
                if (!group_set_is_due(set, i, 0)) {
                    continue;
                }
                bool good = true;
                for (uint32_t c = 0; c < set->groups[i].length; c++) {
                    good = good && exists[set->groups[i].start + c];
                }
                if (good) {
                    (void)group_set_accept(set, i);
                } else {
                    again |= !group_set_refuse(set, i, 0);
                    refused_any = true;
                    refusals++;
                }
            }
            group_set_plan(set);
        }
        if (!refused_any && group_set_settle(set)) {
            group_set_plan(set);
        }
    }
    return refusals;
}

static void holes_are_learned_down_to_the_fewest_requests(void **state) {
    (void)state;
    bool exists[200] = {false};
    static const uint32_t ranges[][2] = {{0, 20}, {25, 40}, {100, 130}};
    static const uint32_t cells[][2] = {
        {0, 1}, {12, 2}, {19, 1}, {25, 1}, {39, 1}, {100, 2}, {110, 1}, {129, 1}};
    for (size_t i = 0; i < 3; i++) {
        for (uint32_t c = ranges[i][0]; c < ranges[i][1]; c++) {
            exists[c] = true;
        }
    }
    struct setup setup;
    make(&setup, 200, 200, cells, 8);
    (void)learn(&setup, exists, 30);
    assert_int_equal(3, setup.set.group_count);
    assert_int_equal(0, learn(&setup, exists, 10)); // And nothing is refused any more.
    group_set_fini(&setup.set);
}

static void a_wrong_address_is_left_alone_and_its_neighbours_stay_together(void **state) {
    (void)state;
    bool exists[200] = {false};
    uint32_t cells[50][2];
    for (uint32_t i = 0; i < 50; i++) {
        cells[i][0] = i;
        cells[i][1] = 1;
        exists[i] = i != 31;
    }
    struct setup setup;
    make(&setup, 125, 125, (const uint32_t(*)[2])cells, 50);
    (void)learn(&setup, exists, 60);
    assert_int_equal(3, setup.set.group_count); // 0-30, 31 alone, 32-49.
    assert_int_equal(31, setup.set.groups[0].length);
    assert_true(setup.set.nodes[31].refused);
    assert_false(group_set_is_due(&setup.set, 1, 59 * NS_PER_S));
    assert_true(group_set_is_due(&setup.set, 1, 60 * NS_PER_S));
    /* The register appears: after its next try all is one request again. */
    assert_true(group_set_accept(&setup.set, 1));
    exists[31] = true;
    group_set_plan(&setup.set);
    (void)learn(&setup, exists, 10);
    assert_int_equal(1, setup.set.group_count);
    group_set_fini(&setup.set);
}

static void an_empty_set_has_no_groups(void **state) {
    (void)state;
    struct setup setup;
    make(&setup, 125, 125, NULL, 0);
    assert_int_equal(0, setup.set.group_count);
    assert_false(group_set_settle(&setup.set));
    group_set_fini(&setup.set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_read_together),
        cmocka_unit_test(units_and_spaces_are_never_mixed),
        cmocka_unit_test(no_cut_is_better_than_the_plan),
        cmocka_unit_test(holes_are_learned_down_to_the_fewest_requests),
        cmocka_unit_test(a_wrong_address_is_left_alone_and_its_neighbours_stay_together),
        cmocka_unit_test(an_empty_set_has_no_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
