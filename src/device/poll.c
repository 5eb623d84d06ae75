/*
 * Polling one device: ask the groups that are due, unit by unit, and turn answers into rows.
 *
 * A point that can be read gives a row in every poll (whether it changed is refine's matter). A
 * point that cannot gives one row with a bad status when that status begins, and none after it:
 * there is no value to invent. Bad rows hold NaN, zero or empty text.
 *
 * Silence is a property of a unit, not of the line. A unit that does not answer costs one time-out;
 * what else was asked of it in this poll fails without being sent. The next period it is asked
 * again, then after 1, 2, 4 ... 10 s with jitter, with one request only, and one silent unit per
 * poll, so that a line full of dead units still serves the living. When nothing at all answers for
 * SILENT_CALLS_MAX calls on a network connection, the connection itself is suspect (half-open after
 * a power cycle) and is made anew; a serial line is never closed for silence.
 *
 * Refused groups are split at once (group.c) and asked again in the same poll, at most
 * REFUSAL_ROUNDS times, so that a wrong address hides its neighbours for milliseconds only.
 *
 * Drivers with `events` give rows when there are any; a point without one keeps its status. Where a
 * driver acknowledges, its rows do not go through the pool: this thread waits until they are
 * durable and only then lets the driver confirm them. When the store refuses, nothing is confirmed,
 * the session is given up, and the sender sends again.
 *
 * Back-pressure: rows gather in a batch of the poller's own and are copied into one of the port's
 * at the end of the poll, so no batch of the plant's small pool is held while a machine is waited
 * for. When none is free the thread waits, which is counted; nothing that was read is ever thrown
 * away, the missed periods are counted as overruns.
 */
#include "device/poll.h"

#include <math.h>
#include <string.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "device/files.h"

enum {
    REFUSAL_ROUNDS = 24,
    SILENT_CALLS_MAX = 3,
    JITTER_PERCENT = 20,
    ROWS_MIN = 64,
    ROWS_MAX = 8192,                           // Gathered before they are given on.
    TEXT_BYTES = LIMIT_TEXT_VALUE_BYTES + 512, // Room for at least one.
    EVENT_TEXT_BYTES = 256 * 1024,             // Where a call may bring many.
};
#define UNIT_DELAY_FIRST_NS NS_PER_S
#define UNIT_DELAY_MAX_NS   (10 * NS_PER_S)
#define ONLY_DELAY_MAX_NS   (2 * NS_PER_S) // Where no other unit could be held up.
#define TAKE_SLICE_NS       NS_PER_S // How often a wait for a free batch looks at the stop flag.

/* What happened to a group in the running call. */
enum outcome { OUTCOME_NONE = 0, OUTCOME_FAILED, OUTCOME_REFUSED };

struct point_sink {
    struct poller *poller;
    struct device_plan *device;
    uint8_t *outcomes;         // Of each asked group.
    uint32_t asked;            // Groups of the running call.
    enum status silent_status; // Not good: the unit is silent.
    int64_t request_ns;        // Wall time before the poll; 0: nobody was asked.
    int64_t time_ns;           // Of the next row.
    int64_t source_ns;         // The source's own time of the next values; 0: none.
    enum status quality;       // Of the next values.
    int refused;               // The store did not take rows of this call: its code.
    struct health_change change;
    struct err error; // The last one in this poll.
    bool has_error;
};

static void sink_note(struct point_sink *sink, const struct err *what) {
    if (what != NULL && what->code != ERR_OK) {
        sink->error = *what;
        sink->has_error = true;
    }
}

/* Room for a whole poll of the device, so that it is given on in one piece. */
static void reserve_rows(struct poller *poller, const struct device_plan *device) {
    bool events = poller->driver->events;
    uint32_t wanted = events ? ROWS_MAX : device->point_count + device->broken_count;
    wanted = wanted < ROWS_MAX ? wanted : ROWS_MAX;
    if (poller->rows->capacity < wanted) {
        batch_free(poller->rows);
        poller->rows = batch_new(wanted, events ? EVENT_TEXT_BYTES : TEXT_BYTES);
    }
}

/* Waits for an empty batch of the port until the program stops: what was read is not thrown away.
 * NULL: stopping. */
static struct batch *take_batch(struct point_sink *sink) {
    struct poller *poller = sink->poller;
    struct batch *batch = poller->port.take(poller->port.context, 0);
    sink->change.waits += batch == NULL;
    while (batch == NULL && poller->stop != NULL && !stop_flag_is_raised(poller->stop)) {
        int64_t until_ns = clock_mono_ns(poller->clock) + TAKE_SLICE_NS;
        batch = poller->port.take(poller->port.context, until_ns);
        if (batch == NULL) {
            (void)stop_flag_wait(poller->stop, until_ns); // Where take did not wait itself.
        }
    }
    return batch;
}

/* Copies rows from `from` on until the batch is full; returns the first that did not fit. */
static uint32_t copy_rows(const struct batch *rows, uint32_t from, struct batch *to) {
    uint32_t i = from;
    if (rows->text_size == 0) { // Nearly always: no text to move over.
        uint32_t left = rows->count - from;
        uint32_t room = to->capacity - to->count;
        uint32_t count = left < room ? left : room;
        memcpy(to->rows + to->count, rows->rows + from, count * sizeof *rows->rows);
        to->count += count;
        i += count;
        return i;
    }
    for (; i < rows->count; i++) {
        const struct sample *row = &rows->rows[i];
        if (row->type == TYPE_TEXT) {
            if (!batch_add_text(to, row->tag, row->time_ns, batch_text(rows, row))) {
                break;
            }
            to->rows[to->count - 1].status = row->status;
            to->rows[to->count - 1].flags = row->flags;
            continue;
        }
        struct sample *copy = batch_add(to);
        if (copy == NULL) {
            break;
        }
        *copy = *row;
    }
    return i;
}

/* Makes the rows durable before it returns and clears the scratch batch. Once the store refused,
 * the rest of the call is not offered: it will be sent again. What is wrong with the rows
 * themselves would be refused each time anew; it is told and passed over. */
static void submit_rows(struct point_sink *sink, int64_t reply_ns) {
    struct poller *poller = sink->poller;
    struct batch *rows = poller->rows;
    if (rows->count > 0 && sink->refused == 0) {
        rows->source = sink->device->number;
        rows->request_ns = sink->request_ns;
        rows->reply_ns = reply_ns;
        struct err err = ERR_INIT;
        int status = poller->port.submit(poller->port.context, rows, &err);
        bool content = status == -ERR_INVALID || status == -ERR_LIMIT || status == -ERR_RANGE ||
                       status == -ERR_NOT_FOUND;
        if (status < 0) {
            sink_note(sink, &err);
            sink->refused = content ? 0 : status;
        }
        if (content) {
            log_event(LOG_ERROR, "device", "rows_refused",
                LOG_FIELDS({"device", A_STR(sink->device->id)}, {"rows", A_INT(rows->count)}),
                &err);
        }
    }
    batch_clear(rows);
}

/* Gives all rows on and clears the scratch batch. */
static void give_rows(struct point_sink *sink, int64_t reply_ns) {
    struct poller *poller = sink->poller;
    if (poller->driver->acknowledge != NULL && poller->port.submit != NULL) {
        submit_rows(sink, reply_ns);
        return;
    }
    uint32_t next = 0;
    while (next < poller->rows->count) {
        struct batch *batch = take_batch(sink);
        if (batch == NULL) {
            break; // Stopping: what was not acknowledged need not be kept.
        }
        batch_clear(batch);
        batch->source = sink->device->number;
        batch->request_ns = sink->request_ns;
        batch->reply_ns = reply_ns;
        uint32_t copied = copy_rows(poller->rows, next, batch) - next;
        next += copied;
        if (poller->port.give(poller->port.context, batch) < 0 || copied == 0) {
            break; // Closed, or a batch without room for a single row.
        }
    }
    batch_clear(poller->rows);
}

/* A new row for a tag. */
static inline struct sample *add_row(
    struct point_sink *sink, uint32_t tag, enum value_type type, enum status status) {
    struct batch *rows = sink->poller->rows;
    if (rows->count == rows->capacity) {
        give_rows(sink, clock_wall_ns(sink->poller->clock));
    }
    struct sample *row = &rows->rows[rows->count++];
    *row = (struct sample){
        .tag = tag, .time_ns = sink->time_ns, .type = (uint8_t)type, .status = (uint32_t)status};
    sink->change.samples++;
    return row;
}

static void add_text(struct point_sink *sink, uint32_t tag, struct str value, enum status status) {
    struct poller *poller = sink->poller;
    if (!batch_add_text(poller->rows, tag, sink->time_ns, value)) {
        give_rows(sink, clock_wall_ns(poller->clock));
        CHECK(batch_add_text(poller->rows, tag, sink->time_ns, value));
    }
    poller->rows->rows[poller->rows->count - 1].status = (uint32_t)status;
    sink->change.samples++;
}

static uint32_t point_index(const struct point_sink *sink, const struct point *point) {
    ptrdiff_t index = point - sink->device->points;
    CHECK(index >= 0 && index < (ptrdiff_t)sink->device->point_count);
    return (uint32_t)index;
}

/* Notes the point's new status; true when it differs from the last one. */
static bool turn_status(struct device_plan *device, uint32_t index, enum status status) {
    uint32_t last = device->last_status[index];
    device->seen[index] = device->polls;
    if (last == (uint32_t)status) {
        return false;
    }
    device->bad_count -= last != (uint32_t)STATUS_GOOD && last != POINT_NEVER;
    device->bad_count += status != STATUS_GOOD;
    device->last_status[index] = (uint32_t)status;
    return true;
}

static void turn_bad(struct point_sink *sink, uint32_t index, enum status status) {
    const struct point *point = &sink->device->points[index];
    if (!turn_status(sink->device, index, status)) {
        return;
    }
    if (point->natural_type == TYPE_TEXT) {
        add_text(sink, point->tag, STR_NONE, status);
        return;
    }
    struct sample *row = add_row(sink, point->tag, point->natural_type, status);
    if (point->natural_type == TYPE_F64) {
        row->value.f64 = (double)NAN;
    }
}

/* The time of what comes next: its source's, where that can be believed. False: it cannot. */
static bool take_time(struct point_sink *sink, int64_t ours_ns) {
    struct poller *poller = sink->poller;
    sink->time_ns = ours_ns != 0 ? ours_ns : clock_wall_ns(poller->clock);
    if (sink->source_ns == 0) {
        return true;
    }
    int64_t latest_ns = clock_wall_ns(poller->clock) + SAMPLE_AHEAD_MAX_NS;
    bool known = sink->source_ns > SAMPLE_TIME_MIN && sink->source_ns < latest_ns &&
                 sink->source_ns <= SAMPLE_TIME_MAX;
    sink->time_ns = known ? sink->source_ns : sink->time_ns;
    return known;
}

/* Begins a value: its time, and the status it will have. */
static inline enum status begin_value(struct point_sink *sink, const struct point *point) {
    enum status status = sink->quality;
    bool believed = take_time(sink, sink->poller->io.answered_wall_ns);
    status = believed || status != STATUS_GOOD ? status : STATUS_UNCERTAIN;
    (void)turn_status(sink->device, point_index(sink, point), status);
    sink->change.good = true;
    return status;
}

static uint8_t value_flags(const struct point_sink *sink) {
    return sink->source_ns != 0 && sink->time_ns == sink->source_ns ? SAMPLE_SOURCE_TIME : 0;
}

/* A row for a good value. */
static inline struct sample *good_row(
    struct point_sink *sink, const struct point *point, enum value_type type) {
    enum status status = begin_value(sink, point);
    struct sample *row = add_row(sink, point->tag, type, status);
    row->flags = value_flags(sink);
    return row;
}

void sink_time(struct point_sink *sink, int64_t time_ns) {
    sink->source_ns = time_ns;
}

void sink_quality(struct point_sink *sink, enum status status) {
    sink->quality = status;
}

void sink_alive(struct point_sink *sink) {
    sink->change.good = true;
}

void sink_f64(struct point_sink *sink, const struct point *point, double value) {
    if (isnan(value)) {
        sink_bad(sink, point, STATUS_BAD_NO_DATA, NULL); // How devices say "no sensor".
        return;
    }
    good_row(sink, point, TYPE_F64)->value.f64 = value;
}

void sink_i64(struct point_sink *sink, const struct point *point, int64_t value) {
    good_row(sink, point, TYPE_I64)->value.i64 = value;
}

void sink_bool(struct point_sink *sink, const struct point *point, bool value) {
    good_row(sink, point, TYPE_BOOL)->value.i64 = value;
}

void sink_text(struct point_sink *sink, const struct point *point, struct str value) {
    if (value.size > LIMIT_TEXT_VALUE_BYTES || !str_is_utf8(value, NULL)) {
        sink_bad(sink, point, STATUS_BAD_DATA_ENCODING, NULL);
        return;
    }
    enum status status = begin_value(sink, point);
    add_text(sink, point->tag, value, status);
    sink->poller->rows->rows[sink->poller->rows->count - 1].flags = value_flags(sink);
}

void sink_bad(struct point_sink *sink, const struct point *point, enum status status,
    const struct err *what) {
    sink_note(sink, what);
    (void)take_time(sink, 0);
    turn_bad(sink, point_index(sink, point), status);
}

void sink_warn(struct point_sink *sink, const struct err *what) {
    sink_note(sink, what);
}

/* All points of an asked group. */
static void turn_group_bad(
    struct point_sink *sink, const struct point_group *group, enum status status) {
    sink->time_ns = clock_wall_ns(sink->poller->clock);
    uint32_t first = point_index(sink, group->points);
    for (uint32_t i = 0; i < group->count; i++) {
        turn_bad(sink, first + i, status);
    }
    sink->change.failures++;
}

static uint32_t asked_number(const struct point_sink *sink, const struct point_group *group) {
    ptrdiff_t number = group - sink->poller->asked;
    CHECK(number >= 0 && number < (ptrdiff_t)sink->asked);
    return (uint32_t)number;
}

void sink_group_failed(struct point_sink *sink, const struct point_group *group, enum status status,
    const struct err *what) {
    sink_note(sink, what);
    sink->outcomes[asked_number(sink, group)] = OUTCOME_FAILED;
    turn_group_bad(sink, group, status);
}

void sink_group_refused(
    struct point_sink *sink, const struct point_group *group, const struct err *what) {
    uint32_t number = asked_number(sink, group);
    uint32_t planned = sink->poller->asked_index[number];
    const uint32_t *nodes = sink->device->groups.group_nodes + planned;
    if (nodes[1] - nodes[0] == 1) {
        sink_note(sink, what); // A wrong address. Larger groups are split: that is no error yet.
    }
    sink->outcomes[number] = OUTCOME_REFUSED;
}

void sink_unit_silent(struct point_sink *sink, enum status status, const struct err *what) {
    sink_note(sink, what);
    uint32_t unit = sink->poller->asked[0].unit;                     // 0: the protocol has none.
    if (what != NULL && status == STATUS_BAD_TIMEOUT && unit != 0) { // Others name it themselves.
        (void)err_context(&sink->error, MSG_DEVICE_UNIT, ARGS(A_INT(unit)));
    }
    sink->silent_status = status;
    sink->change.timeouts += status == STATUS_BAD_TIMEOUT;
}

/* True when every point of the group has had its result in this poll. */
static bool group_is_done(const struct device_plan *device, const struct point_group *group) {
    const uint64_t *seen = device->seen + (group->points - device->points);
    for (uint32_t i = 0; i < group->count; i++) {
        if (seen[i] != device->polls) {
            return false;
        }
    }
    return true;
}

/* Collects the groups of a unit that are due and not done; at most `max`. */
static uint32_t collect(struct poller *poller, const struct device_plan *device,
    const struct plan_unit *unit, uint32_t max) {
    const struct group_set *set = &device->groups;
    if (poller->asked_capacity < set->node_count) {
        poller->asked = mem_resize(poller->asked, set->node_count * sizeof *poller->asked);
        poller->asked_index =
            mem_resize(poller->asked_index, set->node_count * sizeof *poller->asked_index);
        poller->outcomes = mem_resize(poller->outcomes, set->node_count);
        poller->asked_capacity = set->node_count;
    }
    int64_t now_ns = clock_mono_ns(poller->clock);
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->group_count && count < max; i++) {
        const struct point_group *group = &set->groups[i];
        if (group->unit == unit->number && group_set_is_due(set, i, now_ns) &&
            !group_is_done(device, group)) {
            poller->asked[count] = *group;
            poller->asked_index[count++] = i;
        }
    }
    return count;
}

/* Points that the driver passed over: a mistake of the driver, but never a silent one. */
static void finish_unseen(
    struct point_sink *sink, const struct point_group *group, enum status status) {
    uint32_t first = point_index(sink, group->points);
    for (uint32_t i = 0; i < group->count; i++) {
        if (sink->device->seen[first + i] != sink->device->polls) {
            sink->time_ns = clock_wall_ns(sink->poller->clock);
            turn_bad(sink, first + i, status);
        }
    }
}

/* Draws the conclusions of a call, group by group. True: groups were split and can be asked. */
static bool conclude(struct point_sink *sink, uint32_t count) {
    struct poller *poller = sink->poller;
    struct group_set *set = &sink->device->groups;
    bool replan = false;
    bool split = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct point_group *group = &poller->asked[i];
        if (sink->outcomes[i] == OUTCOME_REFUSED) {
            replan = true;
            if (group_set_refuse(set, poller->asked_index[i], clock_mono_ns(poller->clock))) {
                turn_group_bad(sink, group, STATUS_BAD_CONFIGURATION);
            } else {
                split = true;
            }
        } else if (sink->outcomes[i] == OUTCOME_NONE && sink->silent_status == STATUS_GOOD) {
            if (!poller->driver->events) {
                finish_unseen(sink, group, STATUS_BAD_NO_DATA);
            }
            replan |= group_set_accept(set, poller->asked_index[i]);
        } else if (sink->outcomes[i] == OUTCOME_NONE && !group_is_done(sink->device, group)) {
            finish_unseen(sink, group, sink->silent_status);
            sink->change.failures++;
        }
    }
    if (replan) {
        group_set_plan(set);
    }
    return split;
}

/* One call into the driver for up to `max` groups of a unit. The number of groups asked, or
 * negative when the session is lost. *ret_again: some were split. */
static int ask(struct point_sink *sink, struct plan_unit *unit, uint32_t max, bool *ret_again,
    struct err *err) {
    struct poller *poller = sink->poller;
    uint32_t count = collect(poller, sink->device, unit, max);
    *ret_again = false;
    if (count == 0) {
        return 0;
    }
    memset(poller->outcomes, OUTCOME_NONE, count);
    sink->outcomes = poller->outcomes;
    sink->asked = count;
    sink->silent_status = STATUS_GOOD;
    sink->change.polls += count;
    io_begin(&poller->io);
    int result = poller->driver->read_groups(&poller->io, poller->asked, count, sink, err);
    if (result < 0) {
        return result;
    }
    *ret_again = conclude(sink, count);
    return (int)count;
}

static int64_t unit_delay_ns(struct poller *poller, uint32_t failures) {
    if (failures < 2) {
        return 0; // A single lost answer: ask again next period.
    }
    int64_t max_ns = poller->only_unit ? ONLY_DELAY_MAX_NS : UNIT_DELAY_MAX_NS;
    int64_t delay_ns = UNIT_DELAY_FIRST_NS;
    for (uint32_t i = 2; i < failures && delay_ns < max_ns; i++) {
        delay_ns *= 2;
    }
    delay_ns = delay_ns < max_ns ? delay_ns : max_ns;
    uint64_t jitter = random_below(&poller->random, (uint64_t)delay_ns * JITTER_PERCENT / 100);
    return delay_ns - (int64_t)jitter;
}

/* Takes note of whether the unit answered. Negative when the whole session looks dead. */
static int judge_unit(struct point_sink *sink, struct plan_unit *unit, struct err *err) {
    struct poller *poller = sink->poller;
    if (sink->silent_status == STATUS_GOOD) {
        unit->failures = 0;
        poller->silent_calls = 0;
        poller->good_answers++;
        return 0;
    }
    unit->failures++;
    unit->next_try_ns = clock_mono_ns(poller->clock) + unit_delay_ns(poller, unit->failures);
    if (sink->silent_status != STATUS_BAD_TIMEOUT) {
        poller->silent_calls = 0; // The gateway spoke for it: the line is alive.
        return 0;
    }
    poller->silent_calls++;
    if (poller->silent_calls >= SILENT_CALLS_MAX && !poller->link->ops->serial) {
        return err_set(err, ERR_TIMEOUT, MSG_DEVICE_SILENT, ARGS(A_INT(poller->silent_calls)));
    }
    return 0;
}

static int poll_unit(struct point_sink *sink, struct plan_unit *unit, struct err *err) {
    uint32_t max = unit->failures > 1 ? 1 : UINT32_MAX; // Probe with one request.
    bool refused = false;
    for (int round = 0; round < REFUSAL_ROUNDS; round++) {
        bool again = false;
        int asked = ask(sink, unit, max, &again, err);
        if (asked < 0) {
            return asked;
        }
        if (asked == 0) {
            break;
        }
        int judged = judge_unit(sink, unit, err);
        if (judged < 0 || sink->silent_status != STATUS_GOOD) {
            return judged;
        }
        refused |= again;
        if (!again && max == UINT32_MAX) {
            break;
        }
        max = UINT32_MAX; // The probe was answered: now the rest.
    }
    if (!refused && group_set_settle(&sink->device->groups)) {
        group_set_plan(&sink->device->groups);
    }
    return 0;
}

/* Tags whose source is wrong are told once. */
static void tell_broken(struct point_sink *sink) {
    struct device_plan *device = sink->device;
    if (device->broken_told || device->broken_count == 0) {
        return;
    }
    device->broken_told = true;
    sink->time_ns = clock_wall_ns(sink->poller->clock);
    for (uint32_t i = 0; i < device->broken_count; i++) {
        if (device->broken[i].type == TYPE_TEXT) {
            add_text(sink, device->broken[i].tag, STR_NONE, STATUS_BAD_CONFIGURATION);
            continue;
        }
        struct sample *row =
            add_row(sink, device->broken[i].tag, device->broken[i].type, STATUS_BAD_CONFIGURATION);
        if (row->type == TYPE_F64) {
            row->value.f64 = (double)NAN;
        }
    }
    sink_note(sink, &device->broken_error);
}

static void report(struct point_sink *sink, enum link_state state) {
    struct device_plan *device = sink->device;
    struct poller *poller = sink->poller;
    struct health_change *change = &sink->change;
    change->state = state;
    change->requests = poller->io.requests;
    poller->io.requests = 0;
    change->overruns += device->overruns;
    device->overruns = 0;
    change->unclaimed = poller->io.unclaimed;
    poller->io.unclaimed = 0;
    change->points = device->point_count + device->broken_count;
    change->points_bad = device->bad_count + device->broken_count;
    change->groups = device->groups.group_count;
    change->open_sockets = poller->link->fd >= 0 ? 1 : 0;
    change->rtt = &device->rtt;
    if (sink->has_error) {
        (void)err_context(
            &sink->error, MSG_DEVICE_AT, ARGS(A_STR(device->id), A_STR(device->address)));
        change->error = &sink->error;
    }
    health_add(device->health, change, poller->clock);
}

static void turn_to(struct poller *poller, const struct device_plan *device) {
    poller->io.settings = &device->settings;
    poller->io.device = device->id;
    poller->io.address = device->address;
}

/* What was told of the points did not reach the store: it is told again. */
static void forget_told(struct device_plan *device) {
    for (uint32_t i = 0; i < device->point_count; i++) {
        device->last_status[i] = POINT_NEVER;
    }
    device->bad_count = 0;
    device->broken_told = false;
}

/* The end of a call: rows go on, are confirmed where that is asked, and the device is judged. */
static int finish_call(struct point_sink *sink, int result, struct err *err) {
    struct poller *poller = sink->poller;
    give_rows(sink, clock_wall_ns(poller->clock));
    if (sink->refused < 0) {
        forget_told(sink->device);
    }
    if (result == 0 && sink->refused < 0) {
        *err = sink->error;
        result = err_context(err, MSG_DEVICE_NOT_STORED, NO_ARGS);
    }
    if (result == 0 && poller->driver->acknowledge != NULL) {
        io_begin(&poller->io);
        result = poller->driver->acknowledge(&poller->io, err);
    }
    if (result == 0) {
        report(sink, LINK_UP);
    } else {
        /* The caller reports the loss, with the words. */
        sink->has_error = false;
        report(sink, LINK_DOWN);
    }
    return result;
}

int poller_receive(struct poller *poller, struct device_plan *device, struct err *err) {
    struct point_sink sink = {
        .poller = poller, .device = device, .request_ns = clock_wall_ns(poller->clock)};
    reserve_rows(poller, device);
    device->polls++;
    turn_to(poller, device);
    poller->io.rtt = &device->rtt;
    tell_broken(&sink);
    const struct point_group all = {
        .length = 1, .points = device->points, .count = device->point_count};
    io_begin(&poller->io);
    poller->io.answered_wall_ns = clock_wall_ns(poller->clock);
    int result = poller->driver->receive(&poller->io, &all, &sink, err);
    poller->good_answers += result == 0 && sink.change.good;
    return finish_call(&sink, result, err);
}

int poller_poll(struct poller *poller, struct device_plan *device, struct err *err) {
    struct point_sink sink = {
        .poller = poller, .device = device, .request_ns = clock_wall_ns(poller->clock)};
    reserve_rows(poller, device);
    device->polls++;
    turn_to(poller, device);
    poller->io.rtt = &device->rtt;
    tell_broken(&sink);
    bool probed = false;
    int result = 0;
    for (uint32_t i = 0; i < device->unit_count && result == 0; i++) {
        struct plan_unit *unit = &device->units[i];
        if (unit->failures > 0) {
            if (probed || clock_mono_ns(poller->clock) < unit->next_try_ns) {
                continue;
            }
            probed = true;
        }
        result = poll_unit(&sink, unit, err);
    }
    return finish_call(&sink, result, err);
}

void poller_mark_bad(struct poller *poller, struct device_plan *device, enum status status) {
    struct point_sink sink = {
        .poller = poller, .device = device, .time_ns = clock_wall_ns(poller->clock)};
    bool needed = !device->broken_told && device->broken_count > 0;
    for (uint32_t i = 0; i < device->point_count && !needed; i++) {
        needed = device->last_status[i] == (uint32_t)STATUS_GOOD ||
                 device->last_status[i] == POINT_NEVER;
    }
    if (!needed) {
        return; // Told already.
    }
    reserve_rows(poller, device);
    tell_broken(&sink);
    for (uint32_t i = 0; i < device->point_count; i++) {
        /* What is bad for a reason of its own stays so. */
        if (device->last_status[i] == (uint32_t)STATUS_GOOD ||
            device->last_status[i] == POINT_NEVER) {
            turn_bad(&sink, i, status);
        }
    }
    give_rows(&sink, 0); // Nobody was asked: no request, no reply.
    if (sink.refused < 0) {
        forget_told(device);
    }
    struct health_change change = device_plan_change(device, LINK_DOWN);
    change.samples = sink.change.samples;
    health_add(device->health, &change, poller->clock);
}

void poller_init(
    struct poller *poller, const struct driver *driver, const struct poller_options *options) {
    *poller = (struct poller){.clock = options->clock,
        .stop = options->stop,
        .port = options->port,
        .driver = driver,
        .link = options->link,
        .rows = batch_new(ROWS_MIN, TEXT_BYTES)};
    random_seed(&poller->random, options->seed);
    poller->io = (struct driver_io){.link = options->link,
        .clock = options->clock,
        .port = &poller->port,
        .private = mem_zero(1, driver->private_bytes > 0 ? driver->private_bytes : 1)};
}

void poller_fini(struct poller *poller) {
    poller_disconnect(poller);
    link_free(poller->link);
    mem_free(poller->io.private);
    mem_free(poller->asked);
    mem_free(poller->asked_index);
    mem_free(poller->outcomes);
    batch_free(poller->rows);
}

int poller_connect(struct poller *poller, const struct device_plan *device, struct err *err) {
    CHECK(!poller->connected);
    turn_to(poller, device);
    io_reset(&poller->io);
    io_begin(&poller->io);
    int result =
        files_check_all(poller->driver, io_address(&poller->io), io_settings(&poller->io), err);
    result = result < 0 ? result : link_open(poller->link, poller->io.deadline_ns, err);
    if (result < 0) {
        return result;
    }
    io_begin(&poller->io);
    result = poller->driver->open != NULL ? poller->driver->open(&poller->io, err) : 0;
    if (result < 0) {
        link_close(poller->link);
        return result;
    }
    poller->connected = true;
    poller->connected_ns = clock_mono_ns(poller->clock);
    poller->silent_calls = 0;
    poller->good_answers = 0;
    return 0;
}

void poller_disconnect(struct poller *poller) {
    if (poller->connected && poller->driver->close != NULL) {
        io_begin(&poller->io);
        poller->driver->close(&poller->io);
    }
    poller->connected = false;
    link_close(poller->link);
    io_reset(&poller->io);
}

int poller_write(struct poller *poller, const struct device_plan *device, const struct point *point,
    const struct sample *value, struct err *err) {
    CHECK(poller->connected);
    if (poller->driver->write == NULL) {
        return err_set(err, ERR_UNSUPPORTED, MSG_NONE, NO_ARGS);
    }
    turn_to(poller, device);
    io_begin(&poller->io);
    return poller->driver->write(&poller->io, point, value, err);
}

bool poller_is_silent(const struct device_plan *device) {
    for (uint32_t i = 0; i < device->unit_count; i++) {
        if (device->units[i].failures == 0) {
            return false;
        }
    }
    return device->unit_count > 0;
}
