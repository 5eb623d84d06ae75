#ifndef TESTS_SERVE_SUPPORT_WALK_H
#define TESTS_SERVE_SUPPORT_WALK_H
/*
 * The people of a programme desk around a server whose clock the test sets: an officer, two
 * companies that apply, their supplier, an evaluator from outside and one of the first company.
 */
#include <jansson.h>

#include "support_server.h"

enum walker {
    WALK_OFFICER, // An admin.
    WALK_FIRST,
    WALK_SECOND,
    WALK_SUPPLIER,
    WALK_JUDGE,
    WALK_INSIDER, // An evaluator who works for the first company.
    WALK_STRANGER,
    WALK_PEOPLE
};

struct walk {
    struct rig rig;
    char cookies[WALK_PEOPLE][RIG_COOKIE_MAX];
    char users[WALK_PEOPLE][40];
    char organisations[WALK_PEOPLE][40];
};

void walk_open(struct walk *walk);
void walk_close(struct walk *walk);
/* What the server takes for now, by Korean clocks: "2023-05-10T10:00". */
void walk_time(struct walk *walk, const char *at);
/* Asks as somebody; the answer as JSON (null where it is none), the caller's. `body` is taken. */
json_t *walk_ask(struct walk *walk, enum walker who, const char *method, const char *target,
    json_t *body, int *ret_status);
/* The same, and the status must be so. */
json_t *walk_must(struct walk *walk, enum walker who, const char *method, const char *target,
    json_t *body, int status);

#endif
