#ifndef PRODUCTION_LOOKUP_H
#define PRODUCTION_LOOKUP_H
/*
 * What a scanned code means here: a lot, an order, an item, a machine, a worker, a place, a mould.
 * Inside ledger_read; texts in the arena.
 */
#include "ledger/ledger.h"

enum { LOOKUP_MAX = 16 };
struct lookup {
    const char *kind; // "lot", "order", "operation", "item", "machine", "worker", "place", "mould",
                      // "delivery", "outsourcing"
    struct str code;
    struct str name;
};
struct lookup_wish {
    struct str code; // As it was scanned; a badge means its worker, a GTIN its item.
    struct str gtin; // Of a GS1 code, with the next; empty: none.
    struct str lot;  // Also the supplier's number of a lot of that item.
};
/* Count; 0: nobody knows it. */
int lookup_code(struct ledger_tx *tx, const struct lookup_wish *wish, struct arena *arena,
    struct lookup *ret_found, uint32_t max, struct err *err);

#endif
