#ifndef PRODUCTION_DELIVERIES_H
#define PRODUCTION_DELIVERIES_H
/*
 * Delivery notes and outsourced work as they are looked at. A note lists moves of the stock; what
 * it says of quantities is what went out. Inside ledger_read of a plant's ledger unless said.
 */
#include "core/json.h"
#include "ledger/ledger.h"

enum { DELIVERY_LINES_MAX = 500, DELIVERIES_PAGE_MAX = 500, OUTSOURCINGS_PAGE_MAX = 500 };

struct delivery_query {
    struct str partner; // Code; empty: all.
    struct str kind;    // "customer", "supply"; empty: all.
    int64_t before;     // Numbers below; INT64_MAX: from the newest.
    uint32_t limit;
};
/* Elements of an array, newest first. *ret_next: goes into `before`; 0: there are no more. */
int deliveries_put_list(struct ledger_tx *tx, const struct delivery_query *query, struct json *json,
    int64_t *ret_next, struct err *err);
/* One object with its lines. ERR_NOT_FOUND. */
int delivery_put(struct ledger_tx *tx, struct str code, struct json *json, struct err *err);

struct delivery_line {
    struct str item;
    struct str name;
    struct str spec;
    struct str unit;
    struct str lot;
    struct str sales; // Sales order; empty: none.
    int64_t quantity_u;
    bool priced;
    int64_t price_u;
    int64_t amount_u;
};
struct delivery {
    int64_t number;
    struct str code;
    struct str kind;
    struct str partner;
    struct str partner_name;
    struct str business_number;
    struct str address;
    struct str contact;
    struct str phone;
    struct str day;
    struct str state; // "made", "cancelled"
    struct str outsourcing;
    struct str note;
    int64_t printed; // How often.
    struct delivery_line *lines;
    uint32_t line_count;
    int64_t amount_u; // Of priced lines.
    bool all_priced;
};
/* For paper; texts in the arena. ERR_NOT_FOUND. */
int delivery_get(struct ledger_tx *tx, struct str code, struct arena *arena,
    struct delivery *ret_delivery, struct err *err);
/* It is printed once more; *ret_times: how often now, from 2 on it is a copy. Inside ledger_write.
 * ERR_CONFLICT: it was cancelled. */
int delivery_printed(
    struct ledger_tx *tx, struct str code, struct str actor, int64_t *ret_times, struct err *err);

struct outsourcing_query {
    struct str partner; // Code; empty: all.
    struct str state;   // "open", "done", "closed"; empty: all.
    int64_t before;
    uint32_t limit;
};
/* Elements of an array, newest first. */
int outsourcings_put_list(struct ledger_tx *tx, const struct outsourcing_query *query,
    struct json *json, int64_t *ret_next, struct err *err);
/* What of ours lies at partners: elements by partner, item and lot. */
int outsourcings_put_stock(struct ledger_tx *tx, struct json *json, struct err *err);

#endif
