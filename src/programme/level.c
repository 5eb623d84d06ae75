/*
 * Level confirmation. Two scales stand side by side, the built system's (기초, 중간1, 중간2, 고도)
 * and the company's (1 to 5), and neither is derived from the other or from sub-areas: an assessor
 * says what they are, and this says what follows (target met, security needed from level 3 on, how
 * long the certificate holds, which band a score falls into where the confirmation body gave
 * bands).
 */
#include "programme/lexicon.h"
#include "programme/share.h"
#include "programme/term.h"
#include "programme/verbs.h"
#include "programme/words.h"

struct levels {
    struct json_in *data; // share/levels.json.
    const struct json_in *input;
    struct answer *answer;
};

/* The scale's entry that a text or number means; NULL: none. */
static const struct json_in *system_entry(
    const struct levels *levels, const struct json_in *value) {
    const struct json_in *scale = json_in_get(levels->data, "system");
    struct str text = json_in_text(value);
    int64_t number = text.size > 0 ? lexicon_level(text) : 0;
    bool numbered = json_in_whole(value, &number) || number > 0;
    for (size_t i = 0; i < json_in_count(scale); i++) {
        const struct json_in *entry = json_in_at(scale, i);
        int64_t own = 0;
        (void)json_in_whole(json_in_get(entry, "number"), &own);
        const struct json_in *aliases = json_in_get(entry, "aliases"); // 고도화1 is 중간1.
        for (size_t k = 0; k < json_in_count(aliases); k++) {
            if (lexicon_same(text, json_in_text(json_in_at(aliases, k)))) {
                return entry;
            }
        }
        if ((numbered && own == number) ||
            (text.size > 0 && (str_eq(text, json_in_text(json_in_get(entry, "id"))) ||
                                  lexicon_same(text, json_in_text(json_in_get(entry, "ko")))))) {
            return entry;
        }
    }
    return NULL;
}

static int64_t number_of(const struct json_in *entry) {
    int64_t number = -1;
    (void)json_in_whole(json_in_get(entry, "number"), &number);
    return number;
}

static int read_system(const struct levels *levels, const char *name,
    const struct json_in **ret_entry, struct err *err) {
    const struct json_in *value = json_in_get(levels->input, name);
    *ret_entry = value ? system_entry(levels, value) : NULL;
    if (value && !*ret_entry) {
        return err_set(err, ERR_INVALID, SAY_DESK(LEVEL_SYSTEM), ARGS(A_CSTR(name)));
    }
    return 0;
}

static void put_entry(struct json *json, const char *key, const struct json_in *entry) {
    if (!entry) {
        json_put_null(json, key);
        return;
    }
    json_key(json, key);
    json_object_begin(json);
    json_put_str(json, "id", json_in_text(json_in_get(entry, "id")));
    answer_put_names(json, entry);
    json_object_end(json);
}

/* What was found in each sub-area, in the words of the table. */
static int put_areas(const struct levels *levels, struct err *err) {
    struct json *json = &levels->answer->json;
    const struct json_in *given = json_in_get(levels->input, "areas");
    const struct json_in *areas = json_in_get(levels->data, "areas");
    size_t known = 0;
    json_key(json, "areas");
    json_array_begin(json);
    for (size_t i = 0; i < json_in_count(areas); i++) {
        const struct json_in *area = json_in_at(areas, i);
        const struct json_in *value = json_in_find(given, json_in_text(json_in_get(area, "id")));
        value = value ? value : json_in_find(given, json_in_text(json_in_get(area, "ko")));
        const struct json_in *entry = value ? system_entry(levels, value) : NULL;
        if (value && !entry) {
            return err_set(err, ERR_INVALID, SAY_DESK(LEVEL_SYSTEM),
                ARGS(A_STR(json_in_text(json_in_get(area, "id")))));
        }
        known += value != NULL;
        json_object_begin(json);
        json_put_str(json, "id", json_in_text(json_in_get(area, "id")));
        answer_put_names(json, area);
        put_entry(json, "level", entry);
        if (entry) {
            json_key(json, "meaning");
            json_object_begin(json);
            answer_put_names(json,
                json_in_find(json_in_get(area, "levels"), json_in_text(json_in_get(entry, "id"))));
            json_object_end(json);
        }
        json_object_end(json);
    }
    json_array_end(json);
    if (known != json_in_count(given)) {
        return err_set(err, ERR_INVALID, SAY_DESK(LEVEL_AREA), NO_ARGS);
    }
    return 0;
}

/* The band that holds a total score; -1: no bands, or no score. Bands are {level, from}. */
static int put_band(const struct levels *levels, struct err *err) {
    const struct json_in *bands = json_in_get(levels->input, "bands");
    bands = bands ? bands : json_in_get(levels->data, "bands");
    double total = 0;
    double best = -1;
    int64_t band = -1;
    bool scored = json_in_number(json_in_get(levels->input, "total_score"), &total);
    for (size_t i = 0; i < json_in_count(bands) && scored; i++) {
        double from = 0;
        int64_t level = 0;
        if (!json_in_number(json_in_get(json_in_at(bands, i), "from"), &from) ||
            !json_in_whole(json_in_get(json_in_at(bands, i), "level"), &level)) {
            return err_set(err, ERR_INVALID, SAY_DESK(LEVEL_BANDS), NO_ARGS);
        }
        if (total >= from && from > best) {
            best = from;
            band = level;
        }
    }
    struct json *json = &levels->answer->json;
    if (scored) {
        json_put_f64(json, "total_score", total);
    } else {
        json_put_null(json, "total_score");
    }
    if (band >= 0) {
        json_put_i64(json, "band", band);
    } else {
        json_put_null(json, "band");
    }
    if (scored && json_in_count(bands) == 0) {
        answer_note(levels->answer, STR("bands"), STR("share/levels.json"),
            SAY_DESK(LEVEL_NO_BANDS), NO_ARGS);
    }
    return 0;
}

static int put_certificate(const struct levels *levels, struct err *err) {
    int32_t from = DAY_NONE;
    int64_t years = 0;
    int status = day_of_input(levels->input, "confirmed_on", &from, err);
    const struct json_in *rule = json_in_get(levels->data, "certificate");
    (void)json_in_whole(json_in_get(rule, "valid_years"), &years);
    const struct json_in *own = json_in_get(json_in_get(levels->input, "options"), "valid_years");
    if (own && (!json_in_whole(own, &years) || years < 1 || years > 30)) {
        return err_set(err, ERR_INVALID, SAY_DESK(LEVEL_YEARS), NO_ARGS);
    }
    if (status <= 0) {
        return status;
    }
    struct json *json = &levels->answer->json;
    json_put_day(json, "certificate_from", from);
    json_put_day(json, "certificate_until", day_add_months(from, (int)years * 12));
    answer_convention(levels->answer, 5);
    answer_note(levels->answer, STR("certificate"), json_in_text(json_in_get(rule, "src")),
        SAY_DESK(LEVEL_CERTIFICATE), ARGS(A_INT(years)));
    return 0;
}

/* What follows from the two levels: the promise kept, security there. */
static int judge(const struct levels *levels, struct err *err) {
    const struct json_in *system = NULL;
    const struct json_in *target = NULL;
    int64_t company = 0;
    int status = read_system(levels, "system_level", &system, err);
    status = status < 0 ? status : read_system(levels, "target_level", &target, err);
    const struct json_in *given = json_in_get(levels->input, "company_level");
    if (status >= 0 && given && (!json_in_whole(given, &company) || company < 1 || company > 5)) {
        status = err_set(err, ERR_INVALID, SAY_DESK(LEVEL_COMPANY), NO_ARGS);
    }
    if (status < 0) {
        return status;
    }
    struct json *json = &levels->answer->json;
    put_entry(json, "system_level", system);
    if (given) {
        json_put_i64(json, "company_level", company);
    } else {
        json_put_null(json, "company_level");
    }
    if (system && target) {
        json_put_bool(json, "target_met", number_of(system) >= number_of(target));
    } else {
        json_put_null(json, "target_met");
    }
    if (!system && json_in_get(levels->input, "areas")) {
        answer_note(levels->answer, STR("system_level"), STR("share/levels.json"),
            SAY_DESK(LEVEL_NOT_DERIVED), NO_ARGS);
    }
    const struct json_in *rule = json_in_get(levels->data, "security_from");
    const struct json_in *security = json_in_get(levels->input, "security");
    if (system && number_of(system) >= number_of(rule) && security && !json_in_true(security)) {
        answer_refuse(levels->answer, json_in_text(json_in_get(rule, "rule")),
            json_in_text(json_in_get(rule, "src")), SAY_DESK(LEVEL_SECURITY), NO_ARGS);
    }
    return 0;
}

int ask_level(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct err *err) {
    (void)programme;
    (void)type;
    struct levels levels = {.input = input, .answer = answer};
    struct str text = {SHARE_LEVELS.json, SHARE_LEVELS.size_bytes};
    int status = json_in_parse(text, &levels.data, err);
    status = status < 0 ? status : judge(&levels, err);
    status = status < 0 ? status : put_band(&levels, err);
    status = status < 0 ? status : put_certificate(&levels, err);
    status = status < 0 ? status : put_areas(&levels, err);
    json_in_free(levels.data);
    return status < 0 ? status : 0;
}
