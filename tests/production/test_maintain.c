/*
 * When care is due: by the calendar against a calendar of its own, by running hours and shots
 * against sums made here; and failures, their mean time apart and their mean length.
 */
#include "production/maintain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/time.h"
#include "tests/production/support_shop.h"

enum { DAY_S = 86400, ROUNDS = 4000 };

static struct shop shop;
static uint32_t seed = 20231114;

static int64_t below(int64_t count) {
    seed = seed * 1664525 + 1013904223;
    return (int64_t)(((uint64_t)seed << 16 ^ seed >> 8) % (uint64_t)count);
}

static int open_shop(void **state) {
    (void)state;
    shop_open(&shop);
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

struct date {
    int year;
    int month;
    int day;
};

/* By the text of a time: another calendar than the one that is asked. */
static struct date date_of(int64_t day) {
    char text[TIME_TEXT_MAX];
    int64_t parts[3] = {0};
    (void)time_format(day * DAY_S * NS_PER_S, NULL, text);
    struct str rest = str_slice(str_of(text), 0, 10);
    for (int i = 0; i < 3; i++) {
        assert_true(str_to_i64(str_cut(&rest, '-'), &parts[i]));
    }
    return (struct date){(int)parts[0], (int)parts[1], (int)parts[2]};
}

static void a_month_later_is_the_same_day_or_the_last_of_the_month(void **state) {
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t day = below(40000);
        int64_t months = 1 + below(60);
        const struct care_rule rule = {.basis = CARE_MONTHS, .every = months};
        int64_t next = care_next_day(&rule, day);
        struct date from = date_of(day);
        struct date to = date_of(next);
        struct date after = date_of(next + 1);
        assert_int_equal((to.year - from.year) * 12 + to.month - from.month, months);
        bool is_last = after.month != to.month;
        assert_true(to.day == from.day || (is_last && to.day < from.day));
    }
    const struct care_rule month = {.basis = CARE_MONTHS, .every = 1};
    assert_int_equal(care_next_day(&month, 19753), 19782); // 2024-01-31: 2024-02-29.
    assert_int_equal(care_next_day(&month, 19388), 19416); // 2023-01-31: 2023-02-28.
}

static void it_goes_from_ok_to_soon_to_due_to_late_and_never_back(void **state) {
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const struct care_rule rule = {
            .basis = (enum care_basis)below(5), .every = 1 + below(400), .tolerance = below(30)};
        bool metered = rule.basis == CARE_HOURS || rule.basis == CARE_SHOTS;
        int64_t unit = rule.basis == CARE_HOURS ? 3600 : 1;
        int64_t last = 10000 + below(10000);
        enum care_state before = CARE_OK;
        for (int64_t step = 0; step < 60; step++) {
            int64_t used = metered ? step * rule.every * unit / 20 : 0;
            int64_t today = last + step * (care_next_day(&rule, last) - last) / 20;
            struct care_due due;
            care_due_of(&rule, last, used, today, &due);
            assert_true(due.state >= before);
            before = due.state;
            int64_t left = metered ? rule.every * unit - used : care_next_day(&rule, last) - today;
            assert_int_equal(due.left, left);
            assert_int_equal(due.state >= CARE_DUE, left <= 0);
            assert_int_equal(due.state == CARE_LATE, left < -rule.tolerance * (metered ? unit : 1));
        }
    }
    struct care_due due;
    const struct care_rule weekly = {.basis = CARE_WEEKS, .every = 2, .tolerance = 1};
    care_due_of(&weekly, CARE_NEVER, 0, 100, &due);
    assert_int_equal(due.state, CARE_DUE);
    assert_int_equal(due.day, 100);
    care_due_of(&weekly, 100, 0, 113, &due);
    assert_int_equal(due.state, CARE_SOON);
    assert_int_equal(due.day, 114);
}

struct question {
    int64_t from_ns;
    int64_t to_ns;
    int64_t answer_ns;
};

static int read_run(struct ledger_tx *tx, void *context, struct err *err) {
    struct question *question = context;
    return machine_run_ns(tx, 1, question->from_ns, question->to_ns, &question->answer_ns, err);
}

/* Second by second beside the sum of the program. */
static void running_time_is_what_the_states_say(void **state) {
    (void)state;
    enum { LENGTH = 400 };
    for (int round = 0; round < 20; round++) {
        int states[LENGTH] = {0};
        int now = 0;
        place_sql(&shop.place, "DELETE FROM machine_states");
        place_sql(&shop.place, "DELETE FROM machine_marks");
        for (int at = 0; at < LENGTH; at++) {
            if (at == 0 || below(15) == 0) {
                char sql[160];
                now = (int)below(4);
                (void)snprintf(sql, sizeof sql,
                    "INSERT INTO machine_states VALUES (1, %lld, %d, 0)",
                    (long long)(PLACE_START_S + at) * 1000000000, now);
                place_sql(&shop.place, sql);
            }
            states[at] = now;
        }
        char sql[160];
        int seen = LENGTH / 2 + (int)below(LENGTH / 2);
        (void)snprintf(sql, sizeof sql, "INSERT INTO machine_marks VALUES (1, %lld, '{}')",
            (long long)(PLACE_START_S + seen) * 1000000000);
        place_sql(&shop.place, sql);
        for (int i = 0; i < 20; i++) {
            int from = (int)below(LENGTH);
            int to = from + (int)below(LENGTH - from + 1);
            int64_t expected = 0;
            for (int at = from; at < to && at < seen; at++) {
                expected += states[at] == 1;
            }
            struct question question = {.from_ns = (PLACE_START_S + from) * NS_PER_S,
                .to_ns = (PLACE_START_S + to) * NS_PER_S};
            place_read(&shop.place, read_run, &question);
            assert_int_equal(question.answer_ns, expected * NS_PER_S);
        }
    }
}

/* ---- As JSON ---- */

struct listing {
    struct json json;
    struct care_ask ask;
    struct maintain_query query;
    int (*fn)(struct ledger_tx *tx, struct listing *listing, struct err *err);
};

static int list(struct ledger_tx *tx, void *context, struct err *err) {
    struct listing *listing = context;
    return listing->fn(tx, listing, err);
}

static bool holds(int (*fn)(struct ledger_tx *, struct listing *, struct err *), const char *text) {
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 20);
    struct listing listing = {.fn = fn};
    listing.ask.now_ns = shop.place.clock.wall_ns;
    listing.query = (struct maintain_query){.machine = STR_NONE,
        .mould = STR_NONE,
        .to_ns = INT64_MAX,
        .now_ns = listing.ask.now_ns,
        .before = INT64_MAX,
        .limit = 100};
    json_init(&listing.json, &out);
    json_array_begin(&listing.json);
    place_read(&shop.place, list, &listing);
    json_array_end(&listing.json);
    bool found = strstr(buf_z(&out), text) != NULL;
    if (!found) {
        print_message("%s\n", buf_z(&out));
    }
    return found;
}

static int due(struct ledger_tx *tx, struct listing *listing, struct err *err) {
    return maintain_put_due(tx, &listing->ask, &listing->json, err);
}

static int machines(struct ledger_tx *tx, struct listing *listing, struct err *err) {
    return maintain_put_machines(tx, &listing->query, &listing->json, err);
}

static int repairs(struct ledger_tx *tx, struct listing *listing, struct err *err) {
    int64_t next = 0;
    return maintain_put_repairs(tx, &listing->query, &listing->json, &next, err);
}

static int log_of(struct ledger_tx *tx, struct listing *listing, struct err *err) {
    return maintain_put_log(tx, &listing->query, &listing->json, err);
}

static int spares(struct ledger_tx *tx, struct listing *listing, struct err *err) {
    return maintain_put_spares(tx, &listing->json, err);
}

static void advance(int64_t seconds) {
    clock_fake_advance(&shop.place.clock, seconds * NS_PER_S);
}

struct looking {
    const struct care_ask *ask;
    enum care_state state;
};

static int read_state(struct ledger_tx *tx, void *context, struct err *err) {
    struct looking *looking = context;
    struct arena arena;
    struct care_plan *plans = NULL;
    arena_init(&arena, 0);
    int count = care_plans_load(tx, looking->ask, &arena, &plans, err);
    assert_int_equal(count, 1);
    looking->state = plans[0].due.state;
    arena_fini(&arena);
    return 0;
}

static enum care_state state_in(const struct care_ask *ask) {
    struct looking looking = {.ask = ask};
    place_read(&shop.place, read_state, &looking);
    return looking.state;
}

static void plans_count_from_when_they_were_done(void **state) {
    (void)state;
    place_sql(&shop.place,
        "INSERT INTO care_plans (number, changed_ns, code, name, machine, every, basis, tolerance, "
        "start, active, note) VALUES (1, 0, 'OIL', 'Change oil', 1, 2, 'hours', NULL, '', 1, ''), "
        "(2, 0, 'BELT', 'Belt', 1, 7, 'days', 1, '2023-11-10', 1, ''), (3, 0, 'OFF', 'Off', 1, 1, "
        "'days', NULL, '', 0, '')");
    place_sql(&shop.place, "INSERT INTO machine_states VALUES (1, 1700000000000000000, 1, 0)");
    place_sql(&shop.place, "INSERT INTO machine_marks VALUES (1, 1800000000000000000, '{}')");
    advance(3600);
    assert_true(holds(due, "\"plan\":\"OIL\""));
    assert_true(holds(due, "\"used\":1,\"left\":1,\"state\":\"ok\""));
    assert_true(holds(due, "\"due_day\":\"2023-11-17\",\"used\":4,\"left\":3,\"state\":\"ok\""));
    assert_false(holds(due, "OFF"));
    advance(2 * 3600);
    assert_true(holds(due, "[{\"plan\":\"OIL\"")); // What is late stands first.
    assert_true(holds(due, "\"used\":3,\"left\":-1,\"state\":\"late\""));
    SHOP_DONE(&shop, "stock.receive", "item=GREASE", "quantity=5", "place=WH", NULL);
    SHOP_DONE(&shop, "care.done", "plan=OIL", "worker=W1", "minutes=20", "item=GREASE",
        "quantity=1.5", "place=WH", NULL);
    assert_int_equal(number("SELECT quantity_u FROM stock WHERE item = 2"), 3500000);
    assert_int_equal(number("SELECT parts = 'GREASE 1.5' FROM care_done"), 1);
    assert_true(holds(due, "\"used\":0,\"left\":2,\"state\":\"ok\""));
    assert_true(holds(log_of, "\"kind\":\"care\""));
    // A part that is not there: nothing of it is entered.
    SHOP_REFUSED(
        &shop, ERR_CONFLICT, "care.done", "plan=OIL", "item=GREASE", "quantity=99", "place=WH");
    assert_int_equal(number("SELECT count(*) FROM care_done"), 1);
    SHOP_REFUSED(&shop, ERR_INVALID, "care.done", "worker=W1");
    // The same event again is done once.
    assert_int_equal(shop_tell_key(&shop, "same", "care.done", "plan=BELT", NULL), 0);
    assert_int_equal(shop_tell_key(&shop, "same", "care.done", "plan=BELT", NULL), 0);
    assert_int_equal(number("SELECT count(*) FROM care_done"), 2);
}

/* 23:30 UTC of the 14th is 08:30 of the 15th in Seoul: days are the plant's. */
static void days_are_those_of_the_plant(void **state) {
    (void)state;
    struct zone *seoul = NULL;
    assert_int_equal(zone_load(STR("Asia/Seoul"), &seoul, NULL), 0);
    place_sql(&shop.place,
        "INSERT INTO care_plans (number, changed_ns, code, name, machine, every, basis, start, "
        "active, note) VALUES (1, 0, 'BELT', 'Belt', 1, 1, 'days', '', 1, '')");
    SHOP_DONE(&shop, "care.done", "plan=BELT", "time=2023-11-14T14:30:00Z", NULL); // 23:30 there.
    const struct care_ask here = {.now_ns = shop.place.clock.wall_ns};
    const struct care_ask there = {.zone = seoul, .now_ns = shop.place.clock.wall_ns};
    assert_int_equal(state_in(&here), CARE_OK);   // The same day: a whole one is left.
    assert_int_equal(state_in(&there), CARE_DUE); // The next day has begun.
    zone_free(seoul);
}

/* */
static void failures_that_overlap_are_one(void **state) {
    (void)state;
    place_sql(&shop.place,
        "INSERT INTO reasons (number, changed_ns, code, kind, name, loss, active, note) VALUES (1, "
        "0, 'B', 'stop', 'Breakdown', 'breakdown', 1, ''), (2, 0, 'S', 'stop', 'Set-up', 'setup', "
        "1, '')");
    place_sql(&shop.place, "INSERT INTO machine_states VALUES (1, 1700000000000000000, 1, 0), (1, "
                           "1700003600000000000, 2, 0), (1, 1700007200000000000, 1, 0)");
    place_sql(&shop.place, "INSERT INTO machine_marks VALUES (1, 1700036000000000000, '{}')");
    // 1 h of breakdown, told by a request from its midst to half an hour behind its end, too.
    place_sql(&shop.place,
        "INSERT INTO stops (number, machine, begin_ns, end_ns, reason, note) VALUES (1, 1, "
        "1700003600000000000, 1700007200000000000, 1, ''), (2, 1, 1700010800000000000, "
        "1700014400000000000, 2, ''), (3, 1, 1700030000000000000, 1700030000000000000, 1, '')");
    advance(5400);
    SHOP_DONE(&shop, "repair.ask", "stop=1", "text=pump", "stands=1", "worker=W1", NULL);
    SHOP_REFUSED(&shop, ERR_INVALID, "repair.ask", "text=what");
    advance(3600);
    SHOP_DONE(&shop, "repair.begin", "repair=1", "worker=W1", NULL);
    SHOP_DONE(&shop, "repair.done", "repair=1", "cause=seal", "what=new seal", "minutes=40", NULL);
    SHOP_REFUSED(&shop, ERR_CONFLICT, "repair.begin", "repair=1");
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "repair.begin", "repair=9");
    advance(27000); // To 10 h behind the start: 9 h run, 1 failure of 1.5 h.
    assert_true(
        holds(machines, "\"count\":1,\"run_h\":9,\"down_h\":1.5,\"mtbf_h\":9,\"mttr_h\":1.5"));
    assert_true(holds(repairs, "\"state\":\"done\""));
    // A second one that goes on counts as a failure, but has no length yet.
    SHOP_DONE(&shop, "repair.ask", "machine=press1", "text=hose", "stands=1", NULL);
    advance(60);
    assert_true(holds(machines, "\"count\":2,"));
    assert_true(holds(machines, "\"mtbf_h\":4.5,\"mttr_h\":1.5"));
    SHOP_DONE(&shop, "repair.drop", "repair=2", "why=mistake", NULL);
    assert_true(holds(machines, "\"count\":1,"));
}

static void spare_parts_below_their_minimum_are_marked(void **state) {
    (void)state;
    place_sql(&shop.place,
        "INSERT INTO items (number, changed_ns, code, name, kind, unit, spec, family, gtin, lots, "
        "place, safety_u, active, note) VALUES (9, 0, 'SEAL', 'Seal', 'spare', 'EA', '', '', '', "
        "0, "
        "1, 2000000, 1, '')");
    assert_true(holds(spares, "\"stock\":0,\"least\":2,\"low\":true"));
    SHOP_DONE(&shop, "stock.receive", "item=SEAL", "quantity=3", NULL);
    assert_true(holds(spares, "\"stock\":3,\"least\":2,\"low\":false"));
    SHOP_DONE(&shop, "repair.ask", "machine=press1", "text=leak", NULL);
    SHOP_DONE(&shop, "repair.done", "repair=1", "cause=wear", "what=changed", "item=SEAL",
        "quantity=2", NULL);
    assert_true(holds(spares, "\"stock\":1,\"least\":2,\"low\":true"));
    assert_true(holds(repairs, "\"parts\":\"SEAL 2\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_later_is_the_same_day_or_the_last_of_the_month),
        cmocka_unit_test(it_goes_from_ok_to_soon_to_due_to_late_and_never_back),
        cmocka_unit_test_setup_teardown(running_time_is_what_the_states_say, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            plans_count_from_when_they_were_done, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(days_are_those_of_the_plant, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(failures_that_overlap_are_one, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(
            spare_parts_below_their_minimum_are_marked, open_shop, close_shop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
