/*
 * maru upgrade PROGRAM: puts a new program beside the present one and asks the launcher to try it.
 * Nothing of the running version is touched: the launcher stops it, keeps the home as it is, starts
 * the new one, and goes back by itself when that does not serve (src/launch/run.c).
 *
 * PROGRAM is a program, a folder that holds one (build/, an unpacked package), or a .deb.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/command.h"
#include "core/file.h"
#include "core/json.h"
#include "core/mem.h"
#include "launch/launch.h"

enum { COPY_BYTES = 1 << 20, CHECK_MS = 10000, UNPACK_MS = 120000, ANSWER_MAX = 256 };

static const char DEFAULT_STATE[] = "/var/lib/maru";

/* Runs a program to its end within the time; its stdout into `answer`. Its exit code, or -1. */
static int run_program(char *const *argv, int64_t patience_ms, char answer[ANSWER_MAX]) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    pid_t process = fork();
    if (process == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    file_close(ends[1]);
    const struct clock *clock = clock_system();
    int64_t end = clock_mono_ns(clock) + patience_ms * NS_PER_MS;
    size_t used = 0;
    ssize_t size = 1;
    while (process > 0 && size > 0 && clock_mono_ns(clock) < end) {
        struct pollfd wait = {.fd = ends[0], .events = POLLIN};
        if (poll(&wait, 1, 100) <= 0) {
            continue;
        }
        char bytes[ANSWER_MAX];
        size = read(ends[0], bytes, sizeof bytes);
        for (ssize_t i = 0; i < size && used + 1 < ANSWER_MAX; i++) {
            answer[used++] = bytes[i];
        }
    }
    answer[used] = '\0';
    file_close(ends[0]);
    int status = 0;
    if (process <= 0) {
        return -1;
    }
    if (size > 0) {
        (void)kill(process, SIGKILL); // Our own child: it took too long.
    }
    (void)waitpid(process, &status, 0);
    return size <= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- Where the program is ---- */

static bool is_program(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & S_IXUSR) != 0;
}

static int find_program(const char *given, struct buf *ret_path, struct err *err) {
    static const char *const PLACES[] = {"", "/maru", "/usr/lib/maru/maru", "/build/maru"};
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        buf_clear(ret_path);
        buf_printf(ret_path, "%s%s", given, PLACES[i]);
        if (is_program(buf_z(ret_path))) {
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, MSG_UPGRADE_NO_PROGRAM, ARGS(A_CSTR(given)));
}

/* A package is unpacked beside the versions, by its own tool. */
static int unpack(const char *given, char *dir, struct err *err) {
    char answer[ANSWER_MAX];
    if (mkdtemp(dir) == NULL) {
        return err_set_errno(err, errno, str_of(dir));
    }
    char tool[] = "dpkg-deb";
    char extract[] = "-x";
    AUTO_FREE char *package = mem_copy_z(str_of(given));
    char *const argv[] = {tool, extract, package, dir, NULL};
    return run_program(argv, UNPACK_MS, answer) == 0
               ? 0
               : err_set(err, ERR_INVALID, MSG_UPGRADE_PACKAGE, ARGS(A_CSTR(given)));
}

/* ---- Into versions/ ---- */

static int copy_program(const char *from, const char *to, struct err *err) {
    AUTO_CLOSE int in = -1;
    AUTO_CLOSE int out = -1;
    uint64_t size = 0;
    struct files *files = files_system();
    int status = file_open(files, from, FILE_READ, &in, err);
    status = status < 0 ? status : file_size(in, from, &size, err);
    status = status < 0 ? status : file_open(files, to, FILE_CREATE_NEW, &out, err);
    AUTO_FREE uint8_t *bytes = mem_alloc(COPY_BYTES);
    for (uint64_t offset = 0; offset < size && status >= 0;) {
        size_t step = size - offset < COPY_BYTES ? (size_t)(size - offset) : (size_t)COPY_BYTES;
        status = file_read_at(in, from, offset, bytes, step, err);
        status = status < 0 ? status : file_write_at(files, out, to, offset, bytes, step, err);
        offset += step;
    }
    if (status >= 0 && fchmod(out, 0700) != 0) {
        status = err_set_errno(err, errno, str_of(to));
    }
    return status < 0 ? status : file_sync(files, out, to, err);
}

static int check_program(const char *path, char ret_version[ANSWER_MAX], struct err *err) {
    char version[] = "--version";
    AUTO_FREE char *program = mem_copy_z(str_of(path));
    char *const argv[] = {program, version, NULL};
    int code = run_program(argv, CHECK_MS, ret_version);
    struct str said = str_trim(str_of(ret_version));
    if (code != 0 || !str_starts(said, STR("maru "))) {
        return err_set(err, ERR_INVALID, MSG_UPGRADE_NOT_MARU, ARGS(A_CSTR(path)));
    }
    (void)str_copy_z(said, ret_version, ANSWER_MAX);
    return 0;
}

/* versions/N.new/maru, checked, then versions/N: a number is a whole program. */
static int place_program(const char *state, const char *program, uint64_t *ret_number,
    char ret_version[ANSWER_MAX], struct err *err) {
    char versions[LIMIT_PATH_BYTES];
    char dir[LIMIT_PATH_BYTES];
    char to[LIMIT_PATH_BYTES];
    uint64_t number = version_newest(state) + 1;
    char name[64];
    (void)snprintf(name, sizeof name, "versions/%llu", (unsigned long long)number);
    char side_name[80];
    (void)snprintf(side_name, sizeof side_name, "%s.new", name);
    char side[LIMIT_PATH_BYTES];
    if (!launch_path(state, "versions", versions) || !launch_path(state, name, dir) ||
        !launch_path(state, side_name, side) || !launch_path(side, "maru", to)) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(state)));
    }
    struct files *files = files_system();
    int status = dir_create(files, state, err);
    status = status < 0 ? status : dir_create(files, versions, err);
    status = status < 0 || !file_exists(side) ? status : dir_remove_all(side, err);
    status = status < 0 ? status : dir_create(files, side, err);
    status = status < 0 ? status : copy_program(program, to, err);
    status = status < 0 ? status : check_program(to, ret_version, err);
    if (status < 0) {
        (void)dir_remove_all(side, NULL); // Else the next upgrade removes it.
        return status;
    }
    status = dir_sync(files, side, err);
    status = status < 0 ? status : file_rename(files, side, dir, err);
    status = status < 0 ? status : dir_sync(files, versions, err);
    *ret_number = number;
    return status;
}

/* ---- Handing over ---- */

static int hand_over(const char *state, uint64_t number, bool *ret_running, struct err *err) {
    char text[32];
    (void)snprintf(text, sizeof text, "%llu\n", (unsigned long long)number);
    int status = launch_write(state, "next", str_of(text), err);
    int64_t launcher = status < 0 ? 0 : launcher_running(state);
    *ret_running = launcher > 0 && kill((pid_t)launcher, SIGHUP) == 0;
    return status;
}

/* Until the launcher wrote how the trial of this number ended. */
static int wait_outcome(const char *state, uint64_t number, int64_t patience_ns,
    struct outcome *outcome, struct err *err) {
    const struct clock *clock = clock_system();
    int64_t end = clock_mono_ns(clock) + patience_ns;
    AUTO_CLOSE int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0 || inotify_add_watch(watch, state, IN_MOVED_TO) < 0) {
        return err_set_errno(err, errno, str_of(state));
    }
    for (;;) {
        int status = outcome_read(state, outcome, err);
        if (status < 0 || (status > 0 && outcome->to == number)) {
            return status;
        }
        int64_t left_ms = (end - clock_mono_ns(clock)) / NS_PER_MS;
        if (left_ms <= 0) {
            return err_set(err, ERR_TIMEOUT, MSG_UPGRADE_STILL, ARGS(A_INT(number)));
        }
        struct pollfd wait = {.fd = watch, .events = POLLIN};
        char events[4096];
        (void)poll(&wait, 1, left_ms > 60000 ? 60000 : (int)left_ms);
        while (read(watch, events, sizeof events) > 0) {
        }
    }
}

static void report(struct call *call, const struct outcome *outcome) {
    bool returned = outcome->kind == OUTCOME_RETURNED;
    if (!call->json) {
        call_say(call, returned ? MSG_UPGRADE_RETURNED : MSG_UPGRADE_STAYED,
            ARGS(A_INT(outcome->to), A_INT(outcome->from), A_CSTR(outcome->failed)));
        return;
    }
    struct json json;
    json_init(&json, &call->out);
    json_object_begin(&json);
    json_put_str(&json, "outcome", returned ? STR("returned") : STR("stayed"));
    json_put_i64(&json, "from", (int64_t)outcome->from);
    json_put_i64(&json, "to", (int64_t)outcome->to);
    json_put_time(&json, "time", outcome->time_ns);
    json_put_str(&json, "failed_home", str_of(outcome->failed));
    json_object_end(&json);
    buf_put_char(&call->out, '\n');
}

static int say_status(struct call *call, const char *state, struct err *err) {
    struct trial trial;
    struct outcome outcome;
    int status = trial_read(state, &trial, err);
    if (status > 0) {
        call_say(call, MSG_UPGRADE_ON_TRIAL, ARGS(A_INT(trial.to), A_INT(trial.from)));
    }
    status = status < 0 ? status : outcome_read(state, &outcome, err);
    if (status > 0) {
        report(call, &outcome);
    }
    return status < 0 ? status : EXIT_DONE;
}

static int upgrade(struct call *call, const char *state, const char *program, struct err *err) {
    char version[ANSWER_MAX];
    uint64_t number = 0;
    bool running = false;
    int64_t wait_ns = 0;
    const char *wait = call_value(call, "--wait");
    int status = wait != NULL ? call_usage(duration_parse(str_of(wait), &wait_ns, err), err) : 0;
    status = status < 0 ? status : place_program(state, program, &number, version, err);
    status = status < 0 ? status : hand_over(state, number, &running, err);
    if (status < 0) {
        return status;
    }
    call_say(call, running ? MSG_UPGRADE_TRIED : MSG_UPGRADE_WAITS,
        ARGS(A_INT(number), A_CSTR(version)));
    if (wait == NULL || !running) {
        return EXIT_DONE;
    }
    struct outcome outcome;
    status = wait_outcome(state, number, wait_ns, &outcome, err);
    if (status < 0) {
        return status;
    }
    report(call, &outcome);
    return outcome.kind == OUTCOME_STAYED ? EXIT_DONE : EXIT_FAILED;
}

int cmd_upgrade(struct call *call, struct err *err) {
    const char *state = call_value(call, "--state");
    state = state != NULL ? state : DEFAULT_STATE;
    if (call->positional_count == 0) {
        return say_status(call, state, err);
    }
    const char *given = call->positionals[0];
    char unpacked[LIMIT_PATH_BYTES];
    (void)snprintf(unpacked, sizeof unpacked, "/tmp/maru-upgrade-XXXXXX");
    bool package = str_ends(str_of(given), STR(".deb"));
    AUTO_BUF struct buf program;
    buf_init(&program, LIMIT_PATH_BYTES);
    int status = package ? unpack(given, unpacked, err) : 0;
    status = status < 0 ? status : find_program(package ? unpacked : given, &program, err);
    status = status < 0 ? status : upgrade(call, state, buf_z(&program), err);
    if (package) {
        (void)dir_remove_all(unpacked, NULL); // In /tmp: whatever is left goes with it.
    }
    return status;
}
