/*
 * Times and durations in text, and buckets of local time.
 */
#include "core/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/zone.h"

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define WEEK   (7 * DAY)

static const int64_t NEW_YEAR_2025 = 1735689600 * NS_PER_S;

static struct zone *load(const char *name) {
    struct zone *zone = NULL;
    if (zone_load(str_of(name), &zone, NULL) < 0) {
        fail_msg("no time zone %s: is tzdata installed?", name);
    }
    return zone;
}

static int64_t at(const char *text) {
    int64_t time_ns = 0;
    if (!time_parse(str_of(text), NULL, &time_ns)) {
        fail_msg("%s is no time", text);
    }
    return time_ns;
}

static void times_of_rfc_3339_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t since_ns; // Since 2025-01-01T00:00:00Z.
    } CASES[] = {
        {"2025-01-01T00:00:00Z", 0},
        {"2025-01-01t00:00:00z", 0},
        {"2025-01-01 00:00:00Z", 0},
        {"2025-01-01T00:00:00", 0},
        {"2025-01-01T00:00", 0},
        {"2025-01-01", 0},
        {"2025-01-01T09:00:00+09:00", 0},
        {"2025-01-01T09:00:00+0900", 0},
        {"2025-01-01T09:00:00+09", 0},
        {"2025-01-01T09:00+09:00", 0},
        {"2024-12-31T19:30:00-04:30", 0},
        {"2025-01-01T00:00:00-00:00", 0},
        {"2025-01-01T00:00:00.5Z", NS_PER_S / 2},
        {"2025-01-01T00:00:00.000000001Z", 1},
        {"2025-01-01T00:00:00.123456789Z", 123456789},
        {"2025-01-01T00:00:00.1234567899999Z", 123456789},
        {"2025-01-01T23:59:60Z", DAY}, // A leap second is the next day's start.
        {"2025-01-01T23:59:60.9Z", DAY},
        {"2024-02-29", -307 * DAY},
        {"2025-12-31T23:59:59.999999999Z", 365 * DAY - 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (at(CASES[i].text) != NEW_YEAR_2025 + CASES[i].since_ns) {
            fail_msg("%s is read wrong", CASES[i].text);
        }
    }
    assert_true(at("1970-01-01") == 0);
    assert_true(at("1969-12-31T23:59:59.999999999Z") == -1);
}

static void anything_else_is_no_time(void **state) {
    (void)state;
    static const char *const WRONG[] = {"", "now", "2025", "2025-1-1", "2025-01-1", "25-01-01",
        "2025-00-01", "2025-13-01", "2025-01-00", "2025-01-32", "2025-02-29", "2025-04-31",
        "2025-01-01T", "2025-01-01T1", "2025-01-01T10", "2025-01-01T10:0", "2025-01-01T24:00",
        "2025-01-01T10:60", "2025-01-01T10:00:61", "2025-01-01T10:00:", "2025-01-01T10:00:0",
        "2025-01-01T10:00:00.", "2025-01-01T10:00:00.Z", "2025-01-01T10:00:00,5Z",
        "2025-01-01T10:00:00ZZ", "2025-01-01T10:00:00+", "2025-01-01T10:00:00+9",
        "2025-01-01T10:00:00+24:00", "2025-01-01T10:00:00+09:60", "2025-01-01T10:00:00+09:0",
        "2025-01-01T10:00:00 ", " 2025-01-01", "2025-01-01X10:00", "2025/01/01", "2025-01-01Z",
        "+2025-01-01", "2025-01-01T10:00:00+09:00x", "2025-01-01T-1:00", "0001-01-01", "1676-01-01",
        "2263-01-01", "9999-12-31T23:59:59Z"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        int64_t time_ns = 77;
        if (time_parse(str_of(WRONG[i]), NULL, &time_ns)) {
            fail_msg("\"%s\" was read as a time", WRONG[i]);
        }
        assert_int_equal(time_ns, 77);
    }
}

static void a_time_without_offset_is_of_the_zone(void **state) {
    (void)state;
    struct zone *seoul = load("Asia/Seoul");
    int64_t time_ns = 0;
    assert_true(time_parse(STR("2025-01-01T09:00"), seoul, &time_ns));
    assert_true(time_ns == NEW_YEAR_2025);
    assert_true(time_parse(STR("2025-01-01T09:00Z"), seoul, &time_ns));
    assert_true(time_ns == NEW_YEAR_2025 + 9 * HOUR);
    assert_true(time_parse(STR("2025-01-01"), seoul, &time_ns));
    assert_true(time_ns == NEW_YEAR_2025 - 9 * HOUR);
    zone_free(seoul);
}

static void query_times_may_be_relative(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t from_now_ns;
    } CASES[] = {
        {"now", true, 0},
        {"-1h", true, -HOUR},
        {"-30m", true, -30 * MINUTE},
        {"-7d", true, -7 * DAY},
        {"+90s", true, 90 * NS_PER_S},
        {"2025-01-02", true, DAY},
        {"1h", false, 0},
        {"-", false, 0},
        {"-0h", false, 0},
        {"-1", false, 0},
        {"--1h", false, 0},
        {"- 1h", false, 0},
        {"-99999999w", false, 0},
        {"NOW", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t time_ns = 77;
        struct err err = ERR_INIT;
        int result = time_parse_query(str_of(CASES[i].text), NULL, NEW_YEAR_2025, &time_ns, &err);
        assert_int_equal(result, CASES[i].ok ? 0 : -ERR_INVALID);
        assert_true(time_ns == (CASES[i].ok ? NEW_YEAR_2025 + CASES[i].from_now_ns : 77));
        assert_true(CASES[i].ok || err.notes[0].msg == MSG_TIME_EXPECTED);
    }
    int64_t time_ns = 0;
    assert_int_equal(
        time_parse_query(STR("-15000w"), NULL, INT64_MIN + DAY, &time_ns, NULL), -ERR_INVALID);
}

static void durations_have_one_number_and_one_unit(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t duration_ns; // 0: refused.
    } CASES[] = {
        {"1ns", 1},
        {"20us", 20 * NS_PER_US},
        {"500ms", 500 * NS_PER_MS},
        {"10s", 10 * NS_PER_S},
        {"1m", MINUTE},
        {"01h", HOUR},
        {"1d", DAY},
        {"2w", 2 * WEEK},
        {"9223372036854775807ns", INT64_MAX},
        {"9223372036854775808ns", 0},
        {"9223372037s", 0},
        {"15250w", 15250 * WEEK},
        {"15251w", 0},
        {"0s", 0},
        {"-1s", 0},
        {"+1s", 0},
        {"s", 0},
        {"1", 0},
        {"", 0},
        {"1 s", 0},
        {"1S", 0},
        {"1.5h", 0},
        {"1h30m", 0},
        {"1y", 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t duration_ns = 0;
        struct err err = ERR_INIT;
        int result = duration_parse(str_of(CASES[i].text), &duration_ns, &err);
        assert_int_equal(result, CASES[i].duration_ns > 0 ? 0 : -ERR_INVALID);
        assert_true(duration_ns == CASES[i].duration_ns);
        assert_true(result == 0 || err.notes[0].msg == MSG_DURATION_EXPECTED);
    }
}

static void times_are_written_with_the_fewest_digits(void **state) {
    (void)state;
    static const struct {
        int64_t since_ns;
        const char *text;
    } CASES[] = {
        {0, "2025-01-01T00:00:00Z"},
        {500 * NS_PER_MS, "2025-01-01T00:00:00.500Z"},
        {NS_PER_MS, "2025-01-01T00:00:00.001Z"},
        {NS_PER_US, "2025-01-01T00:00:00.000001Z"},
        {1, "2025-01-01T00:00:00.000000001Z"},
        {-1, "2024-12-31T23:59:59.999999999Z"},
    };
    char text[TIME_TEXT_MAX];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        size_t size = time_format(NEW_YEAR_2025 + CASES[i].since_ns, NULL, text);
        assert_string_equal(text, CASES[i].text);
        assert_int_equal(size, strlen(text));
    }
    struct zone *seoul = load("Asia/Seoul");
    (void)time_format(NEW_YEAR_2025, seoul, text);
    assert_string_equal(text, "2025-01-01T09:00:00+09:00");
    (void)time_format(at("1890-01-01T00:00:00Z"), seoul, text);
    assert_string_equal(text, "1890-01-01T08:27:00+08:27"); // 08:27:52, in whole minutes.
    zone_free(seoul);
    struct zone *john = load("America/St_Johns");
    (void)time_format(NEW_YEAR_2025, john, text);
    assert_string_equal(text, "2024-12-31T20:30:00-03:30");
    zone_free(john);
    assert_int_equal(time_format(INT64_MIN, NULL, text), 30);
    assert_string_equal(text, "1677-09-21T00:12:43.145224192Z");
    assert_int_equal(time_format(INT64_MAX, NULL, text), 30);
    assert_string_equal(text, "2262-04-11T23:47:16.854775807Z");
}

static void written_times_are_read_back(void **state) {
    (void)state;
    static const char *const ZONES[] = {"UTC", "Asia/Seoul", "Europe/Berlin", "America/St_Johns",
        "Australia/Lord_Howe", "Pacific/Apia"};
    struct random random;
    random_seed(&random, 21);
    for (size_t i = 0; i < sizeof ZONES / sizeof ZONES[0]; i++) {
        struct zone *zone = load(ZONES[i]);
        for (int round = 0; round < 3000; round++) {
            static const int64_t UNITS[] = {1, NS_PER_US, NS_PER_MS, NS_PER_S};
            int64_t unit = UNITS[round % 4];
            int64_t span = INT64_MAX / 100 * 98;
            int64_t time_ns = (int64_t)random_below(&random, (uint64_t)span) / unit * unit;
            time_ns = round % 8 < 4 ? time_ns : -time_ns;
            char text[TIME_TEXT_MAX];
            size_t size = time_format(time_ns, round % 3 == 0 ? NULL : zone, text);
            assert_true(size < TIME_TEXT_MAX);
            if (at(text) != time_ns) {
                fail_msg("%s is not %ld", text, time_ns);
            }
        }
        zone_free(zone);
    }
}

struct bucket_case {
    const char *time;
    int64_t every_ns;
    const char *start;
    const char *next;
};

static void check_buckets(
    const char *zone_name_text, const struct bucket_case *cases, size_t count) {
    struct zone *zone = zone_name_text ? load(zone_name_text) : NULL;
    for (size_t i = 0; i < count; i++) {
        int64_t next_ns = 0;
        int64_t start_ns = time_bucket_start(at(cases[i].time), cases[i].every_ns, zone, &next_ns);
        if (start_ns != at(cases[i].start) || next_ns != at(cases[i].next)) {
            char start[TIME_TEXT_MAX];
            char next[TIME_TEXT_MAX];
            (void)time_format(start_ns, zone, start);
            (void)time_format(next_ns, zone, next);
            fail_msg("case %zu, %s: [%s, %s)", i, cases[i].time, start, next);
        }
    }
    zone_free(zone);
}

static void buckets_of_utc_start_on_round_times(void **state) {
    (void)state;
    static const struct bucket_case CASES[] = {
        {"2025-01-31T10:11:12.5Z", NS_PER_S, "2025-01-31T10:11:12Z", "2025-01-31T10:11:13Z"},
        {"2025-01-31T10:11:12.5Z", 10 * NS_PER_S, "2025-01-31T10:11:10Z", "2025-01-31T10:11:20Z"},
        {"2025-01-31T10:11:12.5Z", MINUTE, "2025-01-31T10:11:00Z", "2025-01-31T10:12:00Z"},
        {"2025-01-31T10:11:12.5Z", HOUR, "2025-01-31T10:00:00Z", "2025-01-31T11:00:00Z"},
        {"2025-01-31T10:11:12.5Z", DAY, "2025-01-31T00:00:00Z", "2025-02-01T00:00:00Z"},
        {"2025-01-31T10:11:12.5Z", WEEK, "2025-01-27T00:00:00Z", "2025-02-03T00:00:00Z"}, // Monday.
        {"2025-01-27T00:00:00Z", WEEK, "2025-01-27T00:00:00Z", "2025-02-03T00:00:00Z"},
        {"2025-01-26T23:59:59Z", WEEK, "2025-01-20T00:00:00Z", "2025-01-27T00:00:00Z"},
        {"1969-12-31T23:59:59Z", DAY, "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"},
        {"1970-01-01T00:00:00Z", DAY, "1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z"},
    };
    check_buckets(NULL, CASES, sizeof CASES / sizeof CASES[0]);
    check_buckets("UTC", CASES, sizeof CASES / sizeof CASES[0]);
}

static void days_of_the_plant_begin_at_its_midnight(void **state) {
    (void)state;
    static const struct bucket_case SEOUL[] = {
        {"2025-01-31T14:59:59Z", DAY, "2025-01-31T00:00:00+09:00", "2025-02-01T00:00:00+09:00"},
        {"2025-01-31T15:00:00Z", DAY, "2025-02-01T00:00:00+09:00", "2025-02-02T00:00:00+09:00"},
        {"2025-01-26T15:00:00Z", WEEK, "2025-01-27T00:00:00+09:00", "2025-02-03T00:00:00+09:00"},
        {"2025-01-31T10:00:00Z", 8 * HOUR, "2025-01-31T16:00:00+09:00",
            "2025-02-01T00:00:00+09:00"},
    };
    check_buckets("Asia/Seoul", SEOUL, sizeof SEOUL / sizeof SEOUL[0]);
    static const struct bucket_case KOLKATA[] = {
        {"2025-01-31T10:00:00Z", HOUR, "2025-01-31T15:00:00+05:30", "2025-01-31T16:00:00+05:30"},
    };
    check_buckets("Asia/Kolkata", KOLKATA, 1);
}

static void days_have_23_or_25_hours_when_clocks_change(void **state) {
    (void)state;
    static const struct bucket_case BERLIN[] = {
        {"2025-03-30T12:00:00Z", DAY, "2025-03-30T00:00:00+01:00", "2025-03-31T00:00:00+02:00"},
        {"2025-10-26T12:00:00Z", DAY, "2025-10-26T00:00:00+02:00", "2025-10-27T00:00:00+01:00"},
        {"2025-10-26T00:30:00Z", DAY, "2025-10-26T00:00:00+02:00", "2025-10-27T00:00:00+01:00"},
        {"2025-03-30T12:00:00Z", WEEK, "2025-03-24T00:00:00+01:00", "2025-03-31T00:00:00+02:00"},
        // Hours and minutes stay what they are, also in the hour that comes twice.
        {"2025-03-30T00:30:00Z", HOUR, "2025-03-30T01:00:00+01:00", "2025-03-30T03:00:00+02:00"},
        {"2025-03-30T01:30:00Z", HOUR, "2025-03-30T03:00:00+02:00", "2025-03-30T04:00:00+02:00"},
        {"2025-10-26T00:30:00Z", HOUR, "2025-10-26T02:00:00+02:00", "2025-10-26T02:00:00+01:00"},
        {"2025-10-26T01:30:00Z", HOUR, "2025-10-26T02:00:00+01:00", "2025-10-26T03:00:00+01:00"},
        {"2025-10-26T01:30:30Z", MINUTE, "2025-10-26T02:30:00+01:00", "2025-10-26T02:31:00+01:00"},
        // Shifts of eight hours: one of them is shorter or longer.
        {"2025-03-30T01:30:00Z", 8 * HOUR, "2025-03-30T00:00:00+01:00",
            "2025-03-30T08:00:00+02:00"},
        {"2025-10-26T01:30:00Z", 8 * HOUR, "2025-10-26T00:00:00+02:00",
            "2025-10-26T08:00:00+01:00"},
        {"2025-10-26T01:30:00Z", 2 * HOUR, "2025-10-26T02:00:00+02:00",
            "2025-10-26T04:00:00+01:00"},
        {"2025-03-30T00:30:00Z", 2 * HOUR, "2025-03-30T00:00:00+01:00",
            "2025-03-30T03:00:00+02:00"},
        {"2025-03-30T01:30:00Z", 2 * HOUR, "2025-03-30T03:00:00+02:00",
            "2025-03-30T04:00:00+02:00"},
    };
    check_buckets("Europe/Berlin", BERLIN, sizeof BERLIN / sizeof BERLIN[0]);
    static const struct bucket_case SAO_PAULO[] = {
        // Midnight of 2018-11-04 was jumped over; that of 2018-02-18 was shown to come twice.
        {"2018-11-04T12:00:00Z", DAY, "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"},
        {"2018-11-04T02:59:59Z", DAY, "2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00"},
        {"2018-02-18T02:30:00Z", DAY, "2018-02-17T00:00:00-02:00", "2018-02-18T00:00:00-03:00"},
        {"2018-02-18T03:00:00Z", DAY, "2018-02-18T00:00:00-03:00", "2018-02-19T00:00:00-03:00"},
    };
    check_buckets("America/Sao_Paulo", SAO_PAULO, sizeof SAO_PAULO / sizeof SAO_PAULO[0]);
    static const struct bucket_case APIA[] = {
        // 2011-12-30 was left out.
        {"2011-12-30T09:00:00Z", DAY, "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"},
        {"2011-12-30T10:00:00Z", DAY, "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"},
    };
    check_buckets("Pacific/Apia", APIA, sizeof APIA / sizeof APIA[0]);
}

/* The laws that hold for every bucket. */
static void check_laws(int64_t time_ns, int64_t every_ns, const struct zone *zone) {
    int64_t next_ns = 0;
    int64_t again_ns = 0;
    int64_t start_ns = time_bucket_start(time_ns, every_ns, zone, &next_ns);
    bool holds = start_ns <= time_ns && time_ns < next_ns;
    bool stable = time_bucket_start(start_ns, every_ns, zone, &again_ns) == start_ns;
    stable = stable && again_ns == next_ns;
    stable = stable && time_bucket_start(next_ns - 1, every_ns, zone, &again_ns) == start_ns;
    stable = stable && again_ns == next_ns;
    bool joined = time_bucket_start(next_ns, every_ns, zone, NULL) == next_ns;
    if (!holds || !stable || !joined) {
        fail_msg("%s, every %ld: at %ld [%ld, %ld)", zone_name(zone), every_ns, time_ns, start_ns,
            next_ns);
    }
}

static void check_length(int64_t time_ns, int64_t every_ns, const struct zone *zone) {
    int64_t next_ns = 0;
    int64_t start_ns = time_bucket_start(time_ns, every_ns, zone, &next_ns);
    int64_t local_ns = start_ns + zone_offset_s(zone, start_ns) * NS_PER_S;
    int64_t before_ns = start_ns - 1 + zone_offset_s(zone, start_ns - 1) * NS_PER_S;
    bool jumped = local_ns - before_ns != 1;
    if (every_ns <= HOUR) {
        // Modern changes are multiples of half an hour: minutes never change their length.
        assert_true(every_ns > 30 * MINUTE || next_ns - start_ns == every_ns);
        return;
    }
    assert_true(jumped || local_ns % HOUR == 0);
    if (every_ns == DAY) {
        assert_true(jumped || local_ns % DAY == 0);
        assert_in_range(next_ns - start_ns, 22 * HOUR, 26 * HOUR);
    } else if (every_ns == WEEK) {
        assert_true(jumped || (local_ns / DAY + 3) % 7 == 0);
        assert_in_range(next_ns - start_ns, 166 * HOUR, 170 * HOUR);
    }
}

static const char *const LAW_ZONES[] = {"UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York",
    "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Gaza", "Asia/Kolkata",
    "America/Havana", "Pacific/Apia", "Europe/Dublin", "Antarctica/Troll"};

static void each_instant_lies_in_exactly_one_bucket(void **state) {
    (void)state;
    static const int64_t WIDTHS[] = {NS_PER_S, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR,
        2 * HOUR, 8 * HOUR, 12 * HOUR, DAY, 3 * DAY, WEEK, 40 * MINUTE, 7 * NS_PER_S + 1, 1};
    struct random random;
    random_seed(&random, 30);
    for (size_t z = 0; z < sizeof LAW_ZONES / sizeof LAW_ZONES[0]; z++) {
        struct zone *zone = load(LAW_ZONES[z]);
        for (int round = 0; round < 4000; round++) {
            int64_t every_ns = WIDTHS[(size_t)round % (sizeof WIDTHS / sizeof WIDTHS[0])];
            int64_t time_ns = (int64_t)random_below(&random, 9000000000) * NS_PER_S;
            time_ns += (int64_t)random_below(&random, NS_PER_S) - 4500000000 * NS_PER_S;
            if (round % 2 == 0) {
                // Half of the instants lie within a day of a change.
                struct zone_span span = zone_span_at(zone, time_ns);
                int64_t near = (int64_t)random_below(&random, 2 * DAY) - DAY;
                time_ns = span.end_ns == INT64_MAX ? time_ns : span.end_ns + near;
            }
            check_laws(time_ns, every_ns, zone);
        }
        zone_free(zone);
    }
}

static void modern_buckets_begin_and_last_as_their_name_says(void **state) {
    (void)state;
    static const int64_t WIDTHS[] = {MINUTE, 10 * MINUTE, HOUR, DAY, WEEK};
    struct random random;
    random_seed(&random, 31);
    for (size_t z = 0; z < sizeof LAW_ZONES / sizeof LAW_ZONES[0]; z++) {
        struct zone *zone = load(LAW_ZONES[z]);
        for (int round = 0; round < 3000; round++) {
            int64_t time_ns = at("2012-06-01") + (int64_t)random_below(&random, 20000 * DAY);
            if (round % 2 == 0) {
                struct zone_span span = zone_span_at(zone, time_ns);
                int64_t near = (int64_t)random_below(&random, 2 * DAY) - DAY;
                time_ns = span.end_ns == INT64_MAX ? time_ns : span.end_ns + near;
            }
            check_length(time_ns, WIDTHS[round % 5], zone);
        }
        zone_free(zone);
    }
}

static void the_ends_of_time_do_no_harm(void **state) {
    (void)state;
    static const int64_t TIMES[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX};
    static const int64_t WIDTHS[] = {1, HOUR, DAY, WEEK, INT64_MAX};
    for (size_t z = 0; z < sizeof LAW_ZONES / sizeof LAW_ZONES[0]; z++) {
        struct zone *zone = load(LAW_ZONES[z]);
        for (size_t t = 0; t < 4; t++) {
            for (size_t w = 0; w < 5; w++) {
                int64_t next_ns = 0;
                int64_t start_ns = time_bucket_start(TIMES[t], WIDTHS[w], zone, &next_ns);
                assert_true(start_ns <= TIMES[t] && next_ns >= TIMES[t]);
            }
            char text[TIME_TEXT_MAX];
            assert_true(time_format(TIMES[t], zone, text) < TIME_TEXT_MAX);
            (void)zone_from_local(zone, TIMES[t]);
        }
        zone_free(zone);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_rfc_3339_are_read),
        cmocka_unit_test(anything_else_is_no_time),
        cmocka_unit_test(a_time_without_offset_is_of_the_zone),
        cmocka_unit_test(query_times_may_be_relative),
        cmocka_unit_test(durations_have_one_number_and_one_unit),
        cmocka_unit_test(times_are_written_with_the_fewest_digits),
        cmocka_unit_test(written_times_are_read_back),
        cmocka_unit_test(buckets_of_utc_start_on_round_times),
        cmocka_unit_test(days_of_the_plant_begin_at_its_midnight),
        cmocka_unit_test(days_have_23_or_25_hours_when_clocks_change),
        cmocka_unit_test(each_instant_lies_in_exactly_one_bucket),
        cmocka_unit_test(modern_buckets_begin_and_last_as_their_name_says),
        cmocka_unit_test(the_ends_of_time_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
