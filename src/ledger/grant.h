#ifndef LEDGER_GRANT_H
#define LEDGER_GRANT_H
/*
 * Grants: what the people of another organisation may read of a plant. The terms of a grant never
 * change: other terms are another grant. It stands from `from_ns` until `until_ns` unless it is
 * revoked, for every active person of the organisation who has no access of their own there; they
 * then have ROLE_GRANTEE. Which tags are meant, the serving room knows (serve/sight.h).
 *
 * Of the hub. Whoever calls has checked that the caller may. Texts of facts are borrowed for the
 * call of `each`, those of wishes for the call. Runs inside ledger_write or ledger_read; any
 * thread.
 */
#include "ledger/ledger.h"

enum {
    GRANT_PATTERNS_MAX = 32,    // Of one grant.
    GRANT_PURPOSE_BYTES = 1024, // Refused beyond.
    GRANT_YEARS_MAX = 3,        // From now to its end; refused beyond.
    GRANTS_OF_ONE_MAX = 16,     // That stand or wait, of a plant to one organisation;
    GRANTS_OF_PLANT_MAX = 1000, // and of a plant in all, with those that ended. Refused beyond.
    GRANT_STEP_S_MAX = 86400,
};

struct grant {
    struct str id;
    struct str plant;
    struct str organisation_id;
    struct str organisation_name;
    struct str organisation_kind;
    struct str tags; // Names and patterns in which * stands for any letters, blanks between.
    struct str purpose;
    bool hide_names; // Pseudonyms instead of names.
    int64_t step_s;  // 0: every value; else averages of so many seconds, grant_step_good.
    int64_t from_ns; // Nothing older is given.
    int64_t until_ns;
    struct str given_by; // Of wishes a user's id; of facts as people call them.
    int64_t created_ns;
    int64_t revoked_ns; // 0: not revoked.
    struct str revoked_by;
};

/* Whether averages of so many seconds can be given: 10, 60, 600, 3600 or 86400. Each divides the
 * next, so that no two answers can be subtracted to find a shorter one. */
bool grant_step_good(int64_t step_s);
/* id, names, created and revoked are not read. Links that set a password of the organisation's
 * people anew open nothing any more. ERR_INVALID, ERR_RANGE, ERR_LIMIT; ERR_NOT_FOUND: no
 * such organisation. */
int grant_new(struct ledger_tx *tx, const struct grant *grant, char ret_id[40], struct err *err);
/* ERR_NOT_FOUND: none of this plant; ERR_CONFLICT: it has ended already. */
int grant_revoke(
    struct ledger_tx *tx, struct str plant, struct str id, struct str actor, struct err *err);
/* All that stand or wait; for a restored home. */
int grant_revoke_all(struct ledger_tx *tx, struct str actor, uint64_t *ret_count, struct err *err);

typedef int (*grant_fn)(void *context, const struct grant *grant, struct err *err);
/* Of a plant, newest first, also those that ended. */
int grant_each(
    struct ledger_tx *tx, struct str plant, grant_fn each, void *context, struct err *err);
/* Of a plant to one organisation, that stand or wait, oldest first. */
int grant_each_to(struct ledger_tx *tx, struct str plant, struct str organisation_id, grant_fn each,
    void *context, struct err *err);
/* When the last one that stands ends; 0: none stands. */
int grant_until(struct ledger_tx *tx, struct str plant, struct str organisation_id,
    int64_t *ret_until_ns, struct err *err);
/* Whether one stands. */
int grant_stands(struct ledger_tx *tx, struct str plant, struct str organisation_id,
    bool *ret_stands, struct err *err);

#endif
