#ifndef TESTS_SERVE_SUPPORT_SERVER_H
#define TESTS_SERVE_SUPPORT_SERVER_H
/*
 * A real server on loopback, port 0, over a temporary home with one plant `p1`: three assets, a
 * device that nobody answers, tags of every type, and a second of samples.
 */
#include "plant/home.h"
#include "serve/serve.h"
#include "support_http.h"

struct rig {
    char dir[64];
    struct home *home;
    struct plant *plant;
    struct server *server;
    uint16_t port;
    char owner[SECRET_TEXT_MAX]; // Tokens.
    char viewer[SECRET_TEXT_MAX];
    char operator_[SECRET_TEXT_MAX];
    char auditor[SECRET_TEXT_MAX];
    char installer[SECRET_TEXT_MAX];
    char writer[SECRET_TEXT_MAX]; // Operator, scope write only.
};

/* `limits` NULL: the usual ones, but no rate. */
void rig_open(struct rig *rig, const struct serve_limits *limits, bool demo);
void rig_close(struct rig *rig);
void rig_token(struct rig *rig, enum role role, uint32_t scopes, char secret[SECRET_TEXT_MAX]);
/* A person of the first organisation with this role in every plant (an owner is admin), signed in:
 * "maru_session=...". */
enum { RIG_COOKIE_MAX = 80 };
void rig_person(struct rig *rig, const char *login, enum role role, char cookie[RIG_COOKIE_MAX]);
void rig_link(struct rig *rig, const char *purpose, char secret[SECRET_TEXT_MAX]);
/* Asks with a token (NULL: none). */
void rig_ask(struct rig *rig, const char *method, const char *target, const char *token,
    struct str body, struct answer *ret_answer);
/* GET with the viewer's token; the status must be as said. */
void rig_get(struct rig *rig, const char *target, int status, struct answer *ret_answer);
/* POST /write with the operator's token; must give the status. */
void rig_write(struct rig *rig, const char *lines, int status);
/* Tells an event of production; fails the test when it gives another status. */
struct telling {
    const char *token; // NULL: the operator's.
    const char *key;   // NULL: without one.
    const char *more;  // Lines of headers, each with its end; NULL: none.
    const char *body;
    int status;
};
void rig_tell(struct rig *rig, const struct telling *telling, struct answer *ret_answer);

#endif
