/*
 * Bonus points. Evidence decides: an item that names a document counts only when that is attached,
 * a certificate with a life of its own counts through the same day so many years after its issue
 * (C-5), and each item counts once. What does not count stays in the list with its reason, since
 * the applicant will ask.
 */
#include "programme/bonus.h"

#include "programme/day.h"
#include "programme/given.h"
#include "programme/lexicon.h"
#include "programme/points.h"
#include "programme/words.h"

enum { CLAIMS_MAX = 200 };

struct bonus {
    const struct json_in *json; // The programme's "bonus".
    struct answer *answer;
    struct str applied;
    int64_t sum;
    bool counted[CLAIMS_MAX];
};

static struct str text_of(const struct json_in *element, const char *name) {
    return json_in_text(json_in_get(element, name));
}

static size_t find_item(const struct json_in *items, struct str name) {
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < json_in_count(items) && found == SIZE_MAX; i++) {
        const struct json_in *item = json_in_at(items, i);
        if (str_eq(text_of(item, "id"), name) || lexicon_same(text_of(item, "ko"), name) ||
            lexicon_same(text_of(item, "en"), name)) {
            found = i;
        }
    }
    return found;
}

static void put_claim(struct bonus *bonus, const struct json_in *item, struct str name,
    int64_t points, enum msg_id why, const struct arg *args) {
    struct json *json = &bonus->answer->json;
    struct str source = text_of(item, "src");
    source = source.size > 0 ? source : text_of(bonus->json, "src");
    json_object_begin(json);
    json_put_str(json, "id", name);
    points_put(json, STR("points"), points);
    json_put_str(json, "source", source);
    answer_put_named(json, item, why, args);
    json_object_end(json);
    if (points == 0) {
        if (item) {
            answer_refuse_named(bonus->answer, item, source, why, args);
        } else {
            answer_refuse(bonus->answer, name, source, why, args);
        }
    }
    bonus->sum += points;
}

/* Whether evidence of limited life counts on the day; false: a claim was written with the reason.
 */
static bool is_alive(
    struct bonus *bonus, const struct json_in *item, const struct json_in *claim, struct str name) {
    int64_t years = 0;
    int32_t issued = 0;
    int32_t applied = 0;
    struct str ko = text_of(item, "ko");
    struct str day = json_in_text(given_any(claim, "issued issued_on issued_at date"));
    bool limited =
        json_in_whole(json_in_get(item, "valid_years"), &years) && years >= 0 && years <= 100;
    if (!day_parse(day, &issued) || !day_parse(bonus->applied, &applied)) {
        if (limited) {
            answer_note(bonus->answer, name, text_of(item, "src"), SAY_DESK(BONUS_UNDATED),
                ARGS(A_STR(ko), A_INT(years)));
        }
        return true;
    }
    if (issued > applied) {
        put_claim(bonus, item, name, 0, SAY_DESK(BONUS_AHEAD), ARGS(A_STR(ko), A_STR(day)));
        return false;
    }
    int32_t last = limited ? day_add_months(issued, (int)years * 12) : DAY_NONE;
    if (limited) {
        answer_convention(bonus->answer, 5);
    }
    if (last != DAY_NONE && applied > last) {
        char text[DAY_TEXT_MAX];
        struct str through = {text, day_text(last, text)};
        put_claim(bonus, item, name, 0, SAY_DESK(BONUS_EXPIRED),
            ARGS(A_STR(ko), A_STR(day), A_STR(through)));
        return false;
    }
    return true;
}

static void count_claim(struct bonus *bonus, const struct json_in *claim) {
    const struct json_in *items = json_in_get(bonus->json, "items");
    struct str name = json_in_text(claim);
    name = name.size > 0 ? name : json_in_text(given_any(claim, "id item ko name"));
    size_t found = find_item(items, name);
    const struct json_in *item = found == SIZE_MAX ? NULL : json_in_at(items, found);
    if (!item || found >= CLAIMS_MAX) {
        put_claim(bonus, NULL, name, 0, SAY_DESK(BONUS_UNKNOWN), ARGS(A_STR(name)));
        return;
    }
    struct str ko = text_of(item, "ko");
    name = text_of(item, "id");
    bool attached = false;
    bool said = lexicon_yes(json_in_get(claim, "attached"), &attached);
    bool needs = text_of(item, "document").size > 0;
    if (bonus->counted[found]) {
        put_claim(bonus, item, name, 0, SAY_DESK(BONUS_TWICE), ARGS(A_STR(ko)));
    } else if ((needs || said) && !attached) {
        put_claim(bonus, item, name, 0, SAY_DESK(BONUS_DETACHED), ARGS(A_STR(ko)));
    } else if (is_alive(bonus, item, claim, name)) {
        int64_t points = 0;
        char text[POINTS_TEXT_MAX];
        (void)points_of(json_in_get(item, "points"), &points);
        bonus->counted[found] = true;
        struct str shown = {text, points_text(points, text)};
        put_claim(bonus, item, name, points, SAY_DESK(BONUS_COUNTS), ARGS(A_STR(ko), A_STR(shown)));
    }
}

static void apply_cap(struct bonus *bonus) {
    int64_t cap = 0;
    if (!points_of(json_in_get(bonus->json, "cap"), &cap) || bonus->sum <= cap) {
        return;
    }
    char sum[POINTS_TEXT_MAX];
    char most[POINTS_TEXT_MAX];
    answer_note(bonus->answer, STR("bonus"), text_of(bonus->json, "src"), SAY_DESK(BONUS_CAPPED),
        ARGS(A_STR(((struct str){sum, points_text(bonus->sum, sum)})),
            A_STR(((struct str){most, points_text(cap, most)}))));
    bonus->sum = cap;
}

int bonus_count(const struct programme *programme, const struct json_in *input,
    struct answer *answer, int64_t *ret_hundredths, struct err *err) {
    const struct json_in *root = programme_root(programme);
    const struct json_in *claims = json_in_get(input, "bonus");
    struct bonus bonus = {.json = json_in_get(root, "bonus"),
        .answer = answer,
        .applied = json_in_text(json_in_get(input, "applied_at"))};
    int32_t day = 0;
    int status = day_of_input(input, "applied_at", &day, err);
    if (status < 0) {
        return status;
    }
    enum json_kind kind = json_in_kind(claims);
    if ((kind != JSON_KIND_LIST && kind != JSON_KIND_NONE) || json_in_count(claims) > CLAIMS_MAX) {
        return err_set(err, ERR_INVALID, SAY_DESK(SCORE_SHAPE),
            ARGS(A_CSTR("bonus"), A_CSTR("[{\"id\", \"issued\", \"attached\"}]")));
    }
    json_key(&answer->json, "bonus_items");
    json_array_begin(&answer->json);
    for (size_t i = 0; i < json_in_count(claims); i++) {
        count_claim(&bonus, json_in_at(claims, i));
    }
    json_array_end(&answer->json);
    if (json_in_count(claims) > 0) {
        if (!bonus.json) {
            answer_note(answer, STR("bonus"), STR_NONE, SAY_DESK(BONUS_NONE), NO_ARGS);
        }
        apply_cap(&bonus);
        bool counts = true;
        (void)lexicon_yes(json_in_get(json_in_get(input, "options"), "bonus_counts"), &counts);
        if (counts) {
            answer_convention(answer, 9);
        }
        answer_discrepancy(answer, text_of(json_in_get(root, "pass"), "bonus_note"));
        answer_discrepancy(answer, text_of(bonus.json, "note"));
    }
    *ret_hundredths = bonus.sum;
    return 0;
}
