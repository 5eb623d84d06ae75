/*
 * A child process by pidfd-free means: SIGCHLD arrives through the launcher's signalfd, waitpid is
 * asked without waiting. Its stdout is a pipe: the line `ready http://...` says that it serves; all
 * lines go on to our own stdout, so that the set-up link is seen where it always was. Its stderr is
 * ours. PR_SET_PDEATHSIG: a launcher that is killed takes its child along, else two would meet at
 * the home's lock at the next start.
 */
#include "launch/child.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"

enum { ARGUMENTS_MAX = 64, PROBE_MS = 3000, STOP_STEP_MS = 100 };

/* In the new process: only calls that are safe after fork(2). */
static void become(const char *program, char *const *argv, int out_fd, pid_t parent) {
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
        dup2(out_fd, STDOUT_FILENO) < 0) {
        _exit(127);
    }
    (void)unsetenv("NOTIFY_SOCKET"); // The launcher speaks to the service manager.
    (void)unsetenv("WATCHDOG_USEC");
    (void)execv(program, argv);
    _exit(127);
}

int child_start(struct child *child, const char *state, uint64_t version, char *const *arguments,
    struct err *err) {
    char name[64];
    char program[LIMIT_PATH_BYTES];
    char *argv[ARGUMENTS_MAX + 2] = {program};
    (void)snprintf(name, sizeof name, "versions/%llu/maru", (unsigned long long)version);
    if (!launch_path(state, name, program)) {
        return err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG, ARGS(A_CSTR(state)));
    }
    for (int i = 0; arguments[i] != NULL; i++) {
        if (i == ARGUMENTS_MAX) {
            return err_set(err, ERR_USAGE, MSG_APP_CALL_LONG, NO_ARGS);
        }
        argv[i + 1] = arguments[i];
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return err_set_errno(err, errno, STR("pipe"));
    }
    /* The writing end waits as any stdout does; only our reading must not. */
    (void)fcntl(ends[1], F_SETFL, 0);
    pid_t parent = getpid();
    pid_t process = fork();
    if (process == 0) {
        become(program, argv, ends[1], parent);
    }
    file_close(ends[1]);
    if (process < 0) {
        file_close(ends[0]);
        return err_set_errno(err, errno, STR("fork"));
    }
    *child = (struct child){
        .process = process, .out_fd = ends[0], .started_ns = clock_mono_ns(clock_system())};
    return 0;
}

static void take_line(struct child *child) {
    child->line[child->line_size] = '\0';
    if (strncmp(child->line, "ready ", 6) == 0) {
        child->ready = true;
        (void)snprintf(child->origin, sizeof child->origin, "%s", child->line + 6);
    }
    child->line_size = 0;
}

void child_listen(struct child *child) {
    char bytes[4096];
    ssize_t size = 0;
    while (child->out_fd >= 0 && (size = read(child->out_fd, bytes, sizeof bytes)) > 0) {
        /* Whether anybody reads our stdout is not the child's business. */
        ssize_t passed = write(STDOUT_FILENO, bytes, (size_t)size);
        (void)passed;
        for (ssize_t i = 0; i < size; i++) {
            if (bytes[i] == '\n') {
                take_line(child);
            } else if (child->line_size + 1 < sizeof child->line) {
                child->line[child->line_size++] = bytes[i];
            }
        }
    }
    if (size == 0 && child->out_fd >= 0) {
        file_close(child->out_fd);
        child->out_fd = -1;
    }
}

static void forget(struct child *child) {
    file_close(child->out_fd);
    *child = (struct child){.out_fd = -1};
}

bool child_ended(struct child *child, int *ret_status) {
    int status = 0;
    if (child->process <= 0 || waitpid(child->process, &status, WNOHANG) != child->process) {
        return false;
    }
    child_listen(child);
    forget(child);
    *ret_status = status;
    return true;
}

void child_kill(struct child *child) {
    if (child->process > 0) {
        (void)kill(child->process, SIGKILL); // Our own child, not yet waited for.
        (void)waitpid(child->process, NULL, 0);
        forget(child);
    }
}

void child_stop(struct child *child, int64_t patience_ns) {
    if (child->process <= 0) {
        return;
    }
    int64_t end = clock_mono_ns(clock_system()) + patience_ns;
    int status = 0;
    (void)kill(child->process, SIGTERM);
    while (!child_ended(child, &status)) {
        if (clock_mono_ns(clock_system()) >= end) {
            child_kill(child);
            return;
        }
        struct pollfd wait = {.fd = child->out_fd, .events = POLLIN};
        (void)poll(&wait, 1, STOP_STEP_MS); // Its stdout closes when it ends.
        child_listen(child);
    }
}

/* ---- Does it live? ---- */

static int connect_origin(const char *origin) {
    char host[256];
    struct str rest = str_of(origin);
    (void)str_cut(&rest, '/'); // "http:"
    (void)str_cut(&rest, '/');
    size_t colon = rest.size;
    while (colon > 0 && rest.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 || colon - 1 >= sizeof host) {
        return -1;
    }
    struct str name = str_slice(rest, 0, colon - 1);
    if (name.size > 2 && name.data[0] == '[') {
        name = str_slice(name, 1, name.size - 1);
    }
    (void)str_copy_z(name, host, sizeof host);
    /* "any address" is reached by way of this machine. */
    const char *where = strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1"
                        : strcmp(host, "::") == 0    ? "::1"
                                                     : host;
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(where, rest.data + colon, &hints, &found) != 0) {
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = PROBE_MS / 1000};
    bool good = fd >= 0 &&
                setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
                setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
                connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (!good) {
        file_close(fd);
        return -1;
    }
    return fd;
}

bool child_answers(const struct child *child) {
    static const char REQUEST[] = "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n";
    char answer[16];
    AUTO_CLOSE int fd = connect_origin(child->origin);
    if (fd < 0 ||
        send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) != (ssize_t)sizeof REQUEST - 1) {
        return false;
    }
    ssize_t size = recv(fd, answer, sizeof answer, 0);
    /* Where HTTPS is served this question is answered without TLS. A version that does not know
     * that yet closes the connection, which shows that it lives too; one that hangs is silent. */
    if (strncmp(child->origin, "https:", 6) == 0 &&
        (size == 0 || (size < 0 && errno == ECONNRESET))) {
        return true;
    }
    return size > 8 && strncmp(answer, "HTTP/1.", 7) == 0;
}
