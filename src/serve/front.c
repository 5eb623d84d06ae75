/*
 * Connections wait here until their first byte is there, at most FRONT_WAITING of them. When one
 * more comes, the one that has waited longest is closed: a browser sends its greeting with the
 * next packet, so whoever fills the places with silence pushes out silence. A closed one is
 * counted.
 */
#include "serve/front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/thread.h"

enum {
    LISTEN_BACKLOG = 256,
    FRONT_WAITING = 128,
    ACCEPT_AT_ONCE = 64,
    PAUSE_MS = 100, // When the system has no descriptors left.
    TLS_HANDSHAKE = 22,
};

struct waiting {
    int fd;
    int64_t deadline_ns;
    struct sockaddr_storage from;
    socklen_t from_size;
};

struct front {
    struct front_options options;
    struct thread thread;
    struct stop_flag stop;
    struct waiting waiting[FRONT_WAITING]; // Oldest first.
    uint32_t count;
    bool pause;
    _Atomic uint64_t dropped;
};

/* ---- Listening ---- */

struct listen_address {
    struct sockaddr_storage storage;
    socklen_t size;
};

static bool listen_parse(const char *address, uint16_t port, struct listen_address *ret) {
    const char *plain = strcmp(address, "localhost") == 0 ? "127.0.0.1" : address;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, plain, &in.sin_addr) == 1) {
        memcpy(&ret->storage, &in, sizeof in);
        ret->size = sizeof in;
        return true;
    }
    if (inet_pton(AF_INET6, plain, &in6.sin6_addr) == 1) {
        memcpy(&ret->storage, &in6, sizeof in6);
        ret->size = sizeof in6;
        return true;
    }
    return false;
}

int front_listen(
    const char *text, uint16_t port, int *ret_fd, uint16_t *ret_port, struct err *err) {
    struct listen_address address;
    if (!listen_parse(text, port, &address)) {
        return err_set(err, ERR_INVALID, MSG_SERVE_LISTEN_ADDRESS, ARGS(A_CSTR(text)));
    }
    AUTO_CLOSE int fd =
        socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return err_set_errno(err, errno, STR("socket"));
    }
    int one = 1;
    int zero = 0;
    // Both are conveniences: a restart need not wait a minute; "::" also takes IPv4.
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address.storage.ss_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    }
    if (bind(fd, (const struct sockaddr *)&address.storage, address.size) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0) {
        (void)err_set_errno(err, errno, STR("bind"));
        return err_context(err, MSG_SERVE_LISTEN_FAILED, ARGS(A_CSTR(text), A_INT(port)));
    }
    struct listen_address bound = {.size = sizeof bound.storage};
    if (getsockname(fd, (struct sockaddr *)&bound.storage, &bound.size) != 0) {
        return err_set_errno(err, errno, STR("getsockname"));
    }
    struct sockaddr_in in; // The port stands at the same place in both families.
    memcpy(&in, &bound.storage, sizeof in);
    *ret_port = ntohs(in.sin_port);
    *ret_fd = fd;
    fd = -1;
    return 0;
}

/* ---- Waiting for the first byte ---- */

static void forget(struct front *front, uint32_t at) {
    front->count--;
    memmove(&front->waiting[at], &front->waiting[at + 1],
        (front->count - at) * sizeof front->waiting[0]);
}

static void drop(struct front *front, uint32_t at) {
    file_close(front->waiting[at].fd);
    atomic_fetch_add(&front->dropped, 1);
    forget(front, at);
}

/* Gives it away once something has come. */
static void look_at(struct front *front, uint32_t at) {
    struct waiting one = front->waiting[at];
    uint8_t first = 0;
    ssize_t size = recv(one.fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    forget(front, at);
    if (size == 1) {
        front->options.give(front->options.context, one.fd, first == TLS_HANDSHAKE,
            (const struct sockaddr *)&one.from, one.from_size);
    } else {
        file_close(one.fd);
    }
}

static void take_new(struct front *front, int64_t now) {
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct waiting one = {.from_size = sizeof one.from};
        one.fd = accept4(front->options.fd, (struct sockaddr *)&one.from, &one.from_size,
            SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (one.fd < 0) {
            front->pause = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
            return;
        }
        if (front->count == FRONT_WAITING) {
            drop(front, 0);
        }
        one.deadline_ns = now + (int64_t)front->options.wait_s * NS_PER_S;
        front->waiting[front->count++] = one;
    }
}

static int wait_ms(const struct front *front, int64_t now) {
    if (front->pause) {
        return PAUSE_MS;
    }
    if (front->count == 0) {
        return -1; // Until somebody comes, or the end.
    }
    int64_t left_ms = (front->waiting[0].deadline_ns - now) / NS_PER_MS + 1;
    return left_ms < 0 ? 0 : (int)left_ms;
}

static void front_run(void *context) {
    struct front *front = context;
    while (!stop_flag_is_raised(&front->stop)) {
        struct pollfd waits[2 + FRONT_WAITING];
        uint32_t count = front->count;
        waits[0] = (struct pollfd){.fd = front->stop.event_fd, .events = POLLIN};
        waits[1] = (struct pollfd){.fd = front->pause ? -1 : front->options.fd, .events = POLLIN};
        for (uint32_t i = 0; i < count; i++) {
            waits[2 + i] = (struct pollfd){.fd = front->waiting[i].fd, .events = POLLIN};
        }
        int ready = poll(waits, 2 + count, wait_ms(front, clock_mono_ns(front->options.clock)));
        front->pause = false;
        for (uint32_t i = count; ready > 0 && i > 0; i--) { // From the back: places move up.
            if (waits[1 + i].revents != 0) {
                look_at(front, i - 1);
            }
        }
        int64_t now = clock_mono_ns(front->options.clock);
        while (front->count > 0 && front->waiting[0].deadline_ns <= now) {
            drop(front, 0);
        }
        if (ready > 0 && waits[1].revents != 0) {
            take_new(front, now);
        }
    }
}

struct front *front_start(const struct front_options *options) {
    struct front *front = MEM_NEW(struct front);
    front->options = *options;
    stop_flag_init(&front->stop);
    thread_start(&front->thread, "http-front", front_run, front);
    return front;
}

void front_stop(struct front *front) {
    if (front == NULL) {
        return;
    }
    stop_flag_raise(&front->stop);
    thread_join(&front->thread);
    while (front->count > 0) {
        drop(front, 0);
    }
    file_close(front->options.fd);
    stop_flag_fini(&front->stop);
    mem_free(front);
}

uint64_t front_dropped(const struct front *front) {
    return atomic_load(&front->dropped);
}
