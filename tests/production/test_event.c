/*
 * Events are told once and done once: the key, the members, the time, the right; what is refused
 * leaves nothing behind.
 */
#include "production/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/thread.h"
#include "tests/production/support_shop.h"

static struct shop shop;

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

static int64_t count(const char *sql) {
    return place_number(&shop.place, sql);
}

static void an_event_told_twice_is_done_once(void **state) {
    (void)state;
    assert_int_equal(
        shop_tell_key(&shop, "a-1", "remark", "text=Nozzle drips", "machine=press1", NULL), 0);
    assert_false(shop_answered(&shop, "repeated"));
    assert_true(shop_answered(&shop, "\"event\":1,"));
    // The same members in another order are the same event.
    assert_int_equal(
        shop_tell_key(&shop, "a-1", "remark", "machine=press1", "text= Nozzle drips ", NULL), 0);
    assert_true(shop_answered(&shop, "\"repeated\":true"));
    assert_true(shop_answered(&shop, "\"event\":1,"));
    assert_int_equal(count("SELECT count(*) FROM production_events"), 1);
    assert_int_equal(count("SELECT count(*) FROM audit WHERE action = 'event.remark'"), 1);
}

static void another_event_under_a_used_key_is_refused(void **state) {
    (void)state;
    assert_int_equal(shop_tell_key(&shop, "a", "remark", "text=one", NULL), 0);
    assert_int_equal(shop_tell_key(&shop, "a", "remark", "text=two", NULL), -ERR_CONFLICT);
    assert_true(shop_said(&shop, "new key"));
    assert_int_equal(count("SELECT count(*) FROM production_events"), 1);
}

static void a_refused_event_leaves_nothing_and_may_be_tried_again(void **state) {
    (void)state;
    assert_int_equal(
        shop_tell_key(&shop, "a", "remark", "text=x", "machine=press9", NULL), -ERR_NOT_FOUND);
    assert_true(shop_said(&shop, "press9"));
    assert_int_equal(count("SELECT count(*) FROM production_events"), 0);
    assert_int_equal(shop_tell_key(&shop, "a", "remark", "text=x", "machine=press1", NULL), 0);
    assert_false(shop_answered(&shop, "repeated"));
}

static void members_are_refused_by_name(void **state) {
    (void)state;
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "remarks", "text=x");
    SHOP_REFUSED(&shop, ERR_INVALID, "remark", "machine=press1");
    assert_true(shop_said(&shop, "(text)"));
    SHOP_REFUSED(&shop, ERR_INVALID, "remark", "text=   ");
    SHOP_REFUSED(&shop, ERR_INVALID, "remark", "text=x", "colour=red");
    assert_true(shop_said(&shop, "\"colour\""));
    SHOP_REFUSED(&shop, ERR_INVALID, "remark", "text=x", "text=y");
    assert_true(shop_said(&shop, "twice"));
    SHOP_REFUSED(&shop, ERR_INVALID, "remark", "text=\xff");
    SHOP_REFUSED(&shop, ERR_INVALID, "remark", "text=x", "worker=a\x01");
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "remark", "text=x", "lot=L-1");
    assert_true(shop_said(&shop, "receive it first"));
    shop.lang = LANG_KO;
    assert_true(shop_said(&shop, "\"L-1\" 로트가 없습니다"));
    // Members, choices and types as the forms call them, in the language of whoever tells.
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.scrap", "item=GREASE", "quantity=much");
    assert_true(shop_said(&shop, "\"수량\" 항목"));
    SHOP_REFUSED(&shop, ERR_INVALID, "inspection.rules", "failed=open");
    assert_true(shop_said(&shop, "부적합만 등록 (record)"));
    SHOP_REFUSED(&shop, ERR_INVALID, "stock.scrap", "item=GREASE");
    assert_true(shop_said(&shop, "재고 폐기: \"수량\"(quantity)"));
    char long_text[1100] = "text=";
    memset(long_text + 5, 'x', sizeof long_text - 6);
    SHOP_REFUSED(&shop, ERR_LIMIT, "remark", long_text);
    assert_int_equal(count("SELECT count(*) FROM production_events"), 0);
}

static void a_worker_is_known_by_code_and_by_badge(void **state) {
    (void)state;
    SHOP_DONE(&shop, "remark", "text=x", "worker=W1", NULL);
    assert_int_equal(shop_tell_key(&shop, "b", "remark", "text=x", "worker=900001", NULL), 0);
    // What is on the badge is kept nowhere, and the same event is still known again.
    assert_int_equal(place_number(&shop.place, "SELECT count(*) FROM production_events WHERE body "
                                               "LIKE '%900001%'"),
        0);
    assert_int_equal(place_number(&shop.place,
                         "SELECT count(*) FROM audit_payload WHERE payload LIKE '%900001%'"),
        0);
    assert_int_equal(shop_tell_key(&shop, "b", "remark", "text=x", "worker=900001", NULL), 0);
    assert_true(shop_answered(&shop, "\"repeated\":true"));
    SHOP_REFUSED(&shop, ERR_NOT_FOUND, "remark", "text=x", "worker=900002");
}

static void keys_are_one_to_128_visible_characters(void **state) {
    (void)state;
    char key[EVENT_KEY_BYTES_MAX + 2];
    memset(key, 'k', sizeof key);
    key[EVENT_KEY_BYTES_MAX + 1] = '\0';
    assert_int_equal(shop_tell_key(&shop, key, "remark", "text=x", NULL), -ERR_INVALID);
    key[EVENT_KEY_BYTES_MAX] = '\0';
    assert_int_equal(shop_tell_key(&shop, key, "remark", "text=x", NULL), 0);
    assert_int_equal(shop_tell_key(&shop, "", "remark", "text=x", NULL), -ERR_INVALID);
    assert_int_equal(shop_tell_key(&shop, "a b", "remark", "text=x", NULL), -ERR_INVALID);
    assert_int_equal(shop_tell_key(&shop, "\xea\xb0\x80", "remark", "text=x", NULL), -ERR_INVALID);
}

/* The clock of the shop stands at 2023-11-14T22:13:20Z. */
static void times_that_cannot_be_true_are_refused(void **state) {
    (void)state;
    SHOP_DONE(&shop, "remark", "text=x", "time=2023-11-14T22:18:20Z", NULL);
    SHOP_REFUSED(&shop, ERR_INVALID, "remark", "text=x", "time=2023-11-14T22:18:21Z");
    assert_true(shop_said(&shop, "set the clock"));
    SHOP_DONE(&shop, "remark", "text=x", "time=2023-10-14T22:13:20Z", NULL);
    SHOP_REFUSED(&shop, ERR_INVALID, "remark", "text=x", "time=2023-10-14T22:13:19Z");
    SHOP_REFUSED(&shop, ERR_INVALID, "remark", "text=x", "time=yesterday");
    SHOP_DONE(&shop, "remark", "text=x", "time=2023-11-14T22:13:20+09:00", NULL);
    assert_int_equal(count("SELECT max(number) FROM production_events"), 3);
    assert_int_equal(
        count("SELECT time_ns / 1000000000 FROM production_events WHERE number = 3"), 1699967600);
    assert_int_equal(
        count("SELECT entered_ns / 1000000000 FROM production_events WHERE number = 3"),
        PLACE_START_S);
}

/* A year later the sender may still get its answer. */
static void the_first_answer_does_not_age(void **state) {
    (void)state;
    const char *time = "time=2023-11-14T22:13:20Z";
    assert_int_equal(shop_tell_key(&shop, "a", "remark", "text=x", time, NULL), 0);
    clock_fake_advance(&shop.place.clock, 365LL * 86400 * NS_PER_S);
    assert_int_equal(shop_tell_key(&shop, "a", "remark", "text=x", time, NULL), 0);
    assert_true(shop_answered(&shop, "\"repeated\":true"));
}

struct listed {
    struct arena arena;
    struct event_row rows[4];
    struct event_query query;
    int count;
};

static int list(struct ledger_tx *tx, void *context, struct err *err) {
    struct listed *listed = context;
    listed->count = event_list(tx, &listed->query, &listed->arena, listed->rows, 4, err);
    return listed->count < 0 ? listed->count : 0;
}

static void events_are_listed_newest_first(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        SHOP_DONE(&shop, "remark", "text=x", NULL);
    }
    struct listed listed = {.query = {.before = INT64_MAX}};
    arena_init(&listed.arena, 0);
    place_read(&shop.place, list, &listed);
    assert_int_equal(listed.count, 4);
    assert_int_equal(listed.rows[0].number, 5);
    assert_int_equal(listed.rows[3].number, 2);
    assert_true(str_eq(listed.rows[0].body, STR("{\"type\":\"remark\",\"text\":\"x\"}")));
    assert_true(str_eq(listed.rows[0].terminal, STR("T1")));
    listed.query = (struct event_query){.before = 2, .type = STR("remark")};
    place_read(&shop.place, list, &listed);
    assert_int_equal(listed.count, 1);
    listed.query.type = STR("other");
    place_read(&shop.place, list, &listed);
    assert_int_equal(listed.count, 0);
    arena_fini(&listed.arena);
}

enum { SENDERS = 4, SENT = 25 };

struct sender {
    struct thread thread;
    int failures;
    int repeated;
};

static void send_all(void *context) {
    struct sender *sender = context;
    for (int i = 0; i < SENT; i++) {
        char key[16];
        const struct event_member member = {STR("text"), STR("x")};
        AUTO_BUF struct buf answer;
        buf_init(&answer, EVENT_ANSWER_BYTES + 64);
        (void)snprintf(key, sizeof key, "s%d", i);
        const struct event_call call = {.key = str_of(key),
            .type = STR("remark"),
            .members = &member,
            .member_count = 1,
            .actor = STR("kim"),
            .terminal = STR("T")};
        sender->failures += event_run(shop.place.ledger, &call, &answer, NULL) < 0;
        sender->repeated += str_starts(buf_str(&answer), STR("{\"repeated\":true,"));
    }
}

/* Two tabs of one terminal, or a try that was thought lost: whoever comes second hears the same. */
static void senders_at_once_do_each_event_once(void **state) {
    (void)state;
    struct sender senders[SENDERS] = {{.failures = 0}};
    int repeated = 0;
    for (int i = 0; i < SENDERS; i++) {
        thread_start(&senders[i].thread, "sender", send_all, &senders[i]);
    }
    for (int i = 0; i < SENDERS; i++) {
        thread_join(&senders[i].thread);
        assert_int_equal(senders[i].failures, 0);
        repeated += senders[i].repeated;
    }
    assert_int_equal(count("SELECT count(*) FROM production_events"), SENT);
    assert_int_equal(repeated, (SENDERS - 1) * SENT);
}

/* What a form relies on: names once, choices where there are some, time last. */
static void the_table_is_sound(void **state) {
    (void)state;
    for (uint32_t i = 0; event_type_at(i) != NULL; i++) {
        uint32_t k = 0;
        for (; event_field_at(i, k) != NULL; k++) {
            const struct event_field *field = event_field_at(i, k);
            assert_string_not_equal(field->name, "type");
            for (uint32_t before = 0; before < k; before++) {
                assert_string_not_equal(event_field_at(i, before)->name, field->name);
            }
            bool points = field->kind == EVENT_KIND_REF || field->kind == EVENT_KIND_CHOICE;
            assert_int_equal(points, field->more[0] != '\0');
        }
        assert_true(k <= EVENT_FIELDS_MAX);
        assert_string_equal(event_field_at(i, k - 1)->name, "time");
    }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_shop, close_shop)
    const struct CMUnitTest tests[] = {
        TEST(an_event_told_twice_is_done_once),
        TEST(another_event_under_a_used_key_is_refused),
        TEST(a_refused_event_leaves_nothing_and_may_be_tried_again),
        TEST(members_are_refused_by_name),
        TEST(a_worker_is_known_by_code_and_by_badge),
        TEST(keys_are_one_to_128_visible_characters),
        TEST(times_that_cannot_be_true_are_refused),
        TEST(the_first_answer_does_not_age),
        TEST(events_are_listed_newest_first),
        TEST(senders_at_once_do_each_event_once),
        TEST(the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
