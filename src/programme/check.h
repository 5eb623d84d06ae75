#ifndef PROGRAMME_CHECK_H
#define PROGRAMME_CHECK_H
/*
 * Contradictions in a programme's document: what is missing, what refers to nothing, sheets that do
 * not add up, shares over the whole, steps without an actor. Pure; any thread.
 */
#include "programme/programme.h"

struct finding {
    bool is_fault;    // False: worth a look, and the programme can be used as it is.
    struct str where; // "steps[3].by", borrowed for the call.
    enum msg_id msg;
    const struct arg *args;
};

/* Tells each finding; a negative result ends the check. Returns how many faults there are. */
int programme_check(const struct programme *programme,
    int (*tell)(void *context, const struct finding *finding, struct err *err), void *context,
    struct err *err);

#endif
