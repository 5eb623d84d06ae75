#ifndef PRODUCTION_WORDS_H
#define PRODUCTION_WORDS_H
/*
 * Ids of the sentences of this room (core/words/production.def), behind those of err.h: SAY(ID).
 */
#include "core/err.h"

enum production_words {
#define MSG(id, en, ko) WORDS_##id,
#include "core/words/production.def"
#undef MSG
};

#define SAY(id) ((enum msg_id)((int)MSG_APART + (int)WORDS_##id))

#endif
