/*
 * A programme's document from outside, and an input for its questions: the first line is the input,
 * the rest the document. Whatever is accepted must be checked and asked without reading past
 * anything, and each answer must be JSON again, with no grant above its cap.
 */
#include <stdint.h>

#include "core/buf.h"
#include "core/check.h"
#include "programme/check.h"
#include "programme/verbs.h"

static int look(void *context, const struct finding *finding, struct err *err) {
    (void)context;
    (void)err;
    AUTO_BUF struct buf words;
    buf_init(&words, 65536);
    msg_render(finding->msg, finding->args, LANG_KO, &words);
    return 0;
}

static void within_cap(const struct json_in *answer, const struct json_in *type) {
    int64_t grant = 0;
    int64_t cap = 0;
    if (json_in_whole(json_in_get(answer, "grant"), &grant)) {
        CHECK(!json_in_whole(json_in_get(type, "cap"), &cap) || json_in_get(type, "fixed") ||
              grant <= cap || cap < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str rest = {.data = (const char *)data, .size = size};
    struct str first = str_cut(&rest, '\n');
    struct programme *programme = NULL;
    AUTO_JSON_IN struct json_in *input = NULL;
    if (rest.data == NULL || programme_parse(rest, &programme, NULL) < 0) {
        return 0;
    }
    (void)programme_check(programme, look, NULL, NULL);
    const struct json_in *types = json_in_get(programme_root(programme), "types");
    if (json_in_parse(first, &input, NULL) >= 0) {
        for (size_t i = 0; verb_at(i); i++) {
            AUTO_BUF struct buf out;
            AUTO_JSON_IN struct json_in *answer = NULL;
            buf_init(&out, 16 << 20);
            struct str type = json_in_text(json_in_get(json_in_at(types, 0), "id"));
            if (verb_ask(verb_at(i), programme, type, input, &out, NULL) >= 0) {
                CHECK(json_in_parse(buf_str(&out), &answer, NULL) == 0);
                within_cap(answer, json_in_at(types, 0));
            }
        }
    }
    programme_free(programme);
    return 0;
}
