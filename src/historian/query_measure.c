/*
 * Measures of many tags.
 *
 * One thread is enough for one tag: decoding is what costs. Where many are asked for and the caller
 * wants it, a second thread works on every other tag and puts what it finds into a bounded queue,
 * which the caller empties when their turn comes: results stay in the order of the tags, and what
 * waits is bounded. The caller works on its own tags meanwhile, so two threads are never idle for
 * longer than the queue is full. All share one view.
 */
#include <math.h>
#include <unistd.h>

#include "core/check.h"
#include "core/mem.h"
#include "core/queue.h"
#include "core/thread.h"
#include "historian/measure.h"
#include "historian/store.h"

enum { QUEUE_ITEMS = 1024 };

/* What the second thread hands over. */
struct handed {
    int rc; // 1: a bucket; 0: the end of a tag; negative: why the thread ended, in `helper_err`.
    struct hist_measured measured;
};

struct hist_measure {
    struct view *view;
    struct hist_measure_query query;
    int64_t now_ns;
    uint32_t tag_index;
    struct meter *meter; // Of the present tag, where the caller works on it.
    int failed;          // Once something has failed it stays so.
    /* The second thread; queue NULL: none. */
    struct thread thread;
    struct queue *queue;
    atomic_bool stop;
    struct err helper_err; // The thread's until it handed over a failure.
};

static int open_tag(
    const struct hist_measure *measure, uint32_t index, struct meter **ret_meter, struct err *err) {
    const struct hist_measure_query *query = &measure->query;
    struct measure_ask ask = {.view = measure->view,
        .query = query,
        .tag = query->tags[index],
        .counter_max = query->counter_max != NULL ? query->counter_max[index] : 0,
        .from_ns = query->from_ns,
        .to_ns = query->to_ns,
        .now_ns = measure->now_ns,
        .stop = &measure->stop};
    return meter_open(&ask, ret_meter, err);
}

/* ---- The second thread: tags 1, 3, 5 ... ---- */

static int helper_tag(struct hist_measure *measure, uint32_t index) {
    struct meter *meter = NULL;
    struct handed handed = {.rc = open_tag(measure, index, &meter, &measure->helper_err)};
    do {
        handed.rc =
            handed.rc < 0 ? handed.rc : meter_next(meter, &handed.measured, &measure->helper_err);
        if (queue_push(measure->queue, &handed, INT64_MAX) < 0) {
            handed.rc = -ERR_CLOSED; // Nobody wants it any more.
        }
    } while (handed.rc > 0);
    meter_close(meter);
    return handed.rc;
}

static void helper_run(void *context) {
    struct hist_measure *measure = context;
    int rc = 0;
    for (uint32_t i = 1; i < measure->query.tag_count && rc >= 0; i += 2) {
        rc = helper_tag(measure, i);
    }
}

/* ---- Opening ---- */

static int check_fill(const struct hist_measure_query *query, struct err *err) {
    if (query->fill == HIST_FILL_NONE) {
        return 0;
    }
    if (query->from_ns < HIST_TIME_MIN || query->to_ns > HIST_TIME_MAX) {
        return err_set(err, ERR_INVALID, MSG_MEASURE_FILL, NO_ARGS);
    }
    uint64_t span_ns =
        query->to_ns > query->from_ns ? (uint64_t)query->to_ns - (uint64_t)query->from_ns : 0;
    bool many = query->every_ns > 0 && span_ns / (uint64_t)query->every_ns >= HIST_FILLED_MAX;
    return many ? err_set(err, ERR_LIMIT, MSG_MEASURE_FILLED, ARGS(A_INT(HIST_FILLED_MAX))) : 0;
}

static int check_query(const struct hist_measure_query *query, struct err *err) {
    if (query->percentile_count > HIST_PERCENTILES_MAX) {
        return err_set(err, ERR_LIMIT, MSG_MEASURE_PERCENTILES, ARGS(A_INT(HIST_PERCENTILES_MAX)));
    }
    for (uint32_t i = 0; i < query->percentile_count; i++) {
        double p = query->percentiles[i];
        if (!(p >= 0 && p <= 100)) {
            return err_set(err, ERR_INVALID, MSG_MEASURE_PERCENTILE, ARGS(A_REAL(p)));
        }
    }
    return check_fill(query, err);
}

int hist_measure_open(struct historian *historian, const struct hist_measure_query *query,
    struct hist_measure **ret_measure, struct err *err) {
    int rc = check_query(query, err);
    if (rc < 0) {
        return rc;
    }
    struct hist_measure *measure = MEM_NEW(struct hist_measure);
    measure->query = *query;
    measure->view = store_view(historian);
    measure->now_ns = clock_wall_ns(historian->clock);
    if (query->parallel && query->tag_count > 1 && sysconf(_SC_NPROCESSORS_ONLN) > 1) {
        measure->queue = queue_new(sizeof(struct handed), QUEUE_ITEMS);
        thread_start(&measure->thread, "hist-measure", helper_run, measure);
    }
    *ret_measure = measure;
    return 0;
}

void hist_measure_close(struct hist_measure *measure) {
    if (measure == NULL) {
        return;
    }
    if (measure->queue != NULL) {
        atomic_store_explicit(&measure->stop, true, memory_order_relaxed);
        queue_close(measure->queue);
        thread_join(&measure->thread);
        queue_free(measure->queue);
    }
    meter_close(measure->meter);
    view_unref(measure->view);
    mem_free(measure);
}

/* ---- Results ---- */

/* The next bucket of the present tag: 1, 0 (its end), or negative. */
static int tag_next(
    struct hist_measure *measure, struct hist_measured *ret_measured, struct err *err) {
    if (measure->queue != NULL && measure->tag_index % 2 == 1) {
        struct handed handed;
        int rc = queue_pop(measure->queue, &handed, INT64_MAX);
        CHECK(rc == 0); // Only the close closes it.
        if (handed.rc < 0 && err != NULL) {
            *err = measure->helper_err;
        }
        if (handed.rc > 0) {
            *ret_measured = handed.measured;
        }
        return handed.rc;
    }
    int rc = 0;
    if (measure->meter == NULL) {
        rc = open_tag(measure, measure->tag_index, &measure->meter, err);
    }
    rc = rc < 0 ? rc : meter_next(measure->meter, ret_measured, err);
    if (rc <= 0) {
        meter_close(measure->meter);
        measure->meter = NULL;
    }
    return rc;
}

int hist_measure_next(struct hist_measure *measure, uint32_t *ret_tag,
    struct hist_measured *ret_measured, struct err *err) {
    while (measure->failed == 0 && measure->tag_index < measure->query.tag_count) {
        int rc = tag_next(measure, ret_measured, err);
        if (rc > 0) {
            *ret_tag = measure->query.tags[measure->tag_index];
            return 1;
        }
        measure->tag_index++;
        measure->failed = rc;
    }
    return measure->failed;
}
