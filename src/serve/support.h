#ifndef SERVE_SUPPORT_H
#define SERVE_SUPPORT_H
/*
 * The factory's side of remote support: a visit that an owner approved. A thread asks the
 * supplier's desk for requests, over a connection that it made itself, and answers them from inside
 * (serve/inside.h) as the supporter, with the approved role in one plant, until the end. One visit
 * at a time in a home; it ends with the time, by a word of the factory or the desk, and with the
 * program, and never begins again by itself.
 */
#include "ledger/support.h"
#include "plant/plant.h"
#include "wire/support.h"

struct call;
struct server;
struct support;

enum {
    SUPPORT_MINUTES_MIN = 15,
    SUPPORT_MINUTES_MAX = 480,
    SUPPORT_REQUESTS_PER_S = 20, // Burst SUPPORT_BURST; beyond: 429 without being carried out.
    SUPPORT_BURST = 100,
};

/* Ends what an earlier run left open. */
struct support *support_new(struct server *server);
/* Ends the visit that lasts, if any: `why` as of support_visits.ended_by. Any thread; at once. */
void support_end(struct support *support, const char *why);
void support_free(struct support *support); // Waits for the thread. NULL is allowed.

/* Asks the desk of a link who wants in. The texts live in the arena. ERR_REFUSED, ERR_UNREACHABLE,
 * ERR_TIMEOUT, ERR_FORBIDDEN (certificate, code). */
struct support_offer {
    struct str organisation;
    struct str name;
    struct str factory;
    struct str note;
    int64_t seconds; // So long the code is good.
};
int support_look(struct support *support, const struct support_link *link, struct arena *arena,
    struct support_offer *ret_offer, struct err *err);

/* Spends the code and begins the visit. ERR_CONFLICT: one lasts; else as support_look. */
struct support_approval {
    const struct support_link *link;
    struct str organisation; // As the owner saw them (support_look): others are not approved.
    struct str name;         // Not empty.
    struct str note;
    struct plant *plant;
    enum role role; // Viewer or installer.
    int64_t minutes;
    struct str approved_by; // User id.
};
int support_begin(
    struct support *support, const struct support_approval *approval, struct err *err);
/* The owner ends it. ERR_NOT_FOUND: none lasts in this plant. */
int support_stop(struct support *support, struct plant *plant, struct str user_id, struct err *err);

/* What lasts. False: nothing, or in another plant. */
struct support_facts {
    char id[SUPPORT_VISIT_ID];
    char organisation[260];
    char name[260];
    char desk[SUPPORT_LINK_BYTES];
    enum role role;
    int64_t until_ns;
    bool connected;
    struct err trouble; // Why it is not; ERR_OK: none.
    struct support_counts counts;
};
bool support_now(
    struct support *support, const struct plant *plant, struct support_facts *ret_facts);

/* The member "role" of an approval. ERR_INVALID: not viewer or installer. */
int support_role_read(struct str text, enum role *ret_role, struct err *err);
/* Of the desk: the key of an exchange, before its body is read (api_support_desk.c). */
int support_check_key(struct call *call, struct err *err);

#endif
