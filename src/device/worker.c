/*
 * One link's thread.
 *
 * Polls are due at phase + k * period of monotonic time: the boundaries are absolute, so a late
 * poll delays no later one and nothing drifts. When a poll lasts beyond the next boundary, the
 * missed ones are counted as overruns and left out. Of several devices that are due on a shared
 * line, those that answer go before those that are silent, so a dead one costs each living one at
 * most one time-out.
 *
 * A lost or refused connection is tried again after 0.5 s, growing by half with jitter of 25 % up
 * to 3 s: a machine that returns is seen within 4 s, and a hall of machines does not call all at
 * once after a power failure. A session that brought good answers and was then closed by the
 * machine while idle (many do) is simply made anew, without a word.
 * Between polls the thread watches the socket for a hang-up, so a pulled plug shows at once and not
 * at the next question.
 *
 * A link whose driver receives is not polled: the thread waits for its descriptor and lets the
 * driver take what has come, at the latest once a period. New points mean a new session there.
 *
 * The thread logs when a link goes down and when it is back, nothing in between.
 */
#include "device/worker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/thread.h"
#include "device/link.h"
#include "device/poll.h"

#define BACKOFF_FIRST_NS (NS_PER_S / 2)
#define BACKOFF_MAX_NS   (3 * NS_PER_S) // Less where a device is asked more often.
#define SHORT_SESSION_NS (2 * NS_PER_S)
#define RELEASE_MIN_NS   (100 * NS_PER_MS) // hold=0 pays only when the pause is longer.
enum { JITTER_PERCENT = 25, NAME_BYTES = 16 };

struct worker {
    struct thread thread;
    struct stop_flag stop;
    const struct clock *clock;
    char *address;
    uint64_t signature; // Of the newest plan; only for the applying thread.
    uint32_t alone;     // The number of the only device that may use this link; 0: any may.
    int64_t link_options[LINK_OPTION_COUNT];
    int64_t session[DRIVER_OPTIONS_MAX];
    const struct driver *driver;
    int wake_fd;

    struct mutex lock;
    struct link_plan *offered; // Guarded by the lock; taken by the thread.

    /* The thread's own. */
    struct link_plan *plan;
    struct poller poller;
    int64_t next_try_ns; // Monotonic; while not connected.
    int64_t backoff_ns;
    bool is_down; // Told as down.
};

static bool stopping(const struct worker *worker) {
    return stop_flag_is_raised(&worker->stop);
}

/* Waits until the deadline, a new plan, a stop, or (when connected) something of the link: a
 * hang-up, or what its driver watches for. True when the link has something. */
static bool wait_until(struct worker *worker, int64_t deadline_ns) {
    int64_t left_ns = deadline_ns - clock_mono_ns(worker->clock);
    if (left_ns <= 0) {
        return false;
    }
    struct timespec timeout = {.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S};
    int link_fd = worker->poller.connected ? worker->poller.link->fd : -1;
    short link_events = POLLRDHUP;
    if (worker->driver->receive != NULL) {
        short watched = worker->poller.io.watch_events;
        link_events = watched != 0 ? watched : POLLIN;
    }
    struct pollfd fds[3] = {{.fd = worker->stop.event_fd, .events = POLLIN},
        {.fd = worker->wake_fd, .events = POLLIN}, {.fd = link_fd, .events = link_events}};
    int ready = ppoll(fds, 3, &timeout, NULL);
    if (ready > 0 && fds[1].revents != 0) {
        uint64_t ticks = 0;
        (void)!read(worker->wake_fd, &ticks, sizeof ticks); // Only clears the wake-up.
    }
    return ready > 0 && fds[2].revents != 0;
}

static void log_link(
    const struct worker *worker, enum log_level level, const char *event, const struct err *err) {
    log_event(level, "device", event,
        LOG_FIELDS({"address", A_CSTR(worker->address)},
            {"device", A_STR(worker->plan->devices[0]->id)},
            {"devices", A_INT(worker->plan->device_count)}),
        err);
}

/* The boundary at or before `now`, so that a fresh session polls at once and then on time. */
static void reset_due(struct worker *worker) {
    int64_t now_ns = clock_mono_ns(worker->clock);
    for (uint32_t i = 0; i < worker->plan->device_count; i++) {
        struct device_plan *device = worker->plan->devices[i];
        int64_t since_ns = (now_ns - device->phase_ns) % device->period_ns;
        device->due_ns = now_ns - (since_ns < 0 ? since_ns + device->period_ns : since_ns);
        for (uint32_t u = 0; u < device->unit_count; u++) {
            device->units[u].next_try_ns = 0;
        }
    }
}

/* One and a half periods: with its jitter and a connection that times out, a machine that is back
 * is collected within three. */
static int64_t backoff_max_ns(const struct worker *worker) {
    int64_t max_ns = BACKOFF_MAX_NS;
    for (uint32_t i = 0; i < worker->plan->device_count; i++) {
        int64_t some_ns = worker->plan->devices[i]->period_ns * 3 / 2;
        max_ns = some_ns < max_ns ? some_ns : max_ns;
    }
    return max_ns > BACKOFF_FIRST_NS ? max_ns : BACKOFF_FIRST_NS;
}

static void grow_backoff(struct worker *worker) {
    int64_t max_ns = backoff_max_ns(worker);
    int64_t base_ns = worker->backoff_ns > 0 ? worker->backoff_ns : BACKOFF_FIRST_NS;
    int64_t next_ns = base_ns + base_ns / 2;
    base_ns = base_ns < max_ns ? base_ns : max_ns;
    worker->backoff_ns = next_ns < max_ns ? next_ns : max_ns;
    int64_t jitter_ns =
        (int64_t)random_below(&worker->poller.random, (uint64_t)base_ns * JITTER_PERCENT / 100);
    worker->next_try_ns = clock_mono_ns(worker->clock) + base_ns + jitter_ns;
}

/* Tells everybody that the machine cannot be reached, and plans the next try. */
static void link_lost(struct worker *worker, const struct err *err) {
    poller_disconnect(&worker->poller);
    if (stopping(worker)) {
        return;
    }
    grow_backoff(worker);
    int64_t delay_ns = worker->next_try_ns - clock_mono_ns(worker->clock);
    for (uint32_t i = 0; i < worker->plan->device_count; i++) {
        struct device_plan *device = worker->plan->devices[i];
        poller_mark_bad(&worker->poller, device,
            err->code == ERR_TIMEOUT ? STATUS_BAD_TIMEOUT : STATUS_BAD_COMMUNICATION);
        struct err words = *err;
        (void)err_context(&words, MSG_DEVICE_AT, ARGS(A_STR(device->id), A_STR(device->address)));
        struct health_change change = device_plan_change(device, LINK_DOWN);
        change.timeouts = err->code == ERR_TIMEOUT;
        change.next_try_ns = clock_wall_ns(worker->clock) + delay_ns;
        change.error = &words;
        health_add(device->health, &change, worker->clock);
    }
    if (!worker->is_down) {
        worker->is_down = true;
        log_link(worker, LOG_WARN, "link_down", err);
    }
}

static void connect_link(struct worker *worker) {
    struct err err = ERR_INIT;
    if (poller_connect(&worker->poller, worker->plan->devices[0], &err) < 0) {
        link_lost(worker, &err);
        return;
    }
    reset_due(worker);
    for (uint32_t i = 0; i < worker->plan->device_count; i++) {
        struct device_plan *device = worker->plan->devices[i];
        bool first = worker->is_down || device->polls == 0;
        struct health_change change = device_plan_change(device, first ? LINK_CONNECTING : LINK_UP);
        change.connects = 1;
        change.open_sockets = worker->poller.link->fd >= 0 ? 1 : 0;
        health_add(device->health, &change, worker->clock);
    }
}

/* The device to poll now, or NULL and the time of the next. The silent go last. */
static struct device_plan *pick_due(const struct worker *worker, int64_t *ret_wake_ns) {
    int64_t now_ns = clock_mono_ns(worker->clock);
    struct device_plan *best = NULL;
    bool best_silent = false;
    *ret_wake_ns = INT64_MAX;
    for (uint32_t i = 0; i < worker->plan->device_count; i++) {
        struct device_plan *device = worker->plan->devices[i];
        if (device->due_ns > now_ns) {
            *ret_wake_ns = device->due_ns < *ret_wake_ns ? device->due_ns : *ret_wake_ns;
            continue;
        }
        bool silent = poller_is_silent(device);
        if (best == NULL || (best_silent && !silent) ||
            (best_silent == silent && device->due_ns < best->due_ns)) {
            best = device;
            best_silent = silent;
        }
    }
    return best;
}

/* Sets the next boundary and counts those that were missed. */
static void advance_due(struct worker *worker, struct device_plan *device) {
    int64_t late_ns = clock_mono_ns(worker->clock) - device->due_ns;
    int64_t missed = late_ns > 0 ? late_ns / device->period_ns : 0;
    device->due_ns += (missed + 1) * device->period_ns;
    device->overruns += (uint64_t)missed;
}

/* Draws the conclusions of a call into the driver for the link. */
static void judge_call(struct worker *worker, int result, const struct err *err) {
    if (result < 0) {
        link_lost(worker, err);
        return;
    }
    if (worker->poller.good_answers > 0) {
        worker->backoff_ns = 0;
        if (worker->is_down) {
            worker->is_down = false;
            log_link(worker, LOG_INFO, "link_up", NULL);
        }
    }
}

static void poll_due(struct worker *worker, struct device_plan *device) {
    struct err err = ERR_INIT;
    int result = poller_poll(&worker->poller, device, &err);
    advance_due(worker, device);
    judge_call(worker, result, &err);
}

/* The machine hung up between polls. */
static void hung_up(struct worker *worker) {
    struct poller *poller = &worker->poller;
    bool lived = poller->good_answers > 0 &&
                 clock_mono_ns(worker->clock) - poller->connected_ns >= SHORT_SESSION_NS;
    if (lived) {
        poller_disconnect(poller);
        worker->next_try_ns = 0;
        return; // Tried again at once; if that fails, it is told.
    }
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_CLOSED, MSG_DEVICE_LINK_CLOSED, NO_ARGS);
    link_lost(worker, &err);
}

/* Moves a device plan's place in the new plan to the old object, which learned things. */
static void keep_learned(struct link_plan *old, struct link_plan *plan) {
    for (uint32_t i = 0; i < plan->device_count; i++) {
        for (uint32_t k = 0; k < old->device_count; k++) {
            if (old->devices[k]->number == plan->devices[i]->number &&
                old->devices[k]->signature == plan->devices[i]->signature) {
                struct device_plan *learned = old->devices[k];
                old->devices[k] = plan->devices[i];
                plan->devices[i] = learned;
            }
        }
    }
}

static void adopt_offered(struct worker *worker) {
    mutex_lock(&worker->lock);
    struct link_plan *plan = worker->offered;
    worker->offered = NULL;
    mutex_unlock(&worker->lock);
    if (plan == NULL) {
        return;
    }
    if (worker->plan != NULL) {
        if (plan->alone != 0) {
            poller_disconnect(&worker->poller); // It knows its points from the start of a session.
            worker->next_try_ns = 0;
        }
        keep_learned(worker->plan, plan);
        link_plan_free(worker->plan);
    }
    worker->plan = plan;
    uint32_t units = 0;
    for (uint32_t i = 0; i < plan->device_count; i++) {
        units += plan->devices[i]->unit_count;
    }
    worker->poller.only_unit = units <= 1;
    reset_due(worker);
}

/* One turn of a link that receives: waits for something to take, and has it taken. */
static void turn_receiving(struct worker *worker) {
    struct poller *poller = &worker->poller;
    struct device_plan *device = worker->plan->devices[0];
    int64_t now_ns = clock_mono_ns(worker->clock);
    int64_t wake_ns = poller->io.wake_ns < device->due_ns ? poller->io.wake_ns : device->due_ns;
    if (now_ns < wake_ns && !wait_until(worker, wake_ns) &&
        clock_mono_ns(worker->clock) < wake_ns) {
        return; // A new plan, or a stop.
    }
    poller->io.wake_ns = INT64_MAX;
    struct err err = ERR_INIT;
    int result = poller_receive(poller, device, &err);
    while (device->due_ns <= clock_mono_ns(worker->clock)) {
        device->due_ns += device->period_ns;
    }
    judge_call(worker, result, &err);
}

/* One turn of the connected link: polls what is due, or waits. */
static void turn(struct worker *worker) {
    if (worker->driver->receive != NULL) {
        turn_receiving(worker);
        return;
    }
    int64_t wake_ns = 0;
    struct device_plan *device = pick_due(worker, &wake_ns);
    if (device != NULL) {
        poll_due(worker, device);
        return;
    }
    bool release = worker->link_options[LINK_HOLD] == 0 &&
                   wake_ns - clock_mono_ns(worker->clock) > RELEASE_MIN_NS;
    if (release) {
        poller_disconnect(&worker->poller);
        for (uint32_t i = 0; i < worker->plan->device_count; i++) { // No socket is open now.
            struct health_change change = device_plan_change(worker->plan->devices[i], LINK_UP);
            health_add(worker->plan->devices[i]->health, &change, worker->clock);
        }
        worker->next_try_ns = wake_ns;
        return;
    }
    if (wait_until(worker, wake_ns)) {
        hung_up(worker);
    }
}

static void worker_run(void *context) {
    struct worker *worker = context;
    while (!stopping(worker)) {
        adopt_offered(worker);
        if (worker->poller.connected) {
            turn(worker);
        } else if (clock_mono_ns(worker->clock) < worker->next_try_ns) {
            (void)wait_until(worker, worker->next_try_ns);
        } else {
            connect_link(worker);
        }
    }
    poller_disconnect(&worker->poller);
}

struct worker *worker_new(
    struct link_plan *plan, const struct device_set_options *options, uint64_t seed) {
    struct worker *worker = MEM_NEW(struct worker);
    worker->clock = options->clock;
    worker->address = mem_copy_z(str_of(plan->address));
    worker->signature = plan->signature;
    worker->alone = plan->alone;
    worker->driver = plan->driver;
    memcpy(worker->link_options, plan->link_options, sizeof worker->link_options);
    memcpy(worker->session, plan->session, sizeof worker->session);
    worker->offered = plan;
    worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    stop_flag_init(&worker->stop);
    mutex_init(&worker->lock);
    struct poller_options poller_options = {.clock = options->clock,
        .stop = &worker->stop,
        .port = options->port,
        .seed = seed,
        .link = plan_link_new(plan->driver, str_of(plan->address), plan->link_options,
            options->clock, worker->stop.event_fd)};
    poller_init(&worker->poller, plan->driver, &poller_options);
    char name[NAME_BYTES];
    AUTO_BUF struct buf text;
    buf_init(&text, LIMIT_ID_BYTES + NAME_BYTES);
    buf_printf(&text, "dev-%.*s", STR_ARG(plan->devices[0]->id));
    (void)str_copy_z(buf_str(&text), name, sizeof name);
    thread_start(&worker->thread, name, worker_run, worker);
    return worker;
}

const char *worker_address(const struct worker *worker) {
    return worker->address;
}

uint64_t worker_signature(const struct worker *worker) {
    return worker->signature;
}

bool worker_can_adopt(const struct worker *worker, const struct link_plan *plan) {
    bool same_line = true;
    for (int i = LINK_HOLD; i < LINK_OPTION_COUNT; i++) {
        same_line = same_line && worker->link_options[i] == plan->link_options[i];
    }
    bool same_session = memcmp(worker->session, plan->session, sizeof worker->session) == 0;
    return worker->driver == plan->driver && worker->alone == plan->alone && same_line &&
           same_session && strcmp(worker->address, plan->address) == 0;
}

void worker_adopt(struct worker *worker, struct link_plan *plan) {
    worker->signature = plan->signature;
    mutex_lock(&worker->lock);
    struct link_plan *unused = worker->offered;
    worker->offered = plan;
    mutex_unlock(&worker->lock);
    link_plan_free(unused); // Offered before and not yet taken.
    uint64_t one = 1;
    (void)!write(worker->wake_fd, &one, sizeof one); // Cannot fail below 2^64 wake-ups.
}

void worker_stop(struct worker *worker) {
    stop_flag_raise(&worker->stop);
}

void worker_free(struct worker *worker) {
    worker_stop(worker);
    thread_join(&worker->thread);
    poller_fini(&worker->poller);
    link_plan_free(worker->plan);
    link_plan_free(worker->offered);
    stop_flag_fini(&worker->stop);
    mutex_fini(&worker->lock);
    (void)close(worker->wake_fd);
    mem_free(worker->address);
    mem_free(worker);
}
