#ifndef SERVE_ROLES_H
#define SERVE_ROLES_H
/*
 * Who may give which role in a plant, for access, invitations and tokens: an owner any, a manager
 * those that work or look (operator, viewer). Pure.
 */
#include "serve/call.h"

/* A role by its name. ERR_INVALID: no role, or one that is not given to a person. */
int role_read(const struct call *call, struct str text, enum role *ret_role, struct err *err);
/* ERR_FORBIDDEN in words when the caller may not give or take this role. */
int role_may_give(const struct call *call, enum role role, struct err *err);
/* "ID plant role", the subject of audit entries about somebody's role. */
enum { ROLE_SUBJECT_MAX = 128 };
struct str role_subject(
    struct str user_id, const struct call *call, enum role role, char to[ROLE_SUBJECT_MAX]);
/* Reads the member "days" between 1 and max. */
struct json_in;
int days_read(const struct json_in *body, int64_t max, int64_t *ret_days, struct err *err);

#endif
