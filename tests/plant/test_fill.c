/*
 * What machines tell counts once through kill -9 of the whole plant: the child submits strokes and
 * rejects and reports what was acknowledged; afterwards the tables must say the same as the
 * history.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "historian/historian.h"
#include "ledger/ledger.h"
#include "production/fill.h"
#include "support_plant.h"

static const char TAGS[] = "tag,type,kind\npress.count,f64,counter\npress.rejects,f64,counter\n";

static int run_sql(struct ledger_tx *tx, void *context, struct err *err) {
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx, context, &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    return status < 0 ? status : 0;
}

static void sql(struct rig *rig, const char *text) {
    char copy[1024];
    assert_true(str_copy_z(str_of(text), copy, sizeof copy) < sizeof copy);
    struct err err = ERR_INIT;
    assert_int_equal(ledger_write(plant_ledger(rig->plant), run_sql, copy, &err), 0);
}

struct number_query {
    const char *sql;
    int64_t number;
};

static int read_number(struct ledger_tx *tx, void *context, struct err *err) {
    struct number_query *query = context;
    struct ledger_stmt *stmt;
    int status = ledger_prepare(tx, query->sql, &stmt, err);
    status = status < 0 ? status : ledger_step(stmt, err);
    query->number = status > 0 ? ledger_column_i64(stmt, 0) : 0;
    return status < 0 ? status : 0;
}

static int64_t number(struct rig *rig, const char *text) {
    struct number_query query = {.sql = text};
    struct err err = ERR_INIT;
    assert_int_equal(ledger_read(plant_ledger(rig->plant), read_number, &query, &err), 0);
    return query.number;
}

static void press_put(struct rig *rig) {
    sql(rig, "INSERT INTO assets (number, id, level, display, kind) VALUES (1, 'press', "
             "'equipment', 'Press', '')");
    sql(rig, "INSERT INTO machines (number, changed_ns, asset, counter, rejects, run_values, "
             "setup_values, maker, model, serial, bought, active, note) SELECT 1, 1, 1, "
             "(SELECT number FROM tags WHERE name = 'press.count'), "
             "(SELECT number FROM tags WHERE name = 'press.rejects'), '1', '', '', '', '', '', 1, "
             "''");
    sql(rig, "INSERT INTO items (number, changed_ns, code, name, kind, unit, spec, family, gtin, "
             "lots, active, note) VALUES (1, 0, 'A', 'A', 'product', 'EA', '', '', '', 1, 1, '')");
    sql(rig, "INSERT INTO processes VALUES (1, 0, 'P', 'P', 'own', 1, '')");
    sql(rig, "INSERT INTO work_orders (number, code, item, quantity_u, due, priority, state, "
             "state_before, proposed, note, created_ns, actor) VALUES (1, 'W1', 1, 1000000000, "
             "'2026-01-31', "
             "5, 'running', '', 0, '', 0, 'a')");
    sql(rig, "INSERT INTO operations (number, work_order, step, process, cycle_ns, state) VALUES "
             "(1, 1, 1, 1, 1000000000, 'running')");
    sql(rig, "INSERT INTO runs (number, operation, machine, phase, pieces, begin_ns) VALUES "
             "(1, 1, 1, 'make', 2, 0)");
}

static int64_t newest(struct rig *rig, uint32_t tag) {
    struct hist_last last;
    return hist_last(plant_historian(rig->plant), tag, &last) ? (int64_t)last.row.value.f64 : 0;
}

/* Strokes 1, 2, 3, ...; every third is bad. */
static void child_strikes(const char *dir, int report) {
    struct plant_options options = {.dir = dir, .id = STR("p1")};
    struct err err = ERR_INIT;
    struct rig rig = {.plant = NULL};
    if (plant_open(&options, &rig.plant, &err) < 0) {
        _exit(1);
    }
    uint32_t counter = tag_number(&rig, "press.count");
    uint32_t rejects = tag_number(&rig, "press.rejects");
    int64_t value = newest(&rig, counter);
    for (;;) {
        value++;
        int64_t time_ns = value * NS_PER_MS;
        if (submit_f64(&rig, counter, time_ns, (double)value, &err) < 0 ||
            submit_f64(&rig, rejects, time_ns, (double)(value / 3), &err) < 0 ||
            write(report, &value, sizeof value) != sizeof value) {
            _exit(1);
        }
    }
}

static int64_t kill_after(const char *dir, int acknowledgements) {
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)close(pipe_fds[0]);
        child_strikes(dir, pipe_fds[1]);
    }
    (void)close(pipe_fds[1]);
    int64_t value = 0;
    for (int i = 0; i < acknowledgements; i++) {
        assert_int_equal(read(pipe_fds[0], &value, sizeof value), (ssize_t)sizeof value);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    int64_t more;
    while (read(pipe_fds[0], &more, sizeof more) == (ssize_t)sizeof more) {
        value = more; // Acknowledged before the kill reached it.
    }
    (void)close(pipe_fds[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return value;
}

/* */
static void each_piece_counts_once_through_kill_9(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_TAGS, TAGS, &report, &err), 0);
    press_put(&rig);
    uint32_t counter = tag_number(&rig, "press.count");
    uint32_t rejects = tag_number(&rig, "press.rejects");
    plant_close(rig.plant);
    rig.plant = NULL;
    int64_t acknowledged = 0;
    static const int ROUNDS[] = {2, 150, 5, 300, 90};
    for (size_t i = 0; i < sizeof ROUNDS / sizeof ROUNDS[0]; i++) {
        acknowledged = kill_after(rig.dir, ROUNDS[i]);
    }
    struct plant_options options = {.dir = rig.dir, .id = STR("p1")};
    assert_int_equal(plant_open(&options, &rig.plant, &err), 0);
    rig_reopen(&rig, NULL); // Closing waits until the filler is through.
    int64_t stored = newest(&rig, counter);
    int64_t bad = newest(&rig, rejects);
    assert_true(stored >= acknowledged);
    assert_int_equal(number(&rig, "SELECT sum(counts) FROM made WHERE run = 1"), stored - 1);
    assert_int_equal(number(&rig, "SELECT sum(pieces) FROM made WHERE run = 1"), 2 * (stored - 1));
    assert_int_equal(number(&rig, "SELECT sum(bad) FROM made"), bad);
    assert_int_equal(number(&rig, "SELECT count(*) FROM made WHERE run <> 1"), 0);
    struct fill_status status;
    fill_status_get(plant_fill(rig.plant), &status);
    assert_int_equal(status.last_error.code, ERR_OK);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_piece_counts_once_through_kill_9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
