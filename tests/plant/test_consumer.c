/*
 * Counting strokes: the rule as a table, then exactly-once through kill -9. The child reports every
 * acknowledged value through a pipe, so that the parent knows what must be there.
 */
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plant/consumer.h"
#include "support_plant.h"

static struct count_row fresh(void) {
    return (struct count_row){.tag = 1, .last_value = (double)NAN};
}

static void the_first_value_is_no_increment(void **state) {
    (void)state;
    struct count_row row = fresh();
    count_add(&row, 1000, 1, 0);
    assert_int_equal(row.total, 0);
    assert_true(row.last_value == 1000);
}

static void increments_add_up_and_a_fall_is_a_reset(void **state) {
    (void)state;
    static const struct {
        double value;
        int64_t total;
        int64_t resets;
    } STEPS[] = {{10, 0, 0}, {11, 1, 0}, {11, 1, 0}, {15, 5, 0}, {2, 7, 1}, {0, 7, 2}, {3, 10, 2}};
    struct count_row row = fresh();
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        count_add(&row, STEPS[i].value, (int64_t)i + 1, 0);
        assert_int_equal(row.total, STEPS[i].total);
        assert_int_equal(row.resets, STEPS[i].resets);
    }
}

static void a_roll_over_is_no_reset_where_the_largest_value_is_known(void **state) {
    (void)state;
    static const struct {
        double value;
        int64_t total;
        int64_t resets;
    } STEPS[] = {{65530, 0, 0}, {65535, 5, 0}, {4, 10, 0}, {60000, 60006, 0}, {50000, 110006, 1}};
    struct count_row row = fresh();
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        count_add(&row, STEPS[i].value, (int64_t)i + 1, 65535);
        assert_int_equal(row.total, STEPS[i].total);
        assert_int_equal(row.resets, STEPS[i].resets);
    }
}

static void a_late_sample_or_no_number_counts_nothing(void **state) {
    (void)state;
    struct count_row row = fresh();
    count_add(&row, 10, 100, 0);
    count_add(&row, 20, 200, 0);
    count_add(&row, 15, 150, 0); // Its part was counted by the difference around it.
    count_add(&row, 25, 200, 0); // The same moment again.
    count_add(&row, (double)NAN, 300, 0);
    assert_int_equal(row.total, 10);
    assert_int_equal(row.resets, 0);
    assert_true(row.last_value == 20);
}

static void what_is_no_count_changes_nothing(void **state) {
    (void)state;
    static const double VALUES[] = {
        -1, -0.5, 1e300, (double)INFINITY, -(double)INFINITY, 9007199254740993.0 * 2};
    struct count_row row = fresh();
    count_add(&row, 5, 1, 0);
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        count_add(&row, VALUES[i], (int64_t)i + 2, 0);
    }
    assert_true(row.last_value == 5);
    count_add(&row, 7, 100, 0);
    assert_int_equal(row.total, 2);
    assert_int_equal(row.resets, 0);
}

static void a_counter_in_hundredths_counts_whole_units(void **state) {
    (void)state;
    struct count_row row = fresh();
    for (int i = 0; i <= 1000; i++) {
        count_add(&row, i / 100.0, i + 1, 0);
    }
    assert_int_equal(row.total, 10);
    count_add(&row, 2.7, 2000, 0); // A reset, and two whole units since.
    assert_int_equal(row.total, 12);
    assert_int_equal(row.resets, 1);
}

/* ---- Through kill -9 ---- */

static const char COUNTER_LINE[] = "tag,type,kind\nline1.press1.strokes,f64,counter\n";

/* The child submits 1, 2, 3, ... and reports each acknowledged value through the pipe. */
static void child_counts(const char *dir, int report) {
    struct plant_options options = {.dir = dir, .id = STR("p1")};
    struct err err = ERR_INIT;
    struct rig rig = {.plant = NULL};
    if (plant_open(&options, &rig.plant, &err) < 0) {
        _exit(1);
    }
    uint32_t tag = tag_number(&rig, "line1.press1.strokes");
    struct hist_last last;
    int64_t value =
        hist_last(plant_historian(rig.plant), tag, &last) ? (int64_t)last.row.value.f64 : 0;
    for (;;) {
        value++;
        if (submit_f64(&rig, tag, value * NS_PER_MS, (double)value, &err) < 0 ||
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
        child_counts(dir, pipe_fds[1]);
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

static int read_count(struct ledger_tx *tx, void *context, struct err *err) {
    struct count_row *row = context;
    return count_get(tx, row->tag, row, err);
}

/* */
static void each_stroke_is_counted_once_through_kill_9(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_TAGS, COUNTER_LINE, &report, &err), 0);
    uint32_t tag = tag_number(&rig, "line1.press1.strokes");
    plant_close(rig.plant);
    rig.plant = NULL;
    int64_t acknowledged = 0;
    static const int ROUNDS[] = {1, 37, 200, 5, 400, 90};
    for (size_t i = 0; i < sizeof ROUNDS / sizeof ROUNDS[0]; i++) {
        acknowledged = kill_after(rig.dir, ROUNDS[i]);
    }
    struct plant_options options = {.dir = rig.dir, .id = STR("p1")};
    assert_int_equal(plant_open(&options, &rig.plant, &err), 0);
    struct hist_last last;
    assert_true(hist_last(plant_historian(rig.plant), tag, &last));
    int64_t stored = (int64_t)last.row.value.f64;
    assert_true(stored >= acknowledged);
    assert_int_equal(stored_rows(&rig, "line1.press1.strokes", true), stored);
    struct count_row row = {.tag = tag};
    rig_reopen(&rig, NULL); // Closing waits until the consumer is through.
    assert_int_equal(ledger_read(plant_ledger(rig.plant), read_count, &row, &err), 0);
    assert_int_equal(row.total, stored - 1); // From 1 to `stored`.
    assert_int_equal(row.resets, 0);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_value_is_no_increment),
        cmocka_unit_test(increments_add_up_and_a_fall_is_a_reset),
        cmocka_unit_test(a_roll_over_is_no_reset_where_the_largest_value_is_known),
        cmocka_unit_test(a_late_sample_or_no_number_counts_nothing),
        cmocka_unit_test(what_is_no_count_changes_nothing),
        cmocka_unit_test(a_counter_in_hundredths_counts_whole_units),
        cmocka_unit_test(each_stroke_is_counted_once_through_kill_9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
