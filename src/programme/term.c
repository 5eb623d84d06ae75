/*
 * Terms and extensions. An extension counts from the agreement's date again and never from the old
 * end, because a chain of month ends would drift (31 January + 1 + 1 months is not 31 January + 2).
 */
#include "programme/term.h"

#include "programme/words.h"

void json_put_day(struct json *json, const char *key, int32_t day) {
    if (day == DAY_NONE) {
        json_put_null(json, key);
        return;
    }
    char text[DAY_TEXT_MAX];
    json_put_str(json, key, (struct str){text, day_text(day, text)});
}

void day_step_put(struct buf *derivation, const struct day_step *step) {
    if (!derivation) {
        return;
    }
    if (derivation->size > 0) {
        buf_put_char(derivation, ',');
    }
    struct json json;
    json_init(&json, derivation);
    json_object_begin(&json);
    json_put_str(&json, "id", step->id);
    if (step->from != DAY_NONE) {
        json_put_day(&json, "from", step->from);
    }
    json_put_day(&json, "day", step->day);
    if (step->unrolled != DAY_NONE) {
        json_put_day(&json, "before_days_off", step->unrolled);
    }
    json_put_str(&json, "source", step->source);
    answer_put_words(&json, step->msg, step->args);
    json_object_end(&json);
}

static int64_t whole_of(const struct json_in *object, const char *name, int64_t otherwise) {
    int64_t value = otherwise;
    (void)json_in_whole(json_in_get(object, name), &value);
    return value;
}

/* The type asked about, or the first one where all have the same term. */
static const struct json_in *type_with_term(
    const struct programme *programme, const struct json_in *type) {
    const struct json_in *types = json_in_get(programme_root(programme), "types");
    if (type || json_in_count(types) == 0) {
        return type;
    }
    const struct json_in *first = json_in_at(types, 0);
    const struct json_in *term = json_in_get(first, "term");
    for (size_t i = 1; i < json_in_count(types); i++) {
        const struct json_in *other = json_in_get(json_in_at(types, i), "term");
        if (whole_of(other, "months", 0) != whole_of(term, "months", 0) ||
            whole_of(other, "extension_max", 0) != whole_of(term, "extension_max", 0)) {
            return NULL;
        }
    }
    return first;
}

static int extend(const struct json_in *term, struct str source, const struct json_in *input,
    struct answer *answer, struct buf *derivation, struct term *found, struct err *err) {
    const struct json_in *asked = json_in_get(input, "extension_months");
    size_t count = json_in_kind(asked) == JSON_KIND_LIST ? json_in_count(asked) : asked ? 1 : 0;
    int64_t most = whole_of(term, "extension_max", 0);
    int64_t total = whole_of(term, "total_max", 0);
    if (count > EXTENSIONS_MAX) {
        return err_set(err, ERR_LIMIT, SAY_DESK(TERM_MANY), ARGS(A_INT(EXTENSIONS_MAX)));
    }
    for (size_t i = 0; i < count; i++) {
        int64_t months = 0;
        const struct json_in *one =
            json_in_kind(asked) == JSON_KIND_LIST ? json_in_at(asked, i) : asked;
        one = json_in_kind(one) == JSON_KIND_OBJECT ? json_in_get(one, "months") : one;
        if (json_in_whole(one, &months) && months == 0) {
            continue; // Nothing asked.
        }
        if (!json_in_whole(one, &months) || months < 1 || months > 120) {
            return err_set(err, ERR_INVALID, SAY_DESK(TERM_MONTHS), NO_ARGS);
        }
        int64_t after = found->extended + months;
        if (json_in_true(json_in_get(term, "negotiable"))) {
            answer_note(answer, STR("extension"), source, SAY_DESK(TERM_NEGOTIABLE), NO_ARGS);
        } else if (after > most || (total > 0 && found->months + after > total)) {
            answer_refuse(answer, STR("extension"), source,
                most == 0 ? SAY_DESK(TERM_NO_EXTENSION) : SAY_DESK(TERM_OVER),
                ARGS(A_INT(months), A_INT(found->extended), A_INT(most)));
            continue;
        }
        found->extended = (int)after;
        found->end = day_add_months(found->agreement, found->months + found->extended);
        struct day_step step = {STR("extension"), found->agreement, found->end, DAY_NONE, source,
            SAY_DESK(TERM_EXTENDED), ARGS(A_INT(months), A_INT(found->extended))};
        day_step_put(derivation, &step);
    }
    return 0;
}

int term_of(const struct programme *programme, const struct json_in *type,
    const struct json_in *input, struct answer *answer, struct buf *derivation,
    struct term *ret_term, struct err *err) {
    struct term found = {.agreement = DAY_NONE, .end = DAY_NONE};
    int status = day_of_input(input, "agreement", &found.agreement, err);
    const struct json_in *owner = type_with_term(programme, type);
    const struct json_in *term = json_in_get(owner, "term");
    struct str source = json_in_text(json_in_get(owner, "src"));
    found.months = (int)whole_of(term, "months", 0);
    if (status > 0 && found.months > 0) {
        found.end = day_add_months(found.agreement, found.months);
        struct day_step step = {STR("agreement_end"), found.agreement, found.end, DAY_NONE, source,
            SAY_DESK(TERM_END), ARGS(A_INT(found.months))};
        day_step_put(derivation, &step);
        answer_convention(answer, 5);
        answer_convention(answer, 8);
        if (json_in_true(json_in_get(term, "about"))) {
            answer_note(answer, STR("term"), source, SAY_DESK(TERM_ABOUT), NO_ARGS);
        }
        status = extend(term, source, input, answer, derivation, &found, err);
    } else if (status > 0) {
        answer_note(answer, STR("term"), source, owner ? SAY_DESK(TERM_NONE) : SAY_DESK(TERM_WHICH),
            NO_ARGS);
    }
    if (status < 0) {
        return status;
    }
    *ret_term = found;
    return 0;
}
