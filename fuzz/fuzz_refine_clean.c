/*
 * Cleaning steps, patterns and de-identification from outside: three lines, the rule, the pattern
 * or method, and the text. Whatever bytes come, results stay inside their buffers, a found place
 * lies inside the text and fits again, and masked texts have as many characters as before.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "core/limits.h"
#include "refine/clean.h"
#include "refine/deident.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hash(
    const uint8_t key[DEIDENT_KEY_BYTES], struct str value, uint8_t ret_hash[DEIDENT_HASH_BYTES]) {
    memset(ret_hash, (int)(value.size & 255) ^ key[0], DEIDENT_HASH_BYTES);
}

static void hide(struct str line, struct str text) {
    static const struct deident_key KEY = {.bytes = {7}, .hash = hash};
    struct deident_rule rule;
    char to[LIMIT_TEXT_VALUE_BYTES];
    char written[64];
    if (deident_parse(line, &rule, NULL) < 0) {
        return;
    }
    struct deident_rule again;
    CHECK(deident_parse(deident_text(&rule, written), &again, NULL) == 0);
    CHECK(again.method == rule.method && again.k == rule.k);
    struct deident_value value = {.type = TYPE_TEXT, .text = text};
    enum deident_result result = deident_apply(&rule, &KEY, &value, to);
    CHECK(value.text.size <= LIMIT_TEXT_VALUE_BYTES);
    CHECK(result != DEIDENT_DROPPED || value.text.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str rest = {(const char *)data, size};
    struct str steps = str_cut(&rest, '\n');
    struct str pattern = str_cut(&rest, '\n');
    struct str text = str_slice(rest, 0, LIMIT_TEXT_VALUE_BYTES);
    struct clean_rule rule;
    struct err err = ERR_INIT;
    char to[LIMIT_TEXT_VALUE_BYTES];
    if (text.data == NULL) {
        text = STR_NONE;
    }
    if (clean_parse(steps, &rule, &err) == 0) {
        struct str cleaned = STR_NONE;
        if (clean_apply(&rule, text, to, &cleaned)) {
            CHECK(cleaned.size <= LIMIT_TEXT_VALUE_BYTES);
        }
    } else {
        CHECK(err.note_count > 0);
    }
    struct str found = STR_NONE;
    if (extract_check(pattern, NULL) == 0 && extract_find(pattern, text, &found)) {
        CHECK(found.data >= text.data && found.data + found.size <= text.data + text.size);
        struct str again = STR_NONE;
        CHECK(extract_find(pattern, found, &again) && again.data == found.data);
    }
    hide(pattern, text);
    return 0;
}
