#ifndef PROGRAMME_CASES_H
#define PROGRAMME_CASES_H
/*
 * Cases: applications on their way through a programme's steps, kept in the hub. A case is made of
 * events alone: each has an actor, a reason, documents, what the rules answered and its place in
 * the audit chain; what is read fast (the table `cases`) can be made again from them
 * (cases_verify). The rules are those of the programme as it was when the case was opened.
 *
 * All of them run inside ledger_write or ledger_read of the hub; texts live in the caller's arena
 * or buffer. Any thread.
 */
#include "core/json_in.h"
#include "ledger/ledger.h"
#include "programme/programme.h"

struct json;

/* ---- Who ---- */

enum case_role {
    CASE_OFFICER = 1,   // The agency's.
    CASE_EVALUATOR = 2, // Of the cases assigned to them.
    CASE_APPLICANT = 4, // Of their own organisation's cases.
    CASE_SUPPLIER = 8,  // Of cases in whose consortium their organisation stands.
    CASE_AUDITOR = 16,  // Reads all.
    CASE_ROLES_ALL = 31
};
struct case_actor {
    struct str user; // User or token id.
    struct str organisation;
    uint32_t roles; // Bits, in the programme asked about.
    enum lang lang; // In which names stand in errors.
};
const char *case_role_name(uint32_t role); // Of one bit.
bool case_role_of_name(struct str name, uint32_t *ret_role);
/* Roles in a programme; empty: in any. */
int case_roles(struct ledger_tx *tx, struct str user, struct str programme, uint32_t *ret_roles,
    struct err *err);
/* Gives or takes (`given` false). ERR_NOT_FOUND: no such user. */
int case_role_put(struct ledger_tx *tx, struct str user, struct str programme, uint32_t role,
    bool given, struct str by, struct err *err);
/* An object each: user, login, display, organisation, role, given_by, created. */
int case_roles_write(
    struct ledger_tx *tx, struct str programme, struct json *json, struct err *err);

/* ---- Programmes and calls ---- */

struct programme_now {
    struct programme *programme; // The caller's.
    int64_t version;             // 0: as it ships, never used yet.
};
/* The newest version; what ships where the hub has none. ERR_NOT_FOUND. */
int programme_newest(
    struct ledger_tx *tx, struct str id, struct programme_now *ret, struct err *err);
/* That version. */
int programme_at(struct ledger_tx *tx, struct str id, int64_t version,
    struct programme **ret_programme, struct err *err);
/* An agency's own file as the next version. `expected` 0: whatever was there; else ERR_CONFLICT
 * unless it is the newest. */
int programme_put(struct ledger_tx *tx, struct str json, int64_t expected, struct str by,
    int64_t *ret_version, struct err *err);
/* {"id","version","state","call":{...}|null,...}: a line of the list, or the document with it. */
int programme_write(struct ledger_tx *tx, const struct programme_now *now, bool whole,
    struct json *json, struct err *err);
/* Ids of programmes of the hub alone, beyond those that ship. */
int programme_own_each(struct ledger_tx *tx,
    int (*each)(void *context, struct str id, struct err *err), void *context, struct err *err);
/* Opens a call. budget_won < 0: none was given. ERR_CONFLICT: one is open. */
int programme_announce(
    struct ledger_tx *tx, struct str id, int64_t budget_won, struct str by, struct err *err);
int programme_close(
    struct ledger_tx *tx, struct str id, struct str reason, struct str by, struct err *err);

/* ---- Cases ---- */

enum { CASE_LIST_MAX = 200, CASE_LIST_USUAL = 50, CASE_KEY_BYTES = 128, CASE_TEXT_BYTES = 2000 };

struct case_wish {
    struct case_actor actor;
    struct str id;     // Case id or number; of a new case empty.
    struct str action; // Of a new one "apply".
    const struct json_in *input;
    struct str key; // Idempotency-Key; empty: none.
    int64_t now_ns;
    int64_t expected; // Sequence the caller saw; 0: any.
};
struct case_done {
    char id[40];
    int64_t sequence;
    bool again;        // It was told before: nothing was done.
    bool refused;      // By the rules: nothing was done.
    struct buf answer; // JSON: what the rules said. The caller's: init and fini.
};
/* Opens a case or acts on one. `actor.roles` are those of its programme. Refused by the rules is no
 * error. */
int cases_act(
    struct ledger_tx *tx, const struct case_wish *wish, struct case_done *done, struct err *err);
/* Ranks what has reached the selection and awards within places and budget. Writes the ranking's
 * answer; `dry` asks alone. */
struct case_select {
    struct str programme;
    struct case_actor actor;
    struct str reason;
    const struct json_in *input; // options, slots; may be NULL.
    int64_t now_ns;
    bool dry;
};
int cases_select(
    struct ledger_tx *tx, const struct case_select *wish, struct buf *answer, struct err *err);

/* The programme of a case; for rights before acting. ERR_NOT_FOUND. */
int cases_programme(struct ledger_tx *tx, struct str id, struct arena *arena,
    struct str *ret_programme, struct err *err);
/* Whether the actor may see the case at all. */
int cases_may_see(struct ledger_tx *tx, struct str id, const struct case_actor *actor,
    bool *ret_may, struct err *err);
struct case_query {
    const struct case_actor *actor; // Roles are those in any programme.
    struct str programme;           // Empty: any.
    struct str step;
    struct str state;
    struct str due_before; // Local day, excluded.
    struct str q;          // In number or name.
    struct str cursor;
    uint32_t limit;
    bool all; // The actor may see every case of every programme.
};
/* Objects of a list, next due first; the cursor of what follows, or empty. */
int cases_list(struct ledger_tx *tx, const struct case_query *query, struct json *json,
    struct arena *arena, struct str *ret_next, struct err *err);
/* One case, with history and what may be done next. `whole`: with payloads and answers of every
 * event, for an auditor. What the actor may not see is left out. */
struct case_look {
    struct str id;
    const struct case_actor *actor;
    int64_t now_ns;
    bool whole;
};
int cases_write(
    struct ledger_tx *tx, const struct case_look *look, struct json *json, struct err *err);

/* Makes every case again from its events and compares: the row, the digest of each event with the
 * audit chain, amounts. ERR_CORRUPT names the first that does not fit. */
int cases_verify(struct ledger *hub, struct err *err);

#endif
