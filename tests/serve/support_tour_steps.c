/*
 * One step of each kind: first the wrong turns (out of turn, late, without a document, a won over,
 * by whom it is not for), each refused by the rule's own source, then the right one.
 */
#include "support_tour.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "programme/day.h"

enum { TURNS_MAX = 60 };

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

/* Whether a miss ends the matter, so that not even an officer takes what comes late. */
bool tour_miss_is_final(const json_t *rule, const json_t *step) {
    return strcmp(tour_word(rule, "on_miss"), "cancel") == 0 ||
           strcmp(tour_word(step, "on_miss"), "cancel") == 0;
}

static json_t *as_late(const json_t *body) {
    json_t *late = json_deep_copy(body);
    json_object_update_new(late, json_pack("{s:b,s:s}", "accept_late", 1, "reason", "a flood"));
    return late;
}

/* A day late by the deadline's own rule, whoever would have it taken but may not; then the walk
 * stands on the last day. */
static void late_is_late(
    struct tour *tour, const json_t *step, enum walker who, const char *action, json_t *body) {
    int32_t due = 0;
    if (!due_day(tour, &due)) {
        json_decref(body);
        return;
    }
    const json_t *rule = tour_element(tour, "deadlines", tour_word(step, "deadline"));
    const char *source = tour_word(rule, "src");
    tour_move_to(tour, due + 1);
    if (who != WALK_OFFICER) {
        tour_refused(tour, who, action, as_late(body), source);
    }
    if (tour_miss_is_final(rule, step)) {
        tour_refused(tour, WALK_OFFICER, action, as_late(body), source);
    }
    tour_refused(tour, who, action, body, source);
    tour_move_to(tour, due);
    tour->late_tried = true;
}

bool tour_notes_tell(const json_t *answer, const char *id) {
    size_t i = 0;
    json_t *note = NULL;
    json_array_foreach(json_object_get(answer, "notes"), i, note) {
        if (strcmp(tour_word(note, "id"), id) == 0) {
            return true;
        }
    }
    return false;
}

/* In time; once on a tour an officer takes it a day late, where a miss is not final. */
static void done_or_taken_late(
    struct tour *tour, const json_t *step, enum walker who, const char *action, json_t *body) {
    int32_t due = 0;
    const json_t *rule = tour_element(tour, "deadlines", tour_word(step, "deadline"));
    if (tour->late_taken || !due_day(tour, &due) || tour_miss_is_final(rule, step)) {
        tour_done(tour, who, action, body);
        return;
    }
    tour_move_to(tour, due + 1);
    json_t *answer = tour_act(tour, WALK_OFFICER, action, as_late(body), 200);
    assert_true(tour_notes_tell(json_object_get(answer, "answer"), tour_word(rule, "id")));
    json_decref(answer);
    json_decref(body);
    tour->late_taken = true;
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
    tour->missing_tried = true;
    done_or_taken_late(
        tour, step, tour->who, "request", request_body(tour, NULL, policies(tour, until, NULL)));
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
        tour->missing_tried = true;
    }
    done_or_taken_late(tour, step, who, action, filed(tour, stage, NULL));
}

static void walk_judge(struct tour *tour, const json_t *step) {
    tour_turned_away(tour, WALK_OFFICER, "judge", json_pack("{s:s}", "verdict", "fine"), 400);
    tour_turned_away(tour, WALK_OFFICER, "judge", json_pack("{s:s}", "verdict", "fail"), 400);
    late_is_late(tour, step, WALK_OFFICER, "judge", json_pack("{s:s}", "verdict", "success"));
    done_or_taken_late(tour, step, WALK_OFFICER, "judge", json_pack("{s:s}", "verdict", "성공"));
    json_t *now = tour_look(tour);
    assert_string_equal(tour_word(now, "verdict"), "success");
    json_decref(now);
}

/* The action of the next step that is a case's own and another one than this step's; null: none. */
const char *tour_action_behind(const struct tour *tour, const char *here) {
    const char *kind = tour_word(tour_element(tour, "steps", here), "kind");
    size_t i = 0;
    json_t *step = NULL;
    bool behind = false;
    json_array_foreach(json_object_get(tour->document, "steps"), i, step) {
        const char *next = tour_word(step, "kind");
        if (behind && strcmp(next, kind) != 0 && strcmp(next, "select") != 0) {
            return strcmp(next, "follow") == 0 ? "close" : next;
        }
        behind = behind || strcmp(tour_word(step, "id"), here) == 0;
    }
    return NULL;
}

/* What comes next is not done before its turn, by nobody, and leaves nothing. */
void tour_jump(struct tour *tour) {
    json_t *before = tour_look(tour);
    const char *here = tour_word(json_object_get(before, "step"), "id");
    const char *action = tour_action_behind(tour, here);
    if (action) {
        json_t *body = json_pack("{s:s,s:s,s:s,s:s}", "verdict", "success", "result", "pass",
            "certificate", "x", "reason", "x");
        tour_turned_away(tour, WALK_OFFICER, action, json_deep_copy(body), 409);
        tour_turned_away(tour, tour->who, action, body, 409);
        json_t *after = tour_look(tour);
        assert_true(json_integer_value(json_object_get(after, "sequence")) > 0);
        assert_true(json_equal(before, after));
        json_decref(after);
        json_object_set_new(tour->jumped, here, json_true());
    }
    json_decref(before);
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

/* A step with a deadline or documents is not walked before the miss of each was refused. */
static void walk_step_with_wrong_turns(struct tour *tour, const json_t *step) {
    int32_t due = 0;
    bool is_due = due_day(tour, &due);
    bool needs = tour_first_needed(tour, tour_word(step, "documents"), false) != NULL;
    tour->late_tried = false;
    tour->missing_tried = false;
    walk_step(tour, step);
    assert_true(tour->late_tried || !is_due);
    assert_true(tour->missing_tried || !needs);
}

/* Walks on until the case stands at a step of this kind ("" : to its end). */
void tour_walk_until(struct tour *tour, const char *kind) {
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
        tour_jump(tour);
        order_and_actors_are_kept(tour, here);
        walk_step_with_wrong_turns(tour, step);
        tour_move_to(tour, tour_today(tour) + 1);
    }
    fail_msg("%s does not end", tour_programme(tour));
}
