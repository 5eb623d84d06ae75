/*
 * Genealogy over random graphs of splits, merges and reworks: backward of forward comes home, each
 * lot is met once and at its least distance, and every edge among them is told once.
 */
#include "production/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "tests/production/support_shop.h"

enum { LOTS = 60, GRAPHS = 30 };

struct graph {
    bool edge[LOTS + 1][LOTS + 1]; // Parent, child.
    uint32_t edges;
};

static struct shop shop;

static int write_graph(struct ledger_tx *tx, void *context, struct err *err) {
    const struct graph *graph = context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, "DELETE FROM lot_links", &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    for (int64_t parent = 1; parent <= LOTS && status >= 0; parent++) {
        for (int64_t child = 1; child <= LOTS && status >= 0; child++) {
            if (!graph->edge[parent][child]) {
                continue;
            }
            status = ledger_prepare(tx,
                "INSERT INTO lot_links (parent, child, kind, quantity_u, time_ns, event) VALUES "
                "(?1, ?2, 'split', 1, 0, 0)",
                &stmt, err);
            if (status >= 0) {
                ledger_bind_i64(stmt, 1, parent);
                ledger_bind_i64(stmt, 2, child);
                status = ledger_step(stmt, err);
            }
        }
    }
    return status < 0 ? status : 0;
}

static int write_lots(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    int status = 0;
    for (int i = 1; i <= LOTS && status >= 0; i++) {
        struct ledger_stmt *stmt = NULL;
        status = ledger_prepare(tx,
            "INSERT INTO lots (number, code, item, state, partner_lot, expires, hold, note, "
            "created_ns, actor) VALUES (?1, 'L' || ?1, 1, 'open', '', '', '', '', 0, 'x')",
            &stmt, err);
        if (status >= 0) {
            ledger_bind_i64(stmt, 1, i);
            status = ledger_step(stmt, err);
        }
    }
    return status < 0 ? status : 0;
}

/* Lots come into being one after the other: splits, merges of some, reworks of one. */
static void grow(struct graph *graph, struct random *random) {
    *graph = (struct graph){.edges = 0};
    for (uint64_t lot = 4; lot <= LOTS; lot++) {
        uint64_t parents = random_below(random, 4); // 0: received.
        for (uint64_t i = 0; i < parents; i++) {
            uint64_t reach = random_below(random, 2) ? 6 : lot - 1;
            uint64_t parent = lot - 1 - random_below(random, reach < lot - 1 ? reach : lot - 1);
            graph->edges += !graph->edge[parent][lot];
            graph->edge[parent][lot] = true;
        }
    }
}

struct asked {
    struct arena arena;
    int64_t lot;
    enum trace_way way;
    struct trace trace;
};

static int run(struct ledger_tx *tx, void *context, struct err *err) {
    struct asked *asked = context;
    return trace_run(tx, asked->lot, asked->way, &asked->arena, &asked->trace, err);
}

/* Least distances by Floyd and Warshall: another way to the same answer. */
static void distances(const struct graph *graph, uint32_t to[LOTS + 1][LOTS + 1]) {
    for (int i = 1; i <= LOTS; i++) {
        for (int k = 1; k <= LOTS; k++) {
            to[i][k] = i == k ? 0 : graph->edge[i][k] ? 1 : 1000;
        }
    }
    for (int via = 1; via <= LOTS; via++) {
        for (int i = 1; i <= LOTS; i++) {
            for (int k = 1; k <= LOTS; k++) {
                uint32_t around = to[i][via] + to[via][k];
                to[i][k] = around < to[i][k] ? around : to[i][k];
            }
        }
    }
}

static void check_trace(
    const struct graph *graph, const struct asked *asked, uint32_t far[LOTS + 1][LOTS + 1]) {
    bool met[LOTS + 1] = {false};
    uint32_t expected = 0;
    uint32_t edges = 0;
    for (uint32_t i = 0; i < asked->trace.lot_count; i++) {
        int64_t lot = asked->trace.lots[i].lot;
        assert_false(met[lot]); // Each once.
        met[lot] = true;
        uint32_t distance =
            asked->way == TRACE_FORWARD ? far[asked->lot][lot] : far[lot][asked->lot];
        assert_int_equal(asked->trace.lots[i].depth, distance);
        assert_true(i == 0 || asked->trace.lots[i - 1].depth <= distance);
    }
    for (int lot = 1; lot <= LOTS; lot++) {
        expected +=
            (asked->way == TRACE_FORWARD ? far[asked->lot][lot] : far[lot][asked->lot]) < 1000;
        for (int other = 1; other <= LOTS; other++) {
            edges += graph->edge[lot][other] && met[lot] && met[other];
        }
    }
    assert_int_equal(asked->trace.lot_count, expected);
    assert_int_equal(asked->trace.link_count, edges);
    assert_false(asked->trace.cut);
}

static bool holds(const struct trace *trace, int64_t lot) {
    for (uint32_t i = 0; i < trace->lot_count; i++) {
        if (trace->lots[i].lot == lot) {
            return true;
        }
    }
    return false;
}

static void backward_of_forward_comes_home(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 42);
    shop_open(&shop);
    place_write(&shop.place, write_lots, NULL);
    for (int round = 0; round < GRAPHS; round++) {
        struct graph graph;
        static uint32_t far[LOTS + 1][LOTS + 1];
        grow(&graph, &random);
        place_write(&shop.place, write_graph, &graph);
        distances(&graph, far);
        struct trace back[LOTS + 1];
        struct asked asked = {.way = TRACE_BACK};
        arena_init(&asked.arena, 0);
        for (asked.lot = 1; asked.lot <= LOTS; asked.lot++) {
            place_read(&shop.place, run, &asked);
            check_trace(&graph, &asked, far);
            back[asked.lot] = asked.trace;
        }
        asked.way = TRACE_FORWARD;
        for (asked.lot = 1; asked.lot <= LOTS; asked.lot++) {
            place_read(&shop.place, run, &asked);
            check_trace(&graph, &asked, far);
            for (uint32_t i = 0; i < asked.trace.lot_count; i++) {
                assert_true(holds(&back[asked.trace.lots[i].lot], asked.lot));
            }
        }
        arena_fini(&asked.arena);
    }
    shop_close(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(backward_of_forward_comes_home)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
