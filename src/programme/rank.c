/*
 * The order of applications and who wins a place.
 *
 * One comparison makes a total order: what did not pass stands behind what did, then the printed
 * keys, then the printed ties, at last the id, so that the order never depends on the order in
 * which applications came in. Where an announcement has two readings of "equal" (the option of its
 * discrepancy), `same_score` asks the ties before the time of receipt, `all_keys_equal` after it.
 *
 * Places go down that order. A type's free places stay with it, and of one corporation the first
 * that wins counts; one that wins nothing blocks nothing (C-11). So a worse applicant never takes
 * anything from a better one. Sorting is n log n: 1,000 applications take well under a millisecond.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "programme/day.h"
#include "programme/given.h"
#include "programme/lexicon.h"
#include "programme/points.h"
#include "programme/verbs.h"
#include "programme/words.h"

enum { APPLICATIONS_MAX = 20000, TYPES_MAX = 64, KEYS_MAX = 8, TIES_TOLD_MAX = 200, NONE = -1 };

enum key { KEY_TYPE, KEY_SCORE, KEY_RECEIVED, KEY_WOMEN, KEY_HISTORY, KEY_FIT, KEY_ID, KEY_COUNT };

static const char *const KEY_NAMES[KEY_COUNT] = {
    "type", "score", "received", "women_owned", "history", "fit", "id"};

enum standing { STANDS_PASSED, STANDS_BELOW, STANDS_FAILED, STANDS_UNSCORED };

struct application {
    struct str id;
    const struct json_in *json;
    int64_t values[KEY_COUNT]; // Small is better; KEY_ID stays 0.
    enum standing standing;
    int64_t score; // Hundredths.
    int type;      // Index among the types in their order.
    struct str corporation;
    uint32_t firm; // The same number for the same corporation; 0: none was named.
    const enum key *keys;
    size_t key_count;
};

struct rank {
    const struct programme *programme;
    const struct json_in *selection; // NULL: the announcement states no order.
    const struct json_in *type;      // For those that name none; may be NULL.
    const struct json_in *input;
    struct answer *answer;
    struct application *list;
    size_t count;
    const struct json_in *types[TYPES_MAX];
    int64_t places[TYPES_MAX]; // NONE: not stated.
    size_t type_count;
    enum key keys[KEYS_MAX * 2];
    size_t key_count;
    int64_t mark;
    bool has_mark;
};

static struct str text_of(const struct json_in *element, const char *name) {
    return json_in_text(json_in_get(element, name));
}

/* ---- What the programme says ---- */

static void add_type(struct rank *rank, const struct json_in *type) {
    for (size_t i = 0; i < rank->type_count; i++) {
        if (rank->types[i] == type) {
            return;
        }
    }
    if (type && rank->type_count < TYPES_MAX) {
        rank->types[rank->type_count++] = type;
    }
}

/* Types in the order of selection, then the others as the programme lists them. */
static void read_types(struct rank *rank) {
    const struct json_in *all = json_in_get(programme_root(rank->programme), "types");
    const struct json_in *order = json_in_get(rank->selection, "types");
    for (size_t i = 0; i < json_in_count(order); i++) {
        add_type(rank, list_find(all, json_in_text(json_in_at(order, i))));
    }
    for (size_t i = 0; i < json_in_count(all); i++) {
        add_type(rank, json_in_at(all, i));
    }
}

static bool key_named(struct str name, enum key *ret_key) {
    for (int i = 0; i < KEY_ID; i++) {
        if (str_eq(str_of(KEY_NAMES[i]), name)) {
            *ret_key = (enum key)i;
            return true;
        }
    }
    return false;
}

static void add_keys(
    struct rank *rank, const struct json_in *names, bool after_received, bool before_received) {
    bool seen = false;
    for (size_t i = 0; i < json_in_count(names); i++) {
        enum key key = KEY_ID;
        if (!key_named(json_in_text(json_in_at(names, i)), &key)) {
            continue;
        }
        seen = seen || key == KEY_RECEIVED;
        if ((seen ? after_received : before_received) && rank->key_count < KEYS_MAX * 2 - 1) {
            rank->keys[rank->key_count++] = key;
        }
    }
}

/* The tie option: as chosen with the question, else the default of the programme's discrepancy. */
static int read_tie(struct rank *rank, bool *ret_same_score, struct err *err) {
    struct str id = text_of(rank->selection, "tie_option");
    const struct json_in *discrepancy =
        id.size > 0 ? programme_find(rank->programme, "discrepancies", id) : NULL;
    const struct json_in *option = json_in_get(discrepancy, "option");
    const struct json_in *options = json_in_get(rank->input, "options");
    struct str chosen = text_of(options, "tie");
    if (chosen.size == 0) {
        chosen = json_in_text(json_in_find(options, text_of(option, "name")));
    }
    struct str used = chosen.size > 0 ? chosen : text_of(option, "default");
    if (used.size > 0 && !str_eq(used, STR("all_keys_equal")) && !str_eq(used, STR("same_score"))) {
        return err_set(err, ERR_INVALID, SAY_DESK(RANK_TIE), NO_ARGS);
    }
    *ret_same_score = str_eq(used, STR("same_score"));
    if (discrepancy) {
        answer_discrepancy(rank->answer, id);
        answer_note(rank->answer, STR("tie"), text_of(rank->selection, "src"),
            SAY_DESK(RANK_TIE_USED), ARGS(A_STR(used)));
    }
    return 0;
}

static int read_keys(struct rank *rank, struct err *err) {
    bool same_score = false;
    int status = read_tie(rank, &same_score, err);
    if (status < 0) {
        return status;
    }
    const struct json_in *keys = json_in_get(rank->selection, "keys");
    if (!rank->selection || json_in_kind(keys) != JSON_KIND_LIST) {
        static const enum key USUAL[] = {KEY_SCORE, KEY_RECEIVED};
        memcpy(rank->keys, USUAL, sizeof USUAL);
        rank->key_count = 2;
        answer_note(rank->answer, STR("selection"), STR_NONE, SAY_DESK(RANK_UNSTATED), NO_ARGS);
    } else {
        const struct json_in *ties = json_in_get(rank->selection, "ties");
        add_keys(rank, keys, !same_score, true);
        add_keys(rank, ties, true, true);
        add_keys(rank, keys, same_score, false);
    }
    rank->keys[rank->key_count++] = KEY_ID;
    return 0;
}

static int read_places(struct rank *rank, struct err *err) {
    const struct json_in *wider = json_in_get(rank->input, "slots");
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    for (size_t i = 0; i < rank->type_count; i++) {
        if (!json_in_whole(json_in_get(rank->types[i], "slots"), &rank->places[i])) {
            rank->places[i] = NONE;
        }
    }
    while (json_in_next(wider, &at, &name, &value)) {
        int64_t places = 0;
        size_t i = 0;
        while (i < rank->type_count && !str_eq(text_of(rank->types[i], "id"), name)) {
            i++;
        }
        if (i == rank->type_count || !json_in_whole(value, &places) || places < 0) {
            return err_set(err, ERR_INVALID, SAY_DESK(RANK_SLOTS), NO_ARGS);
        }
        answer_note(rank->answer, STR("slots"), text_of(rank->types[i], "src"),
            SAY_DESK(RANK_WIDENED),
            ARGS(A_STR(name), A_INT(places), A_INT(rank->places[i] < 0 ? 0 : rank->places[i])));
        rank->places[i] = places;
    }
    return 0;
}

/* Places over all types; NONE: not stated. An operator's places stand for it. */
static int64_t quota_of(const struct rank *rank) {
    int64_t quota = NONE;
    if (!json_in_get(rank->input, "slots")) {
        (void)json_in_whole(json_in_get(rank->selection, "quota"), &quota);
    }
    return quota;
}

/* ---- What the applications say ---- */

static int member_err(
    const struct application *one, const char *member, const char *form, struct err *err) {
    return err_set(err, ERR_INVALID, SAY_DESK(RANK_MEMBER),
        ARGS(A_STR(one->id), A_CSTR(member), A_CSTR(form)));
}

static int read_flag(struct application *one, enum key key, struct err *err) {
    const struct json_in *value = json_in_get(one->json, KEY_NAMES[key]);
    bool yes = false;
    double number = 0;
    if (json_in_number(value, &number)) { // How many earlier projects.
        yes = number > 0;
    } else if (json_in_kind(value) == JSON_KIND_LIST) {
        yes = json_in_count(value) > 0;
    } else if (value && !lexicon_yes(value, &yes)) {
        return member_err(one, KEY_NAMES[key], "true | false", err);
    }
    one->values[key] = yes ? 0 : 1;
    return 0;
}

static int read_points(struct application *one, enum key key, bool *ret_given, struct err *err) {
    const struct json_in *value =
        given_any(one->json, key == KEY_SCORE ? "score total" : KEY_NAMES[key]);
    int64_t points = 0;
    if (value && !points_of(value, &points)) {
        return member_err(one, KEY_NAMES[key], "0 ~ 100.00", err);
    }
    *ret_given = value != NULL;
    one->values[key] = value ? -points : INT64_MAX;
    return 0;
}

static int read_type(const struct rank *rank, struct application *one, struct err *err) {
    struct str name = text_of(one->json, "type");
    const struct json_in *type = name.size == 0 && rank->type_count == 1 ? rank->types[0] : NULL;
    type = name.size == 0 && rank->type ? rank->type : type;
    one->type = NONE;
    for (size_t i = 0; i < rank->type_count; i++) {
        bool same = type ? rank->types[i] == type
                         : str_eq(text_of(rank->types[i], "id"), name) ||
                               lexicon_same(text_of(rank->types[i], "ko"), name);
        one->type = same && one->type == NONE ? (int)i : one->type;
    }
    if (one->type == NONE) {
        return err_set(err, ERR_INVALID, SAY_DESK(RANK_TYPE), ARGS(A_STR(one->id), A_STR(name)));
    }
    one->values[KEY_TYPE] = one->type;
    return 0;
}

static bool ranks_by(const struct rank *rank, enum key key) {
    for (size_t i = 0; i < rank->key_count; i++) {
        if (rank->keys[i] == key) {
            return true;
        }
    }
    return false;
}

static int read_standing(
    const struct rank *rank, struct application *one, bool scored, struct err *err) {
    const struct json_in *verdict = json_in_get(one->json, "verdict");
    bool passed = true;
    if (verdict && !lexicon_yes(verdict, &passed)) {
        return member_err(one, "verdict", "적합 | 부적합", err);
    }
    one->score = scored ? -one->values[KEY_SCORE] : 0;
    if (!passed) {
        one->standing = STANDS_FAILED;
    } else if (!scored && (rank->has_mark || ranks_by(rank, KEY_SCORE))) {
        one->standing = verdict && !ranks_by(rank, KEY_SCORE) ? STANDS_PASSED : STANDS_UNSCORED;
    } else if (rank->has_mark && scored && one->score < rank->mark) {
        one->standing = STANDS_BELOW;
    }
    return 0;
}

static int read_application(
    const struct rank *rank, const struct json_in *json, struct application *one, struct err *err) {
    bool scored = false;
    bool fit = false;
    bool has_time = false;
    *one = (struct application){.id = text_of(json, "id"),
        .json = json,
        .keys = rank->keys,
        .key_count = rank->key_count,
        .corporation = str_trim(text_of(json, "corporation"))};
    if (one->id.size == 0) {
        return err_set(err, ERR_INVALID, SAY_DESK(RANK_LIST), ARGS(A_INT(APPLICATIONS_MAX)));
    }
    int status = read_type(rank, one, err);
    status = status < 0 ? status : read_points(one, KEY_SCORE, &scored, err);
    status = status < 0 ? status : read_points(one, KEY_FIT, &fit, err);
    status = status < 0 ? status : read_flag(one, KEY_WOMEN, err);
    status = status < 0 ? status : read_flag(one, KEY_HISTORY, err);
    if (status < 0) {
        return status;
    }
    const struct json_in *received = given_any(json, "received received_at applied_at");
    one->values[KEY_RECEIVED] = INT64_MAX;
    if (received && !moment_parse(json_in_text(received), &one->values[KEY_RECEIVED], &has_time)) {
        return member_err(one, "received", "2023-05-09T10:00", err);
    }
    return read_standing(rank, one, scored, err);
}

/* ---- Order ---- */

static int order_by(const struct application *a, const struct application *b, enum key key) {
    if (key == KEY_ID) {
        return str_cmp(a->id, b->id);
    }
    return (a->values[key] > b->values[key]) - (a->values[key] < b->values[key]);
}

static int compare_standing(const struct application *a, const struct application *b) {
    int first = a->standing == STANDS_PASSED ? 0 : a->standing == STANDS_UNSCORED ? 2 : 1;
    int second = b->standing == STANDS_PASSED ? 0 : b->standing == STANDS_UNSCORED ? 2 : 1;
    return first - second;
}

static int compare(const void *left, const void *right) {
    const struct application *a = left;
    const struct application *b = right;
    int order = compare_standing(a, b);
    for (size_t i = 0; i < a->key_count && order == 0; i++) {
        order = order_by(a, b, a->keys[i]);
    }
    return order;
}

static int compare_ids(const void *left, const void *right) {
    const struct application *const *a = left;
    const struct application *const *b = right;
    return str_cmp((*a)->id, (*b)->id);
}

static int compare_firms(const void *left, const void *right) {
    const struct application *const *a = left;
    const struct application *const *b = right;
    return str_cmp((*a)->corporation, (*b)->corporation);
}

/* Refuses an id that is there twice and numbers the corporations. */
static int read_identities(struct rank *rank, struct err *err) {
    AUTO_FREE struct application **sorted = MEM_ARRAY(struct application *, rank->count);
    for (size_t i = 0; i < rank->count; i++) {
        sorted[i] = &rank->list[i];
    }
    qsort(sorted, rank->count, sizeof sorted[0], compare_ids);
    for (size_t i = 1; i < rank->count; i++) {
        if (str_eq(sorted[i]->id, sorted[i - 1]->id)) {
            return err_set(err, ERR_INVALID, SAY_DESK(RANK_TWICE), ARGS(A_STR(sorted[i]->id)));
        }
    }
    qsort(sorted, rank->count, sizeof sorted[0], compare_firms);
    uint32_t number = 0;
    for (size_t i = 0; i < rank->count; i++) {
        bool same = i > 0 && str_eq(sorted[i]->corporation, sorted[i - 1]->corporation);
        number += !same;
        sorted[i]->firm = sorted[i]->corporation.size > 0 ? number : 0;
    }
    return 0;
}

/* ---- The answer ---- */

static void refuse_standing(const struct rank *rank, const struct application *one) {
    const struct json_in *pass = json_in_get(programme_root(rank->programme), "pass");
    struct str source = text_of(pass, "src");
    char have[POINTS_TEXT_MAX];
    char need[POINTS_TEXT_MAX];
    if (one->standing == STANDS_BELOW) {
        answer_refuse(rank->answer, STR("pass"), source, SAY_DESK(RANK_BELOW),
            ARGS(A_STR(one->id), A_STR(((struct str){have, points_text(one->score, have)})),
                A_STR(((struct str){need, points_text(rank->mark, need)}))));
    } else if (one->standing != STANDS_PASSED) {
        answer_refuse(rank->answer, STR("pass"), source,
            one->standing == STANDS_FAILED ? SAY_DESK(RANK_FAILED) : SAY_DESK(RANK_UNSCORED),
            ARGS(A_STR(one->id)));
    }
}

/* Whether a neighbour pair was decided by a tie: the printed keys before it are all equal. */
static void put_tie(const struct rank *rank, const struct application *a,
    const struct application *b, uint32_t *told) {
    if (a->standing != STANDS_PASSED || b->standing != STANDS_PASSED || *told >= TIES_TOLD_MAX) {
        return;
    }
    size_t at = 0;
    while (at < rank->key_count && order_by(a, b, rank->keys[at]) == 0) {
        at++;
    }
    bool tie = at < rank->key_count && rank->keys[at] > KEY_RECEIVED;
    if (!tie) {
        return;
    }
    struct json *json = &rank->answer->json;
    (*told)++;
    json_object_begin(json);
    json_key(json, "ids");
    json_array_begin(json);
    json_str(json, a->id);
    json_str(json, b->id);
    json_array_end(json);
    json_put_str(json, "by", str_of(KEY_NAMES[rank->keys[at]]));
    json_object_end(json);
    if (rank->keys[at] == KEY_ID) {
        answer_note(rank->answer, STR("equal"), STR_NONE, SAY_DESK(RANK_EQUAL),
            ARGS(A_STR(a->id), A_STR(b->id)));
    }
}

enum place { PLACE_WAITS, PLACE_WON, PLACE_SKIPPED, PLACE_NONE };

/* Hands out the places down the order. */
static void hand_out(struct rank *rank, enum place *result, const struct application **winners) {
    int64_t quota = quota_of(rank);
    int64_t free_places[TYPES_MAX];
    memcpy(free_places, rank->places, sizeof free_places);
    for (size_t i = 0; i < rank->count; i++) {
        const struct application *one = &rank->list[i];
        if (one->standing != STANDS_PASSED) {
            result[i] = PLACE_NONE;
        } else if (one->firm > 0 && winners[one->firm]) {
            result[i] = PLACE_SKIPPED;
        } else if (quota == 0 || free_places[one->type] == 0) {
            result[i] = PLACE_WAITS;
        } else {
            result[i] = PLACE_WON;
            if (one->firm > 0) {
                winners[one->firm] = one;
            }
            quota -= quota > 0;
            free_places[one->type] -= free_places[one->type] > 0;
        }
    }
    // One that found no place waits no longer when its corporation wins further down.
    for (size_t i = 0; i < rank->count; i++) {
        const struct application *one = &rank->list[i];
        if (result[i] == PLACE_WAITS && one->firm > 0 && winners[one->firm]) {
            result[i] = PLACE_SKIPPED;
        }
    }
}

static bool is_reserved_for(const struct json_in *reserve, const struct application *one) {
    return json_in_true(json_in_find(one->json, text_of(reserve, "fact")));
}

/* Places of a type that are kept for some (R-200: ten robot projects of high-risk trades): where
 * fewer of them won, the best of them that wait take the places of the last of the others. */
static void keep_reserve(
    const struct rank *rank, enum place *result, const struct application **winners, int type) {
    const struct json_in *reserve = json_in_get(rank->types[type], "reserve");
    int64_t short_by = 0;
    if (!json_in_whole(json_in_get(reserve, "slots"), &short_by)) {
        return;
    }
    size_t last = rank->count; // Winners at and behind this have been looked at.
    for (size_t i = 0; i < rank->count; i++) {
        const struct application *one = &rank->list[i];
        short_by -= one->type == type && result[i] == PLACE_WON && is_reserved_for(reserve, one);
    }
    for (size_t i = 0; i < rank->count && short_by > 0; i++) {
        const struct application *one = &rank->list[i];
        if (one->type != type || result[i] != PLACE_WAITS || !is_reserved_for(reserve, one)) {
            continue;
        }
        do {
            last--;
        } while (last > 0 && (rank->list[last].type != type || result[last] != PLACE_WON ||
                                 is_reserved_for(reserve, &rank->list[last])));
        const struct application *other = &rank->list[last];
        if (other->type != type || result[last] != PLACE_WON || is_reserved_for(reserve, other) ||
            (one->firm > 0 && winners[one->firm])) {
            return;
        }
        result[last] = PLACE_WAITS;
        result[i] = PLACE_WON;
        winners[other->firm] = other->firm > 0 ? NULL : winners[other->firm];
        winners[one->firm] = one->firm > 0 ? one : winners[one->firm];
        short_by--;
        answer_note(rank->answer, STR("reserve"), text_of(reserve, "src"), SAY_DESK(RANK_RESERVE),
            ARGS(A_STR(one->id), A_STR(other->id)));
    }
}

static void put_selected(const struct rank *rank, const enum place *places) {
    struct json *json = &rank->answer->json;
    bool stated = json_in_get(rank->selection, "quota") != NULL;
    json_key(json, "selected");
    json_object_begin(json);
    for (size_t t = 0; t < rank->type_count; t++) {
        json_key_str(json, text_of(rank->types[t], "id"));
        json_array_begin(json);
        for (size_t i = 0; i < rank->count; i++) {
            if (places[i] == PLACE_WON && rank->list[i].type == (int)t) {
                json_str(json, rank->list[i].id);
            }
        }
        json_array_end(json);
        if (rank->places[t] == NONE && !stated) {
            answer_note(rank->answer, STR("slots"), text_of(rank->types[t], "src"),
                SAY_DESK(RANK_PLACES_UNSTATED), ARGS(A_STR(text_of(rank->types[t], "id"))));
        }
    }
    json_object_end(json);
}

static void put_skipped(
    const struct rank *rank, const enum place *places, const struct application *const *winners) {
    struct json *json = &rank->answer->json;
    json_key(json, "skipped");
    json_array_begin(json);
    for (size_t i = 0; i < rank->count; i++) {
        const struct application *one = &rank->list[i];
        if (places[i] != PLACE_SKIPPED) {
            continue;
        }
        json_object_begin(json);
        json_put_str(json, "id", one->id);
        json_put_str(json, "won_with", winners[one->firm]->id);
        json_object_end(json);
        const struct json_in *rule = programme_find(rank->programme, "rules", STR("one_award"));
        answer_refuse(rank->answer, STR("one_award"), text_of(rule, "src"), SAY_DESK(RANK_SKIPPED),
            ARGS(A_STR(one->id), A_STR(winners[one->firm]->id)));
    }
    json_array_end(json);
}

/* Places in all; NONE: not stated. */
static int64_t places_in_all(const struct rank *rank) {
    int64_t sum = quota_of(rank);
    for (size_t t = 0; sum == NONE && t < rank->type_count; t++) {
        if (rank->places[t] == NONE) {
            return NONE;
        }
    }
    for (size_t t = 0; quota_of(rank) == NONE && t < rank->type_count; t++) {
        sum = (sum == NONE ? 0 : sum) + rank->places[t];
    }
    return sum;
}

/* What the number of applicants sets off. */
static void put_thresholds(const struct rank *rank, size_t won) {
    struct json *json = &rank->answer->json;
    int64_t documents = 0;
    int64_t early = 0;
    int64_t places = places_in_all(rank);
    if (json_in_whole(json_in_get(rank->selection, "document_evaluation_at"), &documents)) {
        json_put_bool(json, "document_evaluation", (int64_t)rank->count >= documents);
    } else {
        json_put_null(json, "document_evaluation");
    }
    if (json_in_whole(json_in_get(rank->selection, "early_selection_at"), &early)) {
        bool first = (int64_t)rank->count >= early;
        json_put_bool(json, "early_selection", first);
        json_put_bool(json, "additional_call", first && (places < 0 || (int64_t)won < places));
    } else {
        json_put_null(json, "early_selection");
        json_put_null(json, "additional_call");
    }
}

static void put_ids(const struct rank *rank, const char *key, const enum place *places) {
    struct json *json = &rank->answer->json;
    json_key(json, key);
    json_array_begin(json);
    for (size_t i = 0; i < rank->count; i++) {
        if (!places || places[i] == PLACE_WAITS) {
            json_str(json, rank->list[i].id);
        }
    }
    json_array_end(json);
}

static void put_rank(struct rank *rank) {
    AUTO_FREE enum place *places = MEM_ARRAY(enum place, rank->count + 1);
    AUTO_FREE const struct application **winners =
        MEM_ARRAY(const struct application *, rank->count + 2);
    struct json *json = &rank->answer->json;
    hand_out(rank, places, winners);
    for (size_t t = 0; t < rank->type_count; t++) {
        keep_reserve(rank, places, winners, (int)t);
    }
    size_t won = 0;
    for (size_t i = 0; i < rank->count; i++) {
        won += places[i] == PLACE_WON;
        refuse_standing(rank, &rank->list[i]);
    }
    put_ids(rank, "order", NULL);
    put_selected(rank, places);
    put_ids(rank, "waiting", places);
    put_thresholds(rank, won);
    uint32_t told = 0;
    json_key(json, "ties");
    json_array_begin(json);
    for (size_t i = 1; i < rank->count; i++) {
        put_tie(rank, &rank->list[i - 1], &rank->list[i], &told);
    }
    json_array_end(json);
    put_skipped(rank, places, winners);
    answer_convention(rank->answer, 11);
}

static int read_applications(struct rank *rank, struct err *err) {
    const struct json_in *list = json_in_get(rank->input, "applications");
    size_t count = json_in_count(list);
    if (json_in_kind(list) != JSON_KIND_LIST || count == 0 || count > APPLICATIONS_MAX) {
        return err_set(err, ERR_INVALID, SAY_DESK(RANK_LIST), ARGS(A_INT(APPLICATIONS_MAX)));
    }
    rank->list = MEM_ARRAY(struct application, count);
    rank->count = count;
    for (size_t i = 0; i < count; i++) {
        int status = read_application(rank, json_in_at(list, i), &rank->list[i], err);
        if (status < 0) {
            return status;
        }
    }
    return read_identities(rank, err);
}

int ask_rank(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err) {
    const struct json_in *root = programme_root(programme);
    struct rank rank = {.programme = programme,
        .type = type,
        .input = input,
        .answer = answer,
        .selection = json_in_get(root, "selection")};
    rank.has_mark = points_of(json_in_get(json_in_get(root, "pass"), "mark"), &rank.mark);
    read_types(&rank);
    int status = read_keys(&rank, err);
    status = status < 0 ? status : read_places(&rank, err);
    status = status < 0 ? status : read_applications(&rank, err);
    if (status == 0) {
        qsort(rank.list, rank.count, sizeof rank.list[0], compare);
        put_rank(&rank);
    }
    mem_free(rank.list);
    return status;
}
