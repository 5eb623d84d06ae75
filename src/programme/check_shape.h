#ifndef PROGRAMME_CHECK_SHAPE_H
#define PROGRAMME_CHECK_SHAPE_H
/*
 * The shape of a programme's document: which members an object may have, of which kind, which it
 * needs, and that ids are ids and stand once. Private to the room.
 */
#include "programme/check.h"

#define CHECK_STEP_KINDS                                                                           \
    "announce apply screen visit score select match plan cost agree request pay run check report " \
    "judge level certify settle follow"
#define CHECK_EVENTS                                                                               \
    "agreement agreement_end selection_notice cost_review_result report_filed success_verdict"

/* ERR only from `tell`. */
int check_shape(const struct json_in *root,
    int (*tell)(void *context, const struct finding *finding, struct err *err), void *context,
    struct err *err);

/* Whether a rule's test is one. ERR_INVALID names what is wrong. */
int check_test(const struct json_in *test, struct err *err);

#endif
