/*
 * The live-value table: what replaces what, texts, streams, and readers beside a writer.
 */
#include "model/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/thread.h"

static struct batch *one(uint32_t tag, int64_t time_ns, double value) {
    struct batch *batch = batch_new(8, 1024);
    struct sample *row = batch_add(batch);
    row->tag = tag;
    row->time_ns = time_ns;
    row->type = TYPE_F64;
    row->value.f64 = value;
    return batch;
}

static void publish(struct live *live, uint32_t tag, int64_t time_ns, double value, uint8_t flags,
    int64_t received_ns) {
    AUTO_BATCH struct batch *batch = one(tag, time_ns, value);
    batch->rows[0].flags = flags;
    live_publish(live, batch, received_ns);
}

static void a_tag_without_a_value_reads_as_none(void **state) {
    (void)state;
    struct live *live = live_new(10);
    struct live_value value = {.tag = 77};
    static const uint32_t TAGS[] = {0, 1, 10, 11, UINT32_MAX};
    for (size_t i = 0; i < 5; i++) {
        assert_false(live_read(live, TAGS[i], &value));
        assert_int_equal(value.tag, 77);
    }
    assert_int_equal(live_change(live), 0);
    uint32_t cursor = 1;
    assert_int_equal(live_changed(live, 0, &cursor, &value, 1), 0);
    assert_int_equal(cursor, 0);
    live_free(live);
    live_free(NULL);
}

static void a_clock_that_is_set_back_does_not_freeze_a_value(void **state) {
    (void)state;
    const int64_t second = 1000000000;
    const int64_t before = 1800000000 * second;
    const int64_t after = before - 3600 * second; // An hour back.
    struct live *live = live_new(10);
    struct live_value value;
    publish(live, 1, before, 1, 0, before);
    publish(live, 1, after - 10 * second, 2, 0, before); // Merely late: the newer stays.
    assert_true(live_read(live, 1, &value) && value.value.f64 == 1);
    publish(live, 1, after - 86400 * second, 3, 0, after); // An import of old data, too.
    assert_true(live_read(live, 1, &value) && value.value.f64 == 1);
    publish(live, 1, after, 4, 0, after);
    assert_true(live_read(live, 1, &value) && value.value.f64 == 4);
    publish(live, 1, after + second, 5, 0, after + second);
    assert_true(live_read(live, 1, &value) && value.value.f64 == 5);
    live_free(live);
}

static void a_published_value_is_read_whole(void **state) {
    (void)state;
    struct live *live = live_new(10);
    AUTO_BATCH struct batch *batch = one(10, 1000, 21.5);
    batch->rows[0].status = 0x40940000u;
    batch->rows[0].flags = SAMPLE_SOURCE_TIME;
    live_publish(live, batch, 2000);
    struct live_value value;
    assert_true(live_read(live, 10, &value));
    assert_int_equal(value.tag, 10);
    assert_int_equal(value.status, 0x40940000u);
    assert_int_equal(value.time_ns, 1000);
    assert_int_equal(value.received_ns, 2000);
    assert_int_equal(value.change, 1);
    assert_int_equal(value.type, TYPE_F64);
    assert_int_equal(value.flags, SAMPLE_SOURCE_TIME);
    assert_true(value.value.f64 == 21.5);
    assert_false(live_read(live, 9, &value));
    live_free(live);
}

static void late_sample_does_not_move_the_newest_value(void **state) {
    (void)state;
    static const struct {
        int64_t time_ns;
        uint8_t flags;
        bool replaces;
    } CASES[] = {
        {999, SAMPLE_LATE, false},
        {999, SAMPLE_CORRECTION, false},
        {1000, 0, true}, // The last of one time wins.
        {1001, 0, true},
        {1001, SAMPLE_DROP, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct live *live = live_new(1);
        publish(live, 1, 1000, 1, 0, 0);
        publish(live, 1, CASES[i].time_ns, 2, CASES[i].flags, 5);
        struct live_value value;
        assert_true(live_read(live, 1, &value));
        assert_true(value.value.f64 == (CASES[i].replaces ? 2.0 : 1.0));
        assert_int_equal(live_change(live), CASES[i].replaces ? 2 : 1);
        live_free(live);
    }
}

static void a_correction_stands_against_source_values_of_its_time(void **state) {
    (void)state;
    struct live *live = live_new(1);
    struct live_value value;
    publish(live, 1, 1000, 1, SAMPLE_CORRECTION, 0);
    publish(live, 1, 1000, 2, 0, 0);
    assert_true(live_read(live, 1, &value) && value.value.f64 == 1);
    publish(live, 1, 1000, 3, SAMPLE_CORRECTION, 0);
    assert_true(live_read(live, 1, &value) && value.value.f64 == 3);
    publish(live, 1, 1001, 4, 0, 0);
    assert_true(live_read(live, 1, &value) && value.value.f64 == 4);
    live_free(live);
}

static void the_newest_row_of_a_batch_counts_in_any_order(void **state) {
    (void)state;
    struct live *live = live_new(1);
    AUTO_BATCH struct batch *batch = one(1, 3000, 3);
    struct sample *row = batch_add(batch);
    *row = batch->rows[0];
    row->time_ns = 2000;
    row->value.f64 = 2;
    live_publish(live, batch, 0);
    struct live_value value;
    assert_true(live_read(live, 1, &value) && value.value.f64 == 3);
    live_free(live);
}

static void all_types_are_kept(void **state) {
    (void)state;
    struct live *live = live_new(3);
    AUTO_BATCH struct batch *batch = batch_new(8, 100);
    struct sample *row = batch_add(batch);
    *row = (struct sample){.tag = 1, .type = TYPE_I64, .value.i64 = INT64_MIN};
    row = batch_add(batch);
    *row = (struct sample){.tag = 2, .type = TYPE_BOOL, .value.i64 = 1};
    assert_true(batch_add_text(batch, 3, 0, STR("대기")));
    live_publish(live, batch, 0);
    struct live_value value;
    assert_true(live_read(live, 1, &value) && value.value.i64 == INT64_MIN);
    assert_true(live_read(live, 2, &value) && value.value.i64 == 1);
    assert_true(live_read(live, 3, &value));
    assert_int_equal(value.text_size, 6);
    assert_memory_equal(value.value.text, "대기", 6);
    assert_false(value.text_cut);
    live_free(live);
}

static void rows_that_fit_nowhere_are_ignored(void **state) {
    (void)state;
    struct live *live = live_new(2);
    publish(live, 0, 1, 1, 0, 0);
    publish(live, 3, 1, 1, 0, 0);
    AUTO_BATCH struct batch *batch = one(1, 1, 1);
    batch->rows[0].type = 0;
    live_publish(live, batch, 0);
    batch->rows[0].type = 5;
    live_publish(live, batch, 0);
    assert_int_equal(live_change(live), 0);
    live_free(live);
}

static void a_long_text_is_cut_at_a_character(void **state) {
    (void)state;
    static const struct {
        size_t size; // Of "가" (3 bytes each), then 'x' to fill.
        size_t kept;
    } CASES[] = {{0, 0}, {1, 1}, {8, 8}, {9, 9}, {119, 119}, {120, 120}, {121, 120}, {200, 120}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct live *live = live_new(1);
        AUTO_BATCH struct batch *batch = batch_new(1, 1024);
        char text[256];
        memset(text, 'x', sizeof text);
        assert_true(batch_add_text(batch, 1, 0, (struct str){text, CASES[i].size}));
        live_publish(live, batch, 0);
        struct live_value value;
        assert_true(live_read(live, 1, &value));
        assert_int_equal(value.text_size, CASES[i].kept);
        assert_int_equal(value.text_cut, CASES[i].size > CASES[i].kept);
        assert_memory_equal(value.value.text, text, CASES[i].kept);
        live_free(live);
    }
    struct live *live = live_new(1);
    AUTO_BATCH struct batch *batch = batch_new(1, 1024);
    char korean[122];
    memset(korean, 'x', sizeof korean);
    memcpy(korean + 119, "가", 3); // Would be cut inside.
    assert_true(batch_add_text(batch, 1, 0, (struct str){korean, sizeof korean}));
    live_publish(live, batch, 0);
    struct live_value value;
    assert_true(live_read(live, 1, &value));
    assert_int_equal(value.text_size, 119);
    assert_true(value.text_cut);
    live_free(live);
}

static void an_omitted_good_row_renews_the_age_and_nothing_else(void **state) {
    (void)state;
    struct live *live = live_new(1);
    publish(live, 1, 1000, 1, 0, 1500);
    AUTO_BATCH struct batch *batch = one(1, 2000, 1.0001);
    live_touch(live, batch, 2500); // Not omitted: not its business.
    assert_int_equal(live_change(live), 1);
    batch->rows[0].flags = SAMPLE_DROP;
    live_touch(live, batch, 2500);
    struct live_value value;
    assert_true(live_read(live, 1, &value));
    assert_int_equal(value.received_ns, 2500);
    assert_int_equal(value.time_ns, 1000);
    assert_true(value.value.f64 == 1);
    assert_int_equal(value.change, 2);
    live_touch(live, batch, 2400); // A clock that stepped back makes nothing older.
    assert_true(live_read(live, 1, &value) && value.received_ns == 2500);
    live_free(live);
}

static void an_omitted_row_that_confirms_nothing_renews_nothing(void **state) {
    (void)state;
    static const struct {
        uint32_t standing;
        uint32_t omitted;
        int64_t time_ns;
        uint32_t tag;
    } CASES[] = {
        {0, 0x80050000u, 2000, 1},
        {0x80050000u, 0, 2000, 1},
        {0x80050000u, 0x80050000u, 2000, 1},
        {0, 0, 999, 1},
        {0, 0, 2000, 2}, // No value yet.
        {0, 0, 2000, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct live *live = live_new(2);
        AUTO_BATCH struct batch *batch = one(1, 1000, 1);
        batch->rows[0].status = CASES[i].standing;
        live_publish(live, batch, 1500);
        batch->rows[0].status = CASES[i].omitted;
        batch->rows[0].time_ns = CASES[i].time_ns;
        batch->rows[0].tag = CASES[i].tag;
        batch->rows[0].flags = SAMPLE_DROP;
        live_touch(live, batch, 2500);
        struct live_value value;
        assert_true(live_read(live, 1, &value));
        assert_int_equal(value.received_ns, 1500);
        live_free(live);
    }
}

static void a_stream_sees_every_change_in_pieces(void **state) {
    (void)state;
    struct live *live = live_new(100);
    for (uint32_t tag = 1; tag <= 50; tag++) {
        publish(live, tag, 1, tag, 0, 0);
    }
    uint64_t mark = live_change(live);
    publish(live, 7, 2, 70, 0, 0);
    publish(live, 60, 2, 600, 0, 0);
    struct live_value values[16];
    uint32_t cursor = 1;
    uint32_t seen = 0;
    do {
        uint32_t count = live_changed(live, 0, &cursor, values, 16);
        for (uint32_t i = 0; i < count; i++) {
            seen++;
            assert_int_equal(values[i].tag, seen <= 50 ? seen : 60);
        }
    } while (cursor != 0);
    assert_int_equal(seen, 51);
    cursor = 1;
    assert_int_equal(live_changed(live, mark, &cursor, values, 16), 2);
    assert_int_equal(values[0].tag, 7);
    assert_int_equal(values[1].tag, 60);
    assert_int_equal(cursor, 0);
    cursor = 1;
    assert_int_equal(live_changed(live, live_change(live), &cursor, values, 16), 0);
    live_free(live);
}

/* ---- One writer, many readers ---- */

enum { WRITES = 20000, TAGS = 16, READERS = 3 };

struct reading {
    struct live *live;
    struct thread thread;
    _Atomic bool *stop;
    uint64_t reads;
    uint64_t torn;
    uint64_t lost;
};

/* Value, time, text and status of one write belong together. */
static bool is_whole(const struct live_value *value) {
    if (value->type == TYPE_F64) {
        return value->value.f64 == (double)value->time_ns &&
               value->received_ns == value->time_ns + 1;
    }
    char expected[LIMIT_LIVE_TEXT_BYTES];
    int size = snprintf(expected, sizeof expected, "text of write %lld, long enough for words",
        (long long)value->time_ns);
    return value->type == TYPE_TEXT && value->text_size == size &&
           memcmp(value->value.text, expected, (size_t)size) == 0 &&
           value->received_ns == value->time_ns + 1;
}

static void read_on(void *context) {
    struct reading *reading = context;
    uint64_t mark = 0;
    int64_t last[TAGS + 1] = {0};
    while (!atomic_load(reading->stop)) {
        uint64_t next = live_change(reading->live);
        uint32_t cursor = 1;
        do {
            struct live_value values[5];
            uint32_t count = live_changed(reading->live, mark, &cursor, values, 5);
            for (uint32_t i = 0; i < count; i++) {
                reading->reads++;
                reading->torn += !is_whole(&values[i]);
                reading->lost += values[i].time_ns < last[values[i].tag];
                last[values[i].tag] = values[i].time_ns;
            }
        } while (cursor != 0);
        mark = next;
    }
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        struct live_value value;
        bool seen = live_read(reading->live, tag, &value);
        reading->lost += !seen || (live_change(reading->live) <= mark && value.time_ns > last[tag]);
    }
}

static void write_round(struct live *live, struct batch *batch, int64_t time_ns) {
    batch_clear(batch);
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        if ((time_ns + tag) % 2 == 0) {
            struct sample *row = batch_add(batch);
            *row = (struct sample){.tag = tag, .time_ns = time_ns, .type = TYPE_F64};
            row->value.f64 = (double)time_ns;
            continue;
        }
        char text[64];
        int size = snprintf(
            text, sizeof text, "text of write %lld, long enough for words", (long long)time_ns);
        assert_true(batch_add_text(batch, tag, time_ns, (struct str){text, (size_t)size}));
    }
    live_publish(live, batch, time_ns + 1);
}

static void readers_see_whole_values_beside_the_writer(void **state) {
    (void)state;
    struct live *live = live_new(TAGS);
    AUTO_BATCH struct batch *batch = batch_new(TAGS, TAGS * 64);
    _Atomic bool stop = false;
    struct reading readings[READERS] = {0};
    write_round(live, batch, 1);
    for (int i = 0; i < READERS; i++) {
        readings[i].live = live;
        readings[i].stop = &stop;
        thread_start(&readings[i].thread, "reader", read_on, &readings[i]);
    }
    for (int64_t time_ns = 2; time_ns <= WRITES; time_ns++) {
        write_round(live, batch, time_ns);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++) {
        thread_join(&readings[i].thread);
        assert_int_equal(readings[i].torn, 0);
        assert_int_equal(readings[i].lost, 0);
    }
    assert_int_equal(live_change(live), (uint64_t)WRITES * TAGS);
    live_free(live);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_without_a_value_reads_as_none),
        cmocka_unit_test(a_clock_that_is_set_back_does_not_freeze_a_value),
        cmocka_unit_test(a_published_value_is_read_whole),
        cmocka_unit_test(late_sample_does_not_move_the_newest_value),
        cmocka_unit_test(a_correction_stands_against_source_values_of_its_time),
        cmocka_unit_test(the_newest_row_of_a_batch_counts_in_any_order),
        cmocka_unit_test(all_types_are_kept),
        cmocka_unit_test(rows_that_fit_nowhere_are_ignored),
        cmocka_unit_test(a_long_text_is_cut_at_a_character),
        cmocka_unit_test(an_omitted_good_row_renews_the_age_and_nothing_else),
        cmocka_unit_test(an_omitted_row_that_confirms_nothing_renews_nothing),
        cmocka_unit_test(a_stream_sees_every_change_in_pieces),
        cmocka_unit_test(readers_see_whole_values_beside_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
