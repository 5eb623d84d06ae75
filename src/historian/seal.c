/*
 * Sealing: a frozen memtable becomes a segment; then merging, where it pays.
 *
 * One thread does both. While a long merge runs, a table that fills up is sealed in between
 * (merge.c asks after each tag), so writers wait for a seal at most, never for a merge. When
 * sealing fails (a full disk) the rows stay where they are, in memory and in the log, and it is
 * tried again every second; writers go on until memory is full, too.
 */
#include "core/mem.h"
#include "historian/seal_rows.h"

#define SEAL_RETRY_NS NS_PER_S
#define BUSY_NS       NS_PER_S // Two tables filled in less leave no time for small merges.

static int seal_table(struct historian *historian, struct memtable *table, struct err *err) {
    struct segment_plan plan = {.files = historian->files,
        .dir = historian->dir,
        .id = store_segment_id(historian),
        .seq_low = historian->manifest.sealed_seq + 1, // Only the care role changes it.
        .seq_high = memtable_seq(table),
        .draft = true};
    struct segment_writer *writer = NULL;
    int rc = segment_writer_open(&plan, &writer, err);
    if (rc < 0) {
        return rc;
    }
    rc = seal_rows(historian, table, &plan, writer, err);
    bool empty = rc == 0 && segment_writer_rows(writer) == 0;
    if (rc == 0 && !empty) {
        rc = segment_writer_finish(writer, err);
    }
    segment_writer_free(writer);
    if (rc < 0) {
        return rc;
    }
    struct segment_swap swap = {
        .id = empty ? 0 : plan.id, .sealed_seq = plan.seq_high, .drop_frozen = true};
    return store_swap(historian, &swap, err);
}

int seal_frozen_caring(struct historian *historian, struct err *err) {
    struct view *view = store_view(historian);
    if (view->frozen == NULL) {
        view_unref(view);
        return 0;
    }
    struct err what = ERR_INIT;
    int rc = seal_table(historian, view->frozen, &what);
    view_unref(view);
    if (rc < 0) {
        (void)err_context(&what, MSG_HISTORY_SEALING, NO_ARGS); // The code stays.
        if (err != NULL) {
            *err = what;
        }
    }
    mutex_lock(&historian->state_mutex);
    historian->seal_rc = rc;
    historian->seal_err = what;
    cond_broadcast(&historian->state_changed);
    mutex_unlock(&historian->state_mutex);
    if (rc == 0) {
        store_log_release(historian);
    }
    return rc;
}

int seal_frozen(struct historian *historian, struct err *err) {
    store_care_begin(historian);
    int rc = seal_frozen_caring(historian, err);
    store_care_end(historian);
    return rc;
}

/* Do tables fill so fast that sealing is what writers wait for? */
static bool is_busy(struct historian *historian) {
    int64_t now_ns = clock_mono_ns(clock_system());
    mutex_lock(&historian->state_mutex);
    bool busy = historian->frozen_before_ns != 0 && now_ns - historian->frozen_before_ns < BUSY_NS;
    mutex_unlock(&historian->state_mutex);
    return busy;
}

/* Waits for something to seal, for a second at most where that failed or merges were put off. False
 * when it is time to stop. */
static bool seal_wait(struct historian *historian, bool failed, bool put_off) {
    int64_t deadline_ns =
        failed || put_off ? clock_mono_ns(clock_system()) + SEAL_RETRY_NS : INT64_MAX;
    mutex_lock(&historian->state_mutex);
    while (!historian->stopping && (failed || historian->view->frozen == NULL)) {
        if (!cond_wait_until(&historian->state_changed, &historian->state_mutex, deadline_ns)) {
            break;
        }
    }
    bool go_on = !historian->stopping;
    mutex_unlock(&historian->state_mutex);
    return go_on;
}

static bool seal_is_waiting(struct historian *historian) {
    mutex_lock(&historian->state_mutex);
    bool waiting = historian->stopping || historian->view->frozen != NULL;
    mutex_unlock(&historian->state_mutex);
    return waiting;
}

void seal_thread(void *context) {
    struct historian *historian = context;
    bool failed = false;
    bool put_off = false;
    while (seal_wait(historian, failed, put_off)) {
        failed = seal_frozen(historian, NULL) < 0;
        bool more = !failed;
        put_off = put_off && failed;
        while (more && !seal_is_waiting(historian)) {
            put_off = is_busy(historian);
            more = merge_step(historian, put_off ? MERGE_BUSY : MERGE_QUIET, NULL) > 0;
        }
    }
}
