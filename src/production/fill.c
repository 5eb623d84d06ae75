/*
 * The filler follows the historian's sequence like the stroke counter (plant/consumer.c): rounds of
 * durable batches, effects and cursor in one transaction of the ledger, memory read again after a
 * refusal. A round first picks the samples of machines' tags out of the batches, then works them in
 * inside the transaction, with the runs as they stand there, so that a run that begins meanwhile is
 * seen before or behind the round and never in its midst.
 *
 * A machine's memory is stored whenever it had a sample, also where nothing changed: a process that
 * is killed must know how far the link was alive.
 */
#include "production/fill.h"

#include <math.h>
#include <stdatomic.h>

#include "core/log.h"
#include "core/mem.h"
#include "core/thread.h"
#include "production/fill_store.h"
#include "production/words.h"

enum {
    ROUND_MS = 250,
    ROUND_BATCHES = 4096,
    ROUND_SAMPLES = 1 << 16, // A round ends behind the batch that brings so many.
    RETRY_MS = 1000,         // After the ledger refused.
    AHEAD_MAX_S = 300,       // Clocks of sources differ by less.
    LATE_EVERY = 40,         // Rounds between two looks at late pieces.
    KEEP_EVERY = 512,        // Batches between two hist_consumer_keep.
};

#define CONSUMER_NAME STR("production")

enum sight_kind { SIGHT_COUNTER, SIGHT_REJECTS, SIGHT_STATE };

/* A sample as a machine sees it. A tag may serve several machines. */
struct sight {
    uint32_t machine; // Index.
    enum sight_kind kind;
    bool is_bad;
    enum machine_state state;
    double value;
    int64_t time_ns;
};

struct fill {
    struct fill_options with;
    struct thread thread;
    struct stop_flag stop;
    _Atomic uint32_t changes; // Told by fill_changed.
    uint32_t changes_seen;
    int64_t mark;        // Of the machines' rows.
    uint64_t seq;        // Worked in.
    uint64_t seq_stored; // In the ledger: less, where nothing was to be told since.
    uint64_t seq_kept;   // Told to the historian.
    struct arena arena;  // Machines and their texts; as long as `mark` holds.
    struct fill_machine *machines;
    uint32_t machine_count;
    uint32_t *first; // By tag: index + 1 of the first machine that uses it; 0: none.
    uint32_t tag_count;
    bool *touched; // By machine, in this round.
    uint32_t rounds;
    bool late;          // There may be pieces that came behind their run's end.
    bool ahead;         // A clock that is ahead was told of.
    int64_t present_ns; // Given to the newest sample of such a clock.
    struct sight *sights;
    uint32_t sight_count;
    uint32_t sight_room;
    struct mutex mutex; // Guards the status only.
    struct fill_status status;
};

/* ---- Machines ---- */

/* Which tags matter, for a look per row of a batch. */
static void index_tags(struct fill *f) {
    uint32_t last = 0;
    for (uint32_t i = 0; i < f->machine_count; i++) {
        const uint32_t tags[] = {
            f->machines[i].counter, f->machines[i].rejects, f->machines[i].state};
        for (int j = 0; j < 3; j++) {
            last = tags[j] > last ? tags[j] : last;
        }
    }
    f->tag_count = last + 1;
    f->first = ARENA_ARRAY(&f->arena, uint32_t, f->tag_count);
    f->touched = ARENA_ARRAY(&f->arena, bool, (size_t)f->machine_count + 1);
    for (uint32_t i = f->machine_count; i-- > 0;) {
        f->first[f->machines[i].counter] = i + 1;
        f->first[f->machines[i].rejects] = i + 1;
        f->first[f->machines[i].state] = i + 1;
    }
    f->first[0] = 0; // No tag.
}

static int load(struct ledger_tx *tx, void *context, struct err *err) {
    struct fill *f = context;
    arena_reset(&f->arena);
    f->machine_count = 0;
    f->tag_count = 0;
    f->changes_seen = f->changes;
    int status = fill_machines_mark(tx, &f->mark, err);
    if (status >= 0) {
        status = fill_machines_load(tx, &f->arena, &f->machines, err);
    }
    if (status < 0) {
        return status;
    }
    f->machine_count = (uint32_t)status;
    index_tags(f);
    status = cursor_get(tx, CONSUMER_NAME, &f->seq, err);
    f->seq_stored = f->seq;
    return status;
}

/* Reads the machines again where their rows changed. */
static int load_changed(struct ledger_tx *tx, void *context, struct err *err) {
    struct fill *f = context;
    int64_t mark = 0;
    int status = fill_machines_mark(tx, &mark, err);
    if (status < 0 || (mark == f->mark && f->changes_seen == f->changes)) {
        return status;
    }
    return load(tx, f, err);
}

/* ---- Picking samples ---- */

/* "1|2|AUTO": numbers compare as numbers. */
static bool is_among(struct str list, const struct sample *row, struct str text) {
    struct str rest = list;
    while (rest.size > 0) {
        struct str one = str_trim(str_cut(&rest, '|'));
        double number;
        if (row->type == TYPE_TEXT ? str_eq(one, str_trim(text))
                                   : str_to_f64(one, &number) && number == sample_number(row)) {
            return true;
        }
    }
    return false;
}

static enum machine_state state_of(
    const struct fill_machine *machine, const struct batch *batch, const struct sample *row) {
    struct str text = row->type == TYPE_TEXT ? batch_text(batch, row) : STR_NONE;
    if (is_among(machine->run_values, row, text)) {
        return MACHINE_RUN;
    }
    return is_among(machine->setup_values, row, text) ? MACHINE_SETUP : MACHINE_STOP;
}

static void sight_add(struct fill *f, struct sight sight) {
    if (f->sight_count == f->sight_room) {
        f->sight_room = f->sight_room == 0 ? 1024 : f->sight_room * 2;
        f->sights = mem_resize(f->sights, f->sight_room * sizeof *f->sights);
    }
    f->sights[f->sight_count++] = sight;
}

/* When a sample was, for what follows from it. A source whose clock is ahead would silence its true
 * samples until its time has come: its samples are taken for present, in their order. */
static int64_t time_of(struct fill *f, const struct sample *row) {
    int64_t now_ns = clock_wall_ns(f->with.clock);
    if (row->time_ns - now_ns <= AHEAD_MAX_S * NS_PER_S) {
        return row->time_ns;
    }
    if (!f->ahead) {
        struct err err = ERR_INIT;
        (void)err_set(&err, ERR_INVALID, SAY(PRODUCTION_FILL_CLOCK),
            ARGS(A_INT(row->tag), A_INT((row->time_ns - now_ns) / NS_PER_S)));
        log_event(
            LOG_WARN, "production", "clock_ahead", LOG_FIELDS({"tag", A_INT(row->tag)}), &err);
        f->ahead = true;
    }
    f->present_ns = now_ns > f->present_ns ? now_ns : f->present_ns + 1;
    return f->present_ns;
}

static void pick_row(struct fill *f, const struct batch *batch, const struct sample *row) {
    int64_t time_ns = time_of(f, row);
    for (uint32_t i = f->first[row->tag] - 1; i < f->machine_count; i++) {
        const struct fill_machine *machine = &f->machines[i];
        struct sight sight = {.machine = i,
            .is_bad = status_quality(row->status) == QUALITY_BAD,
            .value = row->type == TYPE_TEXT ? (double)NAN : sample_number(row),
            .time_ns = time_ns};
        if (machine->counter == row->tag) {
            sight.kind = SIGHT_COUNTER;
            sight_add(f, sight);
        }
        if (machine->rejects == row->tag) {
            sight.kind = SIGHT_REJECTS;
            sight_add(f, sight);
        }
        if (machine->state == row->tag) {
            sight.kind = SIGHT_STATE;
            sight.state = sight.is_bad ? MACHINE_UNKNOWN : state_of(machine, batch, row);
            sight_add(f, sight);
        }
    }
}

/* Corrections and refined versions say what a value should have been; what the machine did was
 * counted when it told. */
static void pick_batch(struct fill *f, const struct batch *batch) {
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if (row->tag < f->tag_count && f->first[row->tag] != 0 &&
            (row->flags & (SAMPLE_CORRECTION | SAMPLE_REFINED)) == 0 && row->time_ns > 0) {
            pick_row(f, batch, row);
        }
    }
}

/* ---- Working in ---- */

struct round {
    struct fill *fill;
    uint64_t seq; // To be stored.
};

/* One machine's part of a round. */
struct part {
    struct ledger_tx *tx;
    struct fill *fill;
    struct fill_machine *machine;
    struct fill_run *runs;
    int run_count;
    int64_t dirty_ns; // States changed from there on.
};

static int made_add(
    struct part *part, const struct fill_run *run, const struct fill_made *made, struct err *err) {
    int status = fill_made_add(part->tx, made, err);
    bool ended = run != NULL && run->end_ns != INT64_MAX;
    if (status >= 0 && ended) {
        part->fill->late = true;
        status = fill_late_note(part->tx, run->number, err);
    }
    return status;
}

/* As many as 2^53 strokes of 4,096 pieces fit. */
static int count_strokes(
    struct part *part, const struct sight *sight, struct fill_effects *effects, struct err *err) {
    const struct fill_run *run = fill_run_at(part->runs, part->run_count, sight->time_ns);
    int64_t cycle_ns = run == NULL ? 0 : run->cycle_ns;
    struct fill_machine *machine = part->machine;
    int64_t strokes = fill_counter_sample(
        &machine->rules, &machine->memory, sight->time_ns, sight->value, cycle_ns, effects);
    if (strokes == 0) {
        return 0;
    }
    int64_t pieces = run == NULL ? machine->pieces : run->pieces;
    struct fill_made made = {.machine = machine->number,
        .run = run == NULL ? 0 : run->number,
        .time_ns = sight->time_ns,
        .counts = strokes,
        .pieces = strokes > INT64_MAX / pieces ? INT64_MAX : strokes * pieces};
    return made_add(part, run, &made, err);
}

static int count_rejects(struct part *part, const struct sight *sight, struct err *err) {
    struct fill_machine *machine = part->machine;
    int64_t bad =
        fill_rejects_sample(&machine->rules, &machine->memory, sight->time_ns, sight->value);
    if (bad == 0) {
        return 0;
    }
    const struct fill_run *run = fill_run_at(part->runs, part->run_count, sight->time_ns);
    struct fill_made made = {.machine = machine->number,
        .run = run == NULL ? 0 : run->number,
        .time_ns = sight->time_ns,
        .bad = bad};
    return made_add(part, run, &made, err);
}

static int work_in(struct part *part, const struct sight *sight, struct err *err) {
    struct fill_machine *machine = part->machine;
    struct fill_effects effects = {.count = 0};
    int status = 0;
    if (sight->is_bad) {
        bool tells = sight->kind == (machine->rules.has_state ? SIGHT_STATE : SIGHT_COUNTER);
        if (tells && sight->time_ns > machine->memory.seen_ns) {
            fill_blind(&machine->rules, &machine->memory, &effects);
        }
    } else if (sight->kind == SIGHT_STATE) {
        fill_state_sample(
            &machine->rules, &machine->memory, sight->time_ns, sight->state, &effects);
    } else if (sight->kind == SIGHT_COUNTER) {
        status = count_strokes(part, sight, &effects, err);
    } else {
        status = count_rejects(part, sight, err);
    }
    return status < 0 ? status
                      : fill_effects_put(part->tx, machine->number, &effects, &part->dirty_ns, err);
}

/* Since when it stands still in the open run; 0: it does not. */
static int64_t stands_since(const struct fill_memory *memory, const struct fill_run *newest) {
    bool stands = memory->state == MACHINE_STOP && newest != NULL && newest->end_ns == INT64_MAX;
    if (!stands) {
        return 0;
    }
    return memory->state_ns > newest->begin_ns ? memory->state_ns : newest->begin_ns;
}

static int64_t min_ns(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Stops are derived again where states changed, where one became long enough, and where a run began
 * or ended. */
static int stops_follow(struct part *part, struct err *err) {
    struct fill_machine *machine = part->machine;
    const struct fill_memory *memory = &machine->memory;
    const struct fill_run *newest = part->run_count == 0 ? NULL : &part->runs[part->run_count - 1];
    int64_t from_ns = part->dirty_ns;
    int64_t run_ns = newest == NULL ? 0 : newest->begin_ns;
    int64_t is_open = newest != NULL && newest->end_ns == INT64_MAX;
    if (run_ns != machine->run_ns || is_open != machine->run_is_open) {
        bool is_first = machine->run_ns == 0;
        from_ns = min_ns(from_ns, is_first ? run_ns : min_ns(run_ns, machine->run_ns));
        machine->run_ns = run_ns;
        machine->run_is_open = is_open;
    }
    int64_t since_ns = stands_since(memory, newest);
    bool is_ripe = since_ns != 0 && memory->seen_ns - since_ns >= machine->rules.stop_after_ns;
    if (is_ripe && machine->stop_ns != since_ns) {
        from_ns = min_ns(from_ns, since_ns);
        machine->stop_ns = since_ns;
    }
    if (from_ns == INT64_MAX) {
        return 0;
    }
    struct fill_stops stops = {.machine = machine->number,
        .from_ns = from_ns,
        .seen_ns = memory->seen_ns,
        .stop_after_ns = machine->rules.stop_after_ns,
        .silent_after_ns = machine->rules.silent_after_ns};
    return fill_stops_put(part->tx, &stops, err);
}

/* Samples of one machine, in the order in which they came. */
static int part_run(struct ledger_tx *tx, struct fill *f, uint32_t index, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct part part = {.tx = tx, .fill = f, .machine = &f->machines[index], .dirty_ns = INT64_MAX};
    int64_t first_ns = INT64_MAX;
    for (uint32_t i = 0; i < f->sight_count; i++) {
        if (f->sights[i].machine == index) {
            first_ns = min_ns(first_ns, f->sights[i].time_ns);
        }
    }
    int status = fill_runs_load(tx, part.machine->number, first_ns, &arena, &part.runs, err);
    part.run_count = status;
    for (uint32_t i = 0; i < f->sight_count && status >= 0; i++) {
        if (f->sights[i].machine == index) {
            status = work_in(&part, &f->sights[i], err);
        }
    }
    if (status >= 0) {
        status = stops_follow(&part, err);
    }
    return status < 0 ? status : fill_memory_put(tx, part.machine, err);
}

static int round_store(struct ledger_tx *tx, void *context, struct err *err) {
    struct round *round = context;
    struct fill *f = round->fill;
    int status = 0;
    for (uint32_t i = 0; i < f->machine_count && status >= 0; i++) {
        if (f->touched[i]) {
            status = part_run(tx, f, i, err);
        }
    }
    return status < 0 ? status : cursor_put(tx, CONSUMER_NAME, round->seq, err);
}

/* The log no longer has what came: nobody knows what the machines did meanwhile. */
static int round_lose(struct ledger_tx *tx, void *context, struct err *err) {
    struct round *round = context;
    struct fill *f = round->fill;
    int status = 0;
    for (uint32_t i = 0; i < f->machine_count && status >= 0; i++) {
        struct fill_machine *machine = &f->machines[i];
        struct fill_effects effects = {.count = 0};
        int64_t dirty_ns = INT64_MAX;
        fill_blind(&machine->rules, &machine->memory, &effects);
        if (effects.count == 0) {
            continue;
        }
        status = fill_effects_put(tx, machine->number, &effects, &dirty_ns, err);
        struct fill_stops stops = {.machine = machine->number,
            .from_ns = dirty_ns,
            .seen_ns = machine->memory.seen_ns,
            .stop_after_ns = machine->rules.stop_after_ns,
            .silent_after_ns = machine->rules.silent_after_ns};
        if (status >= 0) {
            status = fill_stops_put(tx, &stops, err);
        }
        if (status >= 0) {
            status = fill_memory_put(tx, machine, err);
        }
    }
    return status < 0 ? status : cursor_put(tx, CONSUMER_NAME, round->seq, err);
}

/* ---- Rounds ---- */

static void keep(struct fill *f, bool now) {
    if (f->seq_stored == f->seq_kept || (!now && f->seq_stored - f->seq_kept < KEEP_EVERY)) {
        return;
    }
    struct err err = ERR_INIT;
    if (hist_consumer_keep(f->with.historian, CONSUMER_NAME, f->seq_stored, &err) >= 0) {
        f->seq_kept = f->seq_stored;
    } // Otherwise the log is kept longer; the next round tells it again.
}

/* Samples and cursor in one transaction. A round without a machine's sample moves the cursor now
 * and then only, because each transaction is a sync of the disk. */
static int store(struct fill *f, uint64_t seq, bool now, struct err *err) {
    if (f->sight_count == 0 && !now && seq - f->seq_stored < KEEP_EVERY) {
        f->seq = seq;
        return 0;
    }
    struct round round = {.fill = f, .seq = seq};
    int status = ledger_write(f->with.ledger, round_store, &round, err);
    if (status >= 0) {
        f->seq = seq;
        f->seq_stored = seq;
    }
    return status;
}

static void touch(struct fill *f) {
    for (uint32_t i = 0; i < f->machine_count; i++) {
        f->touched[i] = false;
    }
    for (uint32_t i = 0; i < f->sight_count; i++) {
        f->touched[f->sights[i].machine] = true;
    }
}

/* Works in what is durable beyond the cursor. Count of batches, or negative. */
static int round_run(struct fill *f, struct err *err) {
    uint64_t stored = hist_seq(f->with.historian);
    if (f->seq > stored) {
        return err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_FILL_AHEAD),
            ARGS(A_INT((int64_t)f->seq), A_INT((int64_t)stored)));
    }
    if (f->seq == stored) {
        return 0;
    }
    int status = ledger_read(f->with.ledger, load_changed, f, err);
    if (status >= 0 && f->machine_count == 0) {
        f->sight_count = 0;
        return store(f, stored, false, err); // There is nothing to look for.
    }
    struct hist_replay *replay = NULL;
    if (status >= 0) {
        status = hist_replay_open(f->with.historian, f->seq, &replay, err);
    }
    if (status < 0) {
        return status;
    }
    uint64_t seq = f->seq;
    const struct batch *batch = NULL;
    int count = 0;
    f->sight_count = 0;
    while (count < ROUND_BATCHES && f->sight_count < ROUND_SAMPLES &&
           (status = hist_replay_next(replay, &batch, err)) > 0) {
        pick_batch(f, batch);
        seq = batch->seq;
        count++;
    }
    hist_replay_close(replay);
    if (status < 0 || count == 0) {
        return status;
    }
    touch(f);
    status = store(f, seq, false, err);
    return status < 0 ? status : count;
}

/* What the cursor still lacks when the thread ends. */
static void settle(struct fill *f) {
    if (f->seq == f->seq_stored) {
        return;
    }
    struct err err = ERR_INIT;
    f->sight_count = 0;
    touch(f);
    (void)store(f, f->seq, true, &err); // Otherwise the next start reads those batches again.
}

/* After a failed round memory may be ahead of the ledger: read it again before the next try. When
 * the log no longer has what comes after the cursor, filling goes on from the present and says so.
 */
static void recover(struct fill *f, const struct err *failure) {
    log_event(LOG_WARN, "production", "filler_retries",
        LOG_FIELDS({"seq", A_INT((int64_t)f->seq)}, {"next", A_CSTR("tried again in 1 s")}),
        failure);
    struct err err = ERR_INIT;
    if (ledger_read(f->with.ledger, load, f, &err) < 0) {
        return; // The next round fails the same way and comes back here.
    }
    if (failure->code == ERR_NOT_FOUND) {
        struct round round = {.fill = f, .seq = hist_seq(f->with.historian)};
        if (ledger_write(f->with.ledger, round_lose, &round, &err) >= 0) {
            f->seq = round.seq;
            f->seq_stored = round.seq;
        }
    }
}

static void note_status(struct fill *f, const struct err *err) {
    uint64_t seq = hist_seq(f->with.historian);
    mutex_lock(&f->mutex);
    f->status.seq = f->seq;
    f->status.lag = seq > f->seq ? seq - f->seq : 0;
    f->status.last_error = *err;
    mutex_unlock(&f->mutex);
}

static void fill_run(void *context) {
    struct fill *f = context;
    for (;;) {
        /* Looked at before the round: what was durable then is worked in even when stopping. */
        bool stopping = stop_flag_is_raised(&f->stop);
        struct err err = ERR_INIT;
        int count = round_run(f, &err);
        if (count < 0) {
            recover(f, &err);
        }
        bool look = f->late || f->rounds++ % LATE_EVERY == 0; // Events mark orders, too.
        if (look && count >= 0) {
            struct err hindered = ERR_INIT;
            f->late = fill_late_book(f->with.ledger, f->with.zone, &hindered) != 0;
        }
        if (stopping && count == 0) {
            settle(f);
        }
        keep(f, stopping);
        note_status(f, &err);
        if (stopping && count <= 0) {
            return;
        }
        bool full = count >= ROUND_BATCHES || f->sight_count >= ROUND_SAMPLES;
        int64_t pause_ms = count < 0 ? RETRY_MS : full && count > 0 ? 0 : ROUND_MS;
        int64_t deadline = clock_mono_ns(clock_system()) + pause_ms * NS_PER_MS;
        (void)stop_flag_wait(&f->stop, deadline); // Raised or not, the loop looks again.
    }
}

static void fill_free(struct fill *f) {
    arena_fini(&f->arena);
    mem_free(f->sights);
    mem_free(f);
}

int fill_start(const struct fill_options *options, struct fill **ret_fill, struct err *err) {
    struct fill *f = MEM_NEW(struct fill);
    f->with = *options;
    f->late = true; // Of the last time, perhaps.
    arena_init(&f->arena, 0);
    int status = ledger_read(f->with.ledger, load, f, err);
    if (status >= 0) {
        status = hist_consumer_keep(f->with.historian, CONSUMER_NAME, f->seq, err);
    }
    if (status < 0) {
        fill_free(f);
        return err_context(err, SAY(PRODUCTION_FILL_START), NO_ARGS);
    }
    f->seq_kept = f->seq;
    mutex_init(&f->mutex);
    stop_flag_init(&f->stop);
    thread_start(&f->thread, "filler", fill_run, f);
    *ret_fill = f;
    return 0;
}

void fill_stop(struct fill *f) {
    if (f == NULL) {
        return;
    }
    stop_flag_raise(&f->stop);
    thread_join(&f->thread);
    stop_flag_fini(&f->stop);
    mutex_fini(&f->mutex);
    fill_free(f);
}

void fill_changed(struct fill *f) {
    f->changes++;
}

void fill_status_get(struct fill *f, struct fill_status *ret_status) {
    mutex_lock(&f->mutex);
    *ret_status = f->status;
    mutex_unlock(&f->mutex);
}
