/*
 * One thread turns batches into durable, visible samples. It takes everything that waits in its
 * queue (at most ITEMS_MAX batches), runs refine over each, appends all of them to the historian
 * with one sync, and only then publishes to the live table: shown means durable. Latency at low
 * load is one sync; under load the sync is shared by the whole queue, which is the group commit of
 * the device side.
 *
 * Two kinds of batches arrive. Device batches come from a fixed pool and belong to us until they
 * are durable; when the store refuses (disk full) they wait in `held` and are tried again, the pool
 * runs dry, and the links wait and count it: a full disk is felt as back-pressure, never as
 * silence. Submitted batches (imports, line protocol, people) carry a ticket and are refused at
 * once with words, because their sender still has the data.
 *
 * Some rows come by time alone: the mark of a silent tag, a sample that a stage held back long
 * enough. They are made about once a second, when nothing waits to be refined, into a batch of our
 * own that is stored like a device batch and waits like one; at the end everything held back is
 * stored.
 *
 * Rejected: one thread per device up to the store. Refine state would need locks, and syncs could
 * not be shared.
 */
#include "plant/pipeline.h"

#include <stdatomic.h>

#include "core/check.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/queue.h"
#include "core/thread.h"
#include "plant/derive.h"
#include "plant/lag.h"

enum {
    POOL_BATCHES = 48,       // Device batches alive at once; links wait when all are out.
    POOL_ROWS = 8192,        // A poll with more points uses several batches.
    POOL_TEXT_BYTES = 65536, // Text bytes per pooled batch.
    QUEUE_ITEMS = 256,       // Batches waiting; submitters wait when full.
    ITEMS_MAX = 64,          // Batches per commit.
    RETRY_MS = 500,          // Between tries while the store refuses.
    SUBMIT_WAIT_MS = 10000,  // A submitter waits that long for room, then ERR_BUSY.
    TICK_MS = 1000,          // Between two looks at what time alone brings.
    LAG_WINDOW_S = 60,       // lag_max_ns is the largest of the last one to two windows.
};

/* A submitter's wait for its batches. Lives on the submitter's stack; guarded by its mutex. */
struct ticket {
    struct mutex mutex;
    struct cond done;
    uint32_t open;    // Batches not finished yet.
    bool from_device; // Rows are not judged one for all.
    struct err err;
};

struct item {
    struct batch *batch;
    struct ticket *ticket; // NULL: a device batch of the pool, or our own.
};

struct pipeline {
    struct pipeline_options with;
    struct queue *pool;
    struct queue *queue;
    struct batch *batches[POOL_BATCHES];
    struct thread thread;
    struct item held[POOL_BATCHES]; // Refined device batches that the store refused.
    uint32_t held_count;
    int64_t retry_mono_ns;
    struct derive *derive; // Derived tags; of the pipeline thread.
    struct batch *own;     // What time brought. Not empty: it waits to be stored.
    int64_t tick_mono_ns;
    _Atomic(struct catalogue *) next_catalogue;
    struct catalogue *catalogue; // The one in use: which tags are known.
    struct mutex status_mutex;
    struct pipeline_status status;
    int64_t lag_window_start_ns;
    int64_t lag_max_before_ns;
    int64_t lag_max_now_ns;
    struct lag lag; // Of all batches since the start.
    struct journal *journal;
};

static void ticket_finish(struct ticket *ticket, const struct err *err) {
    mutex_lock(&ticket->mutex);
    if (err->code != ERR_OK && ticket->err.code == ERR_OK) {
        ticket->err = *err;
    }
    CHECK(ticket->open > 0);
    ticket->open--;
    cond_signal(&ticket->done);
    mutex_unlock(&ticket->mutex);
}

/* ---- The pipeline thread ---- */

static void take_catalogue(struct pipeline *p) {
    struct catalogue *next = atomic_exchange(&p->next_catalogue, NULL);
    if (next != NULL) {
        refine_use(p->with.refine, next);
        derive_use(p->derive, next);
        catalogue_unref(p->catalogue);
        p->catalogue = next;
    }
}

/* After a refusal refine must not believe that the refused rows are the newest, or a second try of
 * the same rows would be taken for duplicates and dropped. */
static void refine_forget(struct pipeline *p, const struct batch *batch) {
    derive_forget(p->derive);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct hist_last last;
        if (hist_last(p->with.historian, batch->rows[i].tag, &last)) {
            refine_seed(p->with.refine, &last.row, str_of(last.text_z));
        } else {
            const struct sample none = {.tag = batch->rows[i].tag};
            refine_seed(p->with.refine, &none, STR_NONE);
        }
    }
}

static uint32_t count_dropped(const struct batch *batch) {
    uint32_t dropped = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        dropped += (batch->rows[i].flags & SAMPLE_DROP) != 0;
    }
    return dropped;
}

static void note_lag(struct pipeline *p, int64_t lag_ns, int64_t now_ns) {
    if (now_ns - p->lag_window_start_ns > LAG_WINDOW_S * NS_PER_S) {
        p->lag_max_before_ns = p->lag_max_now_ns;
        p->lag_max_now_ns = 0;
        p->lag_window_start_ns = now_ns;
    }
    p->status.lag_ns = lag_ns;
    lag_add(&p->lag, lag_ns);
    if (lag_ns > p->lag_max_now_ns) {
        p->lag_max_now_ns = lag_ns;
    }
    p->status.lag_max_ns =
        p->lag_max_now_ns > p->lag_max_before_ns ? p->lag_max_now_ns : p->lag_max_before_ns;
}

static void finish_item(struct pipeline *p, const struct item *item, const struct err *err) {
    if (item->ticket != NULL) {
        ticket_finish(item->ticket, err);
        return;
    }
    batch_clear(item->batch);
    if (item->batch == p->own) {
        return;
    }
    /* The pool's queue has room for every batch that exists, so this cannot fail. */
    CHECK(queue_push(p->pool, &item->batch, 0) == 0);
}

static void show(struct pipeline *p, const struct item *items, uint32_t count) {
    int64_t now_ns = clock_wall_ns(p->with.clock);
    for (uint32_t i = 0; i < count; i++) {
        const struct batch *batch = items[i].batch;
        int64_t received_ns = batch->reply_ns != 0 ? batch->reply_ns : now_ns;
        live_publish(p->with.live, batch, received_ns);
        uint32_t dropped = count_dropped(batch);
        if (dropped > 0) {
            live_touch(p->with.live, batch, received_ns);
        }
        mutex_lock(&p->status_mutex);
        p->status.rows_omitted += dropped;
        p->status.rows_kept += batch->count - dropped;
        if (batch->reply_ns != 0) {
            note_lag(p, now_ns - batch->reply_ns, now_ns);
        }
        mutex_unlock(&p->status_mutex);
        journal_count(p->journal, 0,
            &(struct journal_minute){.kept = batch->count - dropped, .omitted = dropped});
    }
}

static int append_items(struct pipeline *p, struct item *items, uint32_t count, struct err *err) {
    struct batch *batches[POOL_BATCHES + ITEMS_MAX + 1] = {0};
    for (uint32_t i = 0; i < count; i++) {
        batches[i] = items[i].batch;
    }
    return hist_append(p->with.historian, batches, count, err);
}

static void note_refused(struct pipeline *p, const struct item *item, const struct err *err) {
    const struct batch *batch = item->batch;
    mutex_lock(&p->status_mutex);
    p->status.rows_refused += batch->count;
    mutex_unlock(&p->status_mutex);
    journal_count(p->journal, batch->source, &(struct journal_minute){.refused = batch->count});
    bool device = item->ticket == NULL || item->ticket->from_device;
    journal_refuse(
        p->journal, device ? JOURNAL_DEVICE : JOURNAL_SENDER, batch->source, batch->count, err);
}

static void note_result(struct pipeline *p, const struct err *err) {
    bool was_stalled;
    mutex_lock(&p->status_mutex);
    was_stalled = p->status.stalled;
    p->status.stalled = err->code != ERR_OK;
    if (err->code != ERR_OK) {
        p->status.last_error = *err;
    } else {
        p->status.commits++;
        p->status.last_error = ERR_INIT;
    }
    mutex_unlock(&p->status_mutex);
    if (err->code != ERR_OK && !was_stalled) {
        log_event(LOG_ERROR, "plant", "store_refuses",
            LOG_FIELDS({"next", A_CSTR("device data waits and is tried again every 0.5 s")}), err);
    } else if (err->code == ERR_OK && was_stalled) {
        log_event(LOG_INFO, "plant", "store_accepts_again", NULL, NULL);
    }
}

/* What to do with an item that the store did not take: a device batch waits for the next try,
 * unless its content is the reason, which no try would change. */
static void refuse_item(struct pipeline *p, const struct item *item, const struct err *err) {
    bool content = err->code == ERR_INVALID || err->code == ERR_LIMIT;
    if (item->ticket == NULL && !content) {
        p->retry_mono_ns = clock_mono_ns(clock_system()) + RETRY_MS * NS_PER_MS;
        if (item->batch != p->own) { // That one waits where it is.
            p->held[p->held_count++] = *item;
        }
        return;
    }
    if (item->ticket == NULL) {
        log_event(LOG_ERROR, "plant", "device_batch_refused",
            LOG_FIELDS({"rows", A_INT(item->batch->count)}), err);
    }
    note_refused(p, item, err);
    refine_forget(p, item->batch);
    finish_item(p, item, err);
}

/* One by one, when something in a group is not storable: only the guilty one is refused. */
static void commit_singly(struct pipeline *p, struct item *items, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct err err = ERR_INIT;
        int status = append_items(p, &items[i], 1, &err);
        if (status != -ERR_INVALID && status != -ERR_LIMIT) {
            note_result(p, &err);
        }
        if (status >= 0) {
            show(p, &items[i], 1);
            finish_item(p, &items[i], &err);
        } else {
            refuse_item(p, &items[i], &err);
        }
    }
}

/* Appends held and new items together. On refusal, device batches are held and tickets refused. */
static void commit(struct pipeline *p, const struct item *fresh, uint32_t fresh_count) {
    struct item items[POOL_BATCHES + ITEMS_MAX + 1];
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->held_count; i++) {
        items[count++] = p->held[i];
    }
    for (uint32_t i = 0; i < fresh_count; i++) {
        items[count++] = fresh[i];
    }
    if (p->own->count > 0) {
        items[count++] = (struct item){.batch = p->own};
    }
    p->held_count = 0;
    struct err err = ERR_INIT;
    int status = append_items(p, items, count, &err);
    if (status == -ERR_INVALID || status == -ERR_LIMIT) {
        commit_singly(p, items, count);
        return;
    }
    note_result(p, &err);
    if (status >= 0) {
        show(p, items, count);
        for (uint32_t i = 0; i < count; i++) {
            finish_item(p, &items[i], &err);
        }
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        refuse_item(p, &items[i], &err);
    }
}

/* A submitted row must be of a known tag and of a time that can be true: it is refused in words,
 * not taken and dropped. */
static int check_rows(struct pipeline *p, const struct batch *batch, struct err *err) {
    int64_t latest = clock_wall_ns(p->with.clock) + SAMPLE_AHEAD_MAX_NS;
    if (latest > SAMPLE_TIME_MAX) {
        latest = SAMPLE_TIME_MAX;
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        const struct tag *tag = p->catalogue != NULL ? catalogue_tag(p->catalogue, row->tag) : NULL;
        if (tag == NULL) {
            return err_set(err, ERR_NOT_FOUND, MSG_PLANT_TAG_UNKNOWN, ARGS(A_INT(row->tag)));
        }
        if (row->time_ns < SAMPLE_TIME_MIN || row->time_ns > latest) {
            char time[TIME_TEXT_MAX];
            size_t size = time_format(row->time_ns, NULL, time);
            return err_set(err, ERR_RANGE, MSG_PLANT_TIME,
                ARGS(A_STR(((struct str){time, size})), A_STR(tag->name)));
        }
    }
    return 0;
}

/* Refines the fresh items. A ticket that cannot be stored is refused before it touches anything. */
static uint32_t refine_items(struct pipeline *p, struct item *items, uint32_t count) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct batch *batch = items[i].batch;
        mutex_lock(&p->status_mutex);
        p->status.batches_in++;
        p->status.rows_in += batch->count;
        mutex_unlock(&p->status_mutex);
        journal_count(p->journal, batch->source, &(struct journal_minute){.in = batch->count});
        struct err err = ERR_INIT;
        bool judged = items[i].ticket != NULL && !items[i].ticket->from_device;
        if (judged && check_rows(p, batch, &err) < 0) {
            note_refused(p, &items[i], &err);
            finish_item(p, &items[i], &err);
            continue;
        }
        refine_reserve(p->with.refine, batch);
        refine_run(p->with.refine, batch);
        derive_run(p->derive, batch);
        if (items[i].ticket != NULL && hist_mark_duplicates(p->with.historian, batch, &err) < 0) {
            refuse_item(p, &items[i], &err);
            continue;
        }
        items[kept++] = items[i];
    }
    return kept;
}

/* When the thread has to wake though nothing comes. */
static int64_t next_deadline(const struct pipeline *p) {
    if (p->held_count > 0 || p->own->count > 0) {
        return p->retry_mono_ns;
    }
    return refine_ticks(p->with.refine) ? p->tick_mono_ns : INT64_MAX;
}

/* A sample that waits in the queue, or in what the store refused, is no gap. */
static void tick(struct pipeline *p) {
    int64_t now_ns = clock_mono_ns(clock_system());
    if (now_ns < p->tick_mono_ns || p->own->count > 0 || p->held_count > 0 ||
        queue_size(p->queue) > 0) {
        return;
    }
    bool more = refine_tick(p->with.refine, clock_wall_ns(p->with.clock), p->own);
    derive_run(p->derive, p->own);
    p->tick_mono_ns = more ? now_ns : now_ns + TICK_MS * NS_PER_MS;
}

/* The last tries; what is refused now was never acknowledged. */
static void finish(struct pipeline *p) {
    bool more = true;
    while (more) {
        more = p->own->count > 0 || refine_flush(p->with.refine, p->own);
        if (p->held_count > 0 || p->own->count > 0) {
            commit(p, NULL, 0);
        }
        if (p->own->count > 0) {
            break; // The store refuses.
        }
    }
}

static void pipeline_run(void *context) {
    struct pipeline *p = context;
    for (;;) {
        struct item items[ITEMS_MAX];
        int64_t deadline = next_deadline(p);
        int got = queue_pop_many(p->queue, items, ITEMS_MAX, deadline);
        take_catalogue(p);
        if (got == -ERR_CLOSED) {
            break;
        }
        uint32_t fresh = got > 0 ? refine_items(p, items, (uint32_t)got) : 0;
        tick(p);
        if (fresh > 0 || p->held_count > 0 || p->own->count > 0) {
            commit(p, items, fresh);
        }
    }
    finish(p);
}

/* ---- Other threads ---- */

static struct batch *port_take(void *context, int64_t deadline_mono_ns) {
    struct pipeline *p = context;
    struct batch *batch = NULL;
    return queue_pop(p->pool, &batch, deadline_mono_ns) == 0 ? batch : NULL;
}

static int port_give(void *context, struct batch *batch) {
    struct pipeline *p = context;
    struct item item = {.batch = batch};
    int status = batch->count == 0 ? -ERR_CLOSED : queue_push(p->queue, &item, INT64_MAX);
    if (status < 0) { // Empty, or stopping: back to the pool unstored and unacknowledged.
        bool empty = batch->count == 0;
        batch_clear(batch);
        CHECK(queue_push(p->pool, &batch, 0) == 0);
        return empty ? 0 : status;
    }
    return 0;
}

/* Queues one batch; when the queue stays full or closes, its part of the ticket is finished. */
static void submit_one(struct pipeline *p, struct batch *batch, struct ticket *ticket) {
    struct item item = {.batch = batch, .ticket = ticket};
    int64_t deadline = clock_mono_ns(clock_system()) + SUBMIT_WAIT_MS * NS_PER_MS;
    int status = queue_push(p->queue, &item, deadline);
    if (status < 0) {
        struct err err = ERR_INIT;
        if (status == -ERR_CLOSED) {
            (void)err_set(&err, ERR_CLOSED, MSG_PLANT_STOPPING, NO_ARGS);
        } else {
            (void)err_set(&err, ERR_BUSY, MSG_PLANT_BUSY, ARGS(A_INT(SUBMIT_WAIT_MS / 1000)));
        }
        note_refused(p, &item, &err);
        ticket_finish(ticket, &err);
    }
}

static int submit(struct pipeline *p, struct batch *const *batches, uint32_t count,
    bool from_device, struct err *err) {
    struct ticket ticket = {.open = count, .from_device = from_device};
    mutex_init(&ticket.mutex);
    cond_init(&ticket.done);
    for (uint32_t i = 0; i < count; i++) {
        submit_one(p, batches[i], &ticket);
    }
    mutex_lock(&ticket.mutex);
    while (ticket.open > 0) {
        (void)cond_wait_until(&ticket.done, &ticket.mutex, INT64_MAX); // No deadline to miss.
    }
    mutex_unlock(&ticket.mutex);
    cond_fini(&ticket.done);
    mutex_fini(&ticket.mutex);
    if (ticket.err.code != ERR_OK) {
        if (err != NULL) {
            *err = ticket.err;
        }
        return -(int)ticket.err.code;
    }
    return 0;
}

int pipeline_submit(
    struct pipeline *p, struct batch *const *batches, uint32_t count, struct err *err) {
    return submit(p, batches, count, false, err);
}

/* A device that has not seen the newest catalogue yet may send rows of tags that are gone. Refine
 * drops those, as it does with polled ones; the others of the batch count, because their sender
 * takes them for stored. */
static int port_submit(void *context, struct batch *batch, struct err *err) {
    return submit(context, &batch, 1, true, err);
}

struct bookmark {
    struct str device;
    struct str key;
    struct str value;
    struct buf *out;
};

static int read_bookmark(struct ledger_tx *tx, void *context, struct err *err) {
    const struct bookmark *bookmark = context;
    return bookmark_get(tx, bookmark->device, bookmark->key, bookmark->out, err);
}

static int write_bookmark(struct ledger_tx *tx, void *context, struct err *err) {
    const struct bookmark *bookmark = context;
    return bookmark_put(tx, bookmark->device, bookmark->key, bookmark->value, err);
}

static int port_bookmark_get(
    void *context, struct str device, struct str key, struct buf *out, struct err *err) {
    const struct pipeline *p = context;
    struct bookmark bookmark = {.device = device, .key = key, .out = out};
    return p->with.ledger != NULL ? ledger_read(p->with.ledger, read_bookmark, &bookmark, err)
                                  : -(int)ERR_NOT_FOUND;
}

static int port_bookmark_put(
    void *context, struct str device, struct str key, struct str value, struct err *err) {
    const struct pipeline *p = context;
    struct bookmark bookmark = {.device = device, .key = key, .value = value};
    return p->with.ledger != NULL ? ledger_write(p->with.ledger, write_bookmark, &bookmark, err)
                                  : 0;
}

struct pipeline *pipeline_new(const struct pipeline_options *options) {
    struct pipeline *p = MEM_NEW(struct pipeline);
    p->with = *options;
    p->pool = queue_new(sizeof(struct batch *), POOL_BATCHES);
    p->queue = queue_new(sizeof(struct item), QUEUE_ITEMS);
    mutex_init(&p->status_mutex);
    for (int i = 0; i < POOL_BATCHES; i++) {
        p->batches[i] = batch_new(POOL_ROWS, POOL_TEXT_BYTES);
        CHECK(queue_push(p->pool, &p->batches[i], 0) == 0);
    }
    p->journal = journal_new(options->clock);
    p->derive = derive_new(options->historian);
    p->own = batch_new(POOL_ROWS, POOL_TEXT_BYTES);
    p->status.queue_capacity = QUEUE_ITEMS;
    thread_start(&p->thread, "pipeline", pipeline_run, p);
    return p;
}

void pipeline_free(struct pipeline *p) {
    if (p == NULL) {
        return;
    }
    queue_close(p->queue);
    thread_join(&p->thread);
    for (int i = 0; i < POOL_BATCHES; i++) {
        batch_free(p->batches[i]);
    }
    batch_free(p->own);
    derive_free(p->derive);
    journal_free(p->journal);
    catalogue_unref(atomic_exchange(&p->next_catalogue, NULL));
    catalogue_unref(p->catalogue);
    queue_free(p->queue);
    queue_free(p->pool);
    mutex_fini(&p->status_mutex);
    mem_free(p);
}

struct sample_port pipeline_port(struct pipeline *p) {
    return (struct sample_port){.context = p,
        .take = port_take,
        .give = port_give,
        .submit = port_submit,
        .bookmark_get = port_bookmark_get,
        .bookmark_put = port_bookmark_put};
}

void pipeline_use(struct pipeline *p, struct catalogue *catalogue) {
    catalogue_unref(atomic_exchange(&p->next_catalogue, catalogue_ref(catalogue)));
}

struct journal *pipeline_journal(struct pipeline *p) {
    return p->journal;
}

void pipeline_status_get(struct pipeline *p, struct pipeline_status *ret_status) {
    mutex_lock(&p->status_mutex);
    *ret_status = p->status;
    ret_status->lag_count = p->lag.total;
    ret_status->lag_p50_ns = lag_percentile_ns(&p->lag, 500);
    ret_status->lag_p99_ns = lag_percentile_ns(&p->lag, 990);
    mutex_unlock(&p->status_mutex);
    ret_status->queue_size = (uint32_t)queue_size(p->queue);
}
