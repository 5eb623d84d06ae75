/*
 * Programmes walked over HTTP from the announcement to the close, by one walker that reads the
 * programme's own steps, documents and deadlines. tests/data/walks.json has what a programme's
 * applicants say; a new announcement is walked by a row there.
 *
 * Before each right turn the wrong ones are tried: a missing document, one that is a day too old, a
 * day after the deadline, the wrong actor, an action of a later step, over the cap, an evaluator
 * with a conflict, a policy that ends a day early, a change after its limit, an extension over the
 * maximum. Each is refused with the rule's own words and source, and leaves nothing.
 */
#include "support_tour.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/file.h"
#include "programme/cases.h"
#include "programme/day.h"

static void window_is_kept(struct tour *tour) {
    const json_t *window = json_object_get(tour->document, "window");
    char at[24];
    int32_t opens = 0;
    assert_true(day_parse(str_of(tour_word(window, "opens")), &opens));
    tour_day_at(opens - 1, at);
    walk_time(tour->walk, at);
    tour_has_source(
        tour_apply(tour, WALK_FIRST, tour_application(tour, NULL, NULL, 0, NULL), REFUSED), "early",
        tour_word(window, "src"));
    if (tour_word(window, "closes")[0] != '\0') {
        int32_t closes = 0;
        assert_true(day_parse(str_of(tour_word(window, "closes")), &closes));
        (void)snprintf(at, sizeof at, "%.16s:01", tour_word(window, "closes"));
        if (strlen(tour_word(window, "closes")) < 16) {
            tour_day_at(closes + 1, at);
        }
        walk_time(tour->walk, at);
        tour_has_source(
            tour_apply(tour, WALK_FIRST, tour_application(tour, NULL, NULL, 0, NULL), REFUSED),
            "late", tour_word(window, "src"));
    }
    walk_time(tour->walk, tour->at);
}

static void documents_are_asked_for(struct tour *tour) {
    const json_t *missing = tour_first_needed(tour, "application", false);
    const json_t *aged = tour_first_needed(tour, "application", true);
    if (missing) {
        tour_has_source(
            tour_apply(tour, WALK_FIRST,
                tour_application(tour, tour_word(missing, "id"), NULL, 0, NULL), REFUSED),
            "a missing document", tour_word(missing, "src"));
    }
    if (aged) {
        int months = (int)json_integer_value(json_object_get(aged, "max_age_months"));
        int32_t issued = day_add_months(tour_today(tour), -months) - 4; // Short months aside.
        tour_has_source(
            tour_apply(tour, WALK_FIRST,
                tour_application(tour, NULL, tour_word(aged, "id"), issued, NULL), REFUSED),
            "an old document", tour_word(aged, "src"));
    }
}

/* Whoever does not meet a rule is told which, at the review or, where there is none, at once. */
static void the_ineligible_are_told_why(struct tour *tour) {
    const json_t *more = json_object_get(tour->plan, "ineligible");
    const char *source = tour_word(tour->plan, "ineligible_src");
    size_t i = 0;
    json_t *step = NULL;
    bool screens = false;
    if (!more) {
        return;
    }
    json_array_foreach(json_object_get(tour->document, "steps"), i, step) {
        screens = screens || strcmp(tour_word(step, "kind"), "screen") == 0;
    }
    if (!screens) {
        tour_has_source(
            tour_apply(tour, WALK_FIRST, tour_application(tour, NULL, NULL, 0, more), REFUSED),
            "ineligible", source);
        return;
    }
    tour_open_case(tour, WALK_FIRST, more);
    tour_refused(tour, WALK_OFFICER, "screen", json_object(), source);
    tour_turned_away(tour, WALK_OFFICER, "refuse", json_object(), 400); // No reason.
    tour_done(tour, WALK_OFFICER, "refuse", json_pack("{s:s}", "reason", source));
}

/* ---- Selection ---- */

static const char *state_of(struct tour *tour, char to[32]) {
    json_t *now = tour_look(tour);
    (void)str_copy_z(str_of(tour_word(now, "state")), to, 32);
    json_decref(now);
    return to;
}

/* One place for two equal applications: told as a tie, one waits, and moves up. */
static void walk_selection(struct tour *tour, const char *first, const char *second) {
    char state[32];
    tour_jump(tour);
    json_decref(tour_ask_programme(tour, WALK_FIRST, "select", json_object(), 403));
    json_t *answer = tour_ask_programme(tour, WALK_OFFICER, "select",
        json_pack(
            "{s:{s:i},s:s}", "slots", tour_word(tour->plan, "type"), 1, "reason", "committee"),
        200);
    char *notes = json_dumps(json_object_get(answer, "notes"), JSON_COMPACT);
    if (!strstr(notes, "equal")) {
        char *all = json_dumps(answer, JSON_COMPACT);
        fail_msg("%s: no tie is told: %s", tour_programme(tour), all);
    }
    json_decref(answer);
    void (*release)(void *) = NULL;
    json_get_alloc_funcs(NULL, &release);
    release(notes);
    (void)str_copy_z(str_of(second), tour->number, sizeof tour->number);
    assert_string_equal(state_of(tour, state), "waiting");
    tour_turned_away(tour, WALK_OFFICER, "agree", json_object(), 409);
    (void)str_copy_z(str_of(first), tour->number, sizeof tour->number);
    assert_string_equal(state_of(tour, state), "open");
    tour_turned_away(tour, WALK_OFFICER, "cancel", json_object(), 400);
    tour_done(tour, WALK_OFFICER, "cancel", json_pack("{s:s}", "reason", "no agreement"));
    (void)str_copy_z(str_of(second), tour->number, sizeof tour->number);
    assert_string_equal(state_of(tour, state), "open");
}

static bool has_step(const struct tour *tour, const char *kind) {
    size_t i = 0;
    json_t *step = NULL;
    json_array_foreach(json_object_get(tour->document, "steps"), i, step) {
        if (strcmp(tour_word(step, "kind"), kind) == 0) {
            return true;
        }
    }
    return false;
}

static void money_comes_back(struct tour *tour, json_t *claim) {
    char state[32];
    if (!claim) {
        return;
    }
    json_t *body = json_deep_copy(claim);
    tour_turned_away(tour, tour->who, "clawback", json_deep_copy(claim), 403);
    tour_turned_away(tour, WALK_OFFICER, "clawback", json_deep_copy(claim), 400); // No reason.
    json_object_set_new(body, "reason", json_string("found"));
    if (strcmp(tour_word(claim, "cause"), "upkeep_breach") == 0) { // The agency's to decide.
        tour_turned_away(tour, WALK_OFFICER, "clawback", json_deep_copy(body), REFUSED);
        json_t *over = json_deep_copy(body);
        json_object_update_new(
            over, json_pack("{s:b,s:I}", "decision", 1, "amount", (json_int_t)1 << 40));
        tour_turned_away(tour, WALK_OFFICER, "clawback", over, REFUSED); // More than was paid.
        json_object_set_new(body, "decision", json_true());
    }
    tour_done(tour, WALK_OFFICER, "clawback", body);
    assert_string_equal(state_of(tour, state), "clawback");
    json_t *now = tour_look(tour);
    json_int_t paid = json_integer_value(json_object_get(now, "paid_won"));
    json_decref(now);
    tour_turned_away(tour, WALK_OFFICER, "returned",
        json_pack("{s:I,s:s}", "amount", paid + 1, "through", "voluntary"), REFUSED);
    tour_done(tour, WALK_OFFICER, "returned",
        json_pack("{s:I,s:s}", "amount", paid, "through", "guarantee"));
    assert_string_equal(state_of(tour, state), "clawed_back");
}

/* What a question answered then, it answers again, from the input that stands in the record. */
static void computes_again(struct tour *tour, json_t *event) {
    const char *verb = NULL;
    json_t *one = NULL;
    json_object_foreach(json_object_get(json_object_get(event, "answer"), "asked"), verb, one) {
        char target[TARGET_BYTES];
        (void)snprintf(target, sizeof target, "/api/v1/programmes/%s/%s?type=%s",
            tour_programme(tour), verb, tour_word(tour->plan, "type"));
        json_t *again = walk_must(tour->walk, WALK_STRANGER, "POST", target,
            json_deep_copy(json_object_get(one, "input")), 200);
        assert_true(json_equal(again, json_object_get(one, "answer")));
        json_decref(again);
    }
}

static void everything_follows_from_the_events(struct tour *tour) {
    struct err err = ERR_INIT;
    char target[TARGET_BYTES];
    if (cases_verify(home_hub(tour->walk->rig.home), &err) < 0) {
        fail_msg("%s does not replay: %s", tour->number, err.text);
    }
    (void)snprintf(target, sizeof target, "/api/v1/cases/%s/export", tour->number);
    json_decref(walk_must(tour->walk, tour->who, "GET", target, NULL, 404));
    json_t *whole = walk_must(tour->walk, WALK_OFFICER, "GET", target, NULL, 200);
    assert_int_equal(strlen(tour_word(json_object_get(whole, "rules"), "sha256")), 64);
    size_t i = 0;
    json_t *event = NULL;
    json_array_foreach(json_object_get(whole, "history"), i, event) {
        assert_non_null(json_object_get(event, "payload"));
        assert_true(json_integer_value(json_object_get(event, "audit")) > 0);
        computes_again(tour, event);
    }
    assert_true(i > 4);
    json_decref(whole);
}

/* Another application of the same call, whose project fails: all that was paid comes back. */
static void a_failed_project_pays_back(struct tour *tour) {
    if (!json_object_get(tour->plan, "fails")) {
        return;
    }
    char state[32];
    tour_open_case(tour, WALK_FIRST, NULL);
    tour_walk_until(tour, "select");
    json_decref(tour_ask_programme(tour, WALK_OFFICER, "select", json_object(), 200));
    tour_walk_until(tour, "judge");
    tour_done(
        tour, WALK_OFFICER, "judge", json_pack("{s:s,s:s}", "verdict", "실패", "reason", "audit"));
    assert_string_equal(state_of(tour, state), "failed");
    money_comes_back(tour, json_object_get(tour->plan, "fails"));
    everything_follows_from_the_events(tour);
}

/* ---- One programme ---- */

static json_t *load_document(struct walk *walk, const char *id) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof target, "/api/v1/programmes/%s", id);
    json_t *answer = walk_must(walk, WALK_OFFICER, "GET", target, NULL, 200);
    json_t *document = json_incref(json_object_get(answer, "document"));
    json_decref(answer);
    return document;
}

static void announce(struct tour *tour) {
    json_t *budget = json_object_get(tour->plan, "budget_won");
    json_t *body = json_object();
    if (budget) {
        json_object_set(body, "budget_won", budget);
    }
    json_decref(tour_apply(tour, WALK_FIRST, tour_application(tour, NULL, NULL, 0, NULL), 409));
    json_decref(tour_ask_programme(tour, WALK_FIRST, "announce", json_object(), 403));
    json_decref(tour_ask_programme(tour, WALK_OFFICER, "announce", body, 200));
    json_decref(tour_ask_programme(tour, WALK_OFFICER, "announce", json_object(), 409));
}

/* A ranking of nobody says so, and where cases come from. */
static void nobody_is_ranked(struct tour *tour) {
    json_t *answer = tour_ask_programme(tour, WALK_OFFICER, "select", json_object(), 409);
    assert_non_null(strstr(tour_word(answer, "detail"), "건이 없습니다"));
    json_decref(answer);
}

/* No step was passed without a jump to what comes behind it; what may be taken late, was once. */
static void every_wrong_turn_was_tried(const struct tour *tour) {
    size_t i = 0;
    json_t *step = NULL;
    bool may_be_late = false;
    json_array_foreach(json_object_get(tour->document, "steps"), i, step) {
        const char *kind = tour_word(step, "kind");
        const char *id = tour_word(step, "id");
        const char *deadline = tour_word(step, "deadline");
        bool is_own = strcmp(kind, "announce") != 0 && strcmp(kind, "apply") != 0;
        if (is_own && tour_action_behind(tour, id) && !json_object_get(tour->jumped, id)) {
            fail_msg("%s: nothing was tried too early at %s", tour_programme(tour), id);
        }
        may_be_late = may_be_late ||
                      (deadline[0] != '\0' &&
                          !tour_miss_is_final(tour_element(tour, "deadlines", deadline), step));
    }
    assert_true(tour->late_taken == may_be_late);
}

static void walk_programme(struct walk *walk, const json_t *plan) {
    struct tour tour = {.walk = walk, .plan = plan, .who = WALK_FIRST, .jumped = json_object()};
    char first[sizeof tour.number];
    char second[sizeof tour.number];
    char state[32];
    tour_set_time(&tour, tour_word(plan, "apply_at"));
    tour.document = load_document(walk, tour_programme(&tour));
    announce(&tour);
    nobody_is_ranked(&tour);
    window_is_kept(&tour);
    documents_are_asked_for(&tour);
    json_decref(tour_apply(&tour, WALK_JUDGE, tour_application(&tour, NULL, NULL, 0, NULL), 403));
    the_ineligible_are_told_why(&tour);
    tour_open_case(&tour, WALK_FIRST, NULL);
    if (has_step(&tour, "select")) {
        memcpy(first, tour.number, sizeof first);
        tour_set_time(&tour, tour_word(plan, "apply_at"));
        tour_open_case(&tour, WALK_SECOND, NULL);
        memcpy(second, tour.number, sizeof second);
        tour_walk_until(&tour, "select");
        int32_t there = tour_today(&tour);
        memcpy(tour.number, first, sizeof first);
        tour.who = WALK_FIRST;
        tour_set_time(&tour, tour_word(plan, "apply_at"));
        tour_walk_until(&tour, "select");
        tour_move_to(&tour, tour_today(&tour) > there ? tour_today(&tour) : there);
        tour.who = WALK_FIRST;
        walk_selection(&tour, first, second);
        tour.who = WALK_SECOND;
        tour_move_to(&tour, tour_today(&tour) + 1);
    }
    tour_walk_until(&tour, "");
    assert_string_equal(state_of(&tour, state), "closed");
    every_wrong_turn_was_tried(&tour);
    money_comes_back(&tour, json_object_get(plan, "clawback"));
    everything_follows_from_the_events(&tour);
    a_failed_project_pays_back(&tour);
    json_decref(tour_ask_programme(&tour, WALK_OFFICER, "close", json_object(), 200));
    json_decref(tour.document);
    json_decref(tour.jumped);
}

static json_t *load_walks(void) {
    json_error_t error;
    json_t *walks = json_load_file(TEST_DATA "/walks.json", 0, &error);
    if (!walks) {
        fail_msg("walks.json: %s", error.text);
    }
    return walks;
}

/* R-203 R-205 R-216 R-221 R-222 R-224 R-227 R-228 R-230 R-232 R-238 R-276 R-279 */
static void programmes_are_walked_from_end_to_end(void **state) {
    struct walk *walk = *state;
    json_t *walks = load_walks();
    size_t i = 0;
    json_t *plan = NULL;
    json_array_foreach(walks, i, plan) {
        walk_programme(walk, plan);
    }
    assert_int_equal(i, 10);
    json_decref(walks);
}

/* ---- Ties ---- */

static const json_t *plan_of(const json_t *walks, const char *id) {
    size_t i = 0;
    json_t *plan = NULL;
    json_array_foreach(walks, i, plan) {
        if (strcmp(tour_word(plan, "programme"), id) == 0) {
            return plan;
        }
    }
    fail_msg("nobody walks %s", id);
    return NULL;
}

/* An application received at the plan's moment, up to the selection. */
static void bring_to_selection(struct tour *tour, json_t *more, char number[100]) {
    tour_set_time(tour, tour_word(tour->plan, "apply_at"));
    tour_open_case(tour, WALK_FIRST, more);
    json_decref(more);
    tour_walk_until(tour, "select");
    (void)str_copy_z(str_of(tour->number), number, 100);
}

static json_t *select_places(struct tour *tour, const char *type, int places) {
    return tour_ask_programme(tour, WALK_OFFICER, "select",
        json_pack("{s:{s:i},s:s}", "slots", type, places, "reason", "committee"), 200);
}

static void is_at(const json_t *list, size_t index, const char *text) {
    assert_string_equal(json_string_value(json_array_get(list, index)), text);
}

/* Whether a tie between the two was decided by this. */
static bool was_decided(const json_t *answer, const char *by, const char *a, const char *b) {
    size_t i = 0;
    json_t *tie = NULL;
    json_array_foreach(json_object_get(answer, "ties"), i, tie) {
        const json_t *ids = json_object_get(tie, "ids");
        if (strcmp(tour_word(tie, "by"), by) == 0 &&
            strcmp(json_string_value(json_array_get(ids, 0)), a) == 0 &&
            strcmp(json_string_value(json_array_get(ids, 1)), b) == 0) {
            return true;
        }
    }
    return false;
}

/* */
static void women_go_first_and_a_corporation_wins_once(void **state) {
    json_t *walks = load_walks();
    struct tour tour = {.walk = *state,
        .plan = plan_of(walks, "bupyeong-2023"),
        .who = WALK_FIRST,
        .jumped = json_object()};
    char first[100];
    char women[100];
    char again[100];
    tour_set_time(&tour, tour_word(tour.plan, "apply_at"));
    tour.document = load_document(tour.walk, tour_programme(&tour));
    announce(&tour);
    bring_to_selection(&tour, json_pack("{s:b}", "women_owned", 0), first);
    tour.corporation = "110111-0000001";
    bring_to_selection(&tour, json_pack("{s:b}", "women_owned", 1), women);
    json_t *answer = select_places(&tour, "basic", 1);
    is_at(json_object_get(answer, "order"), 0, women);
    is_at(json_object_get(json_object_get(answer, "selected"), "basic"), 0, women);
    is_at(json_object_get(answer, "waiting"), 0, first);
    assert_true(was_decided(answer, "women_owned", women, first));
    assert_true(tour_notes_tell(answer, "D-01"));
    json_decref(answer);
    tour.type = "advanced1"; // The same corporation, at another type.
    int32_t later = tour_today(&tour) + 1;
    bring_to_selection(&tour, json_object(), again);
    tour_move_to(&tour, later);
    answer = select_places(&tour, "advanced1", 2);
    const json_t *already = json_array_get(json_object_get(answer, "already"), 0);
    assert_string_equal(tour_word(already, "id"), again);
    assert_string_equal(tour_word(already, "award"), women);
    json_decref(answer);
    json_t *now = tour_look(&tour);
    assert_string_equal(tour_word(now, "state"), "open");
    assert_null(json_object_get(now, "award"));
    json_decref(now);
    /* Once that award has fallen away, the other application is ranked. */
    (void)str_copy_z(str_of(women), tour.number, sizeof tour.number);
    tour_done(&tour, WALK_OFFICER, "cancel", json_pack("{s:s}", "reason", "gave up"));
    answer = select_places(&tour, "advanced1", 2);
    is_at(json_object_get(json_object_get(answer, "selected"), "advanced1"), 0, again);
    json_decref(answer);
    json_decref(tour.document);
    json_decref(tour.jumped);
    json_decref(walks);
}

/* of two equal applications the place kept for high-risk trades goes to the later one, which
 * says that it is of such a trade. */
static void a_kept_place_goes_to_the_high_risk_trade(void **state) {
    json_t *walks = load_walks();
    struct tour tour = {.walk = *state,
        .plan = plan_of(walks, "mss-2020-robot"),
        .who = WALK_FIRST,
        .jumped = json_object()};
    char usual[100];
    char risky[100];
    tour_set_time(&tour, tour_word(tour.plan, "apply_at"));
    tour.document = load_document(tour.walk, tour_programme(&tour));
    announce(&tour);
    bring_to_selection(&tour, json_pack("{s:b}", "high_risk", 0), usual);
    bring_to_selection(&tour, json_pack("{s:b}", "high_risk", 1), risky);
    json_t *answer = select_places(&tour, "robot", 1);
    is_at(json_object_get(answer, "order"), 0, usual);
    is_at(json_object_get(json_object_get(answer, "selected"), "robot"), 0, risky);
    is_at(json_object_get(answer, "waiting"), 0, usual);
    assert_true(tour_notes_tell(answer, "reserve"));
    json_decref(answer);
    json_decref(tour.document);
    json_decref(tour.jumped);
    json_decref(walks);
}

/* */
static void history_goes_before_fit(void **state) {
    json_t *walks = load_walks();
    struct tour tour = {.walk = *state,
        .plan = plan_of(walks, "incheon-mfgdata-2022"),
        .who = WALK_FIRST,
        .jumped = json_object()};
    char none[100];
    char fair[100];
    char best[100];
    tour_set_time(&tour, tour_word(tour.plan, "apply_at"));
    tour.document = load_document(tour.walk, tour_programme(&tour));
    announce(&tour);
    bring_to_selection(&tour, json_pack("{s:b,s:i}", "history", 0, "fit", 9), none);
    bring_to_selection(&tour, json_pack("{s:b,s:i}", "history", 1, "fit", 3), fair);
    bring_to_selection(&tour, json_pack("{s:b,s:i}", "history", 1, "fit", 4), best);
    json_t *answer = select_places(&tour, "main", 1);
    const json_t *order = json_object_get(answer, "order");
    is_at(order, 0, best);
    is_at(order, 1, fair);
    is_at(order, 2, none);
    is_at(json_object_get(json_object_get(answer, "selected"), "main"), 0, best);
    assert_int_equal(json_array_size(json_object_get(answer, "ties")), 2);
    assert_true(was_decided(answer, "fit", best, fair));
    assert_true(was_decided(answer, "history", fair, none));
    json_decref(answer);
    json_decref(tour.document);
    json_decref(tour.jumped);
    json_decref(walks);
}

static struct walk the_walk;

static int open_walk(void **state) {
    walk_open(&the_walk);
    *state = &the_walk;
    return 0;
}

static int close_walk(void **state) {
    walk_close(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            programmes_are_walked_from_end_to_end, open_walk, close_walk),
        cmocka_unit_test_setup_teardown(
            women_go_first_and_a_corporation_wins_once, open_walk, close_walk),
        cmocka_unit_test_setup_teardown(history_goes_before_fit, open_walk, close_walk),
        cmocka_unit_test_setup_teardown(
            a_kept_place_goes_to_the_high_risk_trade, open_walk, close_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
