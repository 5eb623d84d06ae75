#ifndef SERVE_ROUTE_H
#define SERVE_ROUTE_H
/*
 * The route table: what is served, to whom, with which parameters. routes.def is its one source;
 * dispatch, authorisation and OpenAPI read the same rows. Constant; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "ledger/ledger.h"
#include "serve/http.h"

struct call;

/* The least right a route needs; docs/HTTP.md has the table of roles. */
enum right {
    RIGHT_PUBLIC,
    RIGHT_READ,          // Any role, scope read.
    RIGHT_WRITE,         // Operator and above, scope write.
    RIGHT_CONFIGURE,     // Installer or owner, scope write.
    RIGHT_PLAN,          // Manager, installer or owner, scope write: master data and plans.
    RIGHT_AUDIT,         // Auditor or owner, scope read.
    RIGHT_GRANT,         // The owner alone, scope write: letting data leave the plant.
    RIGHT_SELF,          // Whoever signed in; no token.
    RIGHT_PEOPLE,        // Manager or owner who signed in; no token.
    RIGHT_SHARE,         // The owner who signed in; no token: granting tags to others.
    RIGHT_SHARE_LOOK,    // Manager, auditor or owner who signed in; no token.
    RIGHT_ADMIN,         // An admin of the home who signed in; no token.
    RIGHT_HUB_CONFIGURE, // An admin; or an owner's token of the whole folder.
    RIGHT_DESK_LOOK, // Whoever signed in (docs/HTTP.md, Programme desk); or an owner's or auditor's
                     // token of the whole folder.
    RIGHT_DESK,      // The same to act; of tokens an owner's alone, scope write.
    RIGHT_HUB_AUDIT, // An admin; or a token of the whole folder that may audit.
};

enum param_kind {
    PARAM_TEXT,
    PARAM_TIME,     // RFC 3339 or -1h.
    PARAM_DURATION, // 5s, 1m.
    PARAM_COUNT,    // A whole number >= 1.
    PARAM_FLAG,     // 1 or 0.
    PARAM_CHOICE,   // One of `choices`.
};

struct param_spec {
    const char *name; // NULL ends a list.
    enum param_kind kind;
    bool repeated;
    bool required;
    const char *choices; // "json|csv"
    const char *help[2]; // Korean, English (enum lang).
};

enum body_kind { BODY_NONE, BODY_JSON, BODY_LINES, BODY_FILE, BODY_FRAME };
enum answer_kind {
    ANSWER_NONE,
    ANSWER_JSON,
    ANSWER_TEXT,
    ANSWER_EVENTS,
    ANSWER_SAMPLES,
    ANSWER_FILE
};

typedef int (*route_handler)(struct call *call, struct err *err);

struct route {
    const char *id; // "TAGS", the operationId.
    enum http_method method;
    const char *path; // With {plant}, {name}, {id}.
    enum right right;
    route_handler handler;
    const struct param_spec *params;
    enum body_kind body;
    const char *body_schema; // Name in components.schemas, or NULL.
    enum answer_kind answer;
    const char *answer_schema;
    const char *summary[2]; // Korean, English.
};

enum route_index {
#define ROUTE(id, ...) ROUTE_##id,
#include "serve/routes.def"
#undef ROUTE
    ROUTE_COUNT
};

enum { ROUTE_ARGS_MAX = 3 };

struct route_match {
    const struct route *route;       // NULL: none with this method.
    bool path_known;                 // Another method would match.
    struct str args[ROUTE_ARGS_MAX]; // Of {..}, in order; as sent.
    uint32_t arg_count;
};

const struct route *route_at(uint32_t index);
/* Matches a path as sent (percent-encoded) against the table. HEAD matches GET. */
struct route_match route_find(enum http_method method, struct str path);
/* "GET, PUT" for the Allow header; `to` needs 64 bytes. */
void route_allowed(struct str path, char *to);
const char *http_method_name(enum http_method method);
/* Whether a path names a plant: {plant} is its first argument. */
bool route_is_of_plant(const struct route *route);
/* Whether ROLE_GRANTEE may call it: of a plant's routes all others do not exist for them. */
bool route_is_shared(const struct route *route);
/* Whether a role and its scopes suffice for a right in a plant. */
bool right_allows(enum right right, enum role role, uint32_t scopes);
/* Whether the caller, whose role is that in the plant asked about, may call the route. */
bool route_allows(const struct route *route, const struct principal *caller);
const char *right_name(enum right right);

#endif
