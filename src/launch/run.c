/*
 * The launcher's loop, and what it does with a new version.
 *
 *   next is there    the child is stopped, the home copied aside (before/), `trial` written, the
 * link switched, the child started. In this order: a kill at any moment leaves the old version on
 * the old home, or a trial that goes on or returns. bad end          a trial's child that exits, or
 * is killed because it does not answer, counts one attempt; the third returns. One that is not
 * ready in time returns at once: it hangs, and would hang again. good             ready and alive
 * for the time of the trial: `trial` and before/ go. returning        is written down before
 * anything moves, so that a launcher which is killed while it returns goes on returning.
 *
 * Outside trials a child that ends is started again, first at once, then after 1, 2, 4 .. 30 s.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "launch/child.h"

enum {
    STOP_PATIENCE_S = 60,
    PROBE_EVERY_S = 10,
    PROBES_BAD = 3, // So many unanswered ones in a row and the child is killed.
    BACKOFF_MAX_S = 30,
    RUN_ARGUMENTS_MAX = 32,
    INIT_WAIT_S = 30,
    LOCK_WAIT_S = 5,
};

struct launcher {
    const struct launch_options *with;
    int signals;
    int lock_fd;
    struct child child;
    bool on_trial;
    struct trial trial;
    bool stop;
    bool look; // `next` may be there.
    bool told_ready;
    uint32_t bad_ends;
    int64_t start_at_ns; // Monotonic; no child before.
    int64_t probe_at_ns;
    uint32_t probes_bad;
};

static int64_t now_ns(void) {
    return clock_mono_ns(clock_system());
}

/* ---- Trials ---- */

static int trial_return(struct launcher *l, struct err *err) {
    const char *state = l->with->state;
    struct outcome outcome = {.kind = OUTCOME_RETURNED,
        .from = l->trial.from,
        .to = l->trial.to,
        .time_ns = clock_wall_ns(clock_system())};
    child_kill(&l->child);
    l->trial.returning = true;
    int status = trial_write(state, &l->trial, err);
    status = status < 0 ? status : current_set(state, l->trial.from, err);
    status = status < 0 ? status : before_return(state, l->trial.to, outcome.failed, err);
    status = status < 0 ? status : outcome_write(state, &outcome, err);
    status = status < 0 ? status : launch_remove(state, "trial", err);
    if (status < 0) {
        return err_context(err, MSG_LAUNCH_RETURNING, ARGS(A_INT(l->trial.from)));
    }
    log_event(LOG_ERROR, "launch", "version_returned",
        LOG_FIELDS({"from", A_INT(l->trial.to)}, {"to", A_INT(l->trial.from)},
            {"failed_home", A_CSTR(outcome.failed)}),
        NULL);
    l->on_trial = false;
    l->bad_ends = 0;
    l->start_at_ns = now_ns();
    return 0;
}

static int trial_begin(struct launcher *l, uint64_t next, struct err *err) {
    const char *state = l->with->state;
    struct trial trial = {.from = current_read(state), .to = next};
    bool first = trial.from == 0;
    int status = first ? 0 : before_make(state, err);
    status = first || status < 0 ? status : trial_write(state, &trial, err);
    status = status < 0 ? status : current_set(state, next, err);
    status = status < 0 ? status : launch_remove(state, "next", err);
    if (status < 0) {
        return err_context(err, MSG_LAUNCH_TRYING, ARGS(A_INT(next)));
    }
    log_event(LOG_INFO, "launch", "version_tried",
        LOG_FIELDS({"version", A_INT(next)}, {"before", A_INT(trial.from)}), NULL);
    l->on_trial = !first;
    l->trial = trial;
    l->bad_ends = 0;
    return 0;
}

static int trial_stay(struct launcher *l, struct err *err) {
    const char *state = l->with->state;
    struct outcome outcome = {.kind = OUTCOME_STAYED,
        .from = l->trial.from,
        .to = l->trial.to,
        .time_ns = clock_wall_ns(clock_system())};
    int status = launch_remove(state, "trial", err);
    if (status >= 0) {
        l->on_trial = false;
        before_remove(state);
        status = outcome_write(state, &outcome, err);
        log_event(
            LOG_INFO, "launch", "version_stays", LOG_FIELDS({"version", A_INT(l->trial.to)}), NULL);
    }
    return status;
}

/* A version that waits to be tried: stops the child and begins. */
static int look_for_next(struct launcher *l, struct err *err) {
    char text[LAUNCH_TEXT_MAX];
    uint64_t next = 0;
    l->look = false;
    int status = l->on_trial ? 0 : launch_read(l->with->state, "next", text, err);
    if (status <= 0) {
        return status;
    }
    if (!str_to_u64(str_trim(str_of(text)), &next) || next == 0) {
        return launch_remove(l->with->state, "next", err);
    }
    child_stop(&l->child, STOP_PATIENCE_S * NS_PER_S);
    l->start_at_ns = now_ns();
    return trial_begin(l, next, err);
}

/* ---- The child ---- */

static void later(struct launcher *l) {
    uint32_t shift = l->bad_ends > 1 ? l->bad_ends - 2 : 0;
    int64_t wait_s = l->bad_ends <= 1 ? 0 : shift >= 5 ? BACKOFF_MAX_S : (int64_t)1 << shift;
    l->start_at_ns = now_ns() + wait_s * NS_PER_S;
}

static int bad_end(struct launcher *l, const char *how, int64_t detail, struct err *err) {
    log_event(LOG_WARN, "launch", "ended",
        LOG_FIELDS(
            {"how", A_CSTR(how)}, {"detail", A_INT(detail)}, {"on_trial", A_INT(l->on_trial)}),
        NULL);
    l->bad_ends++;
    later(l);
    if (!l->on_trial) {
        return 0;
    }
    l->trial.attempts++;
    if (l->trial.attempts >= LAUNCH_ATTEMPTS) {
        return trial_return(l, err);
    }
    l->start_at_ns = now_ns();
    return trial_write(l->with->state, &l->trial, err);
}

/* A home that is not there yet is made by the version that will run it. */
static int make_home(struct launcher *l, uint64_t version, const char *home, struct err *err) {
    char hub[LIMIT_PATH_BYTES];
    if (launch_path(home, "hub.db", hub) && file_exists(hub)) {
        return 0;
    }
    char init[] = "init";
    char path[LIMIT_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s", home);
    char *const arguments[] = {init, path, NULL};
    struct child child = {.out_fd = -1};
    int status = child_start(&child, l->with->state, version, arguments, err);
    int64_t end = now_ns() + INIT_WAIT_S * NS_PER_S;
    int ended = 0;
    while (status >= 0 && !child_ended(&child, &ended)) {
        if (now_ns() > end) {
            child_kill(&child);
            break;
        }
        struct pollfd wait = {.fd = child.out_fd, .events = POLLIN};
        (void)poll(&wait, 1, 50);
    }
    return status;
}

static int start_child(struct launcher *l, struct err *err) {
    uint64_t version = current_read(l->with->state);
    char home[LIMIT_PATH_BYTES];
    if (version == 0) {
        return err_set(err, ERR_NOT_FOUND, MSG_LAUNCH_NONE, ARGS(A_CSTR(l->with->state)));
    }
    if (!launch_path(l->with->state, "home", home)) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(l->with->state)));
    }
    int status = make_home(l, version, home, err);
    char run[] = "run";
    char *arguments[RUN_ARGUMENTS_MAX + 3] = {run, home};
    for (int i = 0; l->with->run_arguments[i] != NULL && i < RUN_ARGUMENTS_MAX; i++) {
        arguments[2 + i] = l->with->run_arguments[i];
    }
    l->probes_bad = 0;
    l->probe_at_ns = now_ns() + PROBE_EVERY_S * NS_PER_S;
    return status < 0 ? status : child_start(&l->child, l->with->state, version, arguments, err);
}

static int watch_child(struct launcher *l, struct err *err) {
    int status = 0;
    int64_t now = now_ns();
    if (child_ended(&l->child, &status)) {
        return WIFSIGNALED(status) ? bad_end(l, "signal", WTERMSIG(status), err)
                                   : bad_end(l, "exit", WEXITSTATUS(status), err);
    }
    int64_t age = now - l->child.started_ns;
    if (!l->child.ready && age > l->with->ready_wait_ns) {
        child_kill(&l->child);
        if (l->on_trial) {
            log_event(LOG_WARN, "launch", "never_ready",
                LOG_FIELDS({"seconds", A_INT(age / NS_PER_S)}), NULL);
            return trial_return(l, err);
        }
        return bad_end(l, "never ready", age / NS_PER_S, err);
    }
    if (l->child.ready && !l->told_ready) {
        notify_send("READY=1\nSTATUS=serving\n");
        l->told_ready = true;
    }
    if (l->child.ready && now >= l->probe_at_ns) {
        l->probes_bad = child_answers(&l->child) ? 0 : l->probes_bad + 1;
        l->probe_at_ns = now_ns() + PROBE_EVERY_S * NS_PER_S;
        if (l->probes_bad >= PROBES_BAD) {
            child_kill(&l->child);
            return bad_end(l, "no answer", PROBES_BAD, err);
        }
    }
    if (l->child.ready && age > l->with->trial_ns) {
        l->bad_ends = 0;
        return l->on_trial ? trial_stay(l, err) : 0;
    }
    return 0;
}

/* ---- The loop ---- */

static void take_signals(struct launcher *l) {
    struct signalfd_siginfo info;
    while (read(l->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        l->stop = l->stop || info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
        l->look = l->look || info.ssi_signo == SIGHUP;
    }
}

static int wait_ms(const struct launcher *l) {
    int64_t step = NS_PER_S;
    int64_t watchdog = notify_watchdog_ns();
    step = watchdog > 0 && watchdog / 3 < step ? watchdog / 3 : step;
    int64_t left = l->start_at_ns - now_ns();
    step = l->child.process == 0 && left < step ? (left > 0 ? left : 0) : step;
    return (int)(step / NS_PER_MS) + 1;
}

static int step(struct launcher *l, struct err *err) {
    struct pollfd waits[2] = {
        {.fd = l->signals, .events = POLLIN}, {.fd = l->child.out_fd, .events = POLLIN}};
    (void)poll(waits, 2, wait_ms(l)); // Whatever woke us, everything is looked at.
    take_signals(l);
    child_listen(&l->child);
    notify_send("WATCHDOG=1\n");
    if (l->stop) {
        return 0;
    }
    int status = l->look ? look_for_next(l, err) : 0;
    if (status >= 0 && l->child.process > 0) {
        status = watch_child(l, err);
    }
    if (status >= 0 && l->child.process == 0 && now_ns() >= l->start_at_ns) {
        status = look_for_next(l, err);
        status = status < 0 ? status : start_child(l, err);
    }
    return status;
}

static int take_lock(struct launcher *l, struct err *err) {
    char path[LIMIT_PATH_BYTES];
    char text[32];
    if (!launch_path(l->with->state, "lock", path)) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(l->with->state)));
    }
    int status = file_open(files_system(), path, FILE_WRITE, &l->lock_fd, err);
    int64_t end = now_ns() + LOCK_WAIT_S * NS_PER_S;
    bool held = status >= 0 && flock(l->lock_fd, LOCK_EX | LOCK_NB) == 0;
    while (status >= 0 && !held && now_ns() < end) {
        struct pollfd wait = {.fd = l->signals, .events = POLLIN};
        (void)poll(&wait, 1, 50); // One that was killed may still be ending.
        held = flock(l->lock_fd, LOCK_EX | LOCK_NB) == 0;
    }
    if (status >= 0 && !held) {
        return err_set(err, ERR_LOCKED, MSG_LAUNCH_LOCKED, ARGS(A_CSTR(l->with->state)));
    }
    int size = snprintf(text, sizeof text, "%lld\n", (long long)getpid());
    status = status < 0 ? status : file_truncate(files_system(), l->lock_fd, path, 0, err);
    return status < 0 ? status
                      : file_write_at(files_system(), l->lock_fd, path, 0, text, (size_t)size, err);
}

static int open_signals(void) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* What a launcher that was killed had begun. */
static int resume(struct launcher *l, struct err *err) {
    int status = trial_read(l->with->state, &l->trial, err);
    l->on_trial = status > 0;
    if (status <= 0) {
        return status;
    }
    if (l->trial.returning) {
        return trial_return(l, err);
    }
    l->trial.attempts++; // It did not come through; power cuts count, too.
    return l->trial.attempts >= LAUNCH_ATTEMPTS ? trial_return(l, err)
                                                : trial_write(l->with->state, &l->trial, err);
}

int launch_run(const struct launch_options *options, struct err *err) {
    struct launcher l = {
        .with = options, .signals = open_signals(), .lock_fd = -1, .child = {.out_fd = -1}};
    int status = l.signals < 0 ? err_set_errno(err, errno, STR("signalfd")) : take_lock(&l, err);
    status = status < 0 ? status : resume(&l, err);
    while (status >= 0 && !l.stop) {
        status = step(&l, err);
    }
    notify_send("STOPPING=1\n");
    child_stop(&l.child, STOP_PATIENCE_S * NS_PER_S);
    file_close(l.signals);
    file_close(l.lock_fd);
    return status;
}
