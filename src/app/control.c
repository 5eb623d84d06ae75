/*
 * One message each way. The request is one SOCK_SEQPACKET datagram: a version byte, the language,
 * whether there is an input file, the count of arguments, then the arguments, each ended by NUL;
 * its ancillary data carries two or three descriptors. The answer is one byte, the exit code. A
 * datagram socket needs no framing, and a size limit comes with it.
 *
 * Paths of sockets may have only 107 bytes; HOME may be longer, so both sides go through
 * /proc/self/fd/N of the opened folder.
 */
#include "app/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/bytes.h"
#include "core/check.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/thread.h"

enum {
    PROTOCOL = 1,
    REQUEST_MAX = 131072, // Bytes of one request; a query names at most some thousand tags.
    CALLS_MAX = 8,        // Commands at once; one more is told to try again.
    CODE_BUSY = 255,      // An answer that is no exit code.
};

struct slot {
    struct control *control;
    struct thread thread;
    int fd;
    _Atomic int busy; // 0 free, 1 running, 2 finished and to be joined.
};

struct control {
    struct home *home;
    int listen_fd;
    struct thread thread;
    struct stop_flag stop;
    struct slot slots[CALLS_MAX];
};

static int socket_address(const char *dir, int *ret_dir_fd, struct sockaddr_un *ret_address) {
    int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        return -1;
    }
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(
        ret_address->sun_path, sizeof ret_address->sun_path, "/proc/self/fd/%d/maru.sock", dir_fd);
    *ret_dir_fd = dir_fd;
    return 0;
}

/* ---- The serving side ---- */

struct request {
    uint8_t bytes[REQUEST_MAX];
    size_t size;
    int fds[CALL_FDS];
    int fd_count;
};

static void close_fds(struct request *request) {
    for (int i = 0; i < request->fd_count; i++) {
        (void)close(request->fds[i]); // Passed descriptors: the owner keeps its own copy.
    }
    request->fd_count = 0;
}

static void take_fds(struct msghdr *message, struct request *request) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
            if (request->fd_count < CALL_FDS) {
                request->fds[request->fd_count++] = fd;
            } else {
                (void)close(fd);
            }
        }
    }
}

static bool receive_request(int fd, struct request *request) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * CALL_FDS)];
    } control;
    struct iovec part = {.iov_base = request->bytes, .iov_len = sizeof request->bytes};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes};
    ssize_t size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    request->fd_count = 0;
    if (size <= 0) {
        return false;
    }
    take_fds(&message, request);
    request->size = (size_t)size;
    return (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
}

/* Splits the request's texts; the pointers go into request->bytes. -1 when it is not well-formed.
 */
static int split_arguments(struct request *request, size_t offset, char **ret_argv, int max) {
    int count = 0;
    while (offset < request->size) {
        char *text = (char *)request->bytes + offset;
        const char *end = memchr(text, '\0', request->size - offset);
        if (end == NULL || count == max) {
            return -1;
        }
        ret_argv[count++] = text;
        offset += (size_t)(end - text) + 1;
    }
    return count;
}

static int run_request(struct slot *slot, struct request *request) {
    struct control *control = slot->control;
    struct reader r = reader_of(request->bytes, request->size);
    uint8_t version = read_u8(&r);
    uint8_t lang = read_u8(&r);
    bool has_file = read_u8(&r) != 0;
    AUTO_FREE char **argv = MEM_ARRAY(char *, POSITIONALS_MAX + 64);
    int argc = r.failed ? -1 : split_arguments(request, r.offset, argv, POSITIONALS_MAX + 64);
    if (version != PROTOCOL || argc < 1 || request->fd_count != (has_file ? 3 : 2)) {
        return EXIT_USAGE;
    }
    const struct command *command = command_find(str_of(argv[0]));
    if (command == NULL || (command->flags & (COMMAND_HOT | COMMAND_AT_HOME)) == 0) {
        return EXIT_USAGE;
    }
    AUTO_FREE struct call *call = MEM_NEW(struct call);
    call->home = control->home;
    call->hot = true;
    call->lang = lang == LANG_EN ? LANG_EN : LANG_KO;
    call->out_fd = request->fds[0];
    call->error_fd = request->fds[1];
    call->stop_fd = control->stop.event_fd;
    call->peer_fd = slot->fd;
    call->file_fd = has_file ? request->fds[2] : -1;
    struct err err = ERR_INIT;
    if (call_parse(call, command, argc - 1, argv + 1, &err) < 0) {
        call_say_err(call, &err);
        return EXIT_USAGE;
    }
    call->home_dir = home_dir(control->home); // Ours, whatever path the caller knows it by.
    return call_run(call);
}

static void slot_run(void *context) {
    struct slot *slot = context;
    AUTO_FREE struct request *request = MEM_NEW(struct request);
    if (receive_request(slot->fd, request)) {
        uint8_t code = (uint8_t)run_request(slot, request);
        (void)send(slot->fd, &code, 1, MSG_NOSIGNAL); // A caller that left needs no answer.
    }
    close_fds(request);
    (void)close(slot->fd);
    slot->busy = 2;
}

static bool peer_allowed(int fd) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static struct slot *free_slot(struct control *control) {
    for (int i = 0; i < CALLS_MAX; i++) {
        struct slot *slot = &control->slots[i];
        if (slot->busy == 2) {
            thread_join(&slot->thread);
            slot->busy = 0;
        }
        if (slot->busy == 0) {
            return slot;
        }
    }
    return NULL;
}

static void accept_one(struct control *control) {
    int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    bool allowed = peer_allowed(fd);
    struct slot *slot = allowed ? free_slot(control) : NULL;
    if (slot == NULL) {
        uint8_t code = allowed ? CODE_BUSY : EXIT_FAILED;
        /* A request left unread would reset the connection and take the answer with it. */
        (void)shutdown(fd, SHUT_RD);
        (void)recv(fd, &(char){0}, 1, MSG_DONTWAIT);
        (void)send(fd, &code, 1, MSG_NOSIGNAL);
        (void)close(fd);
        return;
    }
    /* A caller that connects and says nothing must not hold a slot for ever. */
    const struct timeval patience = {.tv_sec = 5};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    slot->control = control;
    slot->fd = fd;
    slot->busy = 1;
    thread_start(&slot->thread, "command", slot_run, slot);
}

static void control_run(void *context) {
    struct control *control = context;
    while (!stop_flag_is_raised(&control->stop)) {
        struct pollfd waits[2] = {{.fd = control->listen_fd, .events = POLLIN},
            {.fd = control->stop.event_fd, .events = POLLIN}};
        if (poll(waits, 2, -1) > 0 && (waits[0].revents & POLLIN) != 0) {
            accept_one(control);
        }
    }
}

static int listen_on(const char *dir, int *ret_fd, struct err *err) {
    AUTO_CLOSE int dir_fd = -1;
    struct sockaddr_un address;
    if (socket_address(dir, &dir_fd, &address) != 0) {
        return err_set_errno(err, errno, str_of(dir));
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_set_errno(err, errno, STR("maru.sock"));
    }
    (void)unlink(address.sun_path); // A leftover of a killed process; the home's lock is ours.
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(address.sun_path, 0600) != 0 || listen(fd, CALLS_MAX) != 0) {
        int errno_value = errno;
        (void)close(fd);
        return err_set_errno(err, errno_value, STR("maru.sock"));
    }
    *ret_fd = fd;
    return 0;
}

int control_start(struct home *home, struct control **ret_control, struct err *err) {
    int fd = -1;
    int status = listen_on(home_dir(home), &fd, err);
    if (status < 0) {
        return status;
    }
    struct control *control = MEM_NEW(struct control);
    control->home = home;
    control->listen_fd = fd;
    stop_flag_init(&control->stop);
    thread_start(&control->thread, "control", control_run, control);
    *ret_control = control;
    return 0;
}

void control_stop(struct control *control) {
    if (control == NULL) {
        return;
    }
    stop_flag_raise(&control->stop);
    thread_join(&control->thread);
    for (int i = 0; i < CALLS_MAX; i++) {
        if (control->slots[i].busy != 0) {
            thread_join(&control->slots[i].thread);
        }
    }
    AUTO_CLOSE int dir_fd = -1;
    struct sockaddr_un address;
    if (socket_address(home_dir(control->home), &dir_fd, &address) == 0) {
        (void)unlink(address.sun_path); // The lock tells the truth; this only tidies.
    }
    (void)close(control->listen_fd);
    stop_flag_fini(&control->stop);
    mem_free(control);
}

/* ---- The calling side ---- */

static int connect_to(const char *dir, int *ret_fd) {
    AUTO_CLOSE int dir_fd = -1;
    struct sockaddr_un address;
    if (socket_address(dir, &dir_fd, &address) != 0) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

static bool send_request(int fd, const struct buf *bytes, const int *fds, size_t fd_count) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * CALL_FDS)];
    } control = {0};
    struct iovec part = {.iov_base = bytes->data, .iov_len = bytes->size};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = CMSG_SPACE(sizeof(int) * fd_count)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    CHECK(header != NULL);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)bytes->size;
}

int control_call(struct call *call, int argc, char **argv, int *ret_exit, struct err *err) {
    AUTO_CLOSE int fd = -1;
    if (connect_to(call->home_dir, &fd) != 0) {
        return -ERR_NOT_FOUND;
    }
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, REQUEST_MAX);
    write_u8(&bytes, PROTOCOL);
    write_u8(&bytes, (uint8_t)call->lang);
    write_u8(&bytes, call->file_fd >= 0);
    for (int i = 0; i < argc; i++) {
        buf_put(&bytes, argv[i], strlen(argv[i]) + 1);
    }
    if (bytes.overflow) {
        return err_set(err, ERR_LIMIT, MSG_APP_CALL_LONG, NO_ARGS);
    }
    const int fds[CALL_FDS] = {call->out_fd, call->error_fd, call->file_fd};
    uint8_t code = 0;
    bool sent = send_request(fd, &bytes, fds, call->file_fd >= 0 ? 3 : 2);
    bool answered = recv(fd, &code, 1, 0) == 1; // Busy may be said before all was sent.
    if (!answered || (!sent && code != CODE_BUSY)) {
        return err_set(err, ERR_CLOSED, MSG_APP_CALL_BROKEN, ARGS(A_CSTR(call->home_dir)));
    }
    if (code == CODE_BUSY) {
        return err_set(err, ERR_BUSY, MSG_APP_CALL_BUSY, ARGS(A_CSTR(call->home_dir)));
    }
    *ret_exit = code;
    return 0;
}
