/*
 * What the walls around grants are tried with: people let into an organisation or their passwords
 * set by somebody whom the plant never gave anything, ranges chosen so that an answer tells more
 * than it says, and answers that are under way when a grant ends. The floor is that of
 * test_grants.c, with one more: Sol, of an organisation that looks after bravo-works.
 */
#include "support_grants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/text.h"
#include "ledger/grant.h"
#include "serve/stream.h"

#define BRAVO    "bravo-works"
#define PASSWORD "a long enough one 1"

static struct guest {
    char organisation[40];
    struct person sol; // Viewer of bravo-works.
    char first[40];    // The organisation that the plants belong to.
} g;

static int put_guest(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct organisation wish = {.kind = STR("supplier"), .name = STR("Guests"), .number = STR_NONE};
    int rc = organisation_first(tx, g.first, err);
    rc = rc < 0 ? rc : organisation_new(tx, &wish, g.organisation, err);
    rc = rc < 0 ? rc : put_person(tx, "sol", g.organisation, &g.sol, err);
    return rc < 0 ? rc : put_access(tx, g.sol.id, BRAVO, ROLE_VIEWER, err);
}

static int open_walls(void **state) {
    struct err err = ERR_INIT;
    int rc = open_floor(state);
    must(ledger_write(home_hub(f.home), put_guest, NULL, &err), &err);
    return rc;
}

/* ---- Who comes into an organisation ---- */

/* Of bravo-works, into the guests, by its owner; the link's secret. */
static int invite_guest(const char *role, char ret_secret[SECRET_TEXT_MAX]) {
    char body[256];
    (void)snprintf(
        body, sizeof body, "{\"role\":\"%s\",\"organisation_id\":\"%s\"}", role, g.organisation);
    AUTO_ANSWER struct answer answer;
    int status =
        ask_as(f.bravo.header, "POST", "/api/v1/plants/" BRAVO "/invitations", body, &answer);
    const char *at = strstr(buf_z(&answer.body), "/invite#");
    if (at) {
        struct str rest = str_of(at + 8);
        (void)str_copy_z(str_cut(&rest, '"'), ret_secret, SECRET_TEXT_MAX);
    }
    return status;
}

static int take_up(const char *secret, const char *login) {
    char body[256];
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\",\"login\":\"%s\",\"password\":\"%s\"}",
        secret, login, PASSWORD);
    AUTO_ANSWER struct answer answer;
    int status = ask_as("", "POST", "/api/v1/invitation", body, &answer);
    if (status != 200 && status != 403) {
        fail_msg("%d %s", status, buf_z(&answer.body));
    }
    return status;
}

static int people_of_guests(void) {
    json_t *list = get(f.admin.header, "/api/v1/users", 200);
    json_t *items = json_object_get(list, "items");
    int count = 0;
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *of = json_object_get(json_array_get(items, i), "organisation");
        const char *id = json_string_value(json_object_get(of, "id"));
        count += id && strcmp(id, g.organisation) == 0;
    }
    json_decref(list);
    return count;
}

/* Another plant's owner or manager makes no accounts that read what Alpha gave. */
static void nobody_is_let_in_by_those_who_were_given_nothing(void **state) {
    (void)state;
    char before[SECRET_TEXT_MAX];
    char during[SECRET_TEXT_MAX];
    char unused[SECRET_TEXT_MAX];
    char ids[2][40];
    int people = people_of_guests();
    assert_int_equal(invite_guest("viewer", before), 201); // They look after bravo-works alone.
    give(g.organisation, "\"press1.temp\"", "", ids[0]);
    assert_int_equal(invite_guest("viewer", during), 201); // For an account that is there.
    assert_int_equal(take_up(before, "spy1"), 403);
    assert_int_equal(take_up(during, "spy2"), 403);
    assert_int_equal(people_of_guests(), people);
    char until[TIME_TEXT_MAX];
    char body[512];
    time_text(3600, until);
    (void)snprintf(body, sizeof body,
        "{\"organisation_id\":\"%s\",\"tags\":[\"*\"],\"purpose\":\"p\",\"until\":\"%s\"}",
        g.organisation, until);
    AUTO_ANSWER struct answer given; // Not even with a grant of their own.
    assert_int_equal(
        ask_as(f.bravo.header, "POST", "/api/v1/plants/" BRAVO "/grants", body, &given), 201);
    assert_int_equal(invite_guest("grantee", unused), 403);
    assert_int_equal(take_back(f.alpha[5].header, ids[0]), 200);
    give(g.organisation, "\"press1.temp\"", ",\"from\":\"2000-01-01\"", ids[1]);
    assert_int_equal(take_up(during, "spy3"), 403);
    assert_int_equal(take_back(f.alpha[5].header, ids[1]), 200);
    assert_int_equal(take_up(during, "helper"), 200);
    assert_int_equal(people_of_guests(), people + 1);
}

static void whoever_answers_for_an_organisation_lets_people_in(void **state) {
    (void)state;
    char secret[SECRET_TEXT_MAX];
    char id[40];
    give(f.organisations[AGENCY], "\"press1.temp\"", "", id); // Alpha's alone: its owner may.
    assert_int_equal(invite(f.organisations[AGENCY], secret), 201);
    assert_int_equal(take_up(secret, "clerk"), 200);
    assert_int_equal(invite(f.organisations[AGENCY], secret), 201);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    assert_int_equal(take_up(secret, "late"), 403); // The grant it was for is over.
    AUTO_ANSWER struct answer look;
    char body[128];
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\"}", secret);
    assert_int_equal(ask_as("", "POST", "/api/v1/invitation/look", body, &look), 403);
    give(f.organisations[AGENCY], "\"press1.temp\"", "", id);
    assert_int_equal(take_up(secret, "clerk2"), 200);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

static int reset(const char *who, const char *id, char ret_secret[SECRET_TEXT_MAX]) {
    char target[128];
    (void)snprintf(target, sizeof target, "/api/v1/users/%s/reset", id);
    AUTO_ANSWER struct answer answer;
    int status = ask_as(who, "POST", target, "{}", &answer);
    const char *at = strstr(buf_z(&answer.body), "/reset#");
    if (at) {
        struct str rest = str_of(at + 7);
        (void)str_copy_z(str_cut(&rest, '"'), ret_secret, SECRET_TEXT_MAX);
    }
    return status;
}

static int set_password(const char *secret) {
    char body[256];
    (void)snprintf(body, sizeof body, "{\"secret\":\"%s\",\"password\":\"%s\"}", secret, PASSWORD);
    AUTO_ANSWER struct answer answer;
    return ask_as("", "POST", "/api/v1/reset", body, &answer);
}

/* Who sets somebody's password comes in as them and reads what they read. */
static void no_password_is_set_by_those_who_were_given_nothing(void **state) {
    (void)state;
    char before[SECRET_TEXT_MAX] = "";
    char unused[SECRET_TEXT_MAX];
    char id[40];
    assert_int_equal(reset(f.bravo.header, g.sol.id, before), 200);
    give(g.organisation, "\"press1.temp\"", ",\"from\":\"2000-01-01\"", id);
    assert_int_equal(set_password(before), 403);
    assert_int_equal(reset(f.bravo.header, g.sol.id, unused), 403);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    assert_int_equal(reset(f.bravo.header, g.sol.id, before), 200);
    assert_int_equal(set_password(before), 200);
}

static bool knows(const char *who, const char *organisation) {
    AUTO_ANSWER struct answer list;
    assert_int_equal(ask_as(who, "GET", "/api/v1/organisations", "", &list), 200);
    return holds(&list, organisation);
}

/* As if all that was revoked had been so 91 days ago. */
static void let_time_pass(void) {
    char path[128];
    sqlite3 *hub = NULL;
    (void)snprintf(path, sizeof path, "%s/home/hub.db", f.dir);
    assert_int_equal(sqlite3_open_v2(path, &hub, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(hub, 5000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(hub,
                         "UPDATE grants SET revoked_ns = revoked_ns - 7862400000000000"
                         " WHERE revoked_ns IS NOT NULL",
                         NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(hub), SQLITE_OK);
}

static void an_organisation_is_known_while_it_is_given_something(void **state) {
    (void)state;
    char id[40];
    char until[TIME_TEXT_MAX];
    char body[512];
    assert_false(knows(f.alpha[5].header, f.organisations[SUPPLIER]));
    give(f.organisations[SUPPLIER], "\"press1.temp\"", "", id);
    assert_true(knows(f.alpha[5].header, f.organisations[SUPPLIER]));
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    assert_true(knows(f.alpha[5].header, f.organisations[SUPPLIER])); // To be given anew.
    let_time_pass();
    assert_false(knows(f.alpha[5].header, f.organisations[SUPPLIER]));
    time_text(3600, until); // The plant's own needs none, whoever gives.
    (void)snprintf(body, sizeof body,
        "{\"organisation_id\":\"%s\",\"tags\":[\"*\"],\"purpose\":\"p\",\"until\":\"%s\"}", g.first,
        until);
    AUTO_ANSWER struct answer own;
    assert_int_equal(ask_as(f.alpha[5].header, "POST", PLANT "/grants", body, &own), 400);
}

/* ---- What an answer tells ---- */

/* The series of press2.temp as the guests get it, without the range that was asked for. */
static json_t *series(const char *from, const char *to) {
    char target[256];
    (void)snprintf(target, sizeof target,
        PLANT "/series?tag=press2.temp&points=10000&from=%s&to=%s", from, to);
    json_t *answer = get(g.sol.header, target, 200);
    json_t *one = json_incref(json_array_get(json_object_get(answer, "series"), 0));
    json_decref(answer);
    return one;
}

/* Where averages alone are given, no range finds out when a value came. */
static void a_range_of_ones_choice_finds_no_row(void **state) {
    (void)state;
    static const char *const RANGES[][2] = {{"03:10:00.200Z", "03:10:00.700Z"},
        {"03:10:00.900Z", "03:10:01.100Z"}, {"03:10:59Z", "03:11:00Z"},
        {"03:10:00Z", "03:10:00.000001Z"}};
    char id[40];
    write_lines("press2 temp=1 11400000\npress2 temp=3 11401000\npress2 temp=5 11520000\n");
    give(g.organisation, "\"press2.temp\"", ",\"step_s\":60,\"from\":\"1970-01-01T00:00:00Z\"", id);
    json_t *first = series("1970-01-01T03:10:00Z", "1970-01-01T03:11:00Z");
    json_t *averages = json_object_get(first, "avg");
    assert_int_equal(json_array_size(averages), 1);
    assert_true(json_number_value(json_array_get(averages, 0)) == 2);
    for (size_t i = 0; i < sizeof RANGES / sizeof RANGES[0]; i++) {
        char from[64];
        char to[64];
        (void)snprintf(from, sizeof from, "1970-01-01T%s", RANGES[i][0]);
        (void)snprintf(to, sizeof to, "1970-01-01T%s", RANGES[i][1]);
        json_t *one = series(from, to);
        if (!json_equal(one, first)) {
            fail_msg("%s tells more: %s", from, json_dumps(one, JSON_COMPACT));
        }
        json_decref(one);
    }
    json_t *none = series("1970-01-01T03:11:00Z", "1970-01-01T03:12:00Z");
    assert_int_equal(json_array_size(json_object_get(none, "t")), 0);
    json_decref(none);
    json_decref(first);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

static json_t *first_tag(const char *who, json_t **ret_list) {
    *ret_list = get(who, PLANT "/tags", 200);
    json_t *tag = json_array_get(json_object_get(*ret_list, "items"), 0);
    assert_non_null(tag);
    return tag;
}

static long long number_of(const char *who) {
    json_t *list = NULL;
    long long number = json_integer_value(json_object_get(first_tag(who, &list), "number"));
    json_decref(list);
    return number;
}

/* Otherwise one who is told the name of a number would tell it to one who is not. */
static void numbers_of_two_readers_do_not_meet(void **state) {
    (void)state;
    char ids[2][40];
    give(g.organisation, "\"press1.temp\"", ",\"hide_names\":true", ids[0]);
    give(f.organisations[AGENCY], "\"press1.temp\"", "", ids[1]);
    assert_true(number_of(g.sol.header) != number_of(f.agency.header));
    assert_int_equal(take_back(f.alpha[5].header, ids[0]), 200);
    assert_int_equal(take_back(f.alpha[5].header, ids[1]), 200);
}

static void make_tag_with_limits(void) {
    AUTO_ANSWER struct answer answer;
    assert_int_equal(ask_as(f.alpha[5].header, "PUT", PLANT "/tags/oven.draft",
                         "{\"min\":1,\"max\":999,\"dead_band\":0.5}", &answer),
        201);
}

static bool shows(json_t *tag, const char *member) {
    return !json_is_null(json_object_get(tag, member));
}

/* Neither the order of a list nor limits tell which tag stands behind a pseudonym. */
static void a_hidden_name_is_not_told_by_other_ways(void **state) {
    (void)state;
    char id[40];
    make_tag_with_limits();
    give(g.organisation, "\"*\"", ",\"hide_names\":true,\"from\":\"1970-01-01T00:00:00Z\"", id);
    json_t *list = get(g.sol.header, PLANT "/tags", 200);
    json_t *items = json_object_get(list, "items");
    assert_int_equal(json_array_size(items), 6);
    const char *before = "";
    for (size_t i = 0; i < 6; i++) {
        json_t *tag = json_array_get(items, i);
        const char *name = json_string_value(json_object_get(tag, "name"));
        assert_true(strcmp(before, name) < 0);
        before = name;
        assert_false(shows(tag, "min") || shows(tag, "max") || shows(tag, "dead_band"));
    }
    json_decref(list);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    give(g.organisation, "\"oven.draft\"", "", id);
    json_t *tag = first_tag(g.sol.header, &list);
    assert_true(shows(tag, "min") && shows(tag, "max"));
    assert_false(shows(tag, "dead_band"));
    json_decref(list);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

/* What a counter rose by and what stood are told from the begin on, on every page of an answer. */
static void measures_do_not_look_before_the_begin(void **state) {
    (void)state;
    static const char *const ASKED[] = {"agg=increase&every=1s", "agg=time_avg&every=1s",
        "agg=avg&every=1s&fill=previous", "agg=increase&every=1s&cursor=0:15026000000000:0",
        "agg=time_avg,increase&every=1s&fill=previous"};
    char id[40];
    write_lines("press1 strokes=12.25 15010000\npress1 strokes=100.5 15030000\n");
    give(g.organisation, "\"press1.strokes\"", ",\"from\":\"1970-01-01T04:10:25Z\"", id);
    for (size_t i = 0; i < sizeof ASKED / sizeof ASKED[0]; i++) {
        char target[256];
        (void)snprintf(target, sizeof target,
            PLANT "/samples?tag=press1.strokes&to=1970-01-01T04:10:32Z&%s", ASKED[i]);
        AUTO_ANSWER struct answer answer;
        int status = ask_as(g.sol.header, "GET", target, "", &answer);
        bool rose = i != 1 && i != 2 && !strstr(buf_z(&answer.body), "\"increase\":0");
        if (status != 200 || holds(&answer, "12.25") || holds(&answer, "88.25") || rose) {
            fail_msg("%s: %d %s", target, status, buf_z(&answer.body));
        }
    }
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

/* ---- What one reader may take ---- */

static void a_reader_by_a_grant_leaves_streams_to_others(void **state) {
    (void)state;
    struct listener listeners[STREAMS_OF_GRANTEE];
    char id[40];
    give(g.organisation, "\"press1.temp\"", "", id);
    for (int i = 0; i < STREAMS_OF_GRANTEE; i++) {
        listen_open(&listeners[i], g.sol.header);
        must_come(&listeners[i], "event: beat");
    }
    AUTO_ANSWER struct answer full;
    assert_int_equal(ask_as(g.sol.header, "GET", PLANT "/stream", "", &full), 503);
    listen_close(&listeners[0]);
    struct listener own;
    listen_open(&own, f.alpha[0].header); // Of the plant: as ever.
    must_come(&own, "event: beat");
    listen_close(&own);
    for (int i = 1; i < STREAMS_OF_GRANTEE; i++) {
        listen_close(&listeners[i]);
    }
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
}

/* ---- Answers under way ---- */

enum { ROWS = 120000, ROWS_AT_ONCE = 20000 };

static void write_many(void) {
    AUTO_BUF struct buf lines = {0};
    for (int i = 0; i < ROWS; i += ROWS_AT_ONCE) {
        buf_init(&lines, 4 << 20);
        for (int k = i; k < i + ROWS_AT_ONCE; k++) {
            buf_printf(&lines, "oven heat=%d %d\n", k, 20000000 + k);
        }
        write_lines(buf_z(&lines));
        buf_fini(&lines);
    }
}

/* Reads on until the connection is closed or the answer is over; its bytes. */
static size_t read_on(int fd, bool *ret_whole) {
    static char piece[1 << 16];
    char tail[8] = "";
    size_t size = 0;
    for (long got = 1; got > 0 && strcmp(tail, "\r\n0\r\n\r\n") != 0; size += (size_t)got) {
        got = client_read(fd, piece, sizeof piece, 10000);
        got = got < 0 ? 0 : got;
        for (long i = 0; i < got; i++) {
            memmove(tail, tail + 1, 6);
            tail[6] = piece[i];
            tail[7] = '\0';
        }
    }
    *ret_whole = strcmp(tail, "\r\n0\r\n\r\n") == 0;
    return size;
}

/* Asks for all rows through a narrow window, so that the server has to wait for the reader. */
static int begin_download(const char *who) {
    char request[512];
    int fd = client_connect(f.port);
    int small = 1 << 16;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    int size = snprintf(request, sizeof request,
        "GET " PLANT "/samples?tag=oven.heat&format=csv HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
        who);
    client_send(fd, request, (size_t)size);
    char piece[512];
    assert_true(client_read(fd, piece, sizeof piece, 10000) > 0);
    assert_non_null(strstr(piece, " 200 "));
    return fd;
}

static void an_answer_under_way_ends_with_the_grant(void **state) {
    (void)state;
    char id[40];
    bool whole = false;
    write_many();
    give(g.organisation, "\"oven.heat\"", ",\"from\":\"1970-01-01T00:00:00Z\"", id);
    int fd = begin_download(g.sol.header);
    size_t size = read_on(fd, &whole);
    (void)close(fd);
    assert_true(whole);
    assert_true(size > (size_t)ROWS * 40);
    fd = begin_download(g.sol.header);
    assert_int_equal(take_back(f.alpha[5].header, id), 200);
    size_t cut = read_on(fd, &whole);
    (void)close(fd);
    assert_false(whole);
    assert_true(cut < size);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_let_in_by_those_who_were_given_nothing),
        cmocka_unit_test(whoever_answers_for_an_organisation_lets_people_in),
        cmocka_unit_test(an_organisation_is_known_while_it_is_given_something),
        cmocka_unit_test(a_range_of_ones_choice_finds_no_row),
        cmocka_unit_test(numbers_of_two_readers_do_not_meet),
        cmocka_unit_test(a_hidden_name_is_not_told_by_other_ways),
        cmocka_unit_test(measures_do_not_look_before_the_begin),
        cmocka_unit_test(a_reader_by_a_grant_leaves_streams_to_others),
        cmocka_unit_test(an_answer_under_way_ends_with_the_grant),
        /* Ends Sol's session. */
        cmocka_unit_test(no_password_is_set_by_those_who_were_given_nothing),
    };
    return cmocka_run_group_tests(tests, open_walls, close_floor);
}
