#ifndef PRODUCTION_ORDER_H
#define PRODUCTION_ORDER_H
/*
 * Work orders and their operations: what stands of one, and the steps of its life that several
 * events share. Inside a ledger transaction. Private to the room.
 */
#include "core/time.h"
#include "ledger/ledger.h"

struct work_order {
    int64_t number;
    int64_t item;
    int64_t quantity_u;
    int64_t priority;
    int64_t sales_line;  // 0: none.
    int64_t parent;      // 0: none.
    int64_t bom_version; // 0: none.
    int64_t routing_version;
    int64_t lot; // 0: none.
    char code[72];
    char item_code[72];
    char state[16];
    char state_before[16];
    char due[16];
};
int order_get(struct ledger_tx *tx, int64_t number, struct work_order *ret_order, struct err *err);

struct operation {
    int64_t number;
    int64_t order;
    int64_t step;
    int64_t process;
    int64_t workcentre; // 0: none; as the next two.
    int64_t machine;
    int64_t partner;
    char state[16];
};
int operation_get(
    struct ledger_tx *tx, int64_t number, struct operation *ret_operation, struct err *err);

/* What was made by an operation, by counters and by hand. */
struct made {
    int64_t good_u;
    int64_t bad_u;
};
int operation_made(struct ledger_tx *tx, int64_t operation, struct made *ret_made, struct err *err);
/* Of the order's last operation. */
int order_made(struct ledger_tx *tx, int64_t order, struct made *ret_made, struct err *err);

/* A planned order. `code` empty: numbered by day. */
struct order_new {
    int64_t item;
    int64_t quantity_u;
    struct str due; // A date.
    int64_t priority;
    int64_t sales_line;
    int64_t parent;
    int64_t split_of;
    bool proposed; // By a plan, which may take it back.
    struct str code;
    struct str note;
    struct str actor;
    int64_t day; // Today, of the plant: of its code.
};
int order_insert(
    struct ledger_tx *tx, const struct order_new *order, int64_t *ret_number, struct err *err);
/* Versions of the day, operations, lot: it may be worked on. `day` is a date. */
int order_release(
    struct ledger_tx *tx, int64_t number, struct str day, struct str actor, struct err *err);
/* Ends the open runs of an order at a moment; its running operations are paused. Count. */
int order_pause_all(struct ledger_tx *tx, int64_t order, int64_t time_ns, struct err *err);

/* Begins and ends a run so that what was counted goes where it belongs by its minute: what came
 * after the begin without a run is the run's, what came after the end is nobody's. */
int run_begin(struct ledger_tx *tx, int64_t operation, int64_t machine, struct str phase,
    int64_t mould, int64_t pieces, int64_t worker, int64_t time_ns, int64_t *ret_run,
    struct err *err);
int run_end(struct ledger_tx *tx, int64_t run, int64_t time_ns, struct err *err);

enum { DATE_TEXT_MAX = 16 };
/* Today as a date, and in days since 1970-01-01, of the plant at a moment. */
int64_t day_of(int64_t time_ns, const struct zone *zone, char to[DATE_TEXT_MAX]);

#endif
