/*
 * Grants: two plants, alpha-works and bravo-works; people of four organisations: the makers Alpha
 * and Bravo, a supplier and an agency. Alpha's owner lets others read some tags. What was granted
 * is read by every way that is meant, and nothing else by any: not a name, a number, a count, an
 * event of other tags, nor any other route.
 */
#include "support_grants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/text.h"
#include "core/time.h"
#include "ledger/grant.h"
#include "ledger/people.h"
#include "serve/route.h"

/* ---- The tests ---- */

static void nothing_is_there_without_a_grant(void **state) {
    (void)state;
    const char *const WHO[] = {f.bravo.header, f.supplier.header, f.agency.header, f.admin.header};
    for (size_t i = 0; i < sizeof WHO / sizeof WHO[0]; i++) {
        check_same(WHO[i], "GET", PLANT "/tags", "/api/v1/plants/" NOWHERE "/tags", NOWHERE, ALPHA);
    }
}

static void the_granted_tags_are_there_and_no_others(void **state) {
    (void)state;
    char id[40];
    write_lines("press1 temp=1.5,strokes=7 1000\noven heat=200 1000\npress2 temp=9 1000\n"
                "secret recipe=\"R\" 1000\n");
    give(f.organisations[SUPPLIER], "\"press1.*\"", ",\"from\":\"1970-01-01T00:00:00Z\"", id);
    const char *const WHO[] = {f.supplier.header, f.second.header};
    for (size_t i = 0; i < 2; i++) {
        check_session(WHO[i], true);
        assert_int_equal(check_tags(WHO[i], "", "press1.temp press1.strokes"), 2);
        assert_int_equal(check_tags(WHO[i], "?prefix=press", "press1.temp press1.strokes"), 2);
        assert_int_equal(check_tags(WHO[i], "?prefix=oven", ""), 0);
        assert_int_equal(check_tags(WHO[i], "?q=recipe", ""), 0);
        assert_int_equal(check_tags(WHO[i], "?device=hiddendev", ""), 0);
        assert_int_equal(check_tags(WHO[i], "?fresh=1d", "press1.temp press1.strokes"), 2);
        assert_int_equal(check_tags(WHO[i], "?kind=measurement", "press1.temp press1.strokes"), 2);
    }
    check_session(f.agency.header, false);
    check_session(f.bravo.header, false);
    AUTO_ANSWER struct answer page;
    (void)ask_as(f.supplier.header, "GET", PLANT "/tags?limit=1", "", &page);
    assert_false(holds(&page, "hiddendev") || holds(&page, "hr100"));
    json_t *first = json_loadb((const char *)page.body.data, page.body.size, 0, NULL);
    json_t *tag = json_array_get(json_object_get(first, "items"), 0);
    assert_true(json_integer_value(json_object_get(tag, "number")) > 5); // 2 would tell of another.
    char next[128];
    (void)snprintf(
        next, sizeof next, "?limit=1&cursor=%s", json_string_value(json_object_get(first, "next")));
    assert_int_equal(check_tags(f.supplier.header, next, "press1.temp"), 1);
    json_decref(first);
    AUTO_ANSWER struct answer guessed; // Plain numbers are no cursors here.
    assert_int_equal(ask_as(f.supplier.header, "GET", PLANT "/tags?cursor=2", "", &guessed), 400);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    check_session(f.supplier.header, false);
}

/* PLANT/before NAME after */
static void target_of(
    const char *before, const char *name, const char *after, char *to, size_t size) {
    (void)snprintf(to, size, PLANT "/%s%s%s", before, name, after);
}

static void values_are_read_of_granted_tags_only(void **state) {
    (void)state;
    static const char *const ASKED[][2] = {{"samples?tag=", ""}, {"samples?tag=", "&format=csv"},
        {"samples?tag=", "&every=1s&agg=max"}, {"samples?tag=", "&every=1s&agg=time_avg"},
        {"samples?tag=press1.temp&tag=", ""}, {"series?tag=", ""},
        {"series?tag=press1.temp&tag=", ""}, {"moments?tag=", "&time=1970-01-01T00:00:02Z"}};
    char id[40];
    write_lines("press1 temp=1.5 1000\npress1 temp=2.5 2000\noven heat=200 1000\n");
    give(f.organisations[AGENCY], "\"press1.temp\"", ",\"from\":\"1970-01-01T00:00:00Z\"", id);
    for (size_t i = 0; i < sizeof ASKED / sizeof ASKED[0]; i++) {
        static const char *const NAMES[] = {"press1.temp", "oven.heat", "none.heat"};
        char targets[3][256];
        for (int k = 0; k < 3; k++) {
            target_of(ASKED[i][0], NAMES[k], ASKED[i][1], targets[k], sizeof targets[k]);
        }
        AUTO_ANSWER struct answer given;
        if (ask_as(f.agency.header, "GET", targets[0], "", &given) != 200) {
            fail_msg("%s gave %d", targets[0], given.status);
        }
        assert_false(holds(&given, "oven"));
        check_same(f.agency.header, "GET", targets[1], targets[2], "none", "oven");
    }
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

static void fill_path(const struct route *route, const char *plant, char *to, size_t size) {
    struct str rest = str_of(route->path);
    size_t used = 0;
    (void)str_cut(&rest, '/');
    while (rest.data != NULL) {
        struct str part = str_cut(&rest, '/');
        struct str value = str_eq(part, STR("{plant}"))  ? str_of(plant)
                           : str_eq(part, STR("{name}")) ? STR("press1.temp")
                           : str_starts(part, STR("{"))  ? STR("1")
                                                         : part;
        used += str_copy_z(STR("/"), to + used, size - used);
        used += str_copy_z(value, to + used, size - used);
    }
    if (route == route_at(ROUTE_WRITE)) {
        (void)snprintf(to + used, size - used, "?plant=%s", plant);
    }
}

static void every_other_route_is_that_of_an_unknown_plant(void **state) {
    (void)state;
    char id[40];
    uint32_t visited = 0;
    uint32_t shared = 0;
    give(f.organisations[SUPPLIER], "\"*\"", "", id);
    for (uint32_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *route = route_at(i);
        if (!route_is_of_plant(route) && i != ROUTE_WRITE) {
            continue;
        }
        bool is_shared = i == ROUTE_TAGS || i == ROUTE_SAMPLES || i == ROUTE_SERIES ||
                         i == ROUTE_MOMENTS || i == ROUTE_STREAM;
        shared += is_shared;
        if (!is_shared) {
            char there[256];
            char nowhere[256];
            fill_path(route, ALPHA, there, sizeof there);
            fill_path(route, NOWHERE, nowhere, sizeof nowhere);
            check_same(
                f.supplier.header, http_method_name(route->method), there, nowhere, NOWHERE, ALPHA);
            visited++;
        }
    }
    assert_int_equal(shared, 5);
    assert_true(visited > 70);
    /* Nor does a grant open what sums over plants, or a way to write. */
    AUTO_ANSWER struct answer metrics;
    (void)ask_as(f.supplier.header, "GET", "/metrics", "", &metrics);
    assert_false(holds(&metrics, ALPHA) || holds(&metrics, "maru_rows_in_total "));
    AUTO_ANSWER struct answer written;
    assert_int_equal(
        ask_as(f.supplier.header, "POST", "/write", "press1.temp value=1\n", &written), 404);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

static void owners_give_and_managers_and_auditors_look(void **state) {
    (void)state;
    char until[TIME_TEXT_MAX];
    char body[512];
    char id[40];
    time_text(3600, until);
    (void)snprintf(body, sizeof body,
        "{\"organisation\":{\"name\":\"New Ltd\",\"kind\":\"supplier\"},\"tags\":[\"oven.heat\"],"
        "\"purpose\":\"upkeep\",\"until\":\"%s\"}",
        until);
    give(f.organisations[SUPPLIER], "\"oven.heat\"", "", id);
    for (int i = 0; i < ROLES; i++) {
        enum role role = (enum role)(ROLE_VIEWER + i);
        bool looks = role == ROLE_AUDITOR || role == ROLE_MANAGER || role == ROLE_OWNER;
        AUTO_ANSWER struct answer list;
        AUTO_ANSWER struct answer given;
        assert_int_equal(
            ask_as(f.alpha[i].header, "GET", PLANT "/grants", "", &list), looks ? 200 : 403);
        assert_int_equal(ask_as(f.alpha[i].header, "POST", PLANT "/grants", body, &given),
            role == ROLE_OWNER ? 201 : 403);
        if (role != ROLE_OWNER) {
            assert_int_equal(take_back(f.alpha[i].header, id), 403);
        } else {
            assert_true(holds(&given, "New Ltd") && holds(&given, "\"tag_count\":1"));
        }
    }
    AUTO_ANSWER struct answer token; // Not even an owner's token.
    assert_int_equal(ask_as(f.token, "GET", PLANT "/grants", "", &token), 403);
    AUTO_ANSWER struct answer by_token;
    assert_int_equal(ask_as(f.token, "POST", PLANT "/grants", body, &by_token), 403);
    assert_int_equal(take_back(f.supplier.header, id), 404);
    assert_int_equal(take_back(f.bravo.header, id), 404);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    assert_int_equal(take_back(f.alpha[5].header, id), 409);
    assert_int_equal(take_back(f.alpha[5].header, "1"), 404);
    AUTO_ANSWER struct answer audit;
    (void)ask_as(f.admin.header, "GET", "/api/v1/audit?limit=50", "", &audit);
    assert_true(holds(&audit, "\"grant.give\"") && holds(&audit, "\"grant.revoke\""));
    assert_true(holds(&audit, id));
}

static void bad_terms_are_refused_in_words(void **state) {
    (void)state;
    static const struct {
        const char *terms;
        const char *words;
    } CASES[] = {{"\"tags\":[\"oven.heat\"],\"purpose\":\"x\"", "until"},
        {"\"tags\":[\"oven.heat\"],\"purpose\":\"x\",\"until\":\"2020-01-01\"", "future"},
        {"\"tags\":[\"oven.heat\"],\"purpose\":\"x\",\"until\":\"2099-01-01\"", "3 years"},
        {"\"tags\":[\"oven.heat\"],\"purpose\":\"x\",\"until\":\"soon\"", "not a time"},
        {"\"tags\":[\"oven.heat\"],\"purpose\":\" \",\"until\":\"U\"", "what the tags"},
        {"\"tags\":[\"oven.heat\"],\"until\":\"U\"", "purpose"},
        {"\"tags\":[\"oven.heta\"],\"purpose\":\"x\",\"until\":\"U\"", "no tag \\\"oven.heta"},
        {"\"tags\":[\"oven heat\"],\"purpose\":\"x\",\"until\":\"U\"", "names no tags"},
        {"\"tags\":[\"oven.%*\"],\"purpose\":\"x\",\"until\":\"U\"", "names no tags"},
        {"\"tags\":[],\"purpose\":\"x\",\"until\":\"U\"", "1 to 32"},
        {"\"tags\":[\"*\"],\"purpose\":\"x\",\"until\":\"U\",\"step_s\":7", "averages"},
        {"\"tags\":[\"*\"],\"purpose\":\"x\",\"until\":\"U\",\"from\":\"2098-01-01\"", "behind"},
        {"\"tags\":[\"*\"],\"purpose\":\"x\",\"until\":\"U\",\"wrong\":1", "wrong"}};
    char until[TIME_TEXT_MAX];
    time_text(3600, until);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char body[1024];
        size_t size = (size_t)snprintf(body, sizeof body,
            "{\"organisation\":{\"name\":\"N\",\"kind\":\"agency\"},%s}", CASES[i].terms);
        char *place = strstr(body, "\"U\"");
        if (place) {
            char rest[512];
            (void)str_copy_z(str_of(place + 3), rest, sizeof rest);
            (void)snprintf(place, sizeof body - (size_t)(place - body), "\"%s\"%s", until, rest);
        }
        (void)size;
        AUTO_ANSWER struct answer answer;
        int status = ask_as(f.alpha[5].header, "POST", PLANT "/grants", body, &answer);
        if (status != 400 || !holds(&answer, CASES[i].words)) {
            fail_msg("%s: %d %s", body, status, buf_z(&answer.body));
        }
    }
    char strange[512];
    (void)snprintf(strange, sizeof strange,
        "{\"organisation_id\":\"%s\",\"tags\":[\"*\"],\"purpose\":\"x\",\"until\":\"%s\"}",
        f.organisations[BRAVO_ORG], until); // The owner has nothing to do with it: it is none.
    AUTO_ANSWER struct answer stranger;
    assert_int_equal(ask_as(f.alpha[5].header, "POST", PLANT "/grants", strange, &stranger), 404);
}

/* ---- Streams ---- */

static void a_stream_carries_granted_tags_and_ends_with_the_grant(void **state) {
    (void)state;
    char id[40];
    char extra[40];
    write_lines("press1 temp=1.5 3000\noven heat=200 3000\n");
    give(f.organisations[SUPPLIER], "\"press1.temp\"", "", id);
    struct listener l;
    listen_open(&l, f.supplier.header);
    must_come(&l, ",3000,1.5,0,");
    assert_null(strstr(buf_z(&l.text), "200")
                    ? strstr(strstr(buf_z(&l.text), "event: values"), "3000,200")
                    : NULL);
    assert_null(strstr(buf_z(&l.text), "\nid: "));
    must_come(&l, "event: beat");
    size_t before = l.text.size;
    write_lines("oven heat=201 4000\nsecret recipe=\"Q\" 4000\n"); // Not theirs: no event at all.
    bool ended = false;
    (void)await(&l, "event: catalogue", 300, &ended);
    assert_false(ended);
    assert_null(strstr(buf_z(&l.text) + before, "event: values"));
    give(f.organisations[SUPPLIER], "\"oven.heat\"", "", extra); // More: told, and sent whole.
    must_come(&l, "event: catalogue");
    must_come(&l, ",4000,201,0,");
    assert_int_equal(take_back(f.alpha[5].header, extra), 200);
    write_lines("press1 temp=2.5 5000\noven heat=202 5000\n");
    must_come(&l, ",5000,2.5,0,");
    assert_null(strstr(buf_z(&l.text), ",5000,202"));
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    must_end(&l, 1500);
    listen_close(&l);
}

static void a_grant_that_ends_ends_the_stream(void **state) {
    (void)state;
    char id[40];
    make_owner_admin(true);
    give_until(f.organisations[AGENCY], "\"press1.temp\"", 2, "", id);
    make_owner_admin(false);
    struct listener l;
    listen_open(&l, f.agency.header);
    must_come(&l, "event: beat");
    must_end(&l, 4000);
    listen_close(&l);
    check_session(f.agency.header, false);
    assert_int_equal(take_back(f.alpha[5].header, id), 409);
}

/* Of a plant that is only granted: its name, and how old the newest granted value is. */
static void a_factory_is_told_by_its_name_and_the_newest_granted_value(void **state) {
    (void)state;
    char id[40];
    give(f.organisations[SUPPLIER], "\"none.*\",\"press2.temp\"", ",\"step_s\":10", id);
    json_t *list = get(f.supplier.header, "/api/v1/factories", 200);
    assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
    json_t *one = json_array_get(json_object_get(list, "items"), 0);
    assert_string_equal(json_string_value(json_object_get(one, "role")), "grantee");
    assert_string_equal(json_string_value(json_object_get(one, "display")), "Alpha");
    static const char *const HIDDEN[] = {"organisation", "status", "errors", "warnings", "worst",
        "devices", "connected", "silent", "rows_per_minute", "disk_days", "newest"};
    for (size_t i = 0; i < sizeof HIDDEN / sizeof HIDDEN[0]; i++) {
        assert_true(json_is_null(json_object_get(one, HIDDEN[i]))); // No newest value, either.
    }
    assert_true(json_is_string(json_object_get(one, "until")));
    json_decref(list);
    char more[40];
    write_lines("press1 temp=4.75\n");
    give(f.organisations[SUPPLIER], "\"press1.temp\"", "", more);
    list = get(f.supplier.header, "/api/v1/factories", 200);
    one = json_array_get(json_object_get(list, "items"), 0);
    assert_true(json_integer_value(json_object_get(one, "newest_age_ms")) < 20000);
    assert_true(json_is_string(json_object_get(one, "newest")));
    json_decref(list);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    assert_int_equal(take_back(f.alpha[5].header, more), 200);
}

/* ---- De-identification ---- */

static void hidden_name(const char *who, char to[64]) {
    json_t *list = get(who, PLANT "/tags?limit=1", 200);
    json_t *tag = json_array_get(json_object_get(list, "items"), 0);
    const char *name = json_string_value(json_object_get(tag, "name"));
    assert_true(str_starts(str_of(name), STR("P-")));
    assert_string_equal(json_string_value(json_object_get(tag, "display")), name);
    (void)str_copy_z(str_of(name), to, 64);
    json_decref(list);
}

/* Without the plant's key nothing is shown, and nothing is told of its files. */
static void key_is_gone(void) {
    char key[192];
    char aside[192];
    char id[40];
    (void)snprintf(key, sizeof key, "%s/home/keys/" ALPHA ".key", f.dir);
    (void)snprintf(aside, sizeof aside, "%s/aside.key", f.dir);
    assert_int_equal(rename(key, aside), 0);
    give(f.organisations[AGENCY], "\"oven.heat\"", "", id); // Sights are made anew.
    AUTO_ANSWER struct answer tags;
    assert_int_equal(ask_as(f.supplier.header, "GET", PLANT "/tags", "", &tags), 503);
    assert_false(holds(&tags, ".key") || holds(&tags, "home") || holds(&tags, "press1"));
    json_decref(get(f.supplier.header, "/api/v1/factories", 200));
    assert_int_equal(rename(aside, key), 0);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

static void hidden_names_are_pseudonyms_of_the_reader(void **state) {
    (void)state;
    char ids[2][40];
    char names[2][64];
    char target[256];
    write_lines("press1 temp=1.5 1000\n");
    const char *more = ",\"hide_names\":true,\"from\":\"1970-01-01T00:00:00Z\"";
    give(f.organisations[SUPPLIER], "\"press1.temp\"", more, ids[0]);
    give(f.organisations[AGENCY], "\"press1.temp\"", more, ids[1]);
    hidden_name(f.supplier.header, names[0]);
    hidden_name(f.agency.header, names[1]);
    assert_string_not_equal(names[0], names[1]);
    static const char *const ASKED[][2] = {
        {"samples?tag=", ""}, {"series?tag=", ""}, {"moments?tag=", "&time=-1s"}};
    for (size_t i = 0; i < 3; i++) {
        target_of(ASKED[i][0], names[0], ASKED[i][1], target, sizeof target);
        AUTO_ANSWER struct answer own;
        AUTO_ANSWER struct answer others;
        assert_int_equal(ask_as(f.supplier.header, "GET", target, "", &own), 200);
        assert_true(holds(&own, names[0]));
        assert_false(holds(&own, "press1"));
        assert_int_equal(ask_as(f.agency.header, "GET", target, "", &others), 404);
    }
    AUTO_ANSWER struct answer real;
    assert_int_equal(
        ask_as(f.supplier.header, "GET", PLANT "/samples?tag=press1.temp", "", &real), 404);
    key_is_gone();
    assert_int_equal(check_tags(f.supplier.header, "?prefix=press", ""), 0);
    assert_int_equal(check_tags(f.supplier.header, "?q=temp", ""), 0);
    assert_int_equal(take_back(f.alpha[5].header, ids[0]), 200);
    assert_int_equal(take_back(f.alpha[5].header, ids[1]), 200);
}

static void averages_alone_are_given_where_a_step_is_set(void **state) {
    (void)state;
    char id[40];
    write_lines("press2 temp=1 600000\npress2 temp=3 601000\npress2 temp=5 660000\n");
    give(f.organisations[SUPPLIER], "\"press2.temp\",\"secret.recipe\"",
        ",\"step_s\":60,\"from\":\"1970-01-01T00:00:00Z\"", id);
    static const char *const REFUSED[] = {PLANT "/samples?tag=press2.temp",
        PLANT "/samples?tag=press2.temp&every=1m&agg=max",
        PLANT "/samples?tag=press2.temp&every=1s",
        PLANT "/moments?tag=press2.temp&time=1970-01-01T00:10:02Z",
        PLANT "/series?tag=secret.recipe"};
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        AUTO_ANSWER struct answer refused;
        assert_int_equal(ask_as(f.supplier.header, "GET", REFUSED[i], "", &refused), 403);
        assert_true(holds(&refused, "averages of 60 seconds"));
    }
    json_t *list = get(f.supplier.header,
        PLANT "/series?tag=press2.temp&from=1970-01-01T00:10:01Z&to=1970-01-01T00:11:30Z"
              "&points=10000",
        200);
    json_t *series = json_array_get(json_object_get(list, "series"), 0);
    assert_int_equal(json_integer_value(json_object_get(series, "every_ms")), 60000);
    json_t *averages = json_object_get(series, "avg");
    assert_int_equal(json_array_size(averages), 2); // Whole steps: also the second before `from`.
    assert_true(json_number_value(json_array_get(averages, 0)) == 2);
    assert_true(json_number_value(json_array_get(json_object_get(series, "max"), 0)) == 2);
    json_decref(list);
    list = get(f.supplier.header, PLANT "/tags", 200);
    json_t *tag = json_array_get(json_object_get(list, "items"), 0);
    assert_true(json_is_null(json_object_get(tag, "value")));
    assert_true(json_is_null(json_object_get(tag, "time")));
    json_decref(list);
    struct listener l;
    listen_open(&l, f.supplier.header);
    must_come(&l, "event: beat");
    assert_null(strstr(buf_z(&l.text), "660000"));
    listen_close(&l);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

/* The averages of press2.temp between the two, each unlike these two; how many. */
static size_t check_averages(const char *from, const char *to, double not_this, double nor_this) {
    char target[256];
    (void)snprintf(target, sizeof target,
        PLANT "/series?tag=press2.temp&from=%s&to=%s&points=10000", from, to);
    json_t *list = get(f.supplier.header, target, 200);
    json_t *one = json_array_get(json_object_get(list, "series"), 0);
    json_t *averages = json_object_get(one, "avg");
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(averages); i++) {
        json_t *average = json_array_get(averages, i);
        assert_true(json_number_value(average) != not_this);
        assert_true(json_number_value(average) != nor_this);
        count += !json_is_null(average);
    }
    json_decref(list);
    return count;
}

/* An hour that is not over would tell each new value, and so would one cut by the begin. */
static void a_step_that_grows_or_is_cut_is_not_given(void **state) {
    (void)state;
    char id[40];
    char lines[192];
    (void)snprintf(lines, sizeof lines,
        "press2 temp=7 %lld\npress2 temp=8 %lld\npress2 temp=9 18000000\n",
        (long long)now_s() * 1000, (long long)(now_s() - 7200) * 1000);
    write_lines(lines);
    give(f.organisations[SUPPLIER], "\"press2.temp\"",
        ",\"step_s\":3600,\"from\":\"1970-01-01T00:10:00.5Z\"", id);
    // The hour of the begin holds 2 and 5; that of 05:00 is whole.
    assert_int_equal(check_averages("1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z", 5, 3), 0);
    assert_int_equal(check_averages("1970-01-01T05:00:00Z", "1970-01-01T06:00:00Z", 5, 3), 1);
    assert_int_equal(check_averages("-3h", "-1s", 7, 7.5), 1);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

static void nothing_before_the_begin_is_given(void **state) {
    (void)state;
    char id[40];
    write_lines("press1 temp=1.25 10000\npress1 temp=2.25 20000\npress1 temp=3.25 30000\n");
    give(f.organisations[SUPPLIER], "\"press1.temp\"", ",\"from\":\"1970-01-01T00:00:20Z\"", id);
    static const char *const ASKED[] = {"/samples?tag=press1.temp",
        "/samples?tag=press1.temp&format=csv", "/samples?tag=press1.temp&versions=1",
        "/samples?tag=press1.temp&every=1d&agg=min,max,first",
        "/samples?tag=press1.temp&every=1s&agg=avg,time_avg,increase&to=1970-01-01T00:01:00Z",
        "/series?tag=press1.temp&from=1970-01-01T00:00:00Z",
        "/moments?tag=press1.temp&time=1970-01-01T00:00:15Z"};
    for (size_t i = 0; i < sizeof ASKED / sizeof ASKED[0]; i++) {
        char target[256];
        (void)snprintf(target, sizeof target, PLANT "%s", ASKED[i]);
        AUTO_ANSWER struct answer answer;
        if (ask_as(f.supplier.header, "GET", target, "", &answer) != 200 ||
            holds(&answer, "1.25") || holds(&answer, "1.5")) {
            fail_msg("%s: %d %s", target, answer.status, buf_z(&answer.body));
        }
        assert_int_equal(holds(&answer, "2.25"), i != 6);
    }
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

/* ---- Who is meant ---- */

/* An account in the organisation and nothing else: what it reads goes with the grant. */
static void an_invited_grantee_gets_an_account_and_no_role(void **state) {
    (void)state;
    char id[40];
    char secret[SECRET_TEXT_MAX] = "";
    char body[256];
    give(f.organisations[AGENCY], "\"press1.temp\"", "", id);
    assert_int_equal(invite(f.organisations[AGENCY], secret), 201);
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\"}", secret);
    AUTO_ANSWER struct answer known;
    assert_int_equal(ask_as(f.agency.header, "POST", "/api/v1/invitation", body, &known), 409);
    (void)snprintf(body, sizeof body,
        "{\"secret\":\"%s\",\"login\":\"newcomer\",\"password\":\"a long enough one 1\"}", secret);
    AUTO_ANSWER struct answer taken;
    assert_int_equal(ask_as("", "POST", "/api/v1/invitation", body, &taken), 200);
    assert_true(holds(&taken, "\"role\":\"grantee\""));
    struct str rest = answer_header(&taken, "Set-Cookie");
    struct str cookie = str_cut(&rest, ';');
    char header[HEADER_BYTES];
    (void)snprintf(
        header, sizeof header, "Cookie: %.*s\r\nX-Requested-With: maru\r\n", STR_ARG(cookie));
    assert_int_equal(check_tags(header, "", "press1.temp"), 1);
    AUTO_ANSWER struct answer people;
    (void)ask_as(f.alpha[5].header, "GET", PLANT "/access", "", &people);
    assert_false(holds(&people, "newcomer"));
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    check_session(header, false);
    assert_int_equal(invite(f.organisations[AGENCY], secret), 409); // Nothing stands any more.
    char put[128];
    (void)snprintf(put, sizeof put, PLANT "/access/%s", f.alpha[0].id); // Nobody is given it.
    AUTO_ANSWER struct answer role;
    assert_int_equal(ask_as(f.alpha[5].header, "PUT", put, "{\"role\":\"grantee\"}", &role), 400);
}

static void what_ends_a_person_ends_what_they_read(void **state) {
    (void)state;
    char id[40];
    char target[128];
    give(f.organisations[SUPPLIER], "\"press1.temp\"", "", id);
    struct listener l;
    listen_open(&l, f.second.header);
    must_come(&l, "event: beat");
    (void)snprintf(target, sizeof target, "/api/v1/users/%s", f.second.id);
    AUTO_ANSWER struct answer disabled;
    assert_int_equal(ask_as(f.admin.header, "PUT", target, "{\"disabled\":true}", &disabled), 200);
    must_end(&l, 1500);
    listen_close(&l);
    check_session(f.supplier.header, true);
    listen_open(&l, f.supplier.header);
    must_come(&l, "event: beat");
    (void)snprintf(target, sizeof target, "/api/v1/organisations/%s", f.organisations[SUPPLIER]);
    AUTO_ANSWER struct answer shut;
    assert_int_equal(ask_as(f.admin.header, "PUT", target, "{\"disabled\":true}", &shut), 200);
    must_end(&l, 1500);
    listen_close(&l);
    AUTO_ANSWER struct answer gone;
    assert_int_equal(ask_as(f.supplier.header, "GET", PLANT "/tags", "", &gone), 401);
    AUTO_ANSWER struct answer open;
    assert_int_equal(ask_as(f.admin.header, "PUT", target, "{\"disabled\":false}", &open), 200);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

static int give_access(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return put_access(tx, f.agency.id, ALPHA, ROLE_VIEWER, err);
}

static void an_access_of_ones_own_comes_first(void **state) {
    (void)state;
    char id[40];
    struct err err = ERR_INIT;
    give(f.organisations[AGENCY], "\"press1.temp\"", ",\"hide_names\":true", id);
    must(ledger_write(home_hub(f.home), give_access, NULL, &err), &err);
    AUTO_ANSWER struct answer flow;
    assert_int_equal(ask_as(f.agency.header, "GET", PLANT "/flow", "", &flow), 200);
    json_t *list = get(f.agency.header, PLANT "/tags", 200);
    json_t *all = get(f.alpha[0].header, PLANT "/tags", 200);
    assert_true(json_array_size(json_object_get(list, "items")) > 1); // More than was granted.
    assert_int_equal(json_array_size(json_object_get(list, "items")),
        json_array_size(json_object_get(all, "items")));
    json_decref(list);
    json_decref(all);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

/* ---- The book of disclosures ---- */

/* How many entries tell of a grant; the newest, to be released. */
static size_t told_of(const char *id, json_t **ret_newest) {
    size_t count = 0;
    json_t *answer = get(f.alpha[5].header, PLANT "/disclosures?limit=1000", 200);
    json_t *items = json_object_get(answer, "items");
    *ret_newest = NULL;
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i);
        const char *method = json_string_value(json_object_get(item, "method"));
        if (strstr(method, id)) {
            assert_string_equal(json_string_value(json_object_get(item, "channel")), "grant");
            count++;
            *ret_newest = *ret_newest ? *ret_newest : json_incref(item);
        }
    }
    json_decref(answer);
    return count;
}

static void check_told(const char *id, size_t count, const char *member, const char *text) {
    json_t *newest = NULL;
    size_t told = told_of(id, &newest);
    if (told != count) {
        fail_msg("%zu entries instead of %zu", told, count);
    }
    if (member) {
        char *found = json_dumps(json_object_get(newest, member), JSON_ENCODE_ANY | JSON_COMPACT);
        if (!strstr(found, text)) {
            fail_msg("%s is %s, not %s", member, found, text);
        }
        free(found);
    }
    json_decref(newest);
}

static void what_is_read_stands_in_the_book_once_a_day(void **state) {
    (void)state;
    char id[40];
    char averages[40];
    struct listener live;
    write_lines("book1 a=1.5,b=7 1000\nbook2 c=200 1000\n");
    give(f.organisations[SUPPLIER], "\"book1.*\"", "", id);
    give(f.organisations[AGENCY], "\"book2.*\"", ",\"step_s\":600,\"hide_names\":true", averages);
    assert_int_equal(check_tags(f.alpha[0].header, "?prefix=book1", "book1.a book1.b"), 2);
    check_told(id, 0, NULL, NULL); // Nobody of theirs has read.
    assert_int_equal(check_tags(f.supplier.header, "", "book1.a book1.b"), 2);
    check_told(id, 1, "tags", "[\"book1.a\",\"book1.b\"]");
    check_told(id, 1, "recipient", f.organisations[SUPPLIER]);
    check_told(id, 1, "actor", f.supplier.id);
    check_told(id, 1, "method", "tags=2 names=shown\"");
    assert_int_equal(check_tags(f.second.header, "", "book1.a book1.b"), 2);
    listen_open(&live, f.supplier.header);
    must_come(&live, "event: values");
    listen_close(&live);
    check_told(id, 1, NULL, NULL); // The same day, whoever and however.
    write_lines("book1 d=1 1000\nbook3 e=1 1000\n");
    assert_int_equal(check_tags(f.supplier.header, "", "book1.a book1.b book1.d"), 3);
    check_told(id, 2, "tags", "[\"book1.a\",\"book1.b\",\"book1.d\"]");
    check_told(averages, 0, NULL, NULL);
    json_decref(get(f.agency.header, PLANT "/tags", 200));
    check_told(averages, 1, "tags", "[\"book2.c\"]"); // The plant's names, whatever they saw.
    check_told(averages, 1, "method", "names=pseudonym average_s=600");
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    assert_int_equal(take_back(f.alpha[5].header, averages), 200);
}

static void a_stream_alone_stands_in_the_book(void **state) {
    (void)state;
    char id[40];
    struct listener live;
    write_lines("book4 a=1.5 1000\n");
    give(f.organisations[SUPPLIER], "\"book4.*\"", "", id);
    listen_open(&live, f.supplier.header);
    must_come(&live, "event: values");
    listen_close(&live);
    check_told(id, 1, "tags", "[\"book4.a\"]");
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_there_without_a_grant),
        cmocka_unit_test(the_granted_tags_are_there_and_no_others),
        cmocka_unit_test(values_are_read_of_granted_tags_only),
        cmocka_unit_test(every_other_route_is_that_of_an_unknown_plant),
        cmocka_unit_test(owners_give_and_managers_and_auditors_look),
        cmocka_unit_test(bad_terms_are_refused_in_words),
        cmocka_unit_test(a_stream_carries_granted_tags_and_ends_with_the_grant),
        cmocka_unit_test(a_grant_that_ends_ends_the_stream),
        cmocka_unit_test(a_factory_is_told_by_its_name_and_the_newest_granted_value),
        cmocka_unit_test(hidden_names_are_pseudonyms_of_the_reader),
        cmocka_unit_test(averages_alone_are_given_where_a_step_is_set),
        cmocka_unit_test(a_step_that_grows_or_is_cut_is_not_given),
        cmocka_unit_test(nothing_before_the_begin_is_given),
        cmocka_unit_test(what_is_read_stands_in_the_book_once_a_day),
        cmocka_unit_test(a_stream_alone_stands_in_the_book),
        cmocka_unit_test(what_ends_a_person_ends_what_they_read),
        cmocka_unit_test(an_invited_grantee_gets_an_account_and_no_role),
        cmocka_unit_test(an_access_of_ones_own_comes_first),
    };
    return cmocka_run_group_tests(tests, open_floor, close_floor);
}
