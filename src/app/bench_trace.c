/*
 * `maru bench trace`: how long it takes to find all that went into a lot, and all that was made of
 * it.
 *
 * The lots stand in as many levels as the depth says, equally many in each. A lot of a level was
 * made of two to four of the level before, which lie near each other as they do in a store room, so
 * that a lot of the last level has some hundred ancestors. Asked are lots of the last level
 * backward and of the first forward, each another one, in a read snapshot of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/bench.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/random.h"
#include "ledger/ledger.h"
#include "production/trace.h"

enum { ASKED = 201, NEAR = 400, PATH_BYTES = 512 };

struct genealogy {
    int64_t lots;
    int64_t depth; // Steps from the first level to the last.
    struct random random;
};

static int run_sql(
    struct ledger_tx *tx, const char *sql, const int64_t *values, int count, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, sql, &stmt, err);
    for (int i = 0; i < count && status >= 0; i++) {
        ledger_bind_i64(stmt, i + 1, values[i]);
    }
    return status < 0 ? status : ledger_step(stmt, err);
}

static int make_lots(struct ledger_tx *tx, void *context, struct err *err) {
    struct genealogy *genealogy = context;
    int64_t level = genealogy->lots / (genealogy->depth + 1);
    int status = run_sql(tx,
        "INSERT INTO items (number, changed_ns, code, name, kind, unit, spec, family, gtin, lots, "
        "active, note) VALUES (1, 0, 'I', 'I', 'semi', 'EA', '', '', '', 1, 1, '')",
        NULL, 0, err);
    for (int64_t lot = 1; lot <= genealogy->lots && status >= 0; lot++) {
        status = run_sql(tx,
            "INSERT INTO lots (number, code, item, state, partner_lot, expires, hold, note, "
            "created_ns, actor) VALUES (?1, 'L' || ?1, 1, 'open', '', '', '', '', 0, 'bench')",
            &lot, 1, err);
    }
    for (int64_t lot = level + 1; lot <= genealogy->lots && status >= 0; lot++) {
        uint64_t parents = 2 + random_below(&genealogy->random, 3);
        for (uint64_t i = 0; i < parents && status >= 0; i++) {
            int64_t parent =
                lot - level - (int64_t)random_below(&genealogy->random, NEAR) + NEAR / 2;
            int64_t last = (lot - 1) / level * level; // Of the level before.
            parent = parent > last ? last : parent < 1 ? 1 : parent;
            const int64_t values[] = {parent, lot};
            status = run_sql(tx,
                "INSERT INTO lot_links (parent, child, kind, quantity_u, time_ns, event) VALUES "
                "(?1, ?2, 'consume', 1000000, 0, 0)",
                values, 2, err);
        }
    }
    return status < 0 ? status : 0;
}

struct question {
    int64_t lot;
    enum trace_way way;
    uint32_t found;
};

static int answer(struct ledger_tx *tx, void *context, struct err *err) {
    struct question *question = context;
    struct trace trace;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    int status = trace_run(tx, question->lot, question->way, &arena, &trace, err);
    question->found = status < 0 ? 0 : trace.lot_count;
    return status;
}

struct figures {
    double ms[2];
    double lots[2]; // Found, at the median.
    double build_s;
};

static int ask_all(
    struct ledger *ledger, struct genealogy *genealogy, struct figures *figures, struct err *err) {
    int64_t level = genealogy->lots / (genealogy->depth + 1);
    for (int way = TRACE_BACK; way <= TRACE_FORWARD; way++) {
        double ms[ASKED];
        double lots[ASKED];
        for (int i = 0; i < ASKED; i++) {
            int64_t at = (int64_t)random_below(&genealogy->random, (uint64_t)level);
            struct question question = {
                .lot = way == TRACE_BACK ? genealogy->lots - at : 1 + at, .way = way};
            double begin_s = bench_now_s();
            int status = ledger_read(ledger, answer, &question, err);
            ms[i] = (bench_now_s() - begin_s) * 1000;
            lots[i] = question.found;
            if (status < 0) {
                return status;
            }
        }
        figures->ms[way] = bench_median(ms, ASKED);
        figures->lots[way] = bench_median(lots, ASKED);
    }
    return 0;
}

static int measure(
    const char *path, struct genealogy *genealogy, struct figures *figures, struct err *err) {
    struct ledger *ledger = NULL;
    int status = ledger_open(path, LEDGER_PLANT, clock_system(), &ledger, err);
    double begin_s = bench_now_s();
    status = status < 0 ? status : ledger_write(ledger, make_lots, genealogy, err);
    figures->build_s = bench_now_s() - begin_s;
    status = status < 0 ? status : ask_all(ledger, genealogy, figures, err);
    ledger_close(ledger);
    return status;
}

int bench_trace(const struct bench_options *options, struct buf *json_out, struct err *err) {
    struct figures figures = {.build_s = 0};
    struct genealogy genealogy = {.lots = options->lots > 0 ? options->lots : 100000,
        .depth = options->depth > 0 ? options->depth : 6};
    genealogy.lots = options->quick ? genealogy.lots / 10 : genealogy.lots;
    random_seed(&genealogy.random, 1);
    const char *base = options->dir != NULL ? options->dir : getenv("TMPDIR");
    char folder[PATH_BYTES];
    char path[PATH_BYTES + 16];
    (void)snprintf(folder, sizeof folder, "%s/maru-bench-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return err_set(err, ERR_IO, MSG_FILE_MISSING, ARGS(A_CSTR(folder)));
    }
    (void)snprintf(path, sizeof path, "%s/ledger.db", folder);
    int status = measure(path, &genealogy, &figures, err);
    (void)dir_remove_all(folder, NULL);
    if (status < 0) {
        return status;
    }
    struct json json;
    json_init(&json, json_out);
    json_object_begin(&json);
    json_put_i64(&json, "lots", genealogy.lots);
    json_put_i64(&json, "depth", genealogy.depth);
    bench_put(&json, "back_ms", figures.ms[TRACE_BACK]);
    bench_put(&json, "forward_ms", figures.ms[TRACE_FORWARD]);
    bench_put(&json, "back_lots", figures.lots[TRACE_BACK]);
    bench_put(&json, "forward_lots", figures.lots[TRACE_FORWARD]);
    bench_put(&json, "build_s", figures.build_s);
    json_object_end(&json);
    return 0;
}
