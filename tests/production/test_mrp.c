/*
 * Material requirements planning: a known explosion by hand, and for random bills of material that
 * each quantity balances: what is there, comes and is planned covers what is needed, and no plan
 * could be left out.
 */
#include "production/mrp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/random.h"

#define U INT64_C(1000000)

/* A cover of two clips and 0.25 kg of resin (2 % lost); clips are bought by the hundred. */
static void a_sales_line_is_exploded_against_stock(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    const struct mrp_item items[] = {
        {.number = 1, .on_hand_u = 30 * U, .safety_u = 10 * U, .lead_days = 2, .made = true},
        {.number = 2, .on_hand_u = 50 * U, .lot_size_u = 100 * U, .lead_days = 5},
        {.number = 3, .on_hand_u = 5 * U, .lead_days = 7}};
    const struct mrp_line lines[] = {
        {0, 1, 2 * U, 1 * U, 0, false}, {0, 2, 250, 1000, 20000, false}};
    const struct mrp_need needs[] = {{0, 120 * U, 100, 77}};
    const struct mrp_input input = {.items = items,
        .item_count = 3,
        .lines = lines,
        .line_count = 2,
        .needs = needs,
        .need_count = 1,
        .today = 90};
    struct mrp_result result;
    assert_int_equal(mrp_run(&input, &arena, &result, NULL), 0);
    assert_int_equal(result.count, 3);
    const struct mrp_plan *cover = &result.plans[0];
    assert_int_equal(cover->quantity_u, 100 * U); // 120 - (30 - 10).
    assert_int_equal(cover->start, 98);
    assert_int_equal(cover->sales_line, 77);
    assert_true(cover->made);
    const struct mrp_plan *clip = &result.plans[1];
    assert_int_equal(clip->quantity_u, 200 * U); // 200 - 50, by the hundred.
    assert_int_equal(clip->day, 98);
    assert_int_equal(clip->start, 93);
    assert_int_equal(clip->parent, 0);
    assert_false(clip->made);
    const struct mrp_plan *resin = &result.plans[2];
    assert_int_equal(resin->quantity_u, 20500000); // 25 * 1.02 - 5.
    assert_int_equal(resin->sales_line, 77);
}

static void what_is_on_its_way_and_a_short_safety_stock_count(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    const struct mrp_item items[] = {{.number = 1, .safety_u = 10 * U}};
    const struct mrp_receipt receipts[] = {{0, 6 * U, 95}};
    struct mrp_input input = {
        .items = items, .item_count = 1, .receipts = receipts, .receipt_count = 1, .today = 90};
    struct mrp_result result;
    assert_int_equal(mrp_run(&input, &arena, &result, NULL), 0);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.plans[0].quantity_u, 4 * U);
    assert_int_equal(result.plans[0].day, 90);
    assert_int_equal(result.plans[0].parent, -1);
}

/* A standing order of March covers a sale of tomorrow: nothing is made twice, but somebody is told.
 */
static void what_comes_too_late_is_told(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    const struct mrp_item items[] = {{.number = 1, .on_hand_u = 3 * U}, {.number = 2}};
    const struct mrp_receipt receipts[] = {{0, 4 * U, 110}, {1, 5 * U, 92}, {0, 20 * U, 200}};
    const struct mrp_need needs[] = {{.item = 0, .quantity_u = 2 * U, .day = 91},
        {.item = 0, .quantity_u = 6 * U, .day = 110}, {.item = 0, .quantity_u = 2 * U, .day = 120},
        {.item = 1, .quantity_u = 5 * U, .day = 92}, {.item = 1, .quantity_u = 1 * U, .day = 90}};
    const struct mrp_input input = {.items = items,
        .item_count = 2,
        .receipts = receipts,
        .receipt_count = 3,
        .needs = needs,
        .need_count = 5,
        .today = 90};
    struct mrp_result result;
    assert_int_equal(mrp_run(&input, &arena, &result, NULL), 0);
    assert_int_equal(result.count, 1); // One of the second item, of which six are wanted.
    assert_int_equal(result.plans[0].item, 1);
    assert_int_equal(result.plans[0].quantity_u, 1 * U);
    assert_int_equal(result.late_count, 2);
    assert_int_equal(result.lates[0].item, 0); // 3 - 2 + 4 - 6.
    assert_int_equal(result.lates[0].day, 110);
    assert_int_equal(result.lates[0].short_u, 1 * U);
    assert_int_equal(result.lates[1].item, 1); // The first is wanted before any came.
    assert_int_equal(result.lates[1].day, 90);
}

static void bills_that_go_round_are_refused(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    const struct mrp_item items[] = {{.number = 1, .made = true}, {.number = 2, .made = true}};
    const struct mrp_line lines[] = {{0, 1, U, U, 0, false}, {1, 0, U, U, 0, false}};
    const struct mrp_input input = {
        .items = items, .item_count = 2, .lines = lines, .line_count = 2};
    struct mrp_result result;
    struct err err = ERR_INIT;
    assert_int_equal(mrp_run(&input, &arena, &result, &err), -ERR_CONFLICT);
}

static void needs_are_rounded_up_and_never_overflow(void **state) {
    (void)state;
    const struct mrp_line third = {.quantity_u = 1, .base_u = 3};
    assert_int_equal(mrp_component_need(1, &third), 1);
    assert_int_equal(mrp_component_need(3, &third), 1);
    assert_int_equal(mrp_component_need(4, &third), 2);
    const struct mrp_line huge = {.quantity_u = INT64_MAX, .base_u = 1, .scrap_ppm = 1000000};
    assert_int_equal(mrp_component_need(INT64_MAX, &huge), INT64_MAX);
}

enum { ITEMS = 12, LINES = 24, NEEDS = 10 };

/* Lines go from a smaller to a larger place, so nothing goes round. */
static void fill_random(
    struct random *random, struct mrp_item *items, struct mrp_line *lines, struct mrp_need *needs) {
    for (uint32_t i = 0; i < ITEMS; i++) {
        items[i] = (struct mrp_item){.number = i + 1,
            .on_hand_u = (int64_t)random_below(random, 200) * U,
            .safety_u = (int64_t)random_below(random, 3) * 10 * U,
            .lot_size_u = (int64_t)random_below(random, 3) * 25 * U,
            .lead_days = (int32_t)random_below(random, 6)};
    }
    for (uint32_t i = 0; i < LINES; i++) {
        uint32_t item = (uint32_t)random_below(random, ITEMS - 1);
        uint32_t component = item + 1 + (uint32_t)random_below(random, ITEMS - 1 - item);
        lines[i] = (struct mrp_line){.item = item,
            .component = component,
            .quantity_u = 1 + (int64_t)random_below(random, 3 * U),
            .base_u = U,
            .scrap_ppm = (int64_t)random_below(random, 50000)};
        items[item].made = true;
    }
    for (uint32_t i = 0; i < NEEDS; i++) {
        needs[i] = (struct mrp_need){.item = (uint32_t)random_below(random, ITEMS),
            .quantity_u = 1 + (int64_t)random_below(random, 300 * U),
            .day = 100 + (int32_t)random_below(random, 30),
            .sales_line = i + 1};
    }
}

static void plans_balance_for_random_bills(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 20260);
    for (int round = 0; round < 500; round++) {
        AUTO_ARENA struct arena arena;
        arena_init(&arena, 0);
        struct mrp_item items[ITEMS];
        struct mrp_line lines[LINES];
        struct mrp_need needs[NEEDS];
        fill_random(&random, items, lines, needs);
        const struct mrp_input input = {.items = items,
            .item_count = ITEMS,
            .lines = lines,
            .line_count = LINES,
            .needs = needs,
            .need_count = NEEDS,
            .today = 100};
        struct mrp_result result;
        assert_int_equal(mrp_run(&input, &arena, &result, NULL), 0);
        for (uint32_t i = 0; i < ITEMS; i++) {
            int64_t needed = items[i].safety_u;
            for (uint32_t j = 0; j < NEEDS; j++) {
                needed += needs[j].item == i ? needs[j].quantity_u : 0;
            }
            int64_t planned = 0;
            int64_t largest = 0;
            for (uint32_t j = 0; j < result.count; j++) {
                const struct mrp_plan *plan = &result.plans[j];
                assert_true(plan->parent < (int32_t)j);
                if (plan->item == i) {
                    planned += plan->quantity_u;
                    largest = items[i].lot_size_u > 0 ? items[i].lot_size_u : 1;
                    assert_int_equal(plan->quantity_u % largest, 0);
                    assert_int_equal(plan->day - plan->start, items[i].lead_days);
                }
                for (uint32_t k = 0; k < LINES; k++) {
                    if (lines[k].component == i && plan->item == lines[k].item) {
                        needed += mrp_component_need(plan->quantity_u, &lines[k]);
                    }
                }
            }
            assert_true(items[i].on_hand_u + planned >= needed);
            if (planned > 0) { // Not a lot more than needed.
                assert_true(items[i].on_hand_u + planned - needed < largest ||
                            items[i].on_hand_u + planned == needed);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sales_line_is_exploded_against_stock),
        cmocka_unit_test(what_is_on_its_way_and_a_short_safety_stock_count),
        cmocka_unit_test(what_comes_too_late_is_told),
        cmocka_unit_test(bills_that_go_round_are_refused),
        cmocka_unit_test(needs_are_rounded_up_and_never_overflow),
        cmocka_unit_test(plans_balance_for_random_bills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
