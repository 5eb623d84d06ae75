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

enum { TURNS_MAX = 60 };

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

/* ---- Steps ---- */

static void put_cost(const struct tour *tour, json_t *body) {
    json_t *review = json_object_get(tour->plan, "review");
    if (review) {
        json_object_set(body, "cost", review);
    }
}

/* Rules that only a person can answer are answered, then the review ends. */
static void walk_screen(struct tour *tour) {
    int status = 0;
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof target, "/api/v1/cases/%s/actions", tour->number);
    json_t *answer = walk_ask(
        tour->walk, WALK_OFFICER, "POST", target, json_pack("{s:s}", "action", "screen"), &status);
    size_t i = 0;
    json_t *one = NULL;
    if (status == 200) {
        json_decref(answer);
        return;
    }
    assert_int_equal(status, REFUSED);
    json_array_foreach(json_object_get(answer, "refused"), i, one) {
        tour_turned_away(tour, WALK_OFFICER, "decide",
            json_pack("{s:s,s:b}", "rule", tour_word(one, "rule"), "holds", 1), 400); // No reason.
        tour_turned_away(tour, tour->who, "decide",
            json_pack("{s:s,s:b,s:s}", "rule", tour_word(one, "rule"), "holds", 1, "reason", "x"),
            403);
        tour_done(tour, WALK_OFFICER, "decide",
            json_pack(
                "{s:s,s:b,s:s}", "rule", tour_word(one, "rule"), "holds", 1, "reason", "seen"));
    }
    json_decref(answer);
    tour_done(tour, WALK_OFFICER, "screen", json_object());
}

static json_t *sheet_body(const struct tour *tour) {
    json_t *grades = json_object();
    json_t *checks = json_object();
    size_t a = 0;
    size_t i = 0;
    json_t *area = NULL;
    json_t *item = NULL;
    const json_t *sheet = json_object_get(tour->document, "sheet");
    json_array_foreach(json_object_get(sheet, "areas"), a, area) {
        json_array_foreach(json_object_get(area, "items"), i, item) {
            json_t *best = json_array_get(json_object_get(item, "grades"), 0);
            json_object_set(
                grades, tour_word(item, "id"), best ? best : json_object_get(item, "points"));
        }
    }
    json_array_foreach(json_object_get(sheet, "checks"), i, item) {
        json_object_set_new(checks, tour_word(item, "id"), json_true());
    }
    return json_pack("{s:o,s:o}", "grades", grades, "checks", checks);
}

static void evaluators_are_outsiders(struct tour *tour, const char *source) {
    struct walk *walk = tour->walk;
    if (tour->who == WALK_FIRST) {
        tour_refused(tour, WALK_OFFICER, "assign",
            json_pack("{s:s}", "evaluator", walk->users[WALK_INSIDER]), source);
    }
    tour_turned_away(tour, WALK_JUDGE, "declare", json_pack("{s:b}", "conflict", 0), 404);
    tour_done(
        tour, WALK_OFFICER, "assign", json_pack("{s:s}", "evaluator", walk->users[WALK_JUDGE]));
    tour_refused(tour, WALK_JUDGE, "sheet", sheet_body(tour), source); // Nothing declared yet.
    tour_done(
        tour, WALK_JUDGE, "declare", json_pack("{s:b,s:s}", "conflict", 1, "reason", "cousin"));
    tour_refused(tour, WALK_JUDGE, "sheet", sheet_body(tour), source);
    tour_done(tour, WALK_JUDGE, "declare", json_pack("{s:b}", "conflict", 0));
}

static void walk_evaluation(struct tour *tour, const json_t *step, const char *action) {
    bool sheet = json_object_get(tour->document, "sheet") != NULL;
    if (sheet) {
        tour_refused(
            tour, WALK_OFFICER, action, json_object(), tour_word(step, "src")); // No sheet yet.
        evaluators_are_outsiders(tour, tour_word(step, "src"));
        json_t *trim =
            json_pack("{s:s,s:b,s:s}", "name", "trim", "value", 1, "reason", "committee");
        tour_turned_away(tour, tour->who, "option", json_deep_copy(trim), 403);
        tour_done(tour, WALK_OFFICER, "option", json_deep_copy(trim));
        tour_done(tour, WALK_JUDGE, "sheet", sheet_body(tour));
        tour_refused(tour, WALK_OFFICER, "option", trim, "docs/PROGRAMME.md");
        tour_refused(tour, WALK_JUDGE, "sheet", sheet_body(tour), tour_word(step, "src"));
        tour_done(tour, WALK_OFFICER, action, json_object());
    } else if (strcmp(action, "visit") == 0) {
        tour_turned_away(tour, WALK_OFFICER, action, json_object(), 400);
        tour_done(tour, WALK_OFFICER, action, json_pack("{s:s}", "result", "pass"));
    } else {
        tour_refused(tour, WALK_OFFICER, action, json_object(), tour_word(step, "src"));
        tour_done(tour, WALK_OFFICER, action,
            json_pack("{s:O}", "score", json_object_get(tour->plan, "score")));
    }
}

/* The last day of the step, as the case tells it; false: there is none. */
static bool due_day(struct tour *tour, int32_t *ret_day) {
    json_t *now = tour_look(tour);
    bool is = day_parse(str_of(tour_word(now, "due")), ret_day);
    json_decref(now);
    return is;
}

/* A day late by the deadline's own rule; then the walk stands on the last day. */
static void late_is_late(
    struct tour *tour, const json_t *step, enum walker who, const char *action, json_t *body) {
    int32_t due = 0;
    if (!due_day(tour, &due)) {
        json_decref(body);
        return;
    }
    const json_t *rule = tour_element(tour, "deadlines", tour_word(step, "deadline"));
    tour_move_to(tour, due + 1);
    tour_refused(tour, who, action, body, tour_word(rule, "src"));
    tour_move_to(tour, due);
}

/* Who files at the step: the company where the step names it, else the supplier, else the agency.
 */
static enum walker filer(const struct tour *tour, const json_t *step) {
    size_t i = 0;
    json_t *by = NULL;
    enum walker who = WALK_OFFICER;
    json_array_foreach(json_object_get(step, "by"), i, by) {
        const char *name = json_string_value(by);
        if (strcmp(name, "adopter") == 0 || strcmp(name, "host") == 0) {
            return tour->who;
        }
        if (strcmp(name, "consulting") == 0 || strcmp(name, "supplier") == 0) {
            who = WALK_SUPPLIER;
        }
    }
    return who;
}

static json_t *policies(const struct tour *tour, int32_t until, const char *but) {
    json_t *list = json_array();
    size_t i = 0;
    json_t *holder = NULL;
    const json_t *rule = json_object_get(tour->document, "insurance");
    char day[DAY_TEXT_MAX];
    (void)day_text(until, day);
    json_array_foreach(json_object_get(rule, "holders"), i, holder) {
        const char *name = json_string_value(holder);
        if (!but || strcmp(but, name) != 0) {
            json_array_append_new(list, json_pack("{s:s,s:s}", "holder", name, "until", day));
        }
    }
    return list;
}

static int32_t agreement_plus(struct tour *tour, int months) {
    json_t *now = tour_look(tour);
    int32_t day = 0;
    assert_true(day_parse(str_of(tour_word(json_object_get(now, "days"), "agreement")), &day));
    json_decref(now);
    return day_add_months(day, months);
}

static int term_months(const struct tour *tour, const char *member) {
    const json_t *type = tour_element(tour, "types", tour_word(tour->plan, "type"));
    return (int)json_integer_value(json_object_get(json_object_get(type, "term"), member));
}

static json_t *request_body(const struct tour *tour, const char *but, json_t *insurance) {
    return json_pack("{s:o,s:o}", "documents", tour_documents(tour, "payment", but, NULL, 0),
        "insurance", insurance);
}

static void walk_request(struct tour *tour, const json_t *step) {
    const json_t *rule = json_object_get(tour->document, "insurance");
    const char *source = tour_word(rule, "src");
    int tail = (int)json_integer_value(json_object_get(rule, "tail_months"));
    int term = term_months(tour, "months");
    int32_t until = agreement_plus(tour, term + tail);
    const json_t *missing = tour_first_needed(tour, "payment", false);
    const char *holder = json_string_value(json_array_get(json_object_get(rule, "holders"), 0));
    late_is_late(
        tour, step, tour->who, "request", request_body(tour, NULL, policies(tour, until, NULL)));
    tour_refused(tour, tour->who, "request",
        request_body(tour, tour_word(missing, "id"), policies(tour, until, NULL)),
        tour_word(missing, "src"));
    tour_refused(tour, tour->who, "request",
        request_body(tour, NULL, policies(tour, until, holder)), source);
    if (term > 0) { // Without a printed term nobody can say when a policy is too short.
        tour_refused(tour, tour->who, "request",
            request_body(tour, NULL, policies(tour, until - 1, NULL)), source);
    }
    tour_done(tour, tour->who, "request", request_body(tour, NULL, policies(tour, until, NULL)));
}

static void walk_agree(struct tour *tour, const json_t *step) {
    const json_t *type = tour_element(tour, "types", tour_word(tour->plan, "type"));
    json_t *grant = json_object_get(tour->plan, "reviewed");
    grant = grant ? grant : json_object_get(tour->plan, "grant");
    (void)step;
    tour_refused(tour, WALK_OFFICER, "agree",
        json_pack("{s:I}", "amount", json_integer_value(grant) + 1), tour_word(type, "src"));
    tour_done(tour, WALK_OFFICER, "agree", json_object());
    json_t *now = tour_look(tour);
    assert_int_equal(
        json_integer_value(json_object_get(now, "agreed_won")), json_integer_value(grant));
    json_decref(now);
}

static void walk_pay(struct tour *tour, const json_t *step) {
    json_t *now = tour_look(tour);
    json_int_t agreed = json_integer_value(json_object_get(now, "agreed_won"));
    json_decref(now);
    tour_refused(tour, WALK_OFFICER, "pay", json_pack("{s:I}", "amount", agreed + 1),
        tour_word(step, "src"));
    tour_done(tour, WALK_OFFICER, "pay", json_object());
}

/* Once, where both may be asked: a change after its limit, an extension over its maximum. */
static void limits_are_kept(struct tour *tour) {
    const json_t *rule = tour_element(tour, "deadlines", "change_due");
    const json_t *type = tour_element(tour, "types", tour_word(tour->plan, "type"));
    int most = term_months(tour, "extension_max");
    int term = term_months(tour, "months");
    char before[24];
    (void)str_copy_z(str_of(tour->at), before, sizeof before);
    tour->limits_tried = true;
    if (rule) {
        int32_t last = agreement_plus(tour, term - 1);
        tour_move_to(tour, last + 1);
        tour_refused(tour, WALK_OFFICER, "change",
            json_pack("{s:s,s:s}", "what", "PM", "reason", "left"), tour_word(rule, "src"));
        tour_set_time(tour, before);
        tour_done(
            tour, WALK_OFFICER, "change", json_pack("{s:s,s:s}", "what", "PM", "reason", "left"));
    }
    if (most > 0) {
        tour_refused(tour, WALK_OFFICER, "extend",
            json_pack("{s:i,s:s}", "months", most + 1, "reason", "parts"), tour_word(type, "src"));
        tour_done(
            tour, WALK_OFFICER, "extend", json_pack("{s:i,s:s}", "months", 1, "reason", "parts"));
    }
}

static json_t *filed(const struct tour *tour, const char *stage, const char *but) {
    return json_pack("{s:o}", "documents", tour_documents(tour, stage, but, NULL, 0));
}

static void walk_filing(struct tour *tour, const json_t *step, const char *action) {
    enum walker who = filer(tour, step);
    tour_turned_away(tour, WALK_STRANGER, action, json_object(), 404);
    const char *stage = tour_word(step, "documents");
    const json_t *missing = tour_first_needed(tour, stage, false);
    late_is_late(tour, step, who, action, filed(tour, stage, NULL));
    if (missing) {
        tour_refused(tour, who, action, filed(tour, stage, tour_word(missing, "id")),
            tour_word(missing, "src"));
    }
    tour_done(tour, who, action, filed(tour, stage, NULL));
}

static void walk_judge(struct tour *tour, const json_t *step) {
    tour_turned_away(tour, WALK_OFFICER, "judge", json_pack("{s:s}", "verdict", "fine"), 400);
    tour_turned_away(tour, WALK_OFFICER, "judge", json_pack("{s:s}", "verdict", "fail"), 400);
    late_is_late(tour, step, WALK_OFFICER, "judge", json_pack("{s:s}", "verdict", "success"));
    tour_done(tour, WALK_OFFICER, "judge", json_pack("{s:s}", "verdict", "성공"));
    json_t *now = tour_look(tour);
    assert_string_equal(tour_word(now, "verdict"), "success");
    json_decref(now);
}

/* An action of a later step is not done here; a decision is not the company's. */
static void order_and_actors_are_kept(struct tour *tour, const char *kind) {
    static const char *const COMPANY[] = {"plan", "request", "report", "run"};
    tour_turned_away(tour, WALK_OFFICER, strcmp(kind, "settle") == 0 ? "certify" : "settle",
        json_pack("{s:i,s:s}", "spent", 0, "certificate", "x"), 409);
    tour_turned_away(tour, WALK_STRANGER, strcmp(kind, "follow") == 0 ? "close" : kind,
        json_object(),
        404); // Whoever has no part in it.
    if (strcmp(kind, "follow") == 0) {
        tour_turned_away(tour, tour->who, "close", json_object(), 403);
    }
    for (size_t i = 0; i < sizeof COMPANY / sizeof COMPANY[0]; i++) {
        if (strcmp(COMPANY[i], kind) == 0) {
            return;
        }
    }
    if (strcmp(kind, "match") != 0 && strcmp(kind, "follow") != 0 && strcmp(kind, "select") != 0) {
        tour_turned_away(tour, tour->who, kind, json_object(), 403);
    }
}

/* Both scales are kept as they were confirmed; from level 3 on not without security; the
 * certificate holds for as long as the confirmation says. */
static void walk_level(struct tour *tour) {
    tour_turned_away(tour, WALK_OFFICER, "level", json_object(), 400);
    tour_turned_away(tour, WALK_OFFICER, "level", json_pack("{s:s}", "system_level", "best"), 400);
    tour_turned_away(tour, WALK_OFFICER, "level", json_pack("{s:s}", "system_level", "중간1"), 400);
    tour_refused(tour, WALK_OFFICER, "level",
        json_pack("{s:s,s:b}", "system_level", "중간1", "security", 0), "003 L170");
    tour_done(tour, WALK_OFFICER, "level",
        json_pack("{s:s,s:i,s:s,s:b}", "system_level", "중간1", "company_level", 2, "target_level",
            "기초", "security", 1));
    json_t *now = tour_look(tour);
    const json_t *level = json_object_get(now, "level");
    assert_string_equal(tour_word(json_object_get(level, "system_level"), "en"), "Intermediate 1");
    assert_int_equal(json_integer_value(json_object_get(level, "company_level")), 2);
    assert_true(json_is_true(json_object_get(level, "target_met")));
    assert_true(strncmp(tour_word(level, "certificate_from"), tour->at, 10) == 0);
    json_decref(now);
}

static void walk_certify(struct tour *tour) {
    tour_turned_away(tour, WALK_OFFICER, "certify", json_object(), 400);
    tour_done(tour, WALK_OFFICER, "certify", json_pack("{s:s}", "certificate", "제1호"));
    json_t *now = tour_look(tour);
    const json_t *level = json_object_get(now, "level");
    assert_string_equal(tour_word(now, "certificate_until"), tour_word(level, "certificate_until"));
    assert_true(!level || tour_word(now, "certificate_until")[0] != '\0');
    json_decref(now);
}

static void walk_step(struct tour *tour, const json_t *step) {
    const char *kind = tour_word(step, "kind");
    if (strcmp(kind, "screen") == 0) {
        walk_screen(tour);
    } else if (strcmp(kind, "visit") == 0 || strcmp(kind, "score") == 0) {
        walk_evaluation(tour, step, kind);
    } else if (strcmp(kind, "match") == 0) {
        tour_done(tour, WALK_OFFICER, "match", json_pack("{s:s}", "expert", "홍길동"));
    } else if (strcmp(kind, "cost") == 0) {
        json_t *body = json_object();
        put_cost(tour, body);
        tour_done(tour, WALK_OFFICER, "cost", body);
    } else if (strcmp(kind, "agree") == 0) {
        walk_agree(tour, step);
    } else if (strcmp(kind, "request") == 0) {
        walk_request(tour, step);
    } else if (strcmp(kind, "pay") == 0) {
        walk_pay(tour, step);
    } else if (strcmp(kind, "plan") == 0 || strcmp(kind, "report") == 0 ||
               strcmp(kind, "run") == 0) {
        walk_filing(tour, step, kind);
    } else if (strcmp(kind, "check") == 0) {
        tour_turned_away(tour, WALK_OFFICER, "check", json_object(), 400);
        tour_done(tour, WALK_OFFICER, "check", json_pack("{s:s}", "result", "ok"));
    } else if (strcmp(kind, "judge") == 0) {
        walk_judge(tour, step);
    } else if (strcmp(kind, "level") == 0) {
        walk_level(tour);
    } else if (strcmp(kind, "certify") == 0) {
        walk_certify(tour);
    } else if (strcmp(kind, "settle") == 0) {
        tour_done(tour, WALK_OFFICER, "settle", json_pack("{s:i}", "spent", 4000000));
    } else if (strcmp(kind, "follow") == 0) {
        tour_done(tour, WALK_OFFICER, "close", json_object());
    } else {
        fail_msg("nobody walks a step of the kind %s", kind);
    }
}

/* Walks on until the case stands at a step of this kind ("" : to its end). */
static void walk_until(struct tour *tour, const char *kind) {
    for (int turns = 0; turns < TURNS_MAX; turns++) {
        json_t *now = tour_look(tour);
        bool is_open = strcmp(tour_word(now, "state"), "open") == 0;
        const json_t *step =
            tour_element(tour, "steps", tour_word(json_object_get(now, "step"), "id"));
        bool agreed = json_object_get(json_object_get(now, "days"), "agreement") != NULL;
        json_decref(now);
        if (!is_open || strcmp(tour_word(step, "kind"), kind) == 0) {
            return;
        }
        const char *here = tour_word(step, "kind");
        bool changes =
            strcmp(here, "check") == 0 || strcmp(here, "report") == 0 || strcmp(here, "run") == 0;
        if (agreed && changes && !tour->limits_tried) {
            limits_are_kept(tour);
        }
        order_and_actors_are_kept(tour, here);
        walk_step(tour, step);
        tour_move_to(tour, tour_today(tour) + 1);
    }
    fail_msg("%s does not end", tour_programme(tour));
}

static const char *state_of(struct tour *tour, char to[32]) {
    json_t *now = tour_look(tour);
    (void)str_copy_z(str_of(tour_word(now, "state")), to, 32);
    json_decref(now);
    return to;
}

/* One place for two equal applications: told as a tie, one waits, and moves up. */
static void walk_selection(struct tour *tour, const char *first, const char *second) {
    char state[32];
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
    walk_until(tour, "select");
    json_decref(tour_ask_programme(tour, WALK_OFFICER, "select", json_object(), 200));
    walk_until(tour, "judge");
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

static void walk_programme(struct walk *walk, const json_t *plan) {
    struct tour tour = {.walk = walk, .plan = plan, .who = WALK_FIRST};
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
        walk_until(&tour, "select");
        int32_t there = tour_today(&tour);
        memcpy(tour.number, first, sizeof first);
        tour.who = WALK_FIRST;
        tour_set_time(&tour, tour_word(plan, "apply_at"));
        walk_until(&tour, "select");
        tour_move_to(&tour, tour_today(&tour) > there ? tour_today(&tour) : there);
        tour.who = WALK_FIRST;
        walk_selection(&tour, first, second);
        tour.who = WALK_SECOND;
        tour_move_to(&tour, tour_today(&tour) + 1);
    }
    walk_until(&tour, "");
    assert_string_equal(state_of(&tour, state), "closed");
    money_comes_back(&tour, json_object_get(plan, "clawback"));
    everything_follows_from_the_events(&tour);
    a_failed_project_pays_back(&tour);
    json_decref(tour_ask_programme(&tour, WALK_OFFICER, "close", json_object(), 200));
    json_decref(tour.document);
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
    walk_until(tour, "select");
    (void)str_copy_z(str_of(tour->number), number, 100);
}

static json_t *select_places(struct tour *tour, const char *type, int places) {
    return tour_ask_programme(tour, WALK_OFFICER, "select",
        json_pack("{s:{s:i},s:s}", "slots", type, places, "reason", "committee"), 200);
}

static void is_at(const json_t *list, size_t index, const char *text) {
    assert_string_equal(json_string_value(json_array_get(list, index)), text);
}

static bool notes_tell(const json_t *answer, const char *id) {
    size_t i = 0;
    json_t *note = NULL;
    json_array_foreach(json_object_get(answer, "notes"), i, note) {
        if (strcmp(tour_word(note, "id"), id) == 0) {
            return true;
        }
    }
    return false;
}

/* */
static void women_go_first_and_a_corporation_wins_once(void **state) {
    json_t *walks = load_walks();
    struct tour tour = {.walk = *state, .plan = plan_of(walks, "bupyeong-2023"), .who = WALK_FIRST};
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
    assert_true(notes_tell(answer, "D-01"));
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
    json_decref(walks);
}

/* of two equal applications the place kept for high-risk trades goes to the later one, which
 * says that it is of such a trade. */
static void a_kept_place_goes_to_the_high_risk_trade(void **state) {
    json_t *walks = load_walks();
    struct tour tour = {
        .walk = *state, .plan = plan_of(walks, "mss-2020-robot"), .who = WALK_FIRST};
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
    assert_true(notes_tell(answer, "reserve"));
    json_decref(answer);
    json_decref(tour.document);
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
        cmocka_unit_test_setup_teardown(
            a_kept_place_goes_to_the_high_risk_trade, open_walk, close_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
