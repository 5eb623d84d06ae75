/*
 * The doctor's sessions: the very poller of the link threads, in the caller's thread, with rows
 * kept here instead of stored.
 */
#include <poll.h>
#include <string.h>

#include "core/mem.h"
#include "device/doctor.h"
#include "device/health.h"
#include "device/link.h"
#include "device/poll.h"

enum { TRIES = 3, EVENT_WAIT_MS = 5000, EVENT_SLICE_MS = 50, BATCH_ROWS = 64, BATCH_TEXT = 8192 };

/* Where the rows of a session end. */
struct catch {
    struct batch *batch;
    struct doctor_reading *reading;
};

static struct batch *lend(void *context, int64_t deadline_ns) {
    (void)deadline_ns;
    return ((struct catch *)context)->batch;
}

static void keep(struct doctor_reading *reading, const struct batch *batch) {
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct sample *row = &batch->rows[i];
        if (!status_has_value(row->status) || row->tag != 1) {
            continue;
        }
        AUTO_BUF struct buf text;
        buf_init(&text, 4096);
        if (row->type == TYPE_TEXT) {
            buf_put_str(&text, batch_text(batch, row));
        } else if (row->type == TYPE_BOOL) {
            buf_put_str(&text, row->value.i64 != 0 ? STR("true") : STR("false"));
        } else if (row->type == TYPE_I64) {
            buf_put_i64(&text, row->value.i64);
        } else {
            buf_put_f64(&text, row->value.f64);
        }
        reading->good = true;
        reading->row = *row;
        (void)str_copy_z(buf_str(&text), reading->text, sizeof reading->text);
    }
}

static int catch_rows(void *context, struct batch *batch) {
    struct catch *into = context;
    keep(into->reading, batch);
    batch_clear(batch);
    return 0;
}

/* Polls until there is a value or nothing more is to be expected. */
static int ask(struct poller *poller, struct device_plan *plan, struct doctor_reading *reading,
    struct err *err) {
    bool receives = plan->driver->receive != NULL;
    int tries = receives ? EVENT_WAIT_MS / EVENT_SLICE_MS : TRIES;
    for (int i = 0; i < tries && !reading->good; i++) {
        for (uint32_t unit = 0; unit < plan->unit_count; unit++) {
            plan->units[unit].next_try_ns = 0;
        }
        int64_t begun_ns = clock_mono_ns(poller->clock);
        int result = receives ? poller_receive(poller, plan, err) : poller_poll(poller, plan, err);
        reading->rtt_ns = clock_mono_ns(poller->clock) - begun_ns;
        if (result < 0) {
            return result;
        }
        struct device_health health = {0};
        (void)health_copy(plan->health, poller->clock, &health);
        if (!receives && health.points_bad > 0) {
            *err = health.last_error;
            return -(int)err->code;
        }
        if (receives && !reading->good) {
            short events = poller->io.watch_events != 0 ? poller->io.watch_events : POLLIN;
            struct pollfd wait = {.fd = poller->link->fd, .events = events};
            (void)poll(&wait, 1, EVENT_SLICE_MS); // Whatever woke us, receive is next.
        }
    }
    return 0;
}

static struct device_plan *plan_for(
    const struct diagnosis *diagnosis, struct str source, struct err *err) {
    struct tag tag = {.number = 1,
        .name = STR("doctor"),
        .type = TYPE_F64,
        .device = diagnosis->request->device->id,
        .source = source,
        .active = true};
    const struct tag *list[1] = {&tag};
    struct plan_index index = {.tags = list, .count = source.size > 0};
    return device_plan_of(&index, diagnosis->request->device, err);
}

void doctor_read(struct diagnosis *diagnosis, struct str source, const int64_t *line,
    struct doctor_reading *ret_reading) {
    struct doctor_reading reading = {.error = ERR_INIT};
    struct device_plan *plan = plan_for(diagnosis, source, &reading.error);
    *ret_reading = reading;
    if (plan == NULL) {
        return;
    }
    if (line != NULL) {
        memcpy(plan->settings.link, line, sizeof plan->settings.link);
    }
    plan->health = health_new(plan->number);
    health_start(plan->health, plan->period_ns, diagnosis->clock);
    AUTO_BATCH struct batch *batch = batch_new(BATCH_ROWS, BATCH_TEXT);
    struct catch into = {.batch = batch, .reading = ret_reading};
    struct poller_options options = {.clock = diagnosis->clock,
        .port = {.context = &into, .take = lend, .give = catch_rows},
        .seed = 1,
        .link =
            plan_link_new(plan->driver, plan->address, plan->settings.link, diagnosis->clock, -1)};
    struct poller poller;
    poller_init(&poller, plan->driver, &options);
    struct err *err = &ret_reading->error;
    int result = poller_connect(&poller, plan, err);
    ret_reading->connected = result == 0;
    ret_reading->closed_by_peer = result == -ERR_CLOSED;
    if (result == 0 && source.size > 0) {
        result = ask(&poller, plan, ret_reading, err);
        if (result == 0 && !ret_reading->good) {
            (void)err_set(err, ERR_NOT_FOUND,
                plan->driver->events ? MSG_DOCTOR_NOTHING_CAME : MSG_DOCTOR_NO_VALUE, NO_ARGS);
        }
    }
    poller_fini(&poller);
    health_free(plan->health);
    device_plan_free(plan);
}

void doctor_ask_driver(struct diagnosis *diagnosis) {
    struct device_plan *plan = diagnosis->plan;
    if (plan->driver->diagnose == NULL) {
        doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_PROTOCOL_SILENT, NO_ARGS);
        return;
    }
    struct poller_options options = {.clock = diagnosis->clock,
        .seed = 1,
        .link =
            plan_link_new(plan->driver, plan->address, plan->settings.link, diagnosis->clock, -1)};
    struct poller poller;
    poller_init(&poller, plan->driver, &options);
    struct err err = ERR_INIT;
    int result = poller_connect(&poller, plan, &err);
    if (result == 0) {
        io_begin(&poller.io);
        result = plan->driver->diagnose(
            &poller.io, plan->point_count > 0 ? plan->points : NULL, diagnosis, &err);
    }
    if (result < 0) {
        diagnosis_add(diagnosis, VERDICT_BAD, &err);
    }
    poller_fini(&poller);
}

/* True when a session with the plan's settings opens. */
static bool greets(struct diagnosis *diagnosis) {
    struct device_plan *plan = diagnosis->plan;
    struct poller_options options = {.clock = diagnosis->clock,
        .seed = 1,
        .link =
            plan_link_new(plan->driver, plan->address, plan->settings.link, diagnosis->clock, -1)};
    struct poller poller;
    poller_init(&poller, plan->driver, &options);
    struct err err = ERR_INIT;
    bool greeted = poller_connect(&poller, plan, &err) == 0;
    poller_fini(&poller);
    return greeted;
}

void doctor_guess(struct diagnosis *diagnosis) {
    struct device_plan *plan = diagnosis->plan;
    const struct driver_guess *guess = plan->driver->guess;
    if (guess == NULL) {
        return;
    }
    int64_t *value = &plan->settings.values[guess->option];
    int64_t given = *value;
    bool found = false;
    for (uint32_t i = 0; i < guess->count && !found; i++) {
        *value = guess->values[i];
        found = *value != given && greets(diagnosis);
    }
    if (found) {
        const char *name = plan->driver->options[guess->option].name;
        doctor_say(diagnosis, VERDICT_BAD, MSG_DOCTOR_OPTION_FOUND,
            ARGS(A_CSTR(name), A_INT(given), A_INT(*value)));
    }
    *value = given;
}

void doctor_count_sessions(struct diagnosis *diagnosis) {
    struct device_plan *plan = diagnosis->plan;
    struct poller pollers[2];
    struct err err = ERR_INIT;
    int opened = 0;
    for (int i = 0; i < 2; i++) {
        struct poller_options options = {.clock = diagnosis->clock,
            .seed = 1,
            .link = plan_link_new(
                plan->driver, plan->address, plan->settings.link, diagnosis->clock, -1)};
        poller_init(&pollers[i], plan->driver, &options);
        opened += poller_connect(&pollers[i], plan, &err) == 0;
    }
    poller_fini(&pollers[1]);
    poller_fini(&pollers[0]);
    bool held = diagnosis->request->health != NULL && diagnosis->request->health->open_sockets > 0;
    if (opened == 2) {
        doctor_say(diagnosis, VERDICT_GOOD, MSG_DOCTOR_SESSIONS_GOOD, NO_ARGS);
    } else {
        doctor_say(diagnosis, VERDICT_NOTE,
            held ? MSG_DOCTOR_SESSIONS_HELD : MSG_DOCTOR_SESSIONS_ONE, NO_ARGS);
    }
}
