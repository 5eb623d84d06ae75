#ifndef PRODUCTION_INSPECTIONS_H
#define PRODUCTION_INSPECTIONS_H
/*
 * Inspections, non-conformities and corrective actions as they are shown. Inside ledger_read of a
 * plant's ledger; JSON goes into an open value of the writer's. Measured values are exact decimals
 * and stand as texts where a number of JSON would lose digits.
 */
#include "core/json.h"
#include "ledger/ledger.h"

enum {
    INSPECTION_LIST_MAX = 1000,
    INSPECTION_DUE_MAX = 200, // Of each kind; the oldest.
};

/* What is to be inspected now, as elements of an array: received lots, lots that were made, work
 * that runs; each with the characteristics of its plan. With a lot or an operation: what can be
 * inspected there, due or not (`due`). */
struct inspection_due_query {
    int64_t now_ns;
    struct str lot;       // Codes; empty: all.
    struct str operation; // WO-1/10
};
int inspection_put_due(struct ledger_tx *tx, const struct inspection_due_query *query,
    struct json *json, struct err *err);

struct inspection_query {
    struct str kind; // Empty: all; so the others.
    struct str item; // Codes.
    struct str lot;
    struct str operation;
    struct str result;
    int64_t from_ns;
    int64_t to_ns;
    int64_t before; // Numbers below; INT64_MAX: from the newest.
    uint32_t limit; // At most INSPECTION_LIST_MAX.
};
/* Elements of an array, newest first. *ret_next: goes into `before`; 0: there are no more. */
int inspection_put_list(struct ledger_tx *tx, const struct inspection_query *query,
    struct json *json, int64_t *ret_next, struct err *err);
/* One object with its values. ERR_NOT_FOUND. */
int inspection_put(struct ledger_tx *tx, int64_t number, struct json *json, struct err *err);
/* Of a lot's passport, members `inspections` and `nonconformances` of an open object: its own, and
 * those of the lots it was split, merged or reworked from. */
int inspection_put_of_lot(struct ledger_tx *tx, int64_t lot, struct json *json, struct err *err);

struct nonconformance_query {
    struct str state; // Empty: all; "unsettled": open or decided.
    struct str lot;
    int64_t before;
    uint32_t limit;
};
/* Elements of an array, newest first, each with its decisions and actions. */
int nonconformance_put_list(struct ledger_tx *tx, const struct nonconformance_query *query,
    struct json *json, int64_t *ret_next, struct err *err);
int nonconformance_put(struct ledger_tx *tx, int64_t number, struct json *json, struct err *err);

/* Elements of an array: actions in a state (empty: open and done), by the day they are due. */
int action_put_list(
    struct ledger_tx *tx, struct str state, uint32_t limit, struct json *json, struct err *err);

/* What was told without anybody there to ask and may be wrong (event.h), as elements of an array,
 * newest first. `state` empty: all. */
int doubt_put_list(struct ledger_tx *tx, struct str state, enum lang lang, uint32_t limit,
    struct json *json, struct err *err);

#endif
