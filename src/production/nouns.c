/*
 * The nouns of production and their fields, as tables made from nouns.def.
 */
#include "production/master.h"

#include <string.h>

#include "production/words.h"

#define NOUN(id, name, keys, words)
#define FIELD(noun, name, kind, need, preset, words, more)                                         \
    {NOUN_##noun, {name, FIELD_KIND_##kind, FIELD_##need, preset, SAY(words), more}},
static const struct {
    enum noun_id noun;
    struct field field;
} FIELDS[] = {
#include "production/nouns.def"
};
#undef NOUN
#undef FIELD

enum { FIELD_TOTAL = sizeof FIELDS / sizeof FIELDS[0] };

#define NOUN(id, name, keys, words) [NOUN_##id] = {name, keys, SAY(words)},
#define FIELD(noun, name, kind, need, preset, words, more)
static const struct {
    const char *name;
    uint32_t keys;
    enum msg_id words;
} NOUNS[NOUN_COUNT] = {
#include "production/nouns.def"
};
#undef NOUN
#undef FIELD

const char *noun_name(enum noun_id noun) {
    return NOUNS[noun].name;
}

bool noun_of_name(struct str name, enum noun_id *ret_noun) {
    for (enum noun_id noun = 0; noun < NOUN_COUNT; noun++) {
        if (str_eq(name, str_of(NOUNS[noun].name))) {
            *ret_noun = noun;
            return true;
        }
    }
    return false;
}

enum msg_id noun_words(enum noun_id noun) {
    return NOUNS[noun].words;
}

/* Fields of a noun stand together in the table. */
const struct field *noun_field(enum noun_id noun, uint32_t index) {
    uint32_t at = 0;
    while (at < FIELD_TOTAL && FIELDS[at].noun != noun) {
        at++;
    }
    at += index;
    return at < FIELD_TOTAL && FIELDS[at].noun == noun ? &FIELDS[at].field : NULL;
}

uint32_t noun_field_count(enum noun_id noun) {
    uint32_t count = 0;
    while (noun_field(noun, count) != NULL) {
        count++;
    }
    return count;
}

uint32_t noun_key_count(enum noun_id noun) {
    return NOUNS[noun].keys;
}

static bool is_called(enum msg_id words, enum lang lang, struct str name) {
    AUTO_BUF struct buf text;
    buf_init(&text, 256);
    msg_render(words, NO_ARGS, lang, &text);
    return str_eq_nocase(buf_str(&text), name);
}

int noun_field_of_name(enum noun_id noun, struct str name) {
    const struct field *field = NULL;
    for (uint32_t i = 0; (field = noun_field(noun, i)) != NULL; i++) {
        if (str_eq_nocase(str_of(field->name), name)) {
            return (int)i;
        }
    }
    for (uint32_t i = 0; (field = noun_field(noun, i)) != NULL; i++) {
        if (is_called(field->words, LANG_KO, name) || is_called(field->words, LANG_EN, name)) {
            return (int)i;
        }
    }
    return -1;
}

bool field_is_personal(const struct field *field) {
    return strcmp(field->more, "personal") == 0;
}

enum msg_id choice_words(struct str choice) {
    static const struct {
        const char *name;
        enum msg_id words;
    } CHOICES[] = {
#define CHOICE(name, words) {name, SAY(words)},
#include "production/choices.def"
#undef CHOICE
    };
    for (size_t i = 0; i < sizeof CHOICES / sizeof CHOICES[0]; i++) {
        if (str_eq(choice, str_of(CHOICES[i].name))) {
            return CHOICES[i].words;
        }
    }
    return MSG_NONE;
}
