/*
 * Genealogy by a breadth-first search: level by level, so that a lot is met first at its least
 * distance, and each once.
 *
 * A recursive query of SQLite was rejected: its rows are unique with their distance only, so that a
 * lot comes once for each length of the ways that lead to it. The search asks one small question
 * for each lot, by the index of its links; a set of numbers remembers which lots were met. The
 * edges of a lot are taken when it is looked at, so each is taken once.
 */
#include "production/trace.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"

enum { LINKS_MAX = 4 * TRACE_LOTS_MAX, FIRST_SLOTS = 256 };

struct search {
    struct arena *arena;
    struct trace_lot *lots;
    uint32_t lot_room;
    struct trace_link *links;
    uint32_t link_room;
    int64_t *slots; // Open addressing; 0: free.
    uint32_t slot_count;
    struct trace trace;
};

static uint32_t slot_of(const struct search *search, int64_t lot) {
    uint64_t hash = (uint64_t)lot * 0x9e3779b97f4a7c15ULL; // Knuth's multiplicative hashing.
    uint32_t at = (uint32_t)(hash >> 32) & (search->slot_count - 1);
    while (search->slots[at] != 0 && search->slots[at] != lot) {
        at = (at + 1) & (search->slot_count - 1);
    }
    return at;
}

static void widen_set(struct search *search) {
    search->slot_count = search->slot_count == 0 ? FIRST_SLOTS : search->slot_count * 2;
    search->slots = ARENA_ARRAY(search->arena, int64_t, search->slot_count);
    for (uint32_t i = 0; i < search->trace.lot_count; i++) {
        search->slots[slot_of(search, search->lots[i].lot)] = search->lots[i].lot;
    }
}

/* False: there are too many. */
static bool meet(struct search *search, int64_t lot, uint32_t depth) {
    if (search->slots[slot_of(search, lot)] == lot) {
        return true;
    }
    if (search->trace.lot_count == TRACE_LOTS_MAX) {
        search->trace.cut = true;
        return false;
    }
    if (search->trace.lot_count == search->lot_room) {
        struct trace_lot *wider =
            ARENA_ARRAY(search->arena, struct trace_lot, 2 * search->lot_room);
        memcpy(wider, search->lots, search->trace.lot_count * sizeof *wider);
        search->lots = wider;
        search->lot_room *= 2;
    }
    search->lots[search->trace.lot_count++] = (struct trace_lot){lot, depth};
    if (2 * search->trace.lot_count > search->slot_count) {
        widen_set(search);
    } else {
        search->slots[slot_of(search, lot)] = lot;
    }
    return true;
}

static void take_link(struct search *search, struct ledger_stmt *stmt) {
    if (search->trace.link_count == LINKS_MAX) {
        search->trace.cut = true;
        return;
    }
    if (search->trace.link_count == search->link_room) {
        struct trace_link *wider =
            ARENA_ARRAY(search->arena, struct trace_link, 2 * search->link_room);
        memcpy(wider, search->links, search->trace.link_count * sizeof *wider);
        search->links = wider;
        search->link_room *= 2;
    }
    static const char *const KINDS[] = {"consume", "split", "merge", "mix"};
    struct str kind = STR("rework");
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        kind = str_eq(ledger_column_str(stmt, 4), str_of(KINDS[i])) ? str_of(KINDS[i]) : kind;
    }
    search->links[search->trace.link_count++] =
        (struct trace_link){.number = ledger_column_i64(stmt, 0),
            .parent = ledger_column_i64(stmt, 1),
            .child = ledger_column_i64(stmt, 2),
            .quantity_u = ledger_column_i64(stmt, 3),
            .kind = kind,
            .time_ns = ledger_column_i64(stmt, 5)};
}

/* All neighbours of one lot. */
static int look_at(
    struct ledger_tx *tx, struct search *search, uint32_t at, enum trace_way way, struct err *err) {
    static const char *const SQL[] = {
        [TRACE_BACK] = "SELECT number, parent, child, quantity_u, kind, time_ns FROM lot_links "
                       "WHERE child = ?1 ORDER BY number",
        [TRACE_FORWARD] = "SELECT number, parent, child, quantity_u, kind, time_ns FROM lot_links "
                          "WHERE parent = ?1 ORDER BY number"};
    struct trace_lot lot = search->lots[at];
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, SQL[way], &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, lot.lot);
    while ((status = ledger_step(stmt, err)) > 0) {
        if (meet(search, ledger_column_i64(stmt, way == TRACE_BACK ? 1 : 2), lot.depth + 1)) {
            take_link(search, stmt);
        }
    }
    return status;
}

static int by_depth(const void *left, const void *right) {
    const struct trace_lot *a = left;
    const struct trace_lot *b = right;
    if (a->depth != b->depth) {
        return a->depth < b->depth ? -1 : 1;
    }
    return (a->lot > b->lot) - (a->lot < b->lot);
}

int trace_run(struct ledger_tx *tx, int64_t lot, enum trace_way way, struct arena *arena,
    struct trace *ret_trace, struct err *err) {
    DCHECK(lot > 0);
    struct search search = {.arena = arena, .lot_room = 64, .link_room = 64};
    search.lots = ARENA_ARRAY(arena, struct trace_lot, search.lot_room);
    search.links = ARENA_ARRAY(arena, struct trace_link, search.link_room);
    widen_set(&search);
    (void)meet(&search, lot, 0);
    for (uint32_t i = 0; i < search.trace.lot_count; i++) {
        int status = look_at(tx, &search, i, way, err);
        if (status < 0) {
            return status;
        }
    }
    qsort(search.lots, search.trace.lot_count, sizeof *search.lots, by_depth);
    search.trace.lots = search.lots;
    search.trace.links = search.links;
    *ret_trace = search.trace;
    return 0;
}
