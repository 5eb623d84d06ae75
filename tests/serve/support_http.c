/*
 * The test client. It is deliberately simple: reads until what was announced is there.
 */
#include "support_http.h"

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

enum { WAIT_MS = 20000, ANSWER_MAX = 256 << 20 };

int client_connect(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

bool client_try_send(int fd, const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

void client_send(int fd, const void *data, size_t size) {
    assert_true(client_try_send(fd, data, size));
}

long client_read(int fd, void *to, size_t size, int wait_ms) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, wait_ms) <= 0) {
        return -1;
    }
    ssize_t got = recv(fd, to, size, 0);
    return got < 0 ? 0 : got; // A reset counts as closed.
}

/* More bytes into the buffer; false at the end. */
static bool read_more(int fd, struct buf *to) {
    char piece[65536];
    long got = client_read(fd, piece, sizeof piece, WAIT_MS);
    if (got <= 0) {
        return false;
    }
    buf_put(to, piece, (size_t)got);
    return true;
}

static size_t find_text(const struct buf *in, size_t from, const char *what) {
    size_t size = strlen(what);
    for (size_t i = from; i + size <= in->size; i++) {
        if (memcmp(in->data + i, what, size) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

struct str answer_header(const struct answer *answer, const char *name) {
    struct str rest = buf_str(&answer->head);
    while (rest.size > 0) {
        struct str value = str_trim(str_cut(&rest, '\n'));
        struct str key = str_cut(&value, ':');
        if (value.data && str_eq_nocase(key, str_of(name))) {
            return str_trim(value);
        }
    }
    return STR_NONE;
}

/* Decodes chunks in `raw`; true when the last one came. */
static bool read_chunks(int fd, struct buf *raw, struct buf *body) {
    size_t at = 0;
    for (;;) {
        size_t end = find_text(raw, at, "\r\n");
        if (end == SIZE_MAX) {
            if (!read_more(fd, raw)) {
                return false;
            }
            continue;
        }
        unsigned long size = 0;
        for (size_t i = at; i < end; i++) {
            char c = (char)raw->data[i];
            unsigned digit = c >= 'a'   ? (unsigned)(c - 'a' + 10)
                             : c >= 'A' ? (unsigned)(c - 'A' + 10)
                                        : (unsigned)(c - '0');
            assert_true(digit < 16);
            size = size * 16 + digit;
        }
        at = end + 2;
        while (raw->size < at + size + 2) {
            if (!read_more(fd, raw)) {
                return false;
            }
        }
        if (size == 0) {
            return true;
        }
        buf_put(body, raw->data + at, size);
        at += size + 2;
    }
}

void client_read_answer(int fd, bool head_only, struct answer *ret_answer) {
    struct answer *answer = ret_answer;
    struct buf raw;
    memset(answer, 0, sizeof *answer);
    buf_init(&answer->head, 1 << 20);
    buf_init(&answer->body, ANSWER_MAX);
    buf_init(&raw, ANSWER_MAX);
    size_t end = SIZE_MAX;
    while ((end = find_text(&raw, 0, "\r\n\r\n")) == SIZE_MAX && read_more(fd, &raw)) {
    }
    if (end != SIZE_MAX) {
        buf_put(&answer->head, raw.data, end + 2);
        buf_drop_front(&raw, end + 4);
        int64_t status = 0;
        (void)str_to_i64(str_slice(buf_str(&answer->head), 9, 12), &status);
        answer->status = (int)status;
        uint64_t length = 0;
        bool has_length = str_to_u64(answer_header(answer, "Content-Length"), &length);
        bool chunked = str_eq_nocase(answer_header(answer, "Transfer-Encoding"), STR("chunked"));
        if (status == 100) {
            buf_clear(&answer->head);
        } else if (head_only || status == 204 || status == 304) {
            answer->whole = true;
        } else if (chunked) {
            answer->whole = read_chunks(fd, &raw, &answer->body);
        } else {
            while ((!has_length || raw.size < length) && read_more(fd, &raw)) {
            }
            buf_put(&answer->body, raw.data, raw.size);
            answer->whole = has_length && raw.size == length;
        }
    }
    buf_fini(&raw);
}

void client_ask(const struct question *q, struct answer *ret_answer) {
    int fd = client_connect(q->port);
    const char *method = q->method ? q->method : "GET";
    struct buf out;
    buf_init(&out, ANSWER_MAX);
    buf_printf(&out, "%s %s HTTP/1.1\r\n", method, q->target);
    if (!q->headers || !strstr(q->headers, "Host:")) {
        buf_printf(&out, "Host: 127.0.0.1:%u\r\n", q->port);
    }
    buf_put_str(&out, str_of(q->headers));
    if (q->chunked) {
        buf_printf(&out, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", q->body.size);
        buf_put_str(&out, q->body);
        buf_put_str(&out, q->body.size > 0 ? STR("\r\n0\r\n\r\n") : STR("\r\n"));
    } else {
        if (q->body.size > 0) {
            buf_printf(&out, "Content-Length: %zu\r\n", q->body.size);
        }
        buf_put_str(&out, STR("\r\n"));
        buf_put_str(&out, q->body);
    }
    // A refused body may close the connection early; the answer is looked at in any case.
    (void)client_try_send(fd, out.data, out.size);
    client_read_answer(fd, strcmp(method, "HEAD") == 0, ret_answer);
    buf_fini(&out);
    (void)close(fd);
}

void answer_fini(struct answer *answer) {
    buf_fini(&answer->head);
    buf_fini(&answer->body);
}
