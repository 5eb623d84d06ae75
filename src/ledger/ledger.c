/*
 * One ledger: a writer thread that commits for all, and a small pool of readers.
 *
 * A change costs a sync of the disk (1 to 10 ms), so callers that wait at the same time share one:
 * the writer takes all waiting calls, runs each inside a savepoint of one transaction and commits
 * once. A call that fails is taken back alone; the others stand. When SQLite takes the whole
 * transaction back by itself (full disk, I/O error), all calls before it in the group are told so:
 * nothing was acknowledged, nothing is half done. Running them again by ourselves was rejected: a
 * function may have handed out what it made.
 *
 * Readers are READER_COUNT connections that travel through a queue: taking one waits while all are
 * in use, and never for the writer, since WAL readers see the last commit. A read is one
 * transaction, so several statements of one function see one state. A session look-up takes about
 * 3 us this way.
 *
 * Callers wait on one condition of the ledger for their own call to be done. Few wait at a time
 * (the HTTP pool and the consumer), so waking all costs less than a condition for each.
 */
#include "ledger/ledger.h"

#include "core/check.h"
#include "core/queue.h"
#include "core/thread.h"
#include "ledger/db.h"
#include "ledger/migrate.h"

enum {
    READER_COUNT = 4,
    CALLS_WAITING_MAX = 256, // Further callers wait for room in the queue.
    GROUP_MAX = 64,          // Calls under one commit.
    WRITER_CACHE_KIB = 1024,
    READER_CACHE_KIB = 512,
};

/* One ledger_write under way; lives on its caller's stack. */
struct call {
    ledger_fn fn;
    void *context;
    struct err *err;
    int result;
    bool done; // Under ledger->mutex.
};

struct ledger {
    char *path;
    enum ledger_kind kind;
    const struct clock *clock;
    struct db *writer; // Used by the writer thread only.
    struct queue *calls;
    struct queue *readers;
    struct thread thread;
    struct mutex mutex; // Guards `done` of all calls.
    struct cond done;
};

/* Runs one call inside a savepoint. False when the whole transaction is gone. */
static bool call_run(struct ledger_tx *tx, struct call *call) {
    call->result = db_run(tx->db, "SAVEPOINT call", call->err);
    if (call->result == 0) {
        call->result = call->fn(tx, call->context, call->err);
    }
    db_statements_end(tx->db);
    if (!db_in_transaction(tx->db)) {
        if (call->result >= 0) {
            call->result = err_set(
                call->err, ERR_DATABASE, MSG_LEDGER_ROLLED_BACK, ARGS(A_CSTR(db_path(tx->db))));
        }
        return false;
    }
    int result = 0;
    if (call->result < 0) {
        result = db_run(tx->db, "ROLLBACK TO call", NULL); // The call's own error is told.
    }
    if (result == 0) {
        struct err *err = call->result < 0 ? NULL : call->err;
        result = db_run(tx->db, "RELEASE call", err);
    }
    if (result < 0 && call->result >= 0) {
        call->result = result;
    }
    return result == 0;
}

/* Fails the calls of a group that had succeeded so far. */
static void group_fail(struct call *const *calls, size_t count, const struct err *why) {
    for (size_t i = 0; i < count; i++) {
        if (calls[i]->result >= 0) {
            calls[i]->result = -(int)why->code;
            if (calls[i]->err != NULL) {
                *calls[i]->err = *why;
            }
        }
    }
}

static void rollback(struct db *db) {
    if (db_in_transaction(db)) {
        (void)db_run(db, "ROLLBACK", NULL); // The reason for it is told; this cannot add to it.
    }
}

/* Runs calls under one commit and returns how many it has dealt with: all, or those up to the one
 * that lost the transaction. */
static size_t group_run(struct ledger *ledger, struct call *const *calls, size_t count) {
    struct db *db = ledger->writer;
    struct err err = ERR_INIT;
    struct ledger_tx tx = {.db = db, .clock = ledger->clock};
    if (db_run(db, "BEGIN IMMEDIATE", &err) < 0) {
        group_fail(calls, count, &err);
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        if (!call_run(&tx, calls[i])) {
            rollback(db);
            err_set(&err, ERR_DATABASE, MSG_LEDGER_ROLLED_BACK, ARGS(A_CSTR(ledger->path)));
            err.code = (enum err_code) - calls[i]->result; // Of the same kind: full disk, I/O.
            group_fail(calls, i, &err);
            return i + 1;
        }
    }
    if (db_run(db, "COMMIT", &err) < 0) {
        rollback(db);
        group_fail(calls, count, &err);
    } else if (tx.erased) {
        (void)db_checkpoint(db, NULL); // A reader may be in the way; the next checkpoint does it.
    }
    return count;
}

static void writer_run(void *context) {
    struct ledger *ledger = context;
    struct call *calls[GROUP_MAX];
    for (;;) {
        int count = queue_pop_many(ledger->calls, calls, GROUP_MAX, INT64_MAX);
        if (count < 0) {
            return; // Closed, and all calls were answered.
        }
        size_t total = (size_t)count;
        for (size_t i = 0; i < total; i++) {
            calls[i]->result = 0;
        }
        for (size_t from = 0; from < total;) {
            from += group_run(ledger, calls + from, total - from);
        }
        mutex_lock(&ledger->mutex);
        for (size_t i = 0; i < total; i++) {
            calls[i]->done = true;
        }
        cond_broadcast(&ledger->done);
        mutex_unlock(&ledger->mutex);
    }
}

static void close_readers(struct queue *readers) {
    struct db *db = NULL;
    while (queue_size(readers) > 0 && queue_pop(readers, &db, 0) == 0) {
        db_close(db);
    }
    queue_free(readers);
}

static int open_readers(struct ledger *ledger, struct err *err) {
    struct db_options options = {
        .path = ledger->path, .query_only = true, .cache_kib = READER_CACHE_KIB};
    for (int i = 0; i < READER_COUNT; i++) {
        struct db *db = NULL;
        int result = db_open(&options, &db, err);
        if (result < 0) {
            return result;
        }
        CHECK(queue_push(ledger->readers, &db, 0) == 0);
    }
    return 0;
}

static int open_all(struct ledger *ledger, struct err *err) {
    struct db_options options = {.path = ledger->path, .cache_kib = WRITER_CACHE_KIB};
    int result = db_open(&options, &ledger->writer, err);
    if (result == 0) {
        result = check_structure(ledger->writer, false, err);
    }
    if (result == 0) {
        result = migrate(ledger->writer, ledger->kind, err);
    }
    if (result == 0) {
        result = open_readers(ledger, err);
    }
    return result;
}

int ledger_open(const char *path, enum ledger_kind kind, const struct clock *clock,
    struct ledger **ret_ledger, struct err *err) {
    struct ledger *ledger = MEM_NEW(struct ledger);
    ledger->path = mem_copy_z(str_of(path));
    ledger->kind = kind;
    ledger->clock = clock != NULL ? clock : clock_system();
    ledger->calls = queue_new(sizeof(struct call *), CALLS_WAITING_MAX);
    ledger->readers = queue_new(sizeof(struct db *), READER_COUNT);
    mutex_init(&ledger->mutex);
    cond_init(&ledger->done);
    int result = open_all(ledger, err);
    if (result < 0) {
        ledger_close(ledger);
        return result;
    }
    thread_start(
        &ledger->thread, kind == LEDGER_HUB ? "hub-writer" : "ledger-writer", writer_run, ledger);
    *ret_ledger = ledger;
    return 0;
}

void ledger_close(struct ledger *ledger) {
    if (ledger == NULL) {
        return;
    }
    queue_close(ledger->calls);
    thread_join(&ledger->thread);
    queue_free(ledger->calls);
    close_readers(ledger->readers);
    db_close(ledger->writer);
    cond_fini(&ledger->done);
    mutex_fini(&ledger->mutex);
    mem_free(ledger->path);
    mem_free(ledger);
}

const char *ledger_path(const struct ledger *ledger) {
    return ledger->path;
}

int ledger_write(struct ledger *ledger, ledger_fn fn, void *context, struct err *err) {
    CHECK(!pthread_equal(pthread_self(), ledger->thread.handle)); // It would wait for itself.
    struct call call = {.fn = fn, .context = context, .err = err};
    struct call *pointer = &call;
    CHECK(queue_push(ledger->calls, &pointer, INT64_MAX) == 0); // Not closed while in use.
    mutex_lock(&ledger->mutex);
    while (!call.done) {
        (void)cond_wait_until(&ledger->done, &ledger->mutex, INT64_MAX); // No deadline to pass.
    }
    mutex_unlock(&ledger->mutex);
    return call.result;
}

static int read_on(
    struct ledger *ledger, struct db *db, ledger_fn fn, void *context, struct err *err) {
    struct ledger_tx tx = {.db = db, .clock = ledger->clock};
    int result = db_run(db, "BEGIN", err);
    if (result < 0) {
        return result;
    }
    result = fn(&tx, context, err);
    db_statements_end(db);
    rollback(db); // Nothing was changed; this only ends the snapshot.
    return result;
}

int ledger_read(struct ledger *ledger, ledger_fn fn, void *context, struct err *err) {
    struct db *db = NULL;
    CHECK(queue_pop(ledger->readers, &db, INT64_MAX) == 0);
    int result = read_on(ledger, db, fn, context, err);
    CHECK(queue_push(ledger->readers, &db, 0) == 0);
    return result;
}

static int verify_rows(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context; // Nothing but the snapshot is needed.
    int result = check_foreign_keys(tx->db, err);
    return result < 0 ? result : audit_verify(tx, err);
}

int ledger_verify(struct ledger *ledger, struct err *err) {
    /* On a connection of its own: it takes long and must not occupy one of the pool. */
    struct db_options options = {
        .path = ledger->path, .query_only = true, .cache_kib = READER_CACHE_KIB};
    struct db *db = NULL;
    int result = db_open(&options, &db, err);
    if (result == 0) {
        result = check_structure(db, true, err);
    }
    if (result == 0) {
        result = read_on(ledger, db, verify_rows, NULL, err);
    }
    db_close(db);
    return result;
}
