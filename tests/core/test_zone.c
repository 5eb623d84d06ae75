/*
 * Time zones: files, rules, spans and the calendar. Facts about zones are those of the IANA time
 * zone database; the machine's own files are read.
 */
#include "core/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/random.h"
#include "core/time.h"

static struct zone *load(const char *name) {
    struct zone *zone = NULL;
    struct err err = ERR_INIT;
    if (zone_load(str_of(name), &zone, &err) < 0) {
        fail_msg("no time zone %s: is tzdata installed?", name);
    }
    return zone;
}

static struct zone *rule_zone(const char *rule) {
    struct zone *zone = NULL;
    assert_int_equal(zone_parse_rule(STR("rule"), str_of(rule), &zone, NULL), 0);
    return zone;
}

static int64_t utc(int64_t year, int month, int day, int hour, int minute) {
    return ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 * NS_PER_S;
}

static void the_calendar_counts_every_day_once(void **state) {
    (void)state;
    assert_int_equal(days_from_civil(1970, 1, 1), 0);
    assert_int_equal(days_from_civil(2000, 3, 1), 11017);
    assert_int_equal(days_from_civil(1969, 12, 31), -1);
    int64_t days = days_from_civil(1599, 1, 1);
    for (int64_t year = 1599; year <= 2401; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= days_in_month(year, month); day++) {
                struct civil_date date = civil_from_days(days);
                assert_true(date.year == year && date.month == month && date.day == day);
                assert_true(days_from_civil(year, month, day) == days);
                days++;
            }
        }
    }
    assert_int_equal(days_in_month(1900, 2), 28);
    assert_int_equal(days_in_month(2000, 2), 29);
    assert_int_equal(days_in_month(2024, 2), 29);
    assert_int_equal(days_in_month(2025, 2), 28);
}

static void division_rounds_down(void **state) {
    (void)state;
    assert_int_equal(floor_div(7, 3), 2);
    assert_int_equal(floor_div(-7, 3), -3);
    assert_int_equal(floor_div(-6, 3), -2);
    assert_int_equal(floor_div(0, 3), 0);
    assert_true(floor_div(INT64_MIN, NS_PER_S) == -9223372037);
}

static void offsets_are_those_of_the_database(void **state) {
    (void)state;
    static const struct {
        const char *zone;
        int year, month, day, hour, minute;
        int32_t offset_s;
    } CASES[] = {
        {"UTC", 2025, 1, 1, 0, 0, 0},
        {"Asia/Seoul", 2025, 1, 31, 0, 0, 9 * 3600},
        {"Asia/Seoul", 2100, 7, 1, 0, 0, 9 * 3600},
        {"Asia/Seoul", 1988, 7, 1, 0, 0, 10 * 3600}, // Summer time of the Olympic year.
        {"Asia/Seoul", 1988, 12, 1, 0, 0, 9 * 3600},
        {"Asia/Seoul", 1890, 1, 1, 0, 0, 30472}, // Local mean time.
        {"Europe/Berlin", 2025, 3, 30, 0, 59, 3600},
        {"Europe/Berlin", 2025, 3, 30, 1, 0, 7200},
        {"Europe/Berlin", 2025, 10, 26, 0, 59, 7200},
        {"Europe/Berlin", 2025, 10, 26, 1, 0, 3600},
        {"Europe/Berlin", 2150, 7, 1, 0, 0, 7200}, // Beyond every table: the rule.
        {"Europe/Berlin", 2150, 12, 1, 0, 0, 3600},
        {"America/New_York", 2040, 7, 1, 0, 0, -4 * 3600},
        {"America/New_York", 2040, 1, 1, 0, 0, -5 * 3600},
        {"Australia/Sydney", 2045, 1, 1, 0, 0, 11 * 3600}, // Summer over the new year.
        {"Australia/Sydney", 2045, 7, 1, 0, 0, 10 * 3600},
        {"Asia/Kolkata", 2025, 1, 1, 0, 0, 19800},
        {"Australia/Lord_Howe", 2045, 1, 1, 0, 0, 39600}, // Half an hour of summer time.
        {"Australia/Lord_Howe", 2045, 7, 1, 0, 0, 37800},
        {"Etc/GMT-9", 2025, 1, 1, 0, 0, 9 * 3600},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct zone *zone = load(CASES[i].zone);
        assert_string_equal(zone_name(zone), CASES[i].zone);
        int64_t time_ns =
            utc(CASES[i].year, CASES[i].month, CASES[i].day, CASES[i].hour, CASES[i].minute);
        assert_int_equal(zone_offset_s(zone, time_ns), CASES[i].offset_s);
        zone_free(zone);
    }
    zone_free(NULL);
}

static void names_that_leave_the_folder_are_unknown(void **state) {
    (void)state;
    static const char *const NAMES[] = {"", "/etc/passwd", "../../../etc/passwd", "Asia/../Asia",
        "Asia/", "/", "Asia//Seoul", "Asia", "Asia/Nowhere", "Asia/Seoul\n", ".", "Asia Seoul",
        "가", "zone1970.tab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct zone *zone = NULL;
        struct err err = ERR_INIT;
        assert_int_equal(zone_load(str_of(NAMES[i]), &zone, &err), -ERR_NOT_FOUND);
        assert_int_equal(err.notes[0].msg, MSG_ZONE_UNKNOWN);
        assert_null(zone);
    }
    struct zone *zone = NULL;
    assert_int_equal(zone_load((struct str){"Asia/Seoul\0x", 12}, &zone, NULL), -ERR_NOT_FOUND);
    assert_int_equal(zone_load((struct str){"Asia/Seoulx", 10}, &zone, NULL), 0);
    zone_free(zone);
}

static void rules_agree_with_the_files_of_their_zones(void **state) {
    (void)state;
    static const struct {
        const char *zone;
        const char *rule;
    } CASES[] = {
        {"Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"},
        {"America/New_York", "EST5EDT,M3.2.0,M11.1.0"},
        {"Australia/Sydney", "AEST-10AEDT,M10.1.0,M4.1.0/3"},
        {"Australia/Lord_Howe", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"},
        {"Asia/Seoul", "KST-9"},
        {"Pacific/Auckland", "NZST-12NZDT,M9.5.0,M4.1.0/3"},
    };
    struct random random;
    random_seed(&random, 8);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct zone *file = load(CASES[i].zone);
        struct zone *rule = rule_zone(CASES[i].rule);
        int64_t from = utc(2009, 1, 1, 0, 0);
        uint64_t years_ns = 200ULL * 365 * 86400 * (uint64_t)NS_PER_S;
        for (int round = 0; round < 3000; round++) {
            int64_t time_ns = from + (int64_t)random_below(&random, years_ns);
            if (zone_offset_s(file, time_ns) != zone_offset_s(rule, time_ns)) {
                fail_msg("%s differs from %s at %ld", CASES[i].zone, CASES[i].rule, time_ns);
            }
        }
        zone_free(file);
        zone_free(rule);
    }
}

static void rule_dates_of_all_forms_are_understood(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        int year, month, day, hour;
        int32_t offset_s;
    } CASES[] = {
        {"AAA0BBB,J60,J300", 2024, 2, 29, 12, 0}, // J60 is 1 March in leap years too.
        {"AAA0BBB,J60,J300", 2024, 3, 1, 2, 3600},
        {"AAA0BBB,59,300", 2024, 2, 29, 2, 3600}, // Day 59 from zero is 29 February.
        {"AAA0BBB,59,300", 2025, 3, 1, 1, 0},
        {"AAA0BBB,59,300", 2025, 3, 1, 2, 3600},
        {"AAA0BBB-2,M3.5.0/-1,M10.5.0", 2025, 3, 29, 22, 0}, // Times before midnight.
        {"AAA0BBB-2,M3.5.0/-1,M10.5.0", 2025, 3, 29, 23, 7200},
        {"AAA0BBB,M3.1.0/167,M10.5.0", 2025, 3, 8, 22, 0}, // And many days after.
        {"AAA0BBB,M3.1.0/167,M10.5.0", 2025, 3, 8, 23, 3600},
        {"XXX3EDT4,0/0,J365/23", 2025, 7, 1, 0, -4 * 3600}, // Summer all the year.
        {"XXX3EDT4,0/0,J365/23", 2025, 1, 1, 3, -4 * 3600},
        {"XXX3EDT4,0/0,J365/23", 2024, 12, 31, 23, -4 * 3600},
        {"AAA0BBB,J100/2,J100/3", 2025, 7, 1, 0, 0}, // Never.
        {"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", 2030, 7, 1, 0, -7200},
        {"AAA-1:30:15", 2030, 7, 1, 0, 5415},
        {"AAA+1", 2030, 7, 1, 0, -3600},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct zone *zone = rule_zone(CASES[i].rule);
        int64_t time_ns = utc(CASES[i].year, CASES[i].month, CASES[i].day, CASES[i].hour, 0);
        int32_t got = zone_offset_s(zone, time_ns);
        if (got != CASES[i].offset_s) {
            fail_msg("case %zu: %s gives %d, not %d", i, CASES[i].rule, got, CASES[i].offset_s);
        }
        zone_free(zone);
    }
}

static void wrong_rules_are_refused(void **state) {
    (void)state;
    static const char *const RULES[] = {"", "A", "AB3", "UTC", "UTC25", "UTC1:60", "UTC1:", "<UTC",
        "<>", "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,", "CET-1 ",
        "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M0.5.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,M3.5,M10.5.0",
        "CET-1CEST,J0,J10", "CET-1CEST,J366,J10", "CET-1CEST,366,10", "CET-1CEST,M3.5.0/168,J1",
        "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-1CE,M3.5.0,M10.5.0", "CET-1CEST,M3.5.0/,M10.5.0",
        "CET99999999999999999999"};
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        struct zone *zone = NULL;
        if (zone_parse_rule(STR("x"), str_of(RULES[i]), &zone, NULL) != -ERR_CORRUPT) {
            fail_msg("\"%s\" was accepted", RULES[i]);
        }
        assert_null(zone);
    }
}

struct tzif {
    uint8_t version;
    uint32_t leap_count;
    uint32_t type_count;
    uint32_t time_count;
    const int64_t *times;
    const uint8_t *indexes;
    int32_t offsets[3];
    const char *footer;
};

static void tzif_write_block(const struct tzif *t, bool wide, struct buf *out) {
    buf_put(out, "TZif", 4);
    write_u8(out, t->version);
    buf_put(out, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
    write_u32_be(out, 0);
    write_u32_be(out, 0);
    write_u32_be(out, t->leap_count);
    write_u32_be(out, t->time_count);
    write_u32_be(out, t->type_count);
    write_u32_be(out, 4);
    for (uint32_t i = 0; i < t->time_count; i++) {
        if (wide) {
            write_u64_be(out, (uint64_t)t->times[i]);
        } else {
            write_u32_be(out, (uint32_t)t->times[i]);
        }
    }
    buf_put(out, t->indexes, t->time_count);
    for (uint32_t i = 0; i < t->type_count; i++) {
        write_u32_be(out, (uint32_t)t->offsets[i % 3]);
        write_u16_be(out, 0);
    }
    buf_put(out, "AAA", 4);
    for (uint32_t i = 0; i < t->leap_count; i++) {
        buf_put(out, "\0\0\0\0\0\0\0\0\0\0\0\1", wide ? 12 : 8);
    }
}

static int tzif_parse(const struct tzif *t, struct zone **ret_zone) {
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 20);
    tzif_write_block(t, false, &out);
    if (t->version != 0) {
        tzif_write_block(t, true, &out);
        buf_printf(&out, "\n%s\n", t->footer);
    }
    return zone_parse(STR("test"), out.data, out.size, ret_zone, NULL);
}

static const int64_t TIMES[] = {-1000, 0, 1000, 2000};
static const uint8_t INDEXES[] = {1, 2, 2, 0};
static const struct tzif GOOD = {'2', 0, 3, 4, TIMES, INDEXES, {60, 3600, 7200}, "AAA-1"};

static void version_one_and_later_files_are_read(void **state) {
    (void)state;
    static const uint8_t VERSIONS[] = {0, '2', '3', '4'};
    for (size_t i = 0; i < sizeof VERSIONS; i++) {
        struct tzif t = GOOD;
        struct zone *zone = NULL;
        t.version = VERSIONS[i];
        assert_int_equal(tzif_parse(&t, &zone), 0);
        assert_int_equal(zone_offset_s(zone, -1001 * NS_PER_S), 60);
        assert_int_equal(zone_offset_s(zone, -1000 * NS_PER_S), 3600);
        assert_int_equal(zone_offset_s(zone, -1), 3600);
        assert_int_equal(zone_offset_s(zone, 0), 7200);
        struct zone_span span = zone_span_at(zone, 1000 * NS_PER_S); // Equal offsets are one span.
        assert_true(span.start_ns == 0 && span.end_ns == 2000 * NS_PER_S);
        assert_int_equal(span.before_s, 3600);
        assert_int_equal(zone_offset_s(zone, INT64_MAX), 60);
        zone_free(zone);
    }
}

static void the_footer_rule_goes_on_where_the_table_ends(void **state) {
    (void)state;
    struct tzif t = GOOD;
    struct zone *zone = NULL;
    t.footer = "AAA0BBB,J100/0,J200/0";
    t.offsets[0] = 0;
    assert_int_equal(tzif_parse(&t, &zone), 0);
    assert_int_equal(zone_offset_s(zone, utc(1970, 4, 9, 0, 0)), 0);
    assert_int_equal(zone_offset_s(zone, utc(1970, 4, 10, 0, 0)), 3600);
    assert_int_equal(zone_offset_s(zone, utc(2250, 4, 10, 0, 0)), 3600);
    assert_int_equal(zone_offset_s(zone, utc(2250, 7, 20, 0, 0)), 0);
    struct zone_span span = zone_span_at(zone, 2000 * NS_PER_S);
    assert_true(span.start_ns == 2000 * NS_PER_S && span.end_ns == utc(1970, 4, 10, 0, 0));
    zone_free(zone);
    t.footer = "";
    assert_int_equal(tzif_parse(&t, &zone), 0);
    assert_int_equal(zone_offset_s(zone, utc(2250, 4, 10, 0, 0)), 0);
    zone_free(zone);
}

static void times_beyond_nanoseconds_are_cut(void **state) {
    (void)state;
    static const int64_t FAR[] = {-(1LL << 59), -(1LL << 58), 5, 1LL << 59};
    struct tzif t = GOOD;
    struct zone *zone = NULL;
    t.times = FAR;
    t.footer = "";
    assert_int_equal(tzif_parse(&t, &zone), 0);
    assert_int_equal(zone_offset_s(zone, INT64_MIN), 7200);
    assert_int_equal(zone_offset_s(zone, INT64_MAX), 7200);
    zone_free(zone);
}

static void damaged_files_are_refused(void **state) {
    (void)state;
    static const int64_t UNORDERED[] = {0, 10, 10, 20};
    static const uint8_t BEYOND[] = {0, 1, 3, 0};
    struct zone *zone = NULL;
    struct tzif t = GOOD;
    t.times = UNORDERED;
    assert_int_equal(tzif_parse(&t, &zone), -ERR_CORRUPT);
    t = GOOD;
    t.indexes = BEYOND;
    assert_int_equal(tzif_parse(&t, &zone), -ERR_CORRUPT);
    t = GOOD;
    t.offsets[2] = 26 * 3600;
    assert_int_equal(tzif_parse(&t, &zone), -ERR_CORRUPT);
    t = GOOD;
    t.footer = "nonsense";
    assert_int_equal(tzif_parse(&t, &zone), -ERR_CORRUPT);
    t = GOOD;
    t.type_count = 0;
    assert_int_equal(tzif_parse(&t, &zone), -ERR_CORRUPT);
    t = GOOD;
    t.leap_count = 1;
    assert_int_equal(tzif_parse(&t, &zone), -ERR_UNSUPPORTED);
    t.version = 0;
    assert_int_equal(tzif_parse(&t, &zone), -ERR_UNSUPPORTED);
    assert_null(zone);
}

static void every_cut_file_is_refused(void **state) {
    (void)state;
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 20);
    tzif_write_block(&GOOD, false, &out);
    tzif_write_block(&GOOD, true, &out);
    buf_put_str(&out, STR("\nAAA-1\n"));
    for (size_t size = 0; size < out.size; size++) {
        AUTO_FREE uint8_t *copy = mem_alloc(size);
        struct zone *zone = NULL;
        memcpy(copy, out.data, size);
        assert_int_equal(zone_parse(STR("cut"), copy, size, &zone, NULL), -ERR_CORRUPT);
        assert_null(zone);
    }
}

static void spans_join_without_gaps(void **state) {
    (void)state;
    static const char *const ZONES[] = {"Asia/Seoul", "Europe/Berlin", "America/Sao_Paulo",
        "Africa/Casablanca", "Pacific/Apia", "Asia/Gaza", "Australia/Lord_Howe", "Europe/Dublin"};
    for (size_t i = 0; i < sizeof ZONES / sizeof ZONES[0]; i++) {
        struct zone *zone = load(ZONES[i]);
        struct zone_span span = zone_span_at(zone, INT64_MIN);
        assert_true(span.start_ns == INT64_MIN);
        while (span.end_ns != INT64_MAX) {
            struct zone_span next = zone_span_at(zone, span.end_ns);
            struct zone_span last = zone_span_at(zone, span.end_ns - 1);
            assert_true(next.start_ns == span.end_ns);
            assert_true(last.start_ns == span.start_ns && last.end_ns == span.end_ns);
            assert_int_equal(next.before_s, span.offset_s);
            assert_int_not_equal(next.offset_s, span.offset_s);
            span = next;
        }
        assert_int_equal(zone_offset_s(zone, INT64_MAX), span.offset_s);
        zone_free(zone);
    }
}

static void local_times_become_the_first_instant_that_shows_them(void **state) {
    (void)state;
    struct zone *berlin = load("Europe/Berlin");
    static const struct {
        int month, day, hour, minute; // Local, 2025.
        int utc_day, utc_hour, utc_minute;
    } CASES[] = {
        {1, 31, 12, 0, 31, 11, 0},
        {7, 1, 12, 0, 1, 10, 0},
        {3, 30, 1, 59, 30, 0, 59},
        {3, 30, 2, 0, 30, 1, 0}, // Jumped over: the jump.
        {3, 30, 2, 59, 30, 1, 0},
        {3, 30, 3, 0, 30, 1, 0},
        {3, 30, 3, 1, 30, 1, 1},
        {10, 26, 1, 59, 25, 23, 59},
        {10, 26, 2, 0, 26, 0, 0}, // Twice: the first.
        {10, 26, 2, 59, 26, 0, 59},
        {10, 26, 3, 0, 26, 2, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t local = utc(2025, CASES[i].month, CASES[i].day, CASES[i].hour, CASES[i].minute);
        int64_t want =
            utc(2025, CASES[i].month, CASES[i].utc_day, CASES[i].utc_hour, CASES[i].utc_minute);
        assert_true(zone_from_local(berlin, local) == want);
    }
    zone_free(berlin);
    struct zone *apia = load("Pacific/Apia"); // 2011-12-30 was left out.
    assert_true(zone_from_local(apia, utc(2011, 12, 30, 12, 0)) == utc(2011, 12, 30, 10, 0));
    assert_true(zone_from_local(apia, utc(2011, 12, 31, 0, 0)) == utc(2011, 12, 30, 10, 0));
    zone_free(apia);
    assert_true(zone_from_local(NULL, 5) == 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_calendar_counts_every_day_once),
        cmocka_unit_test(division_rounds_down),
        cmocka_unit_test(offsets_are_those_of_the_database),
        cmocka_unit_test(names_that_leave_the_folder_are_unknown),
        cmocka_unit_test(rules_agree_with_the_files_of_their_zones),
        cmocka_unit_test(rule_dates_of_all_forms_are_understood),
        cmocka_unit_test(wrong_rules_are_refused),
        cmocka_unit_test(version_one_and_later_files_are_read),
        cmocka_unit_test(the_footer_rule_goes_on_where_the_table_ends),
        cmocka_unit_test(times_beyond_nanoseconds_are_cut),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(every_cut_file_is_refused),
        cmocka_unit_test(spans_join_without_gaps),
        cmocka_unit_test(local_times_become_the_first_instant_that_shows_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
