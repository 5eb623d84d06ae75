#ifndef TESTS_SERVE_SUPPORT_HTTP_H
#define TESTS_SERVE_SUPPORT_HTTP_H
/*
 * A small blocking HTTP/1.1 client for tests, written against RFC 9112 and not against our server:
 * one request a connection unless the caller keeps the socket. Every wait ends after 20 s.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"

struct answer {
    int status; // 0: no answer.
    struct buf head;
    struct buf body;
    bool whole; // The body ended as announced.
};

struct question {
    uint16_t port;
    const char *method; // NULL: GET
    const char *target;
    const char *headers; // "Name: value\r\n..." or NULL
    struct str body;
    bool chunked;
};

int client_connect(uint16_t port); // A socket; fails the test when refused.
void client_send(int fd, const void *data, size_t size);
bool client_try_send(int fd, const void *data, size_t size); // False: the other side closed.
/* Bytes that are there within `wait_ms`; 0: closed, -1: none came. */
long client_read(int fd, void *to, size_t size, int wait_ms);
/* Reads one answer; `head_only` for HEAD. */
void client_read_answer(int fd, bool head_only, struct answer *ret_answer);
void client_ask(const struct question *question, struct answer *ret_answer);
void answer_fini(struct answer *answer);
#define AUTO_ANSWER __attribute__((cleanup(answer_fini)))
/* The value of a header, or the empty text. */
struct str answer_header(const struct answer *answer, const char *name);

#endif
