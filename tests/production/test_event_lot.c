/*
 * Lots as people tell of them: split, merge, mix, rework make new ones with links; a hold goes down
 * to everything that was made of a lot, and a release frees what nothing else holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "tests/production/support_shop.h"

static struct shop shop;

static int open_shop(void **state) {
    (void)state;
    shop_open(&shop);
    SHOP_DONE(&shop, "stock.receive", "item=PELLET", "quantity=100", "lot=A", NULL);
    SHOP_DONE(
        &shop, "stock.receive", "item=PELLET", "quantity=50", "lot=B", "expires=2023-11-20", NULL);
    SHOP_DONE(&shop, "stock.receive", "item=CASE", "quantity=10", "lot=C", NULL);
    return 0;
}

static int close_shop(void **state) {
    (void)state;
    shop_close(&shop);
    return 0;
}

static int64_t number(const char *sql) {
    return place_number(&shop.place, sql);
}

static bool is_state(const char *lot, const char *state) {
    char sql[160];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM lots WHERE code = '%s' AND state = '%s'",
        lot, state);
    return number(sql) == 1;
}

static int64_t stock_of(const char *lot) {
    char sql[200];
    (void)snprintf(sql, sizeof sql,
        "SELECT coalesce(sum(quantity_u), 0) / 1000000 FROM stock WHERE lot = (SELECT number FROM "
        "lots WHERE code = '%s')",
        lot);
    return number(sql);
}

static void a_split_makes_lots_with_the_rest_left(void **state) {
    (void)state;
    SHOP_DONE(
        &shop, "lot.split", "lot=B", "quantity=20", "code=B1", "quantity=10", "code=B2", NULL);
    assert_int_equal(stock_of("B"), 20);
    assert_int_equal(stock_of("B1"), 20);
    assert_int_equal(stock_of("B2"), 10);
    assert_int_equal(number("SELECT count(*) FROM lot_links WHERE kind = 'split'"), 2);
    assert_int_equal(
        number("SELECT count(*) FROM lots WHERE code = 'B1' AND expires = '2023-11-20'"), 1);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "lot.split", "lot=B", "quantity=15", "quantity=6");
    assert_int_equal(stock_of("B"), 20); // All or nothing.
    SHOP_REFUSED(&shop, ERR_INVALID, "lot.split", "lot=B", "quantity=1", "code=X", "code=Y");
    SHOP_REFUSED(&shop, ERR_EXISTS, "lot.split", "lot=B", "quantity=1", "code=A");
}

static void a_merge_is_of_one_item_and_a_mix_of_any(void **state) {
    (void)state;
    SHOP_DONE(&shop, "lot.merge", "lot=A", "lot=B", "code=AB", NULL);
    assert_int_equal(stock_of("AB"), 150);
    assert_int_equal(stock_of("A"), 0);
    assert_int_equal(
        number("SELECT count(*) FROM lots WHERE code = 'AB' AND expires = '2023-11-20'"), 1);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "lot.merge", "lot=AB", "lot=C");
    assert_true(shop_said(&shop, "another item"));
    SHOP_REFUSED(&shop, ERR_INVALID, "lot.merge", "lot=AB", "lot=AB");
    SHOP_REFUSED(&shop, ERR_INVALID, "lot.merge", "lot=AB");
    SHOP_DONE(&shop, "lot.mix", "item=UNIT", "lot=AB", "quantity=30", "lot=C", "quantity=2",
        "output=5", "place=SHIP", "code=U", NULL);
    assert_int_equal(stock_of("U"), 5);
    assert_int_equal(stock_of("AB"), 120);
    assert_int_equal(number("SELECT count(*) FROM lot_links WHERE kind = 'mix'"), 2);
    SHOP_REFUSED(&shop, ERR_INVALID, "lot.mix", "item=GREASE", "lot=AB", "lot=C");
}

static void a_rework_is_a_new_lot_of_the_old_one(void **state) {
    (void)state;
    SHOP_DONE(&shop, "lot.rework", "lot=C", "quantity=4", "output=3", "code=C-R", NULL);
    assert_int_equal(stock_of("C"), 6);
    assert_int_equal(stock_of("C-R"), 3);
    assert_int_equal(number("SELECT quantity_u FROM lot_links WHERE kind = 'rework'"), 4000000);
}

static void a_hold_goes_down_and_is_remembered_by_cause(void **state) {
    (void)state;
    SHOP_DONE(&shop, "lot.mix", "item=UNIT", "lot=A", "quantity=1", "lot=B", "quantity=1", "code=U",
        NULL);
    SHOP_DONE(&shop, "lot.split", "lot=U", "quantity=1", "code=U1", NULL);
    SHOP_DONE(&shop, "lot.hold", "lot=A", "why=wet", NULL);
    assert_true(shop_answered(&shop, "\"held\":3"));
    assert_true(is_state("U1", "held"));
    assert_int_equal(number("SELECT count(*) FROM lots WHERE code = 'U1' AND hold = 'A: wet'"), 1);
    SHOP_DONE(&shop, "lot.hold", "lot=A", "why=wet", NULL); // Scanned twice.
    assert_true(shop_answered(&shop, "\"held\":0"));
    assert_true(shop_answered(&shop, "was held already"));
    SHOP_DONE(&shop, "lot.hold", "lot=B", "why=colour", NULL);
    assert_true(is_state("B", "held"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "lot.release", "lot=U1");
    assert_true(shop_said(&shop, "because of another one (A: wet)"));
    SHOP_DONE(&shop, "lot.release", "lot=A", NULL);
    assert_true(shop_answered(&shop, "\"freed\":1")); // A alone; the others are held by B.
    assert_true(is_state("A", "open"));
    assert_true(is_state("U", "held"));
    assert_int_equal(
        number("SELECT count(*) FROM lots WHERE code = 'U1' AND hold = 'B: colour'"), 1);
    SHOP_DONE(&shop, "lot.release", "lot=U1", "alone=1", NULL);
    assert_true(is_state("U1", "open"));
    assert_true(is_state("U", "held"));
    SHOP_DONE(&shop, "lot.release", "lot=B", NULL);
    assert_true(is_state("U", "open"));
    SHOP_DONE(&shop, "lot.release", "lot=B", NULL);
    assert_true(shop_answered(&shop, "was not held"));
    assert_int_equal(number("SELECT count(*) FROM lot_holds"), 0);
}

static void what_is_split_off_a_held_lot_is_held(void **state) {
    (void)state;
    SHOP_DONE(&shop, "lot.hold", "lot=A", "why=wet", NULL);
    SHOP_DONE(&shop, "lot.split", "lot=A", "quantity=5", "code=A1", NULL);
    assert_true(is_state("A1", "held"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "lot.merge", "lot=A1", "lot=B");
    SHOP_DONE(&shop, "lot.release", "lot=A", NULL);
    assert_true(is_state("A1", "open"));
}

static void releasing_is_for_those_who_manage(void **state) {
    (void)state;
    shop.manages = false;
    SHOP_DONE(&shop, "lot.hold", "lot=A", "why=wet", NULL);
    SHOP_REFUSED(&shop, ERR_FORBIDDEN, "lot.release", "lot=A");
}

static void a_scrapped_lot_is_gone_from_everywhere(void **state) {
    (void)state;
    SHOP_DONE(&shop, "stock.transfer", "lot=A", "quantity=10", "to=FLOOR", NULL);
    SHOP_DONE(&shop, "lot.scrap", "lot=A", NULL);
    assert_true(shop_answered(&shop, "\"scrapped\":100"));
    assert_int_equal(stock_of("A"), 0);
    SHOP_DONE(&shop, "lot.scrap", "lot=A", NULL);
    assert_true(shop_answered(&shop, "was scrapped already"));
    SHOP_REFUSED(&shop, ERR_CONFLICT, "stock.issue", "lot=A", "quantity=1");
    assert_true(shop_said(&shop, "must not be used"));
    SHOP_DONE(&shop, "lot.hold", "lot=A", "why=late", NULL); // A hold does not wake it.
    assert_true(is_state("A", "scrapped"));
    SHOP_DONE(&shop, "lot.release", "lot=A", NULL);
    assert_true(is_state("A", "scrapped"));
}

enum { GROWN_MAX = 40 };

/* Whether a lot or one it was made of is in the set, by the links as they stand. */
static bool reaches_back(int64_t lot, const bool *causes) {
    bool met[GROWN_MAX + 1] = {false};
    int64_t open[GROWN_MAX + 1];
    int count = 0;
    open[count++] = lot;
    met[lot] = true;
    for (int i = 0; i < count; i++) {
        if (causes[open[i]]) {
            return true;
        }
        for (int64_t other = 1; other <= GROWN_MAX; other++) {
            char sql[120];
            (void)snprintf(sql, sizeof sql,
                "SELECT count(*) FROM lot_links WHERE parent = %d AND child = %d", (int)other,
                (int)open[i]);
            if (!met[other] && number(sql) > 0) {
                met[other] = true;
                open[count++] = other;
            }
        }
    }
    return false;
}

/* However lots are split, merged, held and released: held is exactly what is held itself or made of
 * something held. */
static void held_is_what_was_made_of_what_is_held(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 11);
    bool causes[GROWN_MAX + 1] = {false};
    int64_t lots = number("SELECT max(number) FROM lots");
    for (int step = 0; step < 80; step++) {
        char lot[32];
        char other[32];
        int64_t at = 1 + (int64_t)random_below(&random, (uint64_t)lots);
        char sql[80];
        (void)snprintf(sql, sizeof sql, "UPDATE lots SET code = 'L' || number");
        place_sql(&shop.place, sql);
        (void)snprintf(lot, sizeof lot, "lot=L%d", (int)at);
        (void)snprintf(
            other, sizeof other, "lot=L%d", 1 + (int)random_below(&random, (uint64_t)lots));
        switch (random_below(&random, 8)) {
        case 0: causes[at] |= shop_tell(&shop, "lot.hold", lot, "why=x", NULL) == 0; break;
        case 1:
        case 2:
            if (shop_tell(&shop, "lot.release", lot, NULL) == 0) {
                causes[at] = false;
            }
            break;
        case 3:
        case 4:
            if (lots < GROWN_MAX) {
                (void)shop_tell(&shop, "lot.split", lot, "quantity=0.03", NULL);
            }
            break;
        default:
            if (lots < GROWN_MAX) {
                (void)shop_tell(&shop, "lot.mix", "item=UNIT", lot, other, "quantity=0.1",
                    "quantity=0.1", NULL);
            }
        }
        lots = number("SELECT max(number) FROM lots");
    }
    for (int64_t i = 1; i <= lots; i++) {
        char sql[100];
        (void)snprintf(
            sql, sizeof sql, "SELECT state = 'held' FROM lots WHERE number = %d", (int)i);
        assert_int_equal(number(sql), reaches_back(i, causes));
    }
    assert_true(lots > 15);
    assert_true(number("SELECT count(*) FROM lots WHERE state = 'held'") > 3);
    assert_true(number("SELECT count(*) FROM lots WHERE state = 'open'") > 3);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_shop, close_shop)
    const struct CMUnitTest tests[] = {
        TEST(a_split_makes_lots_with_the_rest_left),
        TEST(a_merge_is_of_one_item_and_a_mix_of_any),
        TEST(a_rework_is_a_new_lot_of_the_old_one),
        TEST(a_hold_goes_down_and_is_remembered_by_cause),
        TEST(what_is_split_off_a_held_lot_is_held),
        TEST(releasing_is_for_those_who_manage),
        TEST(a_scrapped_lot_is_gone_from_everywhere),
        TEST(held_is_what_was_made_of_what_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
