#ifndef DEVICE_LINK_H
#define DEVICE_LINK_H
/*
 * A link: the wire to one address, at most one open descriptor at a time. Owned and used by one
 * thread; only the stop descriptor reaches in from outside and ends every wait with ERR_CANCELLED.
 * Kinds: "host:port" (TCP), "udp:host:port" (datagrams), "/dev/..." (serial line), "capture:FILE"
 * (replay of recorded bytes).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/err.h"
#include "device/driver.h"

struct link;

struct link_ops {
    const char *name;
    bool serial;
    bool datagram; // A send is one datagram, a receive gives one whole datagram.
    /* Connects before the monotonic deadline. Only called when closed. */
    int (*open)(struct link *link, int64_t deadline_ns, struct err *err);
    void (*close)(struct link *link); // Closing a closed link is fine.
    int (*send)(
        struct link *link, const void *data, size_t size, int64_t deadline_ns, struct err *err);
    /* At least one byte: the count; ERR_TIMEOUT, ERR_CLOSED, ERR_CANCELLED. */
    int (*receive)(
        struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err);
    void (*free)(struct link *link); // Closes too.
};

/* The common head of every kind. */
struct link {
    const struct link_ops *ops;
    const struct clock *clock;
    int fd;      // -1: closed, or a kind without descriptor.
    int stop_fd; // Readable when all waiting shall end; -1: none.
    bool is_open;
    uint32_t character_ns; // Time of one character on the line; 0 where it does not matter.
};

/* Checks the form of an address without touching the network. ERR_INVALID. */
int link_check(struct str address, struct err *err);
bool link_is_serial(struct str address);
bool link_is_datagram(struct str address); // "udp:..."
/* `options` in the order of enum link_option; borrowed for the call. The address must be good. */
struct link *link_new(
    struct str address, const int64_t *options, const struct clock *clock, int stop_fd);
void link_free(struct link *link); // NULL is allowed.
int link_open(struct link *link, int64_t deadline_ns, struct err *err);
void link_close(struct link *link);

/* The kinds; private to link*.c. */
struct link *link_tcp_new(struct str address);
struct link *link_udp_new(struct str address); // Without the "udp:".
struct link *link_serial_new(struct str address, const int64_t *options);
/* ERR_INVALID for a speed that serial lines do not have; words list those they have. */
int link_serial_check(const int64_t *options, struct err *err);
struct link *link_replay_new(struct str path);
/* A link without bytes, for drivers that own their socket: open and close keep the books, `fd` is
 * the descriptor that the driver wants watched (borrowed, never closed here). */
struct link *link_own_new(const struct clock *clock, int stop_fd);

/* True when the whole capture was used; for tests. */
bool link_replay_is_done(const struct link *link);

/* "EIO": the same in every language, and what a search finds. */
const char *link_errno_name(int errno_value);
/* Shared by the kinds on a network (link_host.c): the other side, as written and taken apart. */
enum {
    LINK_HOST_BYTES = 256, // RFC 1035 clause 2.3.4 allows 255; more is refused.
    LINK_PORT_BYTES = 6,
};
struct link_host {
    char *address; // "host:port" as written, for words. Owned.
    char host[LINK_HOST_BYTES];
    char port[LINK_PORT_BYTES];
};
struct addrinfo;
/* "host:port" by its form. ERR_INVALID with words that name the faulty part. */
int link_host_check(struct str address, struct err *err);
void link_host_init(struct link_host *host, struct str address); // The address must be good.
void link_host_fini(struct link_host *host);
/* Looks the name up for SOCK_STREAM or SOCK_DGRAM; freeaddrinfo is the caller's. ERR_UNREACHABLE.
 */
int link_host_find(
    const struct link_host *host, int socket_type, struct addrinfo **ret_list, struct err *err);
/* Words for a connect(2) that failed. */
int link_host_words(const struct link_host *host, int errno_value, struct err *err);
/* True when both ends of a connected socket are the same. */
bool link_host_is_self(int fd);
/* Shared by kinds with a descriptor. link_fd_broken gives an error of the socket its words. */
int link_fd_broken(int errno_value, struct err *err);
/* link_fd_wait waits for `events` of poll(2). */
int link_fd_wait(struct link *link, short events, int64_t deadline_ns, struct err *err);
int link_fd_send(
    struct link *link, const void *data, size_t size, int64_t deadline_ns, struct err *err);
/* Bytes read; 0: nothing there yet; else an error. */
int link_fd_read(struct link *link, void *data, size_t capacity, struct err *err);
int link_fd_receive(
    struct link *link, void *data, size_t capacity, int64_t deadline_ns, struct err *err);
void link_fd_close(struct link *link);
/* Has the system look after a TCP connection on which only the other side speaks: one that vanished
 * or began anew without a word is known within five seconds. Also for sockets of libraries. */
void link_fd_keep_alive(int fd);

#endif
