#ifndef PROGRAMME_LEXICON_H
#define PROGRAMME_LEXICON_H
/*
 * Words that people write for the same thing: roles, levels, sizes, states of earlier projects, yes
 * and no. An application says 도입기업 or adopter, 중간1 or "level 3"; a rule means both. Private
 * to the room; pure; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/json_in.h"

/* The one word for a role or a state of a project ("adopter", "finished"); empty: no such word. */
struct str lexicon_role(struct str text);  // Also where more stands behind it: "공급기업 1".
struct str lexicon_state(struct str text); // running, finished, selected, stopped
/* Sizes as bits, so that 중소기업 holds 소기업 and 중기업; 0: no word for a size. */
uint32_t lexicon_sizes(struct str text);
/* 기초 1, 중간1 3, 중간2 4, 고도 5, "level 3" 3; 0: no level. */
int lexicon_level(struct str text);

/* Equal but for case, blanks, `_` and `-`, or two words for one thing. */
bool lexicon_same(struct str a, struct str b);
bool lexicon_contains(struct str text, struct str part); // But for case; never an empty part.
/* Whether a word of the address is one of the names, alone or with 도, 시, 구, 군 and the like:
 * 부평 holds for "인천 부평구 1", 경기 not for "대구 경기장로 1". */
bool lexicon_in_region(struct str address, const struct json_in *names);
/* A number, a text that is one, or a level's number. */
bool lexicon_number(const struct json_in *value, double *ret_number);
/* true and false, and words for them (예, 없음, linked). */
bool lexicon_yes(const struct json_in *value, bool *ret_yes);

#endif
