/*
 * The scripted desk: one thread, one connection at a time, one request a connection.
 */
#include "support_desk.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support_http.h"

enum { BODY_MAX = 16 << 20, TICK_MS = 20, GIVE_UP_MS = 8000 };

/* Reads head and body; false when the line closed. */
static bool read_request(int fd, struct buf *head, struct buf *body) {
    char piece[16384];
    size_t length = SIZE_MAX;
    while (length == SIZE_MAX || body->size < length) {
        long got = client_read(fd, piece, sizeof piece, GIVE_UP_MS);
        if (got <= 0) {
            return false;
        }
        if (length != SIZE_MAX) {
            buf_put(body, piece, (size_t)got);
            continue;
        }
        buf_put(head, piece, (size_t)got);
        const char *end = strstr(buf_z(head), "\r\n\r\n");
        const char *said = strstr(buf_z(head), "Content-Length: ");
        if (end) {
            size_t size = (size_t)(end + 4 - buf_z(head));
            length = 0;
            for (const char *at = said ? said + 16 : ""; *at >= '0' && *at <= '9'; at++) {
                length = length * 10 + (size_t)(*at - '0');
            }
            buf_put(body, head->data + size, head->size - size);
        }
    }
    return true;
}

static void reply(int fd, int status, const char *type, struct str body) {
    char head[256];
    int size = snprintf(head, sizeof head,
        "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
        status, type, body.size);
    if (client_try_send(fd, head, (size_t)size) && body.size > 0) {
        (void)client_try_send(fd, body.data, body.size);
    }
}

static void reply_huge(int fd) {
    AUTO_BUF struct buf flood;
    buf_init(&flood, BODY_MAX);
    while (flood.size < (size_t)SUPPORT_FRAME_BYTES + (1 << 20)) {
        buf_put_str(&flood, STR("MRS1Q\0\0................................"));
    }
    reply(fd, 200, "application/octet-stream", buf_str(&flood));
}

/* Until the other side closes. */
static bool wait_closed(const struct fake_desk *desk, int fd) {
    char byte = 0;
    for (int ms = 0; ms < GIVE_UP_MS && !atomic_load(&desk->stopping); ms += TICK_MS) {
        if (client_read(fd, &byte, 1, TICK_MS) == 0) {
            return true;
        }
    }
    return false;
}

static void exchange(struct fake_desk *desk, int fd, struct str body) {
    uint32_t count = atomic_load(&desk->exchanges);
    if (atomic_load(&desk->hold)) {
        reply(fd, 503, "text/plain", STR("later"));
        return;
    }
    if (count < FAKE_KEPT_MAX) {
        buf_init(&desk->kept[count], BODY_MAX);
        buf_put_str(&desk->kept[count], body);
        atomic_store(&desk->exchanges, count + 1);
    }
    AUTO_BUF struct buf frame;
    buf_init(&frame, SUPPORT_FRAME_BYTES);
    switch (desk->steps[count < desk->step_count ? count : desk->step_count - 1]) {
    case REPLY_RUBBISH: reply(fd, 200, "text/html", STR("<html>MRS1</html>")); break;
    case REPLY_HUGE: reply_huge(fd); break;
    case REPLY_BROKEN: break;
    case REPLY_BUSY: reply(fd, 503, "text/plain", STR("later")); break;
    case REPLY_REQUESTS:
        support_requests_write(&desk->requests, &frame);
        reply(fd, 200, "application/octet-stream", buf_str(&frame));
        break;
    case REPLY_SILENCE: (void)wait_closed(desk, fd); break;
    case REPLY_GONE: reply(fd, 410, "text/plain", STR("over")); break;
    }
}

static void serve_one(struct fake_desk *desk, int fd) {
    AUTO_BUF struct buf head;
    AUTO_BUF struct buf body;
    buf_init(&head, BODY_MAX);
    buf_init(&body, BODY_MAX);
    if (!read_request(fd, &head, &body)) {
        return;
    }
    atomic_store(&desk->looked, true);
    if (desk->mute) {
        atomic_store(&desk->given_up, wait_closed(desk, fd));
    } else if (strstr(buf_z(&head), "/desk/look")) {
        struct str plain = STR("{\"organisation\":\"Fake\",\"name\":\"Nobody\",\"factory\":\"F\","
                               "\"note\":\"\",\"seconds\":60}");
        struct str strange = STR("{\"organisation\":\"Fake\",\"name\":\"No\\u0007body\","
                                 "\"factory\":\"F\",\"note\":\"\",\"seconds\":60}");
        reply(fd, 200, "application/json", desk->strange ? strange : plain);
    } else if (strstr(buf_z(&head), "/desk/connect")) {
        reply(fd, 200, "application/json", STR("{\"key\":\"key\"}"));
    } else {
        exchange(desk, fd, buf_str(&body));
    }
}

static void run(void *context) {
    struct fake_desk *desk = context;
    while (!atomic_load(&desk->stopping)) {
        struct pollfd wait = {.fd = desk->fd, .events = POLLIN};
        if (poll(&wait, 1, TICK_MS) == 1) {
            int fd = accept(desk->fd, NULL, NULL);
            serve_one(desk, fd);
            (void)close(fd);
        }
    }
}

void fake_desk_start(struct fake_desk *desk) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    desk->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(desk->fd >= 0);
    assert_int_equal(bind(desk->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(desk->fd, 16), 0);
    assert_int_equal(getsockname(desk->fd, (struct sockaddr *)&address, &size), 0);
    desk->port = ntohs(address.sin_port);
    thread_start(&desk->thread, "fake-desk", run, desk);
}

void fake_desk_stop(struct fake_desk *desk) {
    atomic_store(&desk->stopping, true);
    thread_join(&desk->thread);
    (void)close(desk->fd);
    for (uint32_t i = 0; i < atomic_load(&desk->exchanges); i++) {
        buf_fini(&desk->kept[i]);
    }
}

void fake_desk_link(const struct fake_desk *desk, char to[128]) {
    (void)snprintf(to, 128,
        "http://127.0.0.1:%u/support#abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE", desk->port);
}
