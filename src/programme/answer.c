/*
 * Answers with their notes and refusals. Notes and refusals come up while members are written, so
 * they are collected aside and put behind the members at the end; the same note is told once.
 */
#include "programme/answer.h"

#include "core/check.h"
#include "programme/words.h"

void answer_begin(struct answer *answer, struct buf *out, const struct programme *programme,
    const struct json_in *type) {
    *answer = (struct answer){.out = out, .programme = programme};
    json_init(&answer->json, out);
    buf_init(&answer->notes, ANSWER_BYTES_MAX);
    buf_init(&answer->refused, ANSWER_BYTES_MAX);
    json_object_begin(&answer->json);
    json_put_str(&answer->json, "programme", programme_id(programme));
    if (type) {
        json_put_str(&answer->json, "type", json_in_text(json_in_get(type, "id")));
    }
}

void answer_drop(struct answer *answer) {
    buf_fini(&answer->notes);
    buf_fini(&answer->refused);
}

void answer_end(struct answer *answer) {
    json_key(&answer->json, "notes");
    json_array_begin(&answer->json);
    if (answer->notes.size > 0) {
        json_raw(&answer->json, buf_str(&answer->notes));
    }
    json_array_end(&answer->json);
    json_key(&answer->json, "refused");
    json_array_begin(&answer->json);
    if (answer->refused.size > 0) {
        json_raw(&answer->json, buf_str(&answer->refused));
    }
    json_array_end(&answer->json);
    json_object_end(&answer->json);
    answer_drop(answer);
}

void answer_put_words(struct json *json, enum msg_id msg, const struct arg *args) {
    for (int lang = LANG_KO; lang <= LANG_EN; lang++) {
        AUTO_BUF struct buf words;
        buf_init(&words, ERR_TEXT_MAX * 4);
        msg_render(msg, args, (enum lang)lang, &words);
        json_put_str(json, lang == LANG_KO ? "ko" : "en", buf_str(&words));
    }
}

void answer_put_named(
    struct json *json, const struct json_in *element, enum msg_id msg, const struct arg *args) {
    struct arg own[ERR_ARGS_MAX + 1] = {{0}};
    for (size_t i = 0; i < ERR_ARGS_MAX && args[i].kind != ARG_KIND_NONE; i++) {
        own[i] = args[i];
    }
    struct str ko = json_in_text(json_in_get(element, "ko"));
    struct str en = json_in_text(json_in_get(element, "en"));
    for (int lang = LANG_KO; lang <= LANG_EN; lang++) {
        AUTO_BUF struct buf words;
        buf_init(&words, ERR_TEXT_MAX * 4);
        struct str name = (lang == LANG_KO && ko.size > 0) || en.size == 0 ? ko : en;
        own[0] = name.size > 0 ? A_STR(name) : own[0];
        msg_render(msg, own, (enum lang)lang, &words);
        json_put_str(json, lang == LANG_KO ? "ko" : "en", buf_str(&words));
    }
}

void answer_put_names(struct json *json, const struct json_in *element) {
    struct str ko = json_in_text(json_in_get(element, "ko"));
    struct str en = json_in_text(json_in_get(element, "en"));
    json_put_str(json, "ko", ko.size > 0 ? ko : en);
    json_put_str(json, "en", en.size > 0 ? en : ko);
}

/* Opens an object behind those that `list` holds. */
static struct json item_begin(struct buf *list) {
    if (list->size > 0) {
        buf_put_char(list, ',');
    }
    struct json json;
    json_init(&json, list);
    json_object_begin(&json);
    return json;
}

static struct str source_of(const struct answer *answer, const struct json_in *element) {
    struct str source = json_in_text(json_in_get(element, "src"));
    return source.size > 0 ? source : programme_text(answer->programme, "src");
}

void answer_note(struct answer *answer, struct str id, struct str source, enum msg_id msg,
    const struct arg *args) {
    struct json json = item_begin(&answer->notes);
    json_put_str(&json, "id", id);
    json_put_str(&json, "source", source);
    answer_put_words(&json, msg, args);
    json_object_end(&json);
}

void answer_convention(struct answer *answer, int number) {
    static const enum msg_id WORDS[] = {SAY_DESK(CONVENTION_1), SAY_DESK(CONVENTION_2),
        SAY_DESK(CONVENTION_3), SAY_DESK(CONVENTION_4), SAY_DESK(CONVENTION_5),
        SAY_DESK(CONVENTION_6), SAY_DESK(CONVENTION_7), SAY_DESK(CONVENTION_8),
        SAY_DESK(CONVENTION_9), SAY_DESK(CONVENTION_10), SAY_DESK(CONVENTION_11),
        SAY_DESK(CONVENTION_12), SAY_DESK(CONVENTION_13), SAY_DESK(CONVENTION_14)};
    CHECK(number >= 1 && (size_t)number <= sizeof WORDS / sizeof WORDS[0]);
    uint64_t bit = UINT64_C(1) << number;
    if ((answer->conventions & bit) != 0) {
        return;
    }
    answer->conventions |= bit;
    char id[8] = "C-";
    size_t size = 2 + i64_to_text(number, id + 2);
    answer_note(
        answer, (struct str){id, size}, STR("docs/PROGRAMME.md"), WORDS[number - 1], NO_ARGS);
}

void answer_discrepancy(struct answer *answer, struct str id) {
    const struct json_in *list = json_in_get(programme_root(answer->programme), "discrepancies");
    size_t at = 0;
    while (at < json_in_count(list) &&
           !str_eq(json_in_text(json_in_get(json_in_at(list, at), "id")), id)) {
        at++;
    }
    if (at >= json_in_count(list) || at >= 64 || (answer->told & UINT64_C(1) << at) != 0) {
        return;
    }
    answer->told |= UINT64_C(1) << at;
    const struct json_in *one = json_in_at(list, at);
    struct json json = item_begin(&answer->notes);
    json_put_str(&json, "id", id);
    json_put_str(&json, "source", json_in_text(json_in_get(one, "where")));
    answer_put_names(&json, one);
    for (size_t i = 0; i < 3; i++) {
        const char *name = (const char *const[]){"literal", "default", "option"}[i];
        const struct json_in *part = json_in_get(one, name);
        if (part) {
            json_put_value(&json, name, part);
        }
    }
    json_object_end(&json);
}

static void put_rule(struct json *json, struct str rule, struct str source) {
    json_put_str(json, "rule", rule);
    json_put_str(json, "source", source);
}

void answer_refuse(struct answer *answer, struct str rule, struct str source, enum msg_id msg,
    const struct arg *args) {
    struct json json = item_begin(&answer->refused);
    put_rule(&json, rule, source);
    answer_put_words(&json, msg, args);
    json_object_end(&json);
    answer->refused_count++;
}

void answer_refuse_named(struct answer *answer, const struct json_in *element, struct str source,
    enum msg_id msg, const struct arg *args) {
    struct json json = item_begin(&answer->refused);
    put_rule(&json, json_in_text(json_in_get(element, "id")), source);
    answer_put_named(&json, element, msg, args);
    json_object_end(&json);
    answer->refused_count++;
}

void answer_refuse_said(
    struct answer *answer, struct str rule, struct str source, struct str ko, struct str en) {
    struct json json = item_begin(&answer->refused);
    put_rule(&json, rule, source);
    json_put_str(&json, "ko", ko);
    json_put_str(&json, "en", en);
    json_object_end(&json);
    answer->refused_count++;
}

void answer_refuse_by(struct answer *answer, const struct json_in *rule) {
    struct json json = item_begin(&answer->refused);
    put_rule(&json, json_in_text(json_in_get(rule, "id")), source_of(answer, rule));
    answer_put_names(&json, rule);
    json_object_end(&json);
    answer->refused_count++;
}

void answer_refuse_case(
    struct answer *answer, const struct json_in *rule, enum msg_id msg, const struct arg *args) {
    answer_refuse(
        answer, json_in_text(json_in_get(rule, "id")), source_of(answer, rule), msg, args);
}
