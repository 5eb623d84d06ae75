/*
 * Cases in the hub: what is appended, what is told twice, who sees what, and that verify finds what
 * was changed afterwards.
 */
#include "programme/cases.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/json.h"
#include "ledger/people.h"
#include "tests/ledger/support_ledger.h"

enum { CASES = 600, TEXT_BYTES = 16 << 20 };

static const int64_t MAY_2023_NS = INT64_C(1683680400) * NS_PER_S; // 2023-05-10T10:00 in Seoul.

struct scene {
    struct place place;
    struct case_actor actor;
    const char *id;
    const char *action;
    const char *body;
    const char *key;
    struct case_done done;
    int rc;
    struct err err;
    /* Of lists. */
    struct case_query query;
    struct buf text;
    struct arena arena;
    struct str next;
};

static const struct case_actor OFFICER = {
    .user = {"officer", 7}, .organisation = {"", 0}, .roles = CASE_OFFICER | CASE_AUDITOR};

static int announce(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    (void)s;
    return programme_announce(tx, STR("bupyeong-2023"), 70000000, STR("officer"), err);
}

static int open_scene(void **state) {
    struct scene *s = MEM_NEW(struct scene);
    place_init(&s->place, LEDGER_HUB);
    place_write(&s->place, announce, s);
    s->actor = OFFICER;
    buf_init(&s->done.answer, TEXT_BYTES);
    buf_init(&s->text, TEXT_BYTES);
    arena_init(&s->arena, 0);
    *state = s;
    return 0;
}

static int close_scene(void **state) {
    struct scene *s = *state;
    place_fini(&s->place);
    buf_fini(&s->done.answer);
    buf_fini(&s->text);
    arena_fini(&s->arena);
    mem_free(s);
    return 0;
}

static int act_run(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    struct json_in *input = NULL;
    assert_int_equal(json_in_parse(str_of(s->body), &input, err), 0);
    struct case_wish wish = {.actor = s->actor,
        .id = str_of(s->id),
        .action = str_of(s->action),
        .input = input,
        .key = str_of(s->key),
        .now_ns = MAY_2023_NS + 400 * INT64_C(86400) * NS_PER_S};
    buf_clear(&s->done.answer);
    s->done.again = false;
    s->done.refused = false;
    int rc = cases_act(tx, &wish, &s->done, err);
    json_in_free(input);
    return rc;
}

/* The error's code, negative; 0 done or refused. */
static int act_key(
    struct scene *s, const char *id, const char *action, const char *body, const char *key) {
    s->id = id;
    s->action = action;
    s->body = body;
    s->key = key;
    err_clear(&s->err);
    return ledger_write(s->place.ledger, act_run, s, &s->err);
}

static void act(struct scene *s, const char *id, const char *action, const char *body) {
    int rc = act_key(s, id, action, body, "");
    if (rc != 0 || s->done.refused) {
        fail_msg("%s: %d %s %s", action, rc, s->err.text, buf_z(&s->done.answer));
    }
}

#define APPLY(name, more)                                                                          \
    "{\"programme\":\"bupyeong-2023\",\"type\":\"basic\",\"name\":\"" name "\",\"at\":"            \
    "\"2023-05-10T10:00\",\"reason\":\"by post\",\"documents\":[{\"id\":\"application\"},{\"id\":" \
    "\"privacy\"}],\"cost\":{\"cash_contribution\":40000000,\"pm_labour\":5000000}" more "}"

static int verify(struct scene *s) {
    err_clear(&s->err);
    return cases_verify(s->place.ledger, &s->err);
}

static void what_is_told_twice_is_done_once(void **state) {
    struct scene *s = *state;
    assert_int_equal(act_key(s, "", "apply", APPLY("한빛", ""), "key-1"), 0);
    assert_false(s->done.again);
    char first[40];
    memcpy(first, s->done.id, sizeof first);
    assert_int_equal(act_key(s, "", "apply", APPLY("한빛", ""), "key-1"), 0);
    assert_true(s->done.again);
    assert_string_equal(first, s->done.id);
    assert_int_equal(place_number(&s->place, "SELECT count(*) FROM cases"), 1);
    s->actor.user = STR("another"); // Keys are each sender's own.
    assert_int_equal(act_key(s, "", "apply", APPLY("두빛", ""), "key-1"), 0);
    assert_false(s->done.again);
    assert_int_equal(place_number(&s->place, "SELECT count(*) FROM cases"), 2);
}

static void who_saw_an_older_case_is_told(void **state) {
    struct scene *s = *state;
    act(s, "", "apply", APPLY("한빛", ""));
    assert_int_equal(act_key(s, "BUPYEONG-2023-0009", "screen", "{}", ""), -ERR_NOT_FOUND);
    s->actor.roles = CASE_APPLICANT;
    s->actor.organisation = STR("hanbit");
    assert_int_equal(
        act_key(s, "BUPYEONG-2023-0001", "withdraw", "{}", ""), -ERR_FORBIDDEN); // Another's.
    assert_int_equal(
        act_key(s, "", "apply", APPLY("한빛", ""), ""), -ERR_FORBIDDEN); // With `at`: an officer's.
    s->actor = OFFICER;
    assert_int_equal(
        act_key(s, "BUPYEONG-2023-0001", "cancel", "{\"at\":\"2029-01-01\",\"reason\":\"x\"}", ""),
        -ERR_INVALID); // Not come yet.
    assert_int_equal(
        act_key(s, "BUPYEONG-2023-0001", "cancel", "{\"at\":\"soon\",\"reason\":\"x\"}", ""),
        -ERR_INVALID);
    act(s, "BUPYEONG-2023-0001", "cancel", "{\"at\":\"2023-05-11\",\"reason\":\"x\"}");
    assert_int_equal(verify(s), 0);
}

/* */
static void a_rolling_window_ends_with_its_budget(void **state) {
    struct scene *s = *state;
    static const char *const NAMES[] = {"BUPYEONG-2023-0001"};
    act(s, "", "apply", APPLY("한빛", ""));
    place_sql(&s->place, "UPDATE programme_call SET budget_won = 6999999");
    assert_int_equal(act_key(s, "", "apply", APPLY("두빛", ""), ""), 0);
    assert_true(s->done.refused);
    assert_non_null(strstr(buf_z(&s->done.answer), "000 §2"));
    place_sql(&s->place, "UPDATE programme_call SET budget_won = 7000000");
    act(s, "", "apply", APPLY("두빛", ""));
    act(s, NAMES[0], "cancel", "{\"at\":\"2023-05-11\",\"reason\":\"x\"}");
}

/* Rows, events and sums that were changed past Maru are found. */
static void what_was_changed_afterwards_is_found(void **state) {
    struct scene *s = *state;
    act(s, "", "apply", APPLY("한빛", ""));
    act(s, "BUPYEONG-2023-0001", "cancel", "{\"at\":\"2023-05-11\",\"reason\":\"asked\"}");
    assert_int_equal(verify(s), 0);
    place_sql(&s->place, "CREATE TABLE kept AS SELECT sha256 FROM programme_version");
    static const struct {
        const char *change;
        const char *back;
    } CHANGES[] = {{"UPDATE cases SET state = 'open'", "UPDATE cases SET state = 'cancelled'"},
        {"UPDATE cases SET agreed_won = 5", "UPDATE cases SET agreed_won = 0"},
        {"UPDATE programme_version SET sha256 = replace(sha256, 'a', 'b')",
            "UPDATE programme_version SET sha256 = (SELECT sha256 FROM kept)"},
        {"UPDATE cases SET reserved_won = 5", "UPDATE cases SET reserved_won = 0"},
        {"UPDATE cases SET sequence = 3", "UPDATE cases SET sequence = 2"},
        {"UPDATE case_event SET reason = 'none' WHERE sequence = 2",
            "UPDATE case_event SET reason = 'asked' WHERE sequence = 2"},
        {"UPDATE case_event SET actor = 'kim' WHERE sequence = 2",
            "UPDATE case_event SET actor = 'officer' WHERE sequence = 2"},
        {"UPDATE case_event SET at = '2023-05-12T00:00:00' WHERE sequence = 2",
            "UPDATE case_event SET at = '2023-05-11T00:00:00' WHERE sequence = 2"},
        {"UPDATE case_event SET audit = 1 WHERE sequence = 2",
            "UPDATE case_event SET audit = (SELECT max(sequence) FROM audit) WHERE sequence = 2"}};
    for (size_t i = 0; i < sizeof CHANGES / sizeof CHANGES[0]; i++) {
        place_sql(&s->place, CHANGES[i].change);
        if (verify(s) != -ERR_CORRUPT) {
            fail_msg("not found: %s", CHANGES[i].change);
        }
        place_sql(&s->place, CHANGES[i].back);
        if (verify(s) != 0) {
            fail_msg("still found: %s", CHANGES[i].back);
        }
    }
    place_sql(&s->place, "DELETE FROM case_event WHERE sequence = 2");
    assert_int_equal(verify(s), -ERR_CORRUPT);
}

static int person_make(struct ledger_tx *tx, void *context, struct err *err) {
    char *id = context;
    char organisation[40];
    struct organisation own = {.kind = STR("agency"), .name = STR("센터"), .number = STR_NONE};
    int rc = organisation_new(tx, &own, organisation, err);
    struct user_wish wish = {.login = STR("park"),
        .display = STR("박담당"),
        .email = STR_NONE,
        .organisation_id = str_of(organisation),
        .hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"};
    rc = rc < 0 ? rc : user_new(tx, &wish, id, err);
    return rc < 0 ? rc : case_role_put(tx, str_of(id), STR("*"), CASE_OFFICER, true, STR("t"), err);
}

static int person_erase(struct ledger_tx *tx, void *context, struct err *err) {
    return user_erase(tx, str_of(context), err);
}

/* A person may go; what they decided stays as it was made. */
static void an_erased_officer_leaves_the_record_whole(void **state) {
    struct scene *s = *state;
    char id[40] = "";
    place_write(&s->place, person_make, id);
    s->actor.user = str_of(id);
    act(s, "", "apply", APPLY("한빛", ""));
    act(s, "BUPYEONG-2023-0001", "cancel", "{\"at\":\"2023-05-11\",\"reason\":\"x\"}");
    place_write(&s->place, person_erase, id);
    assert_int_equal(place_number(&s->place, "SELECT count(*) FROM programme_role"), 0);
    assert_int_equal(verify(s), 0);
    assert_int_equal(
        act_key(s, "", "apply", APPLY("두빛", ",\"organisation\":\"nobody\""), ""), -ERR_NOT_FOUND);
}

/* ---- Versions ---- */

static int put_own(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    struct programme_now now = {0};
    int64_t version = 0;
    int rc = programme_newest(tx, STR("bupyeong-2023"), &now, err);
    if (rc < 0) {
        return rc;
    }
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    json_in_put(programme_root(now.programme), &text);
    programme_free(now.programme);
    rc = programme_put(tx, buf_str(&text), 5, STR("officer"), &version, err);
    assert_int_equal(rc, -ERR_CONFLICT); // Somebody thought it was at 5.
    err_clear(err);
    rc = programme_put(tx, buf_str(&text), 1, STR("officer"), &version, err);
    buf_fini(&text);
    s->rc = (int)version;
    return rc;
}

/* */
static void a_case_keeps_the_rules_of_its_day(void **state) {
    struct scene *s = *state;
    act(s, "", "apply", APPLY("한빛", ""));
    place_write(&s->place, put_own, s);
    assert_int_equal(s->rc, 2);
    act(s, "", "apply", APPLY("두빛", ""));
    assert_int_equal(place_number(&s->place, "SELECT version FROM cases ORDER BY number"), 1);
    assert_int_equal(place_number(&s->place, "SELECT max(version) FROM cases"), 2);
    act(s, "BUPYEONG-2023-0001", "cancel", "{\"at\":\"2023-05-11\",\"reason\":\"x\"}");
    assert_int_equal(place_number(&s->place, "SELECT min(version) FROM cases"), 1);
    assert_int_equal(verify(s), 0);
}

/* ---- The queue ---- */

static int fill_queue(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    int rc = 0;
    for (int i = 0; i < CASES && rc == 0; i++) {
        char body[640];
        (void)snprintf(body, sizeof body, APPLY("회사 %d", ""), i);
        s->id = "";
        s->action = "apply";
        s->body = body;
        s->key = "";
        rc = act_run(tx, s, err);
    }
    return rc;
}

static int list_run(struct ledger_tx *tx, void *context, struct err *err) {
    struct scene *s = context;
    struct json json;
    buf_clear(&s->text);
    json_init(&json, &s->text);
    json_array_begin(&json);
    int rc = cases_list(tx, &s->query, &json, &s->arena, &s->next, err);
    json_array_end(&json);
    return rc;
}

static size_t count_items(struct scene *s) {
    struct json_in *list = NULL;
    struct buf whole;
    size_t count = 0;
    buf_init(&whole, TEXT_BYTES);
    buf_put_str(&whole, STR("{\"l\":"));
    buf_put_str(&whole, buf_str(&s->text));
    buf_put_str(&whole, STR("}"));
    assert_int_equal(json_in_parse(buf_str(&whole), &list, &s->err), 0);
    count = json_in_count(json_in_get(list, "l"));
    json_in_free(list);
    buf_fini(&whole);
    return count;
}

static size_t list(struct scene *s) {
    place_read(&s->place, list_run, s);
    return count_items(s);
}

static void a_long_queue_comes_in_pages_next_due_first(void **state) {
    struct scene *s = *state;
    place_write(&s->place, fill_queue, s);
    /* Some are due; nothing else changes their place. */
    place_sql(&s->place, "UPDATE cases SET due = '2023-06-0' || (length(name) % 3 + 1)"
                         " WHERE number LIKE '%7'");
    s->query = (struct case_query){.actor = &OFFICER,
        .programme = STR_NONE,
        .step = STR_NONE,
        .state = STR_NONE,
        .due_before = STR_NONE,
        .q = STR_NONE,
        .cursor = STR_NONE,
        .limit = CASE_LIST_MAX,
        .all = true};
    size_t seen = 0;
    char last[16] = "";
    do {
        seen += list(s);
        char first[16];
        const char *due = strstr(buf_z(&s->text), "\"due\":");
        assert_non_null(due);
        (void)str_copy_z(str_slice(str_of(due), 6, 18), first, sizeof first);
        if (strncmp(first, "null", 4) != 0) {
            assert_true(strcmp(last, first) <= 0);
        }
        (void)str_copy_z(str_of(first), last, sizeof last);
        s->query.cursor = s->next;
    } while (s->next.size > 0);
    assert_int_equal(seen, CASES);
    s->query.cursor = STR_NONE;
    s->query.due_before = STR("2023-06-03");
    assert_int_equal(list(s),
        place_number(&s->place, "SELECT min(200, count(*)) FROM cases WHERE due < '2023-06-03'"));
    s->query.due_before = STR_NONE;
    s->query.q = STR("회사 432");
    assert_int_equal(list(s), 1);
    s->query.q = STR("bupyeong-2023-0042");
    assert_int_equal(list(s), 1);
    s->query.q = STR_NONE;
    s->query.step = STR("pay");
    assert_int_equal(list(s), 0);
    s->query.step = STR_NONE;
    s->query.all = false; // Somebody without a role sees nothing.
    assert_int_equal(list(s), 0);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENE_TEST(what_is_told_twice_is_done_once),
        SCENE_TEST(who_saw_an_older_case_is_told),
        SCENE_TEST(a_rolling_window_ends_with_its_budget),
        SCENE_TEST(what_was_changed_afterwards_is_found),
        SCENE_TEST(an_erased_officer_leaves_the_record_whole),
        SCENE_TEST(a_case_keeps_the_rules_of_its_day),
        SCENE_TEST(a_long_queue_comes_in_pages_next_due_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
