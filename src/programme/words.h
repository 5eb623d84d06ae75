#ifndef PROGRAMME_WORDS_H
#define PROGRAMME_WORDS_H
/*
 * Ids of the sentences of this room (core/words/programme.def): SAY_DESK(ID). They stand in
 * apart.def behind those of production, which are counted here to know where ours begin.
 */
#include "core/err.h"

enum programme_words {
#define MSG(id, en, ko) BEFORE_##id,
#include "core/words/production.def"
#undef MSG
#define MSG(id, en, ko) DESK_##id,
#include "core/words/programme.def"
#undef MSG
};

#define SAY_DESK(id) ((enum msg_id)((int)MSG_APART + (int)DESK_##id))

#endif
