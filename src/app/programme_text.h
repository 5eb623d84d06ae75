#ifndef APP_PROGRAMME_TEXT_H
#define APP_PROGRAMME_TEXT_H
/*
 * A support programme as a summary for people: who, when, what is paid, rules, documents, steps,
 * points, days, claims and contradictions, each with its line of the announcement.
 */
#include "app/command.h"
#include "core/json_in.h"

/* The words of an element in the caller's language; empty: it has none. Belongs to `element`. */
struct str programme_words(const struct call *call, const struct json_in *element);
/* The word for a programme's state; the state itself where there is none. */
void programme_put_state(struct call *call, struct str state);
/* Writes the whole summary of a programme's document to the caller. */
int programme_put_text(struct call *call, const struct json_in *root, struct err *err);

#endif
