/*
 * maru soak outage|kill: tries on this computer whether anything gets lost. An agent that counts
 * (sim/sim_mtconnect.c) stands for the machine; a child, this same program as `maru run` on a home
 * of its own, collects from it. `outage` cuts the line between them at random moments, `kill` kills
 * the child with SIGKILL at random moments and starts it again. At the end the agent makes no more,
 * the child gets the time to catch up and is stopped in order, and every value that was made must
 * stand in the history: once, with its own time.
 *
 * Nothing of the collecting side is different from a plant's: the same program, driver, pipeline
 * and stores. What is compared is read from the history itself, all versions.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/command.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/random.h"
#include "sim/sim_mtconnect.h"

enum {
    SECONDS_DEFAULT = 60,
    SECONDS_MAX = 30 * 86400,
    PER_SECOND = 100,
    PERIOD_MS = 200,
    FIRST_REQUESTS = 5, // So many before it counts: the reader has its place in the stream then.
    READY_MS = 30000,
    CATCH_UP_MS = 120000,
    STOP_MS = 30000,
    PAUSE_MIN_MS = 200,
    PAUSE_MORE_MS = 1500, // Between two cuts, and while one lasts, at most so much more.
    LOOK_MS = 20,
    SETTLE_MS = 1000, // The first values, before the first cut.
};

struct soak {
    struct call *call;
    bool kills;
    int64_t seconds;
    char base[LIMIT_PATH_BYTES - 64];
    char dir[LIMIT_PATH_BYTES - 32];
    sigset_t ends; // Signals that end it early; they are blocked and looked for while it waits.
    struct random random;
    struct sim_mtconnect *sim;
    pid_t child; // 0: none.
    uint64_t cuts;
    uint64_t made;
    uint64_t stored;
    uint64_t gaps;
    uint64_t duplicates;
    uint64_t wrong;
};

/* ---- The child ---- */

/* Between fork and exec: only what a signal handler may call. */
static void become(const char *dir, int log_fd, pid_t parent) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)dup2(log_fd, STDOUT_FILENO);
    (void)dup2(log_fd, STDERR_FILENO);
    char *argv[] = {(char *)(uintptr_t) "maru", (char *)(uintptr_t) "run", (char *)(uintptr_t)dir,
        (char *)(uintptr_t) "--listen", (char *)(uintptr_t) "127.0.0.1:0", NULL};
    if (getppid() == parent) {
        (void)execv("/proc/self/exe", argv);
    }
    _exit(127);
}

static int child_start(struct soak *soak, struct err *err) {
    char path[LIMIT_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/soak.log", soak->base);
    AUTO_CLOSE int log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t parent = getpid();
    pid_t child = log_fd < 0 ? -1 : fork();
    if (child == 0) {
        become(soak->dir, log_fd, parent);
    }
    if (child < 0) {
        return err_set_errno(err, errno, str_of(path));
    }
    soak->child = child;
    return 0;
}

/* True once it has ended; then it is forgotten. */
static bool child_has_ended(struct soak *soak) {
    if (soak->child > 0 && waitpid(soak->child, NULL, WNOHANG) == soak->child) {
        soak->child = 0;
    }
    return soak->child == 0;
}

static void child_kill(struct soak *soak) {
    if (soak->child > 0) {
        (void)kill(soak->child, SIGKILL); // Our own child, not yet waited for: the number is its.
        (void)waitpid(soak->child, NULL, 0);
        soak->child = 0;
    }
}

/* ---- Waiting ---- */

/* Waits; ERR_CANCELLED when somebody asked for the end. */
static int pause_ms(struct soak *soak, int64_t ms, struct err *err) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS};
    int64_t end_ns = clock_mono_ns(clock_system()) + ms * NS_PER_MS;
    while (sigtimedwait(&soak->ends, NULL, &time) < 0) {
        int64_t left_ns = end_ns - clock_mono_ns(clock_system());
        if (errno != EINTR || left_ns <= 0) {
            return 0;
        }
        time = (struct timespec){.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S};
    }
    return err_set(err, ERR_CANCELLED, MSG_SOAK_CANCELLED, NO_ARGS);
}

/* Waits until `done` says so. ERR_TIMEOUT; ERR_CLOSED when the child ended by itself. */
static int wait_until(
    struct soak *soak, bool (*done)(struct soak *soak), int64_t patience_ms, struct err *err) {
    int64_t end_ns = clock_mono_ns(clock_system()) + patience_ms * NS_PER_MS;
    while (!done(soak)) {
        if (child_has_ended(soak)) {
            return err_set(err, ERR_CLOSED, MSG_SOAK_ENDED, ARGS(A_CSTR(soak->base)));
        }
        if (clock_mono_ns(clock_system()) >= end_ns) {
            return err_set(err, ERR_TIMEOUT, MSG_SOAK_SLOW,
                ARGS(A_INT(patience_ms / 1000), A_CSTR(soak->base)));
        }
        int status = pause_ms(soak, LOOK_MS, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static bool has_asked(struct soak *soak) {
    return sim_mtconnect_requests(soak->sim) >= FIRST_REQUESTS;
}

static bool has_everything(struct soak *soak) {
    return sim_mtconnect_asked(soak->sim) > soak->made;
}

static int child_stop(struct soak *soak, struct err *err) {
    int64_t end_ns = clock_mono_ns(clock_system()) + STOP_MS * NS_PER_MS;
    (void)kill(soak->child, SIGTERM); // Our own child, as above.
    while (!child_has_ended(soak)) {
        if (clock_mono_ns(clock_system()) >= end_ns) {
            return err_set(
                err, ERR_TIMEOUT, MSG_SOAK_SLOW, ARGS(A_INT(STOP_MS / 1000), A_CSTR(soak->base)));
        }
        int status = pause_ms(soak, LOOK_MS, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* ---- The home ---- */

static int put_catalogue(struct ledger_tx *tx, void *context, struct err *err) {
    const struct soak *soak = context;
    char address[64];
    (void)snprintf(
        address, sizeof address, "http://127.0.0.1:%u/", (unsigned)sim_mtconnect_port(soak->sim));
    struct device device = {.id = STR("counter"),
        .display = STR("counter"),
        .driver = STR("mtconnect"),
        .address = str_of(address),
        .options = STR("count=20"),
        .period_ns = PERIOD_MS * NS_PER_MS,
        .enabled = true};
    uint32_t number = 0;
    bool changed = false;
    int status = device_put(tx, &device, &number, &changed, err);
    for (unsigned i = 0; i < SIM_MTCONNECT_ITEMS && status >= 0; i++) {
        char name[32];
        char source[32];
        (void)snprintf(name, sizeof name, "soak.n%u", i);
        (void)snprintf(source, sizeof source, "n%u i64", i);
        struct tag tag = {.name = str_of(name),
            .display = str_of(name),
            .unit = STR_NONE,
            .device = device.id,
            .source = str_of(source),
            .refine = STR_NONE,
            .type = TYPE_I64,
            .kind = KIND_MEASUREMENT,
            .scale = 1,
            .min = (double)NAN,
            .max = (double)NAN,
            .dead_band = (double)NAN,
            .active = true};
        status = tag_put(tx, &tag, &number, &changed, err);
    }
    return status;
}

static int open_plant(
    struct soak *soak, struct home **ret_home, struct plant **ret_plant, struct err *err) {
    struct home_options options = {.dir = soak->dir, .exclusive = true};
    int status = home_open(&options, ret_home, err);
    return status < 0 ? status : home_plant(*ret_home, STR("soak"), ret_plant, err);
}

static int make_home(struct soak *soak, struct err *err) {
    struct home *home = NULL;
    struct plant *plant = NULL;
    int status = home_create(soak->dir, STR("soak"), STR("soak"), STR("UTC"), err);
    status = status < 0 ? status : open_plant(soak, &home, &plant, err);
    if (status >= 0) {
        status = ledger_write(plant_ledger(plant), put_catalogue, soak, err);
    }
    home_close(home);
    return status;
}

/* One item's rows in order of time against what was made: item, item + 4, ... */
struct expectation {
    struct soak *soak;
    uint64_t next;
};

static void compare_row(struct expectation *expected, uint64_t n, int64_t time_ns) {
    struct soak *soak = expected->soak;
    soak->stored++;
    if (n == 0 || n > soak->made || time_ns != sim_mtconnect_time_ns(soak->sim, n) ||
        n % SIM_MTCONNECT_ITEMS != expected->next % SIM_MTCONNECT_ITEMS) {
        soak->wrong++;
    } else if (n < expected->next) {
        soak->duplicates++;
    } else {
        soak->gaps += (n - expected->next) / SIM_MTCONNECT_ITEMS;
        expected->next = n + SIM_MTCONNECT_ITEMS;
    }
}

static int compare_item(
    struct soak *soak, struct historian *historian, uint32_t tag, unsigned item, struct err *err) {
    struct hist_scan_options options = {
        .tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    struct expectation expected = {
        .soak = soak, .next = item == 0 ? SIM_MTCONNECT_ITEMS : (uint64_t)item};
    int status = hist_scan_open(historian, &options, &scan, err);
    if (status < 0) {
        return status;
    }
    while ((status = hist_scan_next(scan, &rows, err)) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            bool good = rows.status == NULL || status_quality(rows.status[i]) == QUALITY_GOOD;
            if (good && rows.i64 != NULL) { // The others say that the line was cut.
                compare_row(&expected, (uint64_t)rows.i64[i], rows.time_ns[i]);
            }
        }
    }
    hist_scan_close(scan);
    if (expected.next <= soak->made) {
        soak->gaps += (soak->made - expected.next) / SIM_MTCONNECT_ITEMS + 1;
    }
    return status;
}

static int compare(struct soak *soak, struct err *err) {
    struct home *home = NULL;
    struct plant *plant = NULL;
    int status = open_plant(soak, &home, &plant, err);
    struct catalogue *catalogue = status < 0 ? NULL : plant_catalogue(plant);
    for (unsigned i = 0; i < SIM_MTCONNECT_ITEMS && status >= 0; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "soak.n%u", i);
        const struct tag *tag = catalogue_find(catalogue, str_of(name));
        status = tag == NULL ? err_set(err, ERR_NOT_FOUND, MSG_SOAK_ENDED, ARGS(A_CSTR(soak->base)))
                             : compare_item(soak, plant_historian(plant), tag->number, i, err);
    }
    if (catalogue != NULL) {
        catalogue_unref(catalogue);
    }
    home_close(home);
    return status;
}

/* ---- The trial ---- */

static int64_t some_ms(struct soak *soak) {
    return PAUSE_MIN_MS + (int64_t)random_below(&soak->random, PAUSE_MORE_MS);
}

static int cut_once(struct soak *soak, struct err *err) {
    soak->cuts++;
    if (soak->kills) {
        child_kill(soak);
        return child_start(soak, err);
    }
    sim_mtconnect_cut(soak->sim);
    int status = pause_ms(soak, some_ms(soak), err);
    return status < 0 ? status : sim_mtconnect_mend(soak->sim, err);
}

static int try_it(struct soak *soak, struct err *err) {
    int status = child_start(soak, err);
    status = status < 0 ? status : wait_until(soak, has_asked, READY_MS, err);
    if (status < 0) {
        return status;
    }
    sim_mtconnect_begin(soak->sim);
    int64_t end_ns = clock_mono_ns(clock_system()) + soak->seconds * NS_PER_S;
    status = pause_ms(soak, SETTLE_MS, err);
    while (status >= 0 && clock_mono_ns(clock_system()) < end_ns) {
        status = cut_once(soak, err);
        status = status < 0 ? status : pause_ms(soak, some_ms(soak), err);
        if (status >= 0 && child_has_ended(soak)) {
            status = err_set(err, ERR_CLOSED, MSG_SOAK_ENDED, ARGS(A_CSTR(soak->base)));
        }
    }
    soak->made = sim_mtconnect_halt(soak->sim);
    status = status < 0 ? status : wait_until(soak, has_everything, CATCH_UP_MS, err);
    status = status < 0 ? status : child_stop(soak, err);
    return status < 0 ? status : compare(soak, err);
}

static int read_options(struct soak *soak, struct err *err) {
    struct call *call = soak->call;
    struct str kind = str_of(call->positionals[0]);
    soak->kills = str_eq(kind, STR("kill"));
    if (!soak->kills && !str_eq(kind, STR("outage"))) {
        return err_set(err, ERR_USAGE, MSG_SOAK_KIND, ARGS(A_STR(kind)));
    }
    const char *seconds = call_value(call, "--seconds");
    soak->seconds = SECONDS_DEFAULT;
    if (seconds != NULL && (!str_to_i64(str_of(seconds), &soak->seconds) || soak->seconds < 1 ||
                               soak->seconds > SECONDS_MAX)) {
        return err_set(err, ERR_USAGE, MSG_SOAK_SECONDS, ARGS(A_CSTR(seconds), A_INT(SECONDS_MAX)));
    }
    return 0;
}

static int choose_folder(struct soak *soak, struct err *err) {
    const char *asked = call_value(soak->call, "--dir");
    const char *usual = getenv("TMPDIR");
    const char *under = asked != NULL ? asked : usual != NULL && usual[0] != '\0' ? usual : "/tmp";
    int size = snprintf(soak->base, sizeof soak->base, "%s/maru-soak-XXXXXX", under);
    if (size < 0 || (size_t)size >= sizeof soak->base) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(under)));
    }
    if (mkdtemp(soak->base) == NULL) {
        return err_set_errno(err, errno, str_of(under));
    }
    (void)snprintf(soak->dir, sizeof soak->dir, "%s/home", soak->base);
    return 0;
}

static void tell(const struct soak *soak) {
    struct call *call = soak->call;
    AUTO_BUF struct buf text;
    buf_init(&text, 4096);
    if (!call->json) {
        msg_render(soak->kills ? MSG_SOAK_KILLS : MSG_SOAK_OUTAGES,
            ARGS(A_INT(soak->seconds), A_INT(soak->cuts), A_INT(soak->made), A_INT(soak->stored)),
            call->lang, &text);
        buf_printf(&call->out, "%s\ngaps %llu duplicates %llu\n", buf_z(&text),
            (unsigned long long)soak->gaps, (unsigned long long)soak->duplicates);
        return;
    }
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_str(&json, "soak", soak->kills ? STR("kill") : STR("outage"));
    json_put_i64(&json, "seconds", soak->seconds);
    json_put_i64(&json, "cuts", (int64_t)soak->cuts);
    json_put_i64(&json, "produced", (int64_t)soak->made);
    json_put_i64(&json, "stored", (int64_t)soak->stored);
    json_put_i64(&json, "gaps", (int64_t)soak->gaps);
    json_put_i64(&json, "duplicates", (int64_t)soak->duplicates);
    json_put_i64(&json, "wrong", (int64_t)soak->wrong);
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
}

int cmd_soak(struct call *call, struct err *err) {
    struct soak soak = {.call = call};
    int status = read_options(&soak, err);
    status = status < 0 ? status : choose_folder(&soak, err);
    if (status < 0) {
        return status;
    }
    (void)sigemptyset(&soak.ends);
    (void)sigaddset(&soak.ends, SIGINT);
    (void)sigaddset(&soak.ends, SIGTERM);
    (void)sigaddset(&soak.ends, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &soak.ends, NULL); // Cannot fail with a valid set.
    random_seed_system(&soak.random);
    status = sim_mtconnect_start(clock_system(), PER_SECOND, &soak.sim, err);
    status = status < 0 ? status : make_home(&soak, err);
    status = status < 0 ? status : try_it(&soak, err);
    child_kill(&soak);
    bool good = status >= 0 && soak.gaps == 0 && soak.duplicates == 0 && soak.wrong == 0;
    if (status >= 0) {
        tell(&soak);
    }
    sim_mtconnect_stop(soak.sim);
    if (good || status == -ERR_CANCELLED) {
        struct err ignored = ERR_INIT;
        (void)dir_remove_all(soak.base, &ignored); // A leftover harms nobody.
    } else {
        if (soak.wrong > 0) {
            call_say(call, MSG_SOAK_WRONG, ARGS(A_INT(soak.wrong)));
        }
        call_say(call, MSG_SOAK_KEPT, ARGS(A_CSTR(soak.base)));
    }
    return status < 0 ? status : good ? EXIT_DONE : EXIT_FAILED;
}
