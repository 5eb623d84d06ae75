/*
 * The port is chosen by binding one and letting it go, so another process may take it before the
 * broker does; then the broker ends at once and the next port is tried, START_TRIES times. The
 * child gets a process group of its own, so that Ctrl-C reaches the demo alone, which then ends the
 * child in order.
 */
#include "app/demo_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/file.h"

enum {
    START_TRIES = 3,
    START_MS = 5000, // Until it takes connections.
    STOP_MS = 3000,  // Until it is killed.
    LOOK_MS = 10,
};

static bool is_program(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

int demo_broker_find(char ret_program[LIMIT_PATH_BYTES]) {
    const char *asked = getenv("PATH");
    struct str rest = str_of(asked != NULL ? asked : "");
    struct str folder = STR("/usr/sbin");
    for (;;) {
        AUTO_BUF struct buf path;
        buf_init(&path, LIMIT_PATH_BYTES - 1);
        buf_printf(&path, "%.*s/mosquitto", STR_ARG(folder));
        if (folder.size > 0 && !path.overflow && is_program(buf_z(&path))) {
            (void)str_copy_z(buf_str(&path), ret_program, LIMIT_PATH_BYTES);
            return 0;
        }
        if (rest.size == 0) {
            return -ERR_NOT_FOUND;
        }
        folder = str_cut(&rest, ':');
    }
}

static int loopback(struct sockaddr_in *ret_address, uint16_t port) {
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static uint16_t free_port(void) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int fd = loopback(&address, 0);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    file_close(fd);
    return bound ? ntohs(address.sin_port) : 0;
}

static bool answers(uint16_t port) {
    struct sockaddr_in address;
    int fd = loopback(&address, port);
    bool connected = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    file_close(fd);
    return connected;
}

static int write_settings(const char *folder, uint16_t port, struct err *err) {
    AUTO_BUF struct buf path;
    AUTO_BUF struct buf text;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_init(&text, 4096);
    buf_printf(&path, "%s/mosquitto.conf", folder);
    /* `user root` only says: stay who you are; it is looked at when root starts it. */
    buf_printf(&text,
        "# Written anew at each start of the demo.\nuser root\nlistener %u 127.0.0.1\n"
        "allow_anonymous true\npersistence false\nlog_dest file mosquitto.log\n"
        "log_type error\nlog_type warning\nlog_type notice\n",
        (unsigned)port);
    AUTO_CLOSE int fd = -1;
    int status = file_open(files_system(), buf_z(&path), FILE_WRITE, &fd, err);
    if (status >= 0) {
        status = file_truncate(files_system(), fd, buf_z(&path), 0, err);
    }
    return status < 0
               ? status
               : file_write_at(files_system(), fd, buf_z(&path), 0, text.data, text.size, err);
}

/* In the child, after fork: only what a signal handler may call. */
static void become(const char *program, const char *folder, pid_t parent) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); // It has nothing to write down.
    (void)setpgid(0, 0);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    int nowhere = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2; fd++) {
        (void)dup2(nowhere, fd);
    }
    char *argv[] = {(char *)(uintptr_t) "mosquitto", (char *)(uintptr_t) "-c",
        (char *)(uintptr_t) "mosquitto.conf", NULL};
    if (getppid() == parent && chdir(folder) == 0) {
        (void)execv(program, argv);
    }
    _exit(127);
}

/* Has the child ended? Then it is forgotten. */
static bool has_ended(struct demo_broker *broker) {
    if (broker->process > 0 && waitpid(broker->process, NULL, WNOHANG) == broker->process) {
        broker->process = 0;
    }
    return broker->process == 0;
}

static void pause_ms(int ms) {
    (void)poll(NULL, 0, ms); // A child tells its end by a signal only; so it is looked for.
}

/* Whether it takes connections before the deadline. */
static bool wait_ready(struct demo_broker *broker) {
    int64_t deadline_ns = clock_mono_ns(clock_system()) + START_MS * NS_PER_MS;
    while (!has_ended(broker) && clock_mono_ns(clock_system()) < deadline_ns) {
        /* Connections that somebody else takes on that port prove nothing when ours has ended. */
        if (answers(broker->port) && !has_ended(broker)) {
            return true;
        }
        pause_ms(LOOK_MS);
    }
    return false;
}

int demo_broker_start(
    struct demo_broker *broker, const char *program, const char *folder, struct err *err) {
    int status = dir_create(files_system(), folder, err);
    for (int i = 0; i < START_TRIES && status >= 0; i++) {
        broker->port = free_port();
        status = write_settings(folder, broker->port, err);
        if (status < 0) {
            break;
        }
        pid_t parent = getpid();
        broker->process = fork();
        if (broker->process == 0) {
            become(program, folder, parent);
        }
        if (broker->process < 0) {
            broker->process = 0;
            return err_set_errno(err, errno, STR("fork"));
        }
        if (wait_ready(broker)) {
            return 0;
        }
        demo_broker_stop(broker);
    }
    return status < 0 ? status
                      : err_set(err, ERR_TIMEOUT, MSG_DEMO_BROKER_SILENT,
                            ARGS(A_CSTR(program), A_CSTR(folder)));
}

void demo_broker_stop(struct demo_broker *broker) {
    if (broker->process <= 0) {
        return;
    }
    (void)kill(broker->process, SIGTERM); // Our own child, not yet waited for: the number is its.
    int64_t deadline_ns = clock_mono_ns(clock_system()) + STOP_MS * NS_PER_MS;
    while (!has_ended(broker) && clock_mono_ns(clock_system()) < deadline_ns) {
        pause_ms(LOOK_MS);
    }
    if (broker->process > 0) {
        (void)kill(broker->process, SIGKILL);
        (void)waitpid(broker->process, NULL, 0);
        broker->process = 0;
    }
}
