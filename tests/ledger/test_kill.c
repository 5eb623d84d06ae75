/*
 * Kill -9 between, inside and after transactions: cursor, counts and audit chain agree, and what
 * was acknowledged is there.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/random.h"
#include "ledger/ledger.h"
#include "tests/ledger/support_ledger.h"

enum { ROUNDS = 8, STROKES_PER_BATCH = 3, ACKNOWLEDGED_MAX = 40 };

/* What the stroke consumer does with one batch. */
static int consume(struct ledger_tx *tx, void *context, struct err *err) {
    uint64_t *done = context;
    uint64_t seq = 0;
    struct count_row row = {0};
    int result = cursor_get(tx, STR("strokes"), &seq, err);
    result = result < 0 ? result : count_get(tx, 1, &row, err);
    row.total += STROKES_PER_BATCH;
    row.last_value = (double)row.total;
    result = result < 0 ? result : count_put(tx, &row, err);
    result = result < 0 ? result
                        : audit_append(tx, STR("strokes"), STR("count"), STR("tag:1"),
                              STR("three more"), err);
    result = result < 0 ? result : cursor_put(tx, STR("strokes"), seq + 1, err);
    *done = seq + 1;
    return result;
}

static int make_tag(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    struct tag tag = tag_of("press1.strokes");
    tag.kind = KIND_COUNTER;
    uint32_t number = 0;
    bool changed = false;
    return tag_put(tx, &tag, &number, &changed, err);
}

/* Runs until killed, telling each acknowledged batch through the pipe. */
static void child_run(const char *path, int pipe_fd) {
    struct ledger *ledger = NULL;
    if (ledger_open(path, LEDGER_PLANT, NULL, &ledger, NULL) < 0) {
        _exit(2);
    }
    for (;;) {
        uint64_t done = 0;
        if (ledger_write(ledger, consume, &done, NULL) < 0 ||
            write(pipe_fd, &done, sizeof done) != (ssize_t)sizeof done) {
            _exit(3);
        }
    }
}

/* Kills the child after some acknowledged batches and returns the last one. */
static uint64_t kill_after(const char *path, uint64_t acknowledged) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]); // The parent's end.
        child_run(path, ends[1]);
    }
    assert_int_equal(close(ends[1]), 0);
    uint64_t last = 0;
    uint64_t seen = 0;
    while (seen < acknowledged && read(ends[0], &last, sizeof last) == (ssize_t)sizeof last) {
        seen++;
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    uint64_t more = 0;
    while (read(ends[0], &more, sizeof more) == (ssize_t)sizeof more) {
        last = more; // Acknowledged before the kill arrived.
    }
    assert_int_equal(close(ends[0]), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(seen, acknowledged);
    return last;
}

static void a_kill_anywhere_counts_each_batch_exactly_once(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    place_write(&place, make_tag, NULL);
    struct random random;
    random_seed(&random, 20240611);
    for (int round = 0; round < ROUNDS; round++) {
        ledger_close(place.ledger);
        place.ledger = NULL;
        uint64_t last = kill_after(place.path, 1 + random_below(&random, ACKNOWLEDGED_MAX));
        place_reopen(&place);
        int64_t cursor = place_number(&place, "SELECT seq FROM cursors WHERE consumer = 'strokes'");
        assert_true(cursor == (int64_t)last || cursor == (int64_t)last + 1);
        assert_int_equal(place_number(&place, "SELECT total FROM counts WHERE tag = 1"),
            cursor * STROKES_PER_BATCH);
        assert_int_equal(place_number(&place, "SELECT count(*) FROM audit"), cursor);
        struct err err = ERR_INIT;
        assert_int_equal(ledger_verify(place.ledger, &err), 0);
    }
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_anywhere_counts_each_batch_exactly_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
