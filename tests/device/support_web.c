/* One thread that accepts, reads a head, answers and closes. */
#include "support_web.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support_device.h"

enum { HEAD_BYTES = 8192 };

/* Waits for the descriptor or the stop; false: stopping. */
static bool ready(struct web *web, int fd) {
    struct pollfd fds[2] = {
        {.fd = fd, .events = POLLIN}, {.fd = web->stop.event_fd, .events = POLLIN}};
    return poll(fds, 2, -1) > 0 && fds[1].revents == 0;
}

static void respond(struct web *web, int fd, char *head) {
    char target[2048] = "";
    struct str rest = str_of(head);
    (void)str_cut(&rest, ' ');
    (void)str_copy_z(str_cut(&rest, ' '), target, sizeof target);
    AUTO_BUF struct buf body;
    buf_init(&body, 16 << 20);
    web->requests++;
    int status = web->answer(web->context, target, head, &body);
    if (status < 0) {
        (void)ready(web, web->stop.event_fd);
        return;
    }
    if (status == 0) {
        return;
    }
    AUTO_BUF struct buf out;
    buf_init(&out, 17 << 20);
    buf_printf(&out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
        body.size);
    buf_put_str(&out, buf_str(&body));
    for (size_t sent = 0; sent < out.size;) {
        ssize_t n = send(fd, out.data + sent, out.size - sent, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        sent += (size_t)n;
    }
}

static void serve_one(struct web *web, int fd) {
    char head[HEAD_BYTES + 1] = "";
    size_t size = 0;
    while (size < HEAD_BYTES && strstr(head, "\r\n\r\n") == NULL && ready(web, fd)) {
        ssize_t n = recv(fd, head + size, HEAD_BYTES - size, 0);
        if (n <= 0) {
            return;
        }
        size += (size_t)n;
        head[size] = 0;
    }
    respond(web, fd, head);
}

static void run(void *context) {
    struct web *web = context;
    while (ready(web, web->fd)) {
        int fd = accept4(web->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            serve_one(web, fd);
            (void)close(fd);
        }
    }
}

void web_start(struct web *web,
    int (*answer)(void *context, const char *target, const char *head, struct buf *body),
    void *context) {
    *web = (struct web){.answer = answer, .context = context};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    web->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(web->fd, (struct sockaddr *)&at, sizeof at));
    socklen_t size = sizeof at;
    assert_int_equal(0, getsockname(web->fd, (struct sockaddr *)&at, &size));
    assert_int_equal(0, listen(web->fd, 16));
    web->port = ntohs(at.sin_port);
    stop_flag_init(&web->stop);
    thread_start(&web->thread, "test-web", run, web);
}

void web_stop(struct web *web) {
    stop_flag_raise(&web->stop);
    thread_join(&web->thread);
    stop_flag_fini(&web->stop);
    (void)close(web->fd);
}
