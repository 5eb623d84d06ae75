/*
 * The input of a question in one form.
 *
 * The rules are data and ask facts by one name. What people send says the same in several ways:
 * "until", "to" or "ended" of an earlier project; a consortium as a list of roles. The input is
 * written anew once with the usual names, so that no rule needs to know the others; where the usual
 * name is there as well, it wins. A text is written and read again rather than a tree changed,
 * because trees of core/json_in.h are never changed.
 */
#include "programme/given.h"

#include "core/buf.h"
#include "core/json.h"
#include "programme/day.h"
#include "programme/lexicon.h"
#include "programme/words.h"

struct other_name {
    const char *usual;
    const char *others;
};

static const struct other_name TOP[] = {
    {"applied_at", "application_date applied_on submitted_at applied 신청일"},
    {"factory", "factory_address factories plant 공장"},
    {"head_office", "headquarters headquarter 본사"}, {"company_size", "size 기업규모"},
    {"target_level", "level_target 목표수준"}, {"consortium", "parties members"},
    {"past", "past_projects past_awards"},
    {"intensive_as_ended", "intensive_as_end intensive_as_ends intensive_as_until"},
    {"security", "security_solution security_linked"},
    {"built", "smart_factory has_smart_factory 기구축"}, {NULL, NULL}};
static const struct other_name PARTY[] = {
    {"founded", "established founded_on established_on 설립일"}, {NULL, NULL}};
static const struct other_name PAST[] = {{"programme", "program id name programme_id 사업"},
    {"type", "support_type kind"}, {"from", "start starts started since agreement agreed"},
    {"until", "to end ends ended completed_at finished_at"}, {"status", "state result verdict"},
    {"count", "sessions times"}, {NULL, NULL}};

const struct json_in *given_any(const struct json_in *object, const char *names) {
    struct str rest = str_of(names);
    while (rest.data != NULL) {
        const struct json_in *found = json_in_find(object, str_cut(&rest, ' '));
        if (found) {
            return found;
        }
    }
    return NULL;
}

static bool is_named(const char *names, struct str name) {
    struct str rest = str_of(names);
    while (rest.data != NULL) {
        if (str_eq(str_cut(&rest, ' '), name)) {
            return true;
        }
    }
    return false;
}

/* {"built": false, "linked": true}: one of them is enough. 0: no, 1: yes, -1: cannot be told. */
static int any_yes(const struct json_in *object) {
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    int result = -1;
    while (json_in_next(object, &at, &name, &value)) {
        bool yes = false;
        if (lexicon_yes(value, &yes)) {
            result = yes || result == 1 ? 1 : 0;
        }
    }
    return result;
}

static void put_member(struct json *json, struct str name, const struct json_in *value) {
    bool is_security = str_eq(name, STR("security")) && json_in_kind(value) == JSON_KIND_OBJECT;
    if (is_security && any_yes(value) >= 0) {
        json_put_bool(json, "security", any_yes(value) == 1);
    } else {
        json_key_str(json, name);
        json_value(json, value);
    }
}

/* Whether the member gives way: its usual name is there, or an earlier one for the same. */
static bool gives_way(
    const struct other_name *table, const struct json_in *object, struct str name) {
    for (; table->usual; table++) {
        if (is_named(table->others, name)) {
            const struct json_in *usual = json_in_get(object, table->usual);
            return usual || given_any(object, table->others) != json_in_find(object, name);
        }
    }
    return false;
}

static struct str usual_name(const struct other_name *table, struct str name) {
    for (; table->usual; table++) {
        if (is_named(table->others, name)) {
            return str_of(table->usual);
        }
    }
    return name;
}

/* ---- Earlier projects ---- */

static int64_t year_of_text(struct str text) {
    for (size_t i = 0; i + 4 <= text.size; i++) {
        int64_t year = 0;
        bool alone = (i == 0 || text.data[i - 1] < '0' || text.data[i - 1] > '9') &&
                     (i + 4 == text.size || text.data[i + 4] < '0' || text.data[i + 4] > '9');
        if (alone && str_to_i64(str_slice(text, i, i + 4), &year) && year >= 1990 && year <= 2199) {
            return year;
        }
    }
    return 0;
}

static bool year_of_number(const struct json_in *value, int64_t *ret_year) {
    return json_in_whole(value, ret_year) && *ret_year >= 1990 && *ret_year <= 2199;
}

/* The year of the selection: as said, else of the dates, else the one in the programme's id. */
static int64_t past_year(const struct json_in *past) {
    int64_t year = 0;
    double number = 0;
    if (lexicon_number(given_any(past, "year selected_year"), &number)) {
        return (int64_t)number;
    }
    if (year_of_number(json_in_get(past, "selected"), &year)) {
        return year;
    }
    static const char *const PLACES[] = {"selected selected_at selected_on",
        "from start starts started since agreement agreed",
        "programme program id name programme_id",
        "until to end ends ended finished finished_at completed_at"};
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        year = year_of_text(json_in_text(given_any(past, PLACES[i])));
        if (year > 0) {
            return year;
        }
    }
    return 0;
}

/* `finished` may be true, a date, or how many times. */
static void put_finished(struct json *json, const struct json_in *past, struct str state) {
    const struct json_in *finished = given_any(past, "finished completed done");
    int64_t count = 0;
    int32_t day = 0;
    bool yes = false;
    if (json_in_whole(finished, &count)) {
        json_put_bool(json, "finished", count > 0);
        if (!given_any(past, "count sessions times")) {
            json_put_i64(json, "count", count);
        }
    } else if (day_parse(json_in_text(finished), &day)) {
        json_put_bool(json, "finished", true);
        if (!given_any(past, "until to end ends ended completed_at finished_at")) {
            json_put_str(json, "until", json_in_text(finished));
        }
    } else if (lexicon_yes(finished, &yes)) {
        json_put_bool(json, "finished", yes);
    } else if (state.size > 0 && !str_eq(state, STR("selected"))) {
        json_put_bool(json, "finished", str_eq(state, STR("finished")));
    }
}

static void put_past_object(struct json *json, const struct json_in *past) {
    struct str state = lexicon_state(json_in_text(given_any(past, "status state result verdict")));
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (json_in_next(past, &at, &name, &value)) {
        bool own = is_named("year selected_year selected finished completed done running", name);
        if (own || json_in_kind(value) == JSON_KIND_NONE || gives_way(PAST, past, name)) {
            continue;
        }
        struct str usual = usual_name(PAST, name);
        if (str_eq(usual, STR("status")) && state.size > 0) {
            json_put_str(json, "status", state);
        } else {
            put_member(json, usual, value);
        }
    }
    int64_t year = past_year(past);
    if (year > 0) {
        json_put_i64(json, "year", year);
    }
    bool selected = false;
    if (lexicon_yes(json_in_get(past, "selected"), &selected)) {
        json_put_bool(json, "selected", selected);
    } else if (json_in_get(past, "selected") || state.size > 0) {
        json_put_bool(json, "selected", !str_eq(state, STR("rejected")));
    }
    put_finished(json, past, state);
    bool running = false;
    if (lexicon_yes(json_in_get(past, "running"), &running) || state.size > 0) {
        json_put_bool(json, "running", running || str_eq(state, STR("running")));
    }
}

static void put_past(struct json *json, const struct json_in *past) {
    if (json_in_kind(past) == JSON_KIND_LIST || json_in_kind(past) == JSON_KIND_NONE) {
        return;
    }
    json_object_begin(json);
    int64_t year = 0;
    if (json_in_kind(past) == JSON_KIND_OBJECT) {
        put_past_object(json, past);
    } else if (year_of_number(past, &year)) {
        json_put_i64(json, "year", year);
    } else if (json_in_text(past).size > 0) {
        bool is_year = str_to_i64(json_in_text(past), &year);
        year = year_of_text(json_in_text(past));
        if (!is_year) {
            json_put_str(json, "programme", json_in_text(past));
        }
        if (year > 0) {
            json_put_i64(json, "year", year);
        }
    }
    json_object_end(json);
}

/* ---- Parties ---- */

static void put_party(struct json *json, const struct json_in *party) {
    if (json_in_kind(party) == JSON_KIND_OBJECT) {
        json_object_begin(json);
        size_t at = 0;
        struct str name = STR_NONE;
        const struct json_in *value = NULL;
        while (json_in_next(party, &at, &name, &value)) {
            struct str role = lexicon_role(json_in_text(value));
            if (str_eq(name, STR("role")) && role.size > 0) {
                json_put_str(json, "role", role);
            } else if (!gives_way(PARTY, party, name)) {
                put_member(json, usual_name(PARTY, name), value);
            }
        }
        json_object_end(json);
    } else if (json_in_kind(party) == JSON_KIND_TEXT) {
        struct str role = lexicon_role(json_in_text(party));
        json_object_begin(json);
        json_put_str(
            json, role.size > 0 ? "role" : "name", role.size > 0 ? role : json_in_text(party));
        json_object_end(json);
    }
}

/* {"adopters": 3, "suppliers": 1} */
static void put_party_counts(struct json *json, const struct json_in *counts) {
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (json_in_next(counts, &at, &name, &value)) {
        struct str role = lexicon_role(name);
        int64_t count = 0;
        if (role.size > 0 && json_in_whole(value, &count) && count >= 0) {
            json_object_begin(json);
            json_put_str(json, "role", role);
            json_put_i64(json, "count", count);
            json_object_end(json);
        }
    }
}

static void put_list(struct json *json, const struct json_in *value,
    void (*put)(struct json *json, const struct json_in *element)) {
    json_array_begin(json);
    if (json_in_kind(value) == JSON_KIND_LIST) {
        for (size_t i = 0; i < json_in_count(value); i++) {
            put(json, json_in_at(value, i));
        }
    } else if (put == put_party && json_in_kind(value) == JSON_KIND_OBJECT) {
        put_party_counts(json, value);
    } else {
        put(json, value);
    }
    json_array_end(json);
}

static bool at_top(const struct json_in *input, struct str usual) {
    for (const struct other_name *one = TOP; one->usual; one++) {
        if (str_eq(str_of(one->usual), usual) && given_any(input, one->others)) {
            return true;
        }
    }
    return json_in_find(input, usual) != NULL;
}

/* Facts that stand in an object "adopter" are the adopter's, which stand at the top. */
static void put_adopter(struct json *json, const struct json_in *input) {
    const struct json_in *adopter = json_in_get(input, "adopter");
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (json_in_next(adopter, &at, &name, &value)) {
        struct str usual = usual_name(TOP, name);
        bool list = str_eq(usual, STR("consortium")) || str_eq(usual, STR("past"));
        if (json_in_kind(value) != JSON_KIND_NONE && !list && !at_top(input, usual) &&
            !gives_way(TOP, adopter, name)) {
            put_member(json, usual, value);
        }
    }
}

int given_make(const struct json_in *input, struct json_in **ret_given, struct err *err) {
    if (json_in_kind(input) != JSON_KIND_OBJECT) {
        return err_set(err, ERR_INVALID, SAY_DESK(GIVEN_OBJECT), NO_ARGS);
    }
    AUTO_BUF struct buf text;
    buf_init(&text, GIVEN_BYTES_MAX);
    struct json json;
    json_init(&json, &text);
    json_object_begin(&json);
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (json_in_next(input, &at, &name, &value)) {
        struct str usual = usual_name(TOP, name);
        if (gives_way(TOP, input, name) || json_in_kind(value) == JSON_KIND_NONE) {
            continue;
        }
        bool parties = str_eq(usual, STR("consortium"));
        if (parties || str_eq(usual, STR("past"))) {
            json_key(&json, parties ? "consortium" : "past");
            put_list(&json, value, parties ? put_party : put_past);
        } else {
            put_member(&json, usual, value);
        }
    }
    put_adopter(&json, input);
    json_object_end(&json);
    if (text.overflow) {
        return err_set(err, ERR_LIMIT, SAY_DESK(GIVEN_SIZE), ARGS(A_INT(GIVEN_BYTES_MAX)));
    }
    return json_in_parse(buf_str(&text), ret_given, err);
}
