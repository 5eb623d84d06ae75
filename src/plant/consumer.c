/*
 * Counting strokes exactly once. The consumer reads durable batches by sequence number, keeps the
 * totals in memory, and writes the changed ones together with its cursor in one ledger transaction
 * (docs/ARCHITECTURE.md, "How the halves stay together"). After a kill it starts again from the
 * cursor, and the historian's log still holds every batch above it, so each increment is counted
 * once whatever moment the power went.
 *
 * It works in rounds of at most ROUND_BATCHES batches and at least ROUND_MS apart, so that a ledger
 * sync is paid four times a second at most, not once a poll. The historian is told less often how
 * far we are (KEEP_EVERY): keeping some log too long costs disk, letting it go too early would cost
 * counts.
 */
#include "plant/consumer.h"

#include <math.h>

#include "core/check.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/thread.h"
#include "model/counter.h"

enum {
    ROUND_MS = 250,
    ROUND_BATCHES = 4096,
    RETRY_MS = 1000,  // After the ledger refused.
    KEEP_EVERY = 512, // Batches between two hist_consumer_keep.
};

#define CONSUMER_NAME STR("strokes")

struct consumer {
    struct consumer_options with;
    struct thread thread;
    struct stop_flag stop;
    uint64_t seq;           // Stored in the ledger.
    uint64_t seq_kept;      // Told to the historian.
    struct count_row *rows; // By tag number; tag 0: not loaded.
    bool *changed;
    uint32_t capacity;
    struct mutex mutex; // Guards the status only.
    struct consumer_status status;
};

void count_add(struct count_row *row, double value, int64_t time_ns, double counter_max) {
    if (!counter_is_count_f64(value) || (!isnan(row->last_value) && time_ns <= row->last_time_ns)) {
        return;
    }
    if (!isnan(row->last_value)) {
        bool rolled = counter_rolls_over(row->last_value, value, counter_max);
        bool fell = value < row->last_value && !rolled;
        int64_t more = (int64_t)floor(value) - (fell ? 0 : (int64_t)floor(row->last_value)) +
                       (rolled ? (int64_t)counter_max + 1 : 0);
        row->total = more > INT64_MAX - row->total ? INT64_MAX : row->total + more;
        row->resets += fell;
    }
    row->last_value = value;
    row->last_time_ns = time_ns;
}

/* ---- Rounds ---- */

struct round {
    struct consumer *consumer;
    uint64_t seq; // To be stored.
};

static int round_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct round *round = context;
    struct consumer *c = round->consumer;
    for (uint32_t i = 0; i < c->capacity; i++) {
        if (c->changed[i]) {
            int status = count_put(tx, &c->rows[i], err);
            if (status < 0) {
                return status;
            }
        }
    }
    return cursor_put(tx, CONSUMER_NAME, round->seq, err);
}

static void grow(struct consumer *c, uint32_t tag) {
    if (tag < c->capacity) {
        return;
    }
    uint32_t capacity = c->capacity == 0 ? 1024 : c->capacity;
    while (capacity <= tag) {
        capacity *= 2;
    }
    c->rows = mem_resize(c->rows, capacity * sizeof *c->rows);
    c->changed = mem_resize(c->changed, capacity * sizeof *c->changed);
    for (uint32_t i = c->capacity; i < capacity; i++) {
        c->rows[i] = (struct count_row){.last_value = (double)NAN};
        c->changed[i] = false;
    }
    c->capacity = capacity;
}

/* Counts the rows of counters. A tag that the snapshot does not know is newer than it: the present
 * one is taken then, because a tag is published before its first sample can be durable. */
static void count_batch(
    struct consumer *c, struct catalogue **catalogue, const struct batch *batch) {
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if (row->tag > (*catalogue)->tag_count) {
            catalogue_unref(*catalogue);
            *catalogue = plant_catalogue(c->with.plant);
        }
        const struct tag *tag = catalogue_tag(*catalogue, row->tag);
        if (tag == NULL || tag->kind != KIND_COUNTER || row->type == TYPE_TEXT ||
            status_quality(row->status) == QUALITY_BAD || (row->flags & SAMPLE_CORRECTION) != 0) {
            continue;
        }
        grow(c, row->tag);
        c->rows[row->tag].tag = row->tag;
        count_add(&c->rows[row->tag], sample_number(row), row->time_ns, refine_counter_max(tag));
        c->changed[row->tag] = true;
    }
}

static int load_row(struct ledger_tx *tx, struct consumer *c, uint32_t tag, struct err *err) {
    struct count_row row;
    int status = count_get(tx, tag, &row, err);
    if (status >= 0 && !isnan(row.last_value)) {
        grow(c, tag);
        c->rows[tag] = row;
    }
    return status;
}

/* Totals and cursor as the ledger has them; whatever memory held before is forgotten. */
static int load_state(struct ledger_tx *tx, void *context, struct err *err) {
    struct consumer *c = context;
    for (uint32_t i = 0; i < c->capacity; i++) {
        c->rows[i] = (struct count_row){.last_value = (double)NAN};
        c->changed[i] = false;
    }
    struct catalogue *catalogue = plant_catalogue(c->with.plant);
    int status = 0;
    /* Of all tags: one that is no counter today may have been one, and be one again. */
    for (uint32_t i = 0; i < catalogue->tag_count && status >= 0; i++) {
        status = load_row(tx, c, catalogue->tags[i].number, err);
    }
    catalogue_unref(catalogue);
    return status < 0 ? status : cursor_get(tx, CONSUMER_NAME, &c->seq, err);
}

static void keep(struct consumer *c, bool now) {
    if (c->seq == c->seq_kept || (!now && c->seq - c->seq_kept < KEEP_EVERY)) {
        return;
    }
    struct err err = ERR_INIT;
    if (hist_consumer_keep(c->with.historian, CONSUMER_NAME, c->seq, &err) >= 0) {
        c->seq_kept = c->seq;
    } // Otherwise the log is kept longer; the next round tells it again.
}

/* Counts what is durable beyond the cursor. Count of batches, or negative. */
static int round_run(struct consumer *c, struct err *err) {
    if (c->seq > hist_seq(c->with.historian)) {
        return err_set(err, ERR_NOT_FOUND, MSG_PLANT_STROKES_AHEAD,
            ARGS(A_INT(c->seq), A_INT(hist_seq(c->with.historian))));
    }
    struct hist_replay *replay = NULL;
    int status = hist_replay_open(c->with.historian, c->seq, &replay, err);
    if (status < 0) {
        return status;
    }
    struct catalogue *catalogue = plant_catalogue(c->with.plant);
    struct round round = {.consumer = c, .seq = c->seq};
    const struct batch *batch = NULL;
    int count = 0;
    while (count < ROUND_BATCHES && (status = hist_replay_next(replay, &batch, err)) > 0) {
        count_batch(c, &catalogue, batch);
        round.seq = batch->seq;
        count++;
    }
    hist_replay_close(replay);
    catalogue_unref(catalogue);
    if (status < 0 || count == 0) {
        return status;
    }
    status = ledger_write(c->with.ledger, round_store, &round, err);
    if (status < 0) {
        return status;
    }
    for (uint32_t i = 0; i < c->capacity; i++) {
        c->changed[i] = false;
    }
    c->seq = round.seq;
    return count;
}

/* After a failed round memory may be ahead of the ledger: read it again before the next try. When
 * the log no longer has what comes after the cursor, counting goes on from the present and says so.
 */
static void recover(struct consumer *c, const struct err *failure) {
    log_event(LOG_WARN, "plant", "stroke_counter_retries",
        LOG_FIELDS({"seq", A_INT(c->seq)}, {"next", A_CSTR("tried again in 1 s")}), failure);
    struct err err = ERR_INIT;
    if (ledger_read(c->with.ledger, load_state, c, &err) < 0) {
        return; // The next round fails the same way and comes back here.
    }
    if (failure->code == ERR_NOT_FOUND) {
        struct round round = {.consumer = c, .seq = hist_seq(c->with.historian)};
        if (ledger_write(c->with.ledger, round_store, &round, &err) >= 0) {
            c->seq = round.seq;
        }
    }
}

static void note_status(struct consumer *c, const struct err *err) {
    uint64_t seq = hist_seq(c->with.historian);
    mutex_lock(&c->mutex);
    c->status.seq = c->seq;
    c->status.lag = seq > c->seq ? seq - c->seq : 0;
    c->status.last_error = *err;
    mutex_unlock(&c->mutex);
}

static void consumer_run(void *context) {
    struct consumer *c = context;
    for (;;) {
        /* Looked at before the round: what was durable then is counted even when stopping. */
        bool stopping = stop_flag_is_raised(&c->stop);
        struct err err = ERR_INIT;
        int count = round_run(c, &err);
        if (count < 0) {
            recover(c, &err);
        }
        keep(c, stopping);
        note_status(c, &err);
        if (stopping && count <= 0) {
            return;
        }
        int64_t pause_ms = count < 0 ? RETRY_MS : count >= ROUND_BATCHES ? 0 : ROUND_MS;
        int64_t deadline = clock_mono_ns(clock_system()) + pause_ms * NS_PER_MS;
        (void)stop_flag_wait(&c->stop, deadline); // Raised or not, the loop looks again.
    }
}

int consumer_start(
    const struct consumer_options *options, struct consumer **ret_consumer, struct err *err) {
    struct consumer *c = MEM_NEW(struct consumer);
    c->with = *options;
    int status = ledger_read(c->with.ledger, load_state, c, err);
    if (status >= 0) {
        status = hist_consumer_keep(c->with.historian, CONSUMER_NAME, c->seq, err);
    }
    if (status < 0) {
        mem_free(c->rows);
        mem_free(c->changed);
        mem_free(c);
        return err_context(err, MSG_PLANT_STROKES_START, NO_ARGS);
    }
    c->seq_kept = c->seq;
    mutex_init(&c->mutex);
    stop_flag_init(&c->stop);
    thread_start(&c->thread, "strokes", consumer_run, c);
    *ret_consumer = c;
    return 0;
}

void consumer_stop(struct consumer *c) {
    if (c == NULL) {
        return;
    }
    stop_flag_raise(&c->stop);
    thread_join(&c->thread);
    stop_flag_fini(&c->stop);
    mutex_fini(&c->mutex);
    mem_free(c->rows);
    mem_free(c->changed);
    mem_free(c);
}

void consumer_status_get(struct consumer *c, struct consumer_status *ret_status) {
    mutex_lock(&c->mutex);
    *ret_status = c->status;
    mutex_unlock(&c->mutex);
}
