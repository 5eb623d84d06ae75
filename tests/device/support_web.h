#ifndef TESTS_DEVICE_SUPPORT_WEB_H
#define TESTS_DEVICE_SUPPORT_WEB_H
/*
 * A web server of the tests' own on loopback: one thread, one request at a time, answers made by a
 * function. It knows just enough HTTP to be asked by a client.
 */
#include <stdint.h>

#include "core/buf.h"
#include "core/thread.h"

struct web {
    struct thread thread;
    struct stop_flag stop;
    int fd;
    uint16_t port;
    /* Fills the body; the status. A status of 0: closes without a word. Negative: silence. */
    int (*answer)(void *context, const char *target, const char *head, struct buf *body);
    void *context;
    _Atomic uint32_t requests;
};

void web_start(struct web *web,
    int (*answer)(void *context, const char *target, const char *head, struct buf *body),
    void *context);
void web_stop(struct web *web);

#endif
