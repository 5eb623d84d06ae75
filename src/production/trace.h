#ifndef PRODUCTION_TRACE_H
#define PRODUCTION_TRACE_H
/*
 * Genealogy: which lots went into a lot, and into which it went, over the graph of lot_links. Each
 * lot once, with its least distance. Inside ledger_read.
 */
#include "ledger/ledger.h"

enum trace_way { TRACE_BACK, TRACE_FORWARD };
enum { TRACE_LOTS_MAX = 100000 }; // Beyond: the answer says that it is cut.

struct trace_lot {
    int64_t lot;
    uint32_t depth; // Of the lot asked for: 0.
};
struct trace_link {
    int64_t number; // Of lot_links.
    int64_t parent;
    int64_t child;
    int64_t quantity_u;
    struct str kind;
    int64_t time_ns;
};
struct trace {
    struct trace_lot *lots; // By depth, then number.
    uint32_t lot_count;
    struct trace_link *links; // Among them.
    uint32_t link_count;
    bool cut;
};
/* In the arena. */
int trace_run(struct ledger_tx *tx, int64_t lot, enum trace_way way, struct arena *arena,
    struct trace *ret_trace, struct err *err);

#endif
