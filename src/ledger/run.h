#ifndef LEDGER_RUN_H
#define LEDGER_RUN_H
/*
 * Short forms for statements whose parameters are texts, and the rule that a home keeps its admin
 * and a plant its owner. Private to the room.
 */
#include "ledger/db.h"

/* Prepares, binds the texts as ?1, ?2, ... and steps once: 1 with a row in *ret_stmt, 0, negative.
 */
int run_first(struct ledger_tx *tx, const char *sql, const struct str *texts, size_t count,
    struct ledger_stmt **ret_stmt, struct err *err);
/* The same where no row is expected. */
int run_texts(
    struct ledger_tx *tx, const char *sql, const struct str *texts, size_t count, struct err *err);
#define TEXTS(...)                                                                                 \
    (const struct str[]){__VA_ARGS__},                                                             \
        sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)

/* SQL: whether the user `u` may sign in. */
#define ACTIVE_USER                                                                                \
    "(u.disabled = 0 AND NOT EXISTS (SELECT 1 FROM organisations ao"                               \
    " WHERE ao.id = u.organisation_id AND ao.disabled = 1))"

/* SQL: whether a grant of the plant to the organisation stands at the time; three expressions. */
#define GRANT_STANDS(plant, organisation, now)                                                     \
    "EXISTS (SELECT 1 FROM grants gs WHERE gs.plant_id = " plant                                   \
    " AND gs.organisation_id = " organisation " AND gs.revoked_ns IS NULL"                         \
    " AND gs.from_ns <= " now " AND gs.until_ns > " now ")"

/* SQL: the same, or will when its time comes. */
#define GRANT_COMES(plant_is, organisation, now)                                                   \
    "EXISTS (SELECT 1 FROM grants gs WHERE gs.plant_id " plant_is                                  \
    " AND gs.organisation_id = " organisation " AND gs.revoked_ns IS NULL"                         \
    " AND gs.until_ns > " now ")"

/* SQL: how people call whoever a column names by id; what is no person's id stays as it is. */
#define GIVEN_BY(column)                                                                           \
    "coalesce((SELECT CASE WHEN g.display <> '' THEN g.display ELSE g.login END FROM users g"      \
    " WHERE g.id = " column "), " column ")"

/* Plants that have an owner who may sign in and whose access has no end; and such admins. */
struct keepers {
    int64_t owned;
    int64_t admins;
};
int keepers_count(struct ledger_tx *tx, struct keepers *ret_keepers, struct err *err);
/* ERR_CONFLICT when there are fewer plants with an owner than before, or no admin any more. */
int keepers_check(struct ledger_tx *tx, const struct keepers *before, struct err *err);

/* Folds a login name into `to` of 64 bytes; false when it cannot be used. */
bool login_fold(struct str login, char *to);

#endif
