#ifndef PRODUCTION_MAINTAIN_H
#define PRODUCTION_MAINTAIN_H
/*
 * Care of machines and moulds: when it is due, by the calendar, by running hours or by shots; and
 * what stands of moulds, repairs, breakdowns and spare parts. care_next_day and care_due_of are
 * pure. The others: inside ledger_read (or a handler's transaction); they write items of JSON into
 * an array that the caller has opened.
 */
#include "core/json.h"
#include "core/time.h"
#include "ledger/ledger.h"

enum care_basis { CARE_DAYS, CARE_WEEKS, CARE_MONTHS, CARE_HOURS, CARE_SHOTS };
enum care_state { CARE_OK, CARE_SOON, CARE_DUE, CARE_LATE };

/* Every so many days, weeks, months, running hours or shots. The tolerance is in the same, of weeks
 * and months in days: within it before the day it is due soon, beyond it behind the day it is late.
 */
struct care_rule {
    enum care_basis basis;
    int64_t every; // 1 to CARE_EVERY_MAX.
    int64_t tolerance;
};
enum { CARE_EVERY_MAX = 100000000 };
#define CARE_NEVER INT64_MIN

/* By the calendar: the day on which it is due, from the day on which it was done. A month later is
 * the same day of that month, or its last one. Days since 1970-01-01. */
int64_t care_next_day(const struct care_rule *rule, int64_t last_day);

struct care_due {
    enum care_state state;
    int64_t day;  // By the calendar: when it is due.
    int64_t used; // Since it was done: days, seconds of running, or shots.
    int64_t left; // In the same; below 0: so much too late.
};
/* `last_day`: when it was done, CARE_NEVER: never, which by the calendar is due today. `used`:
 * seconds of running or shots since; of the calendar's it is not looked at. */
void care_due_of(const struct care_rule *rule, int64_t last_day, int64_t used, int64_t today,
    struct care_due *ret_due);
const char *care_state_name(enum care_state state); // "ok", "soon", "due", "late"
const char *care_basis_name(enum care_basis basis); // "days", ...

struct care_plan {
    int64_t number; // Of care_plans; 0: the care by shots of the mould itself.
    struct str code;
    struct str name;
    int64_t machine; // 0: it is a mould's.
    int64_t mould;
    struct care_rule rule;
    int64_t last_ns; // When it was done; 0: never.
    struct care_due due;
};
enum { CARE_PLANS_MAX = 4096 };
struct care_ask {
    const struct zone *zone;
    int64_t now_ns;
    int64_t mould; // Of this one alone; 0: all.
};
/* Plans in use, in the order of their numbers, then the moulds' own. Count, in the arena. */
int care_plans_load(struct ledger_tx *tx, const struct care_ask *ask, struct arena *arena,
    struct care_plan **ret_plans, struct err *err);
/* Shots of a mould in [from, to) (INT64_MIN: all, with those made before it was counted here).
 * Counts belong to the minute in which they were told: of a run that reaches over an edge from the
 * first whole one on. */
int mould_shots(struct ledger_tx *tx, int64_t mould, int64_t from_ns, int64_t to_ns,
    int64_t *ret_shots, struct err *err);
/* How long a machine ran in [from, to), as far as it is told. */
int machine_run_ns(struct ledger_tx *tx, int64_t machine, int64_t from_ns, int64_t to_ns,
    int64_t *ret_run_ns, struct err *err);

/* ---- What stands ---- */

/* Late ones first. */
int maintain_put_due(
    struct ledger_tx *tx, const struct care_ask *ask, struct json *json, struct err *err);
int maintain_put_moulds(
    struct ledger_tx *tx, const struct care_ask *ask, struct json *json, struct err *err);

enum { MAINTAIN_LIST_MAX = 500, MAINTAIN_FAILURES_MAX = 200 };
struct maintain_query {
    struct str machine; // Id of the asset; empty: all. ERR_NOT_FOUND.
    struct str mould;   // Code; empty: all.
    bool only_open;
    int64_t from_ns; // Of failures and the log.
    int64_t to_ns;
    int64_t now_ns;
    int64_t before; // Numbers below; INT64_MAX: from the newest.
    uint32_t limit; // At most MAINTAIN_LIST_MAX.
};
/* Newest first. *ret_next: for `before`; 0: there is nothing more. */
int maintain_put_repairs(struct ledger_tx *tx, const struct maintain_query *query,
    struct json *json, int64_t *ret_next, struct err *err);
/* Of each machine in [from, to): failures, mean operating time between them and mean time to
 * restoration (EN 13306:2017; docs/PRODUCTION.md). A failure is a stop with a reason of the loss
 * `breakdown`, or the time from a request for a repair of what stands still until it is done; what
 * overlaps is one. */
int maintain_put_machines(
    struct ledger_tx *tx, const struct maintain_query *query, struct json *json, struct err *err);
/* What was done to a machine or mould, newest first. */
int maintain_put_log(
    struct ledger_tx *tx, const struct maintain_query *query, struct json *json, struct err *err);
/* Spare parts with what lies there and what should at least. */
int maintain_put_spares(struct ledger_tx *tx, struct json *json, struct err *err);

#endif
