#ifndef SERVE_FRONT_H
#define SERVE_FRONT_H
/*
 * The listening socket, and where HTTPS is served the look at a connection's first byte: a TLS
 * record of a handshake begins with 22 (RFC 8446 section 5.1), a request with a letter. So somebody
 * who typed http:// is answered on the same port. One thread, owned by the server.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/err.h"

/* A listening socket; port 0 takes any. ERR_INVALID: no address; else what the system says. */
int front_listen(
    const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port, struct err *err);

struct front;

struct front_options {
    int fd;          // Listening; closed by front_stop.
    uint32_t wait_s; // For the first byte; then the connection is closed.
    const struct clock *clock;
    void *context;
    /* Takes a connected socket over. On the front's thread. */
    void (*give)(void *context, int fd, bool tls, const struct sockaddr *from, socklen_t size);
};
struct front *front_start(const struct front_options *options);
void front_stop(struct front *front);              // NULL is fine.
uint64_t front_dropped(const struct front *front); // Closed without a first byte in time.

#endif
