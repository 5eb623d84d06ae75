/*
 * What a tour says is read from the programme's own document and the plan, so that another
 * announcement needs no code. Days issued are the tour's, which moves on as its case does.
 */
#include "support_tour.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "programme/day.h"

const char *tour_word(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

const char *tour_programme(const struct tour *tour) {
    return tour_word(tour->plan, "programme");
}

/* ---- Days ---- */

void tour_set_time(struct tour *tour, const char *at) {
    (void)str_copy_z(str_of(at), tour->at, sizeof tour->at);
    walk_time(tour->walk, at);
}

int32_t tour_today(const struct tour *tour) {
    int32_t day = 0;
    assert_true(day_parse(str_of(tour->at), &day));
    return day;
}

void tour_day_at(int32_t day, char to[24]) {
    char text[DAY_TEXT_MAX];
    (void)day_text(day, text);
    (void)snprintf(to, 24, "%sT10:00", text);
}

void tour_move_to(struct tour *tour, int32_t day) {
    char at[24];
    tour_day_at(day, at);
    tour_set_time(tour, at);
}

/* ---- Asking ---- */

json_t *tour_act(struct tour *tour, enum walker who, const char *action, json_t *body, int status) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof target, "/api/v1/cases/%s/actions", tour->number);
    json_object_set_new(body, "action", json_string(action));
    return walk_must(tour->walk, who, "POST", target, body, status);
}

void tour_done(struct tour *tour, enum walker who, const char *action, json_t *body) {
    json_decref(tour_act(tour, who, action, body, 200));
}

void tour_turned_away(
    struct tour *tour, enum walker who, const char *action, json_t *body, int status) {
    json_decref(tour_act(tour, who, action, body, status));
}

/* Korean syllables (U+AC00 to U+D7A3) before `end`, behind which stand the applicant's own words.
 */
static bool has_korean(const char *text, const char *end) {
    const unsigned char *stop = (const unsigned char *)end;
    for (const unsigned char *at = (const unsigned char *)text; *at != 0 && at != stop; at++) {
        if (*at >= 0xea && *at <= 0xed) {
            return true;
        }
    }
    return false;
}

/* Whether a refusal has this source, and words in both languages, each in its own. */
void tour_has_source(json_t *answer, const char *what, const char *source) {
    size_t i = 0;
    json_t *one = NULL;
    bool found = false;
    assert_string_equal(tour_word(answer, "title"), "규칙에 맞지 않습니다");
    json_array_foreach(json_object_get(answer, "refused"), i, one) {
        found = found || strstr(tour_word(one, "source"), source) != NULL;
        assert_true(has_korean(tour_word(one, "ko"), NULL) && tour_word(one, "en")[0] != '\0');
        if (has_korean(tour_word(one, "en"), strstr(tour_word(one, "en"), ": given: "))) {
            fail_msg("%s: Korean in English: %s", what, tour_word(one, "en"));
        }
    }
    if (!found) {
        char *text = json_dumps(json_object_get(answer, "refused"), JSON_COMPACT);
        fail_msg("%s is not refused by %s: %s", what, source, text);
    }
    json_decref(answer);
}

void tour_refused(
    struct tour *tour, enum walker who, const char *action, json_t *body, const char *source) {
    tour_has_source(tour_act(tour, who, action, body, REFUSED), action, source);
}

json_t *tour_look(struct tour *tour) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof target, "/api/v1/cases/%s", tour->number);
    return walk_must(tour->walk, WALK_OFFICER, "GET", target, NULL, 200);
}

json_t *tour_ask_programme(
    struct tour *tour, enum walker who, const char *verb, json_t *body, int status) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof target, "/api/v1/programmes/%s/%s", tour_programme(tour), verb);
    return walk_must(tour->walk, who, "POST", target, body, status);
}

json_t *tour_element(const struct tour *tour, const char *list, const char *id) {
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(json_object_get(tour->document, list), i, one) {
        if (strcmp(tour_word(one, "id"), id) == 0) {
            return one;
        }
    }
    return NULL;
}

/* ---- Documents ---- */

static bool is_needed(const json_t *document, const char *stage) {
    return strcmp(tour_word(document, "stage"), stage) == 0 &&
           !json_object_get(document, "only_if");
}

/* All that a stage needs, issued today, but for one (NULL: none is missing). */
json_t *tour_documents(
    const struct tour *tour, const char *stage, const char *but, const char *old, int32_t issued) {
    json_t *list = json_array();
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(json_object_get(tour->document, "documents"), i, one) {
        const char *id = tour_word(one, "id");
        char day[DAY_TEXT_MAX];
        (void)day_text(old && strcmp(id, old) == 0 ? issued : tour_today(tour), day);
        if (is_needed(one, stage) && !(but && strcmp(id, but) == 0)) {
            json_array_append_new(list, json_pack("{s:s,s:s}", "id", id, "issued", day));
        }
    }
    return list;
}

const json_t *tour_first_needed(const struct tour *tour, const char *stage, bool aged) {
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(json_object_get(tour->document, "documents"), i, one) {
        if (is_needed(one, stage) && (!aged || json_object_get(one, "max_age_months"))) {
            return one;
        }
    }
    return NULL;
}

/* ---- The application ---- */

/* The facts with the ids of this desk's organisations, and other ones over them. */
static json_t *facts(const struct tour *tour, const json_t *more) {
    json_t *all = json_deep_copy(json_object_get(tour->plan, "facts"));
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(json_object_get(all, "consortium"), i, one) {
        if (strcmp(tour_word(one, "organisation"), "$supplier") == 0) {
            json_object_set_new(
                one, "organisation", json_string(tour->walk->organisations[WALK_SUPPLIER]));
        }
    }
    if (more) {
        json_object_update(all, (json_t *)(uintptr_t)more);
    }
    return all;
}

json_t *tour_application(
    const struct tour *tour, const char *but, const char *old, int32_t issued, const json_t *more) {
    json_t *body = json_pack("{s:s,s:s,s:s,s:o,s:o}", "programme", tour_programme(tour), "type",
        tour->type ? tour->type : tour_word(tour->plan, "type"), "name",
        tour->who == WALK_SECOND ? "둘째" : "첫째", "documents",
        tour_documents(tour, "application", but, old, issued), "facts", facts(tour, more));
    json_t *cost = json_object_get(tour->plan, "cost");
    if (cost) {
        json_object_set(body, "cost", cost);
    }
    if (tour->corporation) {
        json_object_set_new(body, "corporation", json_string(tour->corporation));
    }
    return body;
}

json_t *tour_apply(struct tour *tour, enum walker who, json_t *body, int status) {
    return walk_must(tour->walk, who, "POST", "/api/v1/cases", body, status);
}

void tour_open_case(struct tour *tour, enum walker who, const json_t *more) {
    tour->who = who;
    json_t *answer = tour_apply(tour, who, tour_application(tour, NULL, NULL, 0, more), 201);
    (void)str_copy_z(str_of(tour_word(json_object_get(answer, "case"), "number")), tour->number,
        sizeof tour->number);
    json_decref(answer);
}
