#ifndef PRODUCTION_RULES_H
#define PRODUCTION_RULES_H
/*
 * Rules of a plant that people change by events (stock.rules, inspection.rules, care.rules): where
 * each is kept among the plant's settings, and what holds until somebody changed it.
 */
#include "ledger/ledger.h"

struct event;
struct rule {
    const char *type;   // Of the event.
    const char *member; // Of the event, too.
    const char *setting;
    const char *preset;
};
const struct rule *rule_of(struct str type, struct str member); // NULL: it is none. Pure.
/* What holds now; in the arena. */
struct str rule_get(struct ledger_tx *tx, const struct rule *rule, struct arena *arena);
/* For handlers: changes the rules that the event names, and answers what holds of all of its. */
int rules_tell(struct event *event, struct err *err);

#endif
