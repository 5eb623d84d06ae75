/*
 * The nouns of production and their fields, as tables made from nouns.def.
 */
#include "production/master.h"

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
