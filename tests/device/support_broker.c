/* The broker's process; see the header. */
#include "support_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/thread.h"

#define PATIENCE_NS (20 * NS_PER_S)

static const char PROGRAM[] = "/usr/sbin/mosquitto";

bool broker_is_there(void) {
    return access(PROGRAM, X_OK) == 0;
}

static uint16_t free_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static bool answers(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return connected;
}

/* In the child: only stdout and stderr go, to nowhere. */
static void become(const char *folder, char *const *arguments) {
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); // A test that fails leaves no broker behind.
    int nowhere = open("/dev/null", O_RDWR);
    (void)dup2(nowhere, 1);
    (void)dup2(nowhere, 2);
    if (chdir(folder) == 0) {
        (void)execvp(arguments[0], arguments);
    }
    _exit(127);
}

void broker_write(const struct broker *broker, const char *name, const char *text) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", broker->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void broker_run(const struct broker *broker, char *const *arguments) {
    pid_t pid = fork();
    if (pid == 0) {
        become(broker->folder, arguments);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_msg("%s gave %d", arguments[0], status);
    }
}

void broker_init(struct broker *broker, const char *extra) {
    if (broker->folder[0] == '\0') {
        (void)snprintf(broker->folder, sizeof broker->folder, "/tmp/maru-broker-XXXXXX");
        assert_non_null(mkdtemp(broker->folder));
    }
    broker->port = free_port();
    char text[2048];
    (void)snprintf(text, sizeof text,
        "user root\nper_listener_settings false\nlistener %u 127.0.0.1\npersistence true\n"
        "persistence_location %s/\nlog_dest none\nmax_queued_messages 0\n%s",
        (unsigned)broker->port, broker->folder, extra);
    broker_write(broker, "mosquitto.conf", text);
    broker_start(broker);
}

void broker_start(struct broker *broker) {
    char *arguments[] = {(char *)(uintptr_t)PROGRAM, (char *)(uintptr_t) "-c",
        (char *)(uintptr_t) "mosquitto.conf", NULL};
    broker->pid = fork();
    if (broker->pid == 0) {
        become(broker->folder, arguments);
    }
    struct stop_flag never;
    stop_flag_init(&never);
    int64_t deadline_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    while (!answers(broker->port)) {
        int64_t now_ns = clock_mono_ns(clock_system());
        assert_true(now_ns < deadline_ns);
        (void)stop_flag_wait(&never, now_ns + 5 * NS_PER_MS);
    }
    stop_flag_fini(&never);
}

void broker_stop(struct broker *broker) {
    if (broker->pid > 0) {
        (void)kill(broker->pid, SIGTERM);
        assert_int_equal(waitpid(broker->pid, NULL, 0), broker->pid);
        broker->pid = 0;
    }
}

void broker_fini(struct broker *broker) {
    broker_stop(broker);
    char *arguments[] = {(char *)(uintptr_t) "rm", (char *)(uintptr_t) "-rf", broker->folder, NULL};
    broker_run(&(struct broker){.folder = "/"}, arguments);
    broker->folder[0] = '\0';
}
