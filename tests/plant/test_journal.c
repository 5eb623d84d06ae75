/* Rows a minute and refusals: nothing is told of a time that nobody saw, and old minutes go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/mem.h"
#include "plant/journal.h"

#define T0        1735689600000000000LL
#define MINUTE_NS (60 * NS_PER_S)

static struct clock_fake fake;
static struct journal *journal;

static int set_up(void **state) {
    (void)state;
    clock_fake_init(&fake, T0);
    clock_fake_advance(&fake, 100000 * MINUTE_NS);
    journal = journal_new(&fake.clock);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    journal_free(journal);
    return 0;
}

static void minutes_stand_in_order_and_sources_apart(void **state) {
    (void)state;
    journal_count(journal, 3, &(struct journal_minute){.in = 5});
    journal_count(journal, 0, &(struct journal_minute){.in = 2, .kept = 6, .omitted = 1});
    clock_fake_advance(&fake, 2 * MINUTE_NS);
    journal_count(journal, 3, &(struct journal_minute){.in = 7, .refused = 4});
    journal_count(journal, JOURNAL_SOURCES_MAX + 9, &(struct journal_minute){.in = 1});
    struct journal_minute minutes[5];
    int64_t from_ns = 0;
    journal_minutes(journal, 0, 5, minutes, &from_ns);
    assert_int_equal(from_ns, T0 + (100002 - 4) * MINUTE_NS);
    static const uint32_t in[5] = {0, 0, 7, 0, 8};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(minutes[i].in, in[i]);
    }
    assert_int_equal(minutes[2].kept, 6);
    assert_int_equal(minutes[2].omitted, 1);
    assert_int_equal(minutes[4].refused, 4);
    journal_minutes(journal, 3, 5, minutes, &from_ns);
    assert_int_equal(minutes[2].in, 5);
    assert_int_equal(minutes[4].in, 7);
    journal_minutes(journal, 4, 5, minutes, &from_ns);
    assert_int_equal(minutes[4].in, 0);
    assert_int_equal(journal_age(journal), 3);
}

static void a_day_later_nothing_is_left(void **state) {
    (void)state;
    AUTO_FREE struct journal_minute *minutes = MEM_ARRAY(struct journal_minute, JOURNAL_MINUTES);
    int64_t from_ns = 0;
    journal_count(journal, 1, &(struct journal_minute){.in = 5});
    clock_fake_advance(&fake, (JOURNAL_MINUTES - 1) * MINUTE_NS);
    journal_minutes(journal, 1, JOURNAL_MINUTES, minutes, &from_ns);
    assert_int_equal(minutes[0].in, 5);
    clock_fake_advance(&fake, MINUTE_NS);
    for (uint32_t source = 0; source < 2; source++) {
        journal_minutes(journal, source, JOURNAL_MINUTES, minutes, &from_ns);
        for (uint32_t i = 0; i < JOURNAL_MINUTES; i++) {
            assert_int_equal(minutes[i].in, 0);
        }
    }
    journal_count(journal, 1, &(struct journal_minute){.in = 1});
    clock_fake_advance(&fake, 10 * JOURNAL_MINUTES * MINUTE_NS);
    journal_minutes(journal, 0, JOURNAL_MINUTES, minutes, &from_ns);
    assert_int_equal(minutes[JOURNAL_MINUTES - 1].in, 0);
    assert_int_equal(journal_age(journal), JOURNAL_MINUTES);
}

static void the_newest_refusals_come_first(void **state) {
    (void)state;
    struct journal_refusal found[4];
    assert_int_equal(journal_refusals(journal, found, 4), 0);
    for (uint32_t i = 0; i < JOURNAL_REFUSALS + 3; i++) {
        struct err what = ERR_INIT;
        (void)err_set(&what, ERR_NOT_FOUND, MSG_PLANT_TAG_UNKNOWN, ARGS(A_INT(i)));
        journal_refuse(journal, JOURNAL_SENDER, 0, i, &what);
        clock_fake_advance(&fake, NS_PER_S);
    }
    assert_int_equal(journal_refusals(journal, found, 4), 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(found[i].rows, JOURNAL_REFUSALS + 2 - i);
        assert_int_equal(found[i].what.code, ERR_NOT_FOUND);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            minutes_stand_in_order_and_sources_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_day_later_nothing_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_refusals_come_first, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
