/*
 * What a mail says, and when. A mail has three parts: what is new with what to do, what is solved,
 * what is left. Nothing left is the mail that all is well again.
 */
#include "upkeep/mail_queue.h"

#include <string.h>

#include "core/clock.h"

enum { BODY_MAX = 60 * 1024 }; // The hub takes 64 KB.

bool noted_has(const struct noted_list *list, const struct noted *one) {
    for (uint32_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].plant, one->plant) == 0 &&
            strcmp(list->items[i].key, one->key) == 0) {
            return true;
        }
    }
    return false;
}

void noted_add(struct noted_list *list, const struct noted *one) {
    if (list->count < NOTED_MAX && !noted_has(list, one)) {
        list->items[list->count++] = *one;
    }
}

static uint32_t count_missing(const struct noted_list *of, const struct noted_list *in) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < of->count; i++) {
        count += noted_has(in, &of->items[i]) ? 0 : 1;
    }
    return count;
}

static void put_item(const struct noted *one, bool with_action, enum lang lang, struct buf *to) {
    AUTO_BUF struct buf plant;
    buf_init(&plant, 256);
    if (one->plant[0] != '\0') {
        msg_render(MSG_MAIL_PLANT, ARGS(A_CSTR(one->plant)), lang, &plant);
    }
    const char *words = one->words[lang][0] != '\0' ? one->words[lang] : one->key;
    msg_render(MSG_MAIL_ITEM, ARGS(A_STR(buf_str(&plant)), A_CSTR(words)), lang, to);
    if (with_action && one->action[lang][0] != '\0') {
        msg_render(MSG_MAIL_ACTION, ARGS(A_CSTR(one->action[lang])), lang, to);
    }
}

/* Those of `of` that are (or are not) in `in`. */
static void put_part(const struct noted_list *of, const struct noted_list *in, bool are,
    enum msg_id head, enum lang lang, struct buf *to) {
    bool any = false;
    for (uint32_t i = 0; i < of->count; i++) {
        if (noted_has(in, &of->items[i]) == are) {
            if (!any) {
                msg_render(head, NO_ARGS, lang, to);
            }
            any = true;
            put_item(&of->items[i], head == MSG_MAIL_PART_NEW, lang, to);
        }
    }
    if (any) {
        buf_put_char(to, '\n');
    }
}

void mail_compose(
    const struct noted_list *before, const struct noted_list *now, struct mail_words *ret_words) {
    for (int i = LANG_KO; i <= LANG_EN; i++) {
        enum lang lang = (enum lang)i;
        struct buf *subject = &ret_words->subject[i];
        struct buf *body = &ret_words->body[i];
        buf_init(subject, 500);
        buf_init(body, BODY_MAX);
        const struct arg *counts = ARGS(A_INT(now->count), A_INT(count_missing(now, before)),
            A_INT(count_missing(before, now)));
        msg_render(
            now->count == 0 ? MSG_MAIL_SUBJECT_WELL : MSG_MAIL_SUBJECT, counts, lang, subject);
        put_part(now, before, false, MSG_MAIL_PART_NEW, lang, body);
        put_part(before, now, false, MSG_MAIL_PART_SOLVED, lang, body);
        put_part(now, before, true, MSG_MAIL_PART_LEFT, lang, body);
        msg_render(MSG_MAIL_END, NO_ARGS, lang, body);
    }
}

void mail_words_fini(struct mail_words *words) {
    for (int lang = LANG_KO; lang <= LANG_EN; lang++) {
        buf_fini(&words->subject[lang]);
        buf_fini(&words->body[lang]);
    }
}

bool mail_is_due(struct mail_pace *pace, bool differs, int64_t mono_ns, int64_t since_last_ns) {
    if (!differs) {
        pace->changed_ns = 0;
        return false;
    }
    if (pace->changed_ns == 0) {
        pace->changed_ns = mono_ns;
    }
    return mono_ns - pace->changed_ns >= (int64_t)MAIL_GROUP_S * NS_PER_S &&
           since_last_ns >= (int64_t)MAIL_GAP_S * NS_PER_S;
}
