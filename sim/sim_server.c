/*
 * One thread serves up to SERVER_CLIENTS connections and the datagrams with poll(2). Requests that
 * wait in a connection are answered in order and sent together. A killed server keeps its TCP port
 * bound without listening, so that attempts are refused and nobody else takes it; its UDP socket is
 * closed, so that datagrams are answered by the system with "port unreachable".
 *
 * Misbehaviour is of the line and not of the protocol: nothing, half an answer and a hang-up,
 * noise, one byte at a time, the answer before. Slow bytes go out one each turn of the loop, which
 * then turns each millisecond.
 */
#include "sim/sim_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/thread.h"

enum {
    SERVER_CLIENTS = 64,
    IN_BYTES = 4 * SIM_FRAME_BYTES,
    OUT_BYTES = 8 * SIM_FRAME_BYTES,
    FIXED_FDS = 3,
    SLOW_TURN_MS = 1,
    PORT_TRIES = 16, // A free TCP port may be taken for UDP.
};

struct client {
    int fd; // -1: free.
    size_t in_size;
    size_t slow_size; // Still to be sent, byte by byte.
    uint8_t in[IN_BYTES];
    uint8_t slow[OUT_BYTES];
};

struct sim_server {
    struct sim_speech speech;
    struct thread thread;
    struct mutex lock; // Guards the three fields below.
    struct cond changed;
    bool wanted_alive;
    bool is_alive;
    bool stop;
    int wake_fd;
    int listener; // Bound always; listening while alive.
    int datagrams;
    uint16_t port;
    _Atomic uint64_t requests;
    _Atomic uint32_t client_count;
    _Atomic int fault;
    size_t late_size; // The answer that was held back.
    struct client clients[SERVER_CLIENTS];
    uint8_t out[OUT_BYTES + SIM_FRAME_BYTES];
    uint8_t late[SIM_FRAME_BYTES];
};

/* Spoils an answer of `size` bytes in `out` (SIM_FRAME_BYTES); its new size. */
static size_t spoil(struct sim_server *server, uint8_t *out, size_t size) {
    uint8_t held[SIM_FRAME_BYTES];
    size_t held_size = server->late_size;
    switch ((enum sim_fault)atomic_load(&server->fault)) {
    case SIM_FAULT_SILENT: return 0;
    case SIM_FAULT_CUT: return size / 2;
    case SIM_FAULT_GARBAGE:
        for (size_t i = 0; i < size; i++) {
            out[i] = (uint8_t)(out[i] * 31 + i * 7 + 0x5A);
        }
        return size;
    case SIM_FAULT_LATE: // Each request gets the answer to the one before.
        memcpy(held, server->late, held_size);
        memcpy(server->late, out, size);
        server->late_size = size;
        memcpy(out, held, held_size);
        return held_size;
    case SIM_FAULT_SLOW:
    case SIM_FAULT_NONE: break;
    }
    return size;
}

static void client_drop(struct sim_server *server, struct client *client, bool reset) {
    if (reset) {
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); // Best effort.
    }
    (void)close(client->fd);
    client->fd = -1;
    client->in_size = 0;
    client->slow_size = 0;
    atomic_fetch_sub(&server->client_count, 1);
}

/* Sends now, or a byte each turn. False: the client does not read, or the line was cut. */
static bool client_send(struct sim_server *server, struct client *client, size_t size) {
    int fault = atomic_load(&server->fault);
    if (fault == SIM_FAULT_SLOW && size <= sizeof client->slow - client->slow_size) {
        memcpy(client->slow + client->slow_size, server->out, size);
        client->slow_size += size;
        return true;
    }
    ssize_t sent = size == 0 ? 0 : send(client->fd, server->out, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent == (ssize_t)size && !(fault == SIM_FAULT_CUT && size > 0);
}

/* Answers all whole requests in the client's buffer. False: hang up. */
static bool client_answer(struct sim_server *server, struct client *client) {
    size_t at = 0;
    size_t out = 0;
    while (at < client->in_size && out < OUT_BYTES) {
        size_t used = 0;
        int size = server->speech.answer(server->speech.context, client->in + at,
            client->in_size - at, &used, server->out + out);
        if (size < 0) {
            return false;
        }
        if (used == 0) {
            break;
        }
        atomic_fetch_add(&server->requests, 1);
        out += spoil(server, server->out + out, (size_t)size);
        at += used;
    }
    memmove(client->in, client->in + at, client->in_size - at);
    client->in_size -= at;
    return client_send(server, client, out);
}

static void client_receive(struct sim_server *server, struct client *client) {
    ssize_t got =
        recv(client->fd, client->in + client->in_size, IN_BYTES - client->in_size, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got > 0) {
        client->in_size += (size_t)got;
    }
    if (got <= 0 || !client_answer(server, client)) {
        client_drop(server, client, false);
    }
}

/* One byte of a slow answer. */
static void client_trickle(struct sim_server *server, struct client *client) {
    if (client->slow_size == 0) {
        return;
    }
    if (send(client->fd, client->slow, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
        client_drop(server, client, false);
        return;
    }
    client->slow_size--;
    memmove(client->slow, client->slow + 1, client->slow_size);
}

static void client_accept(struct sim_server *server) {
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return; // The peer left again, or it was no connection.
    }
    for (size_t i = 0; i < SERVER_CLIENTS; i++) {
        if (server->clients[i].fd < 0) {
            int one = 1;
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); // Only speed.
            server->clients[i].fd = fd;
            atomic_fetch_add(&server->client_count, 1);
            return;
        }
    }
    (void)close(fd); // Full: as a real device does.
}

static void datagram_answer(struct sim_server *server) {
    uint8_t in[SIM_FRAME_BYTES];
    struct sockaddr_storage from;
    socklen_t from_size = sizeof from;
    ssize_t got = recvfrom(
        server->datagrams, in, sizeof in, MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
    size_t used = 0;
    if (got <= 0) {
        return;
    }
    int size = server->speech.answer(server->speech.context, in, (size_t)got, &used, server->out);
    if (size <= 0 || used != (size_t)got) {
        return; // No request, or one that is not whole: a controller says nothing to it.
    }
    atomic_fetch_add(&server->requests, 1);
    size_t left = spoil(server, server->out, (size_t)size);
    if (left > 0) {
        (void)sendto(server->datagrams, server->out, left, MSG_DONTWAIT,
            (const struct sockaddr *)&from, from_size); // Datagrams may get lost.
    }
}

static int bind_socket(int type, uint16_t *port, int *ret_fd) {
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return errno;
    }
    int one = 1;
    if (type == SOCK_STREAM) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one); // bind tells.
    }
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        int failed = errno;
        (void)close(fd);
        return failed;
    }
    *port = ntohs(address.sin_port);
    *ret_fd = fd;
    return 0;
}

static void close_fd(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* Opens both sockets on one port. Errno on failure. */
static int sockets_open(struct sim_server *server) {
    bool any = server->port == 0;
    int failed = 0;
    for (int i = 0; i < (any ? PORT_TRIES : 1); i++) {
        server->port = any ? 0 : server->port;
        failed = bind_socket(SOCK_STREAM, &server->port, &server->listener);
        if (failed == 0) {
            failed = bind_socket(SOCK_DGRAM, &server->port, &server->datagrams);
        }
        if (failed == 0 && listen(server->listener, SERVER_CLIENTS) != 0) {
            failed = errno;
        }
        if (failed == 0) {
            return 0;
        }
        close_fd(&server->listener);
        close_fd(&server->datagrams);
    }
    return failed;
}

static void server_die(struct sim_server *server) {
    for (size_t i = 0; i < SERVER_CLIENTS; i++) {
        if (server->clients[i].fd >= 0) {
            client_drop(server, &server->clients[i], true);
        }
    }
    close_fd(&server->listener);
    close_fd(&server->datagrams);
    (void)bind_socket(SOCK_STREAM, &server->port, &server->listener); // Only to keep the port.
    server->late_size = 0;
    server->is_alive = false;
}

static void server_rise(struct sim_server *server) {
    close_fd(&server->listener);
    server->is_alive = sockets_open(server) == 0;
    server->wanted_alive = server->is_alive;
}

/* Follows the wish of kill and revive; false when the thread shall end. */
static bool server_obey(struct sim_server *server) {
    mutex_lock(&server->lock);
    bool stop = server->stop;
    if (!stop && server->wanted_alive != server->is_alive) {
        if (server->wanted_alive) {
            server_rise(server);
        } else {
            server_die(server);
        }
        cond_broadcast(&server->changed);
    }
    mutex_unlock(&server->lock);
    return !stop;
}

/* Serves what poll found; the fixed descriptors stand first. */
static void server_turn(
    struct sim_server *server, const struct pollfd *fds, struct client **owners, nfds_t count) {
    for (nfds_t i = FIXED_FDS; i < count; i++) {
        if (fds[i].revents != 0) {
            client_receive(server, owners[i]);
        }
        if (owners[i]->fd >= 0) {
            client_trickle(server, owners[i]);
        }
    }
    if (fds[1].revents != 0) {
        client_accept(server);
    }
    if (fds[2].revents != 0) {
        datagram_answer(server);
    }
    if (fds[0].revents != 0) {
        uint64_t ticks = 0;
        (void)!read(server->wake_fd, &ticks, sizeof ticks); // Only clears the wake-up.
    }
}

static void server_run(void *context) {
    struct sim_server *server = context;
    struct pollfd fds[SERVER_CLIENTS + FIXED_FDS];
    struct client *owners[SERVER_CLIENTS + FIXED_FDS];
    while (server_obey(server)) {
        nfds_t count = 0;
        bool slow = false;
        fds[count++] = (struct pollfd){.fd = server->wake_fd, .events = POLLIN};
        fds[count++] =
            (struct pollfd){.fd = server->is_alive ? server->listener : -1, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = server->datagrams, .events = POLLIN};
        for (size_t i = 0; i < SERVER_CLIENTS; i++) {
            if (server->clients[i].fd >= 0) {
                slow = slow || server->clients[i].slow_size > 0;
                owners[count] = &server->clients[i];
                fds[count++] = (struct pollfd){.fd = server->clients[i].fd, .events = POLLIN};
            }
        }
        if (poll(fds, count, slow ? SLOW_TURN_MS : -1) >= 0) {
            server_turn(server, fds, owners, count);
        }
    }
}

static void server_wake(const struct sim_server *server) {
    uint64_t one = 1;
    (void)!write(server->wake_fd, &one, sizeof one); // Cannot fail below 2^64 wake-ups.
}

int sim_server_start(const struct sim_speech *speech, uint16_t port, struct sim_server **ret_server,
    struct err *err) {
    struct sim_server *server = MEM_NEW(struct sim_server);
    server->speech = *speech;
    server->port = port;
    server->listener = -1;
    server->datagrams = -1;
    for (size_t i = 0; i < SERVER_CLIENTS; i++) {
        server->clients[i].fd = -1;
    }
    int failed = sockets_open(server);
    if (failed == 0) {
        server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        failed = server->wake_fd < 0 ? errno : 0;
    }
    if (failed != 0) {
        close_fd(&server->listener);
        close_fd(&server->datagrams);
        mem_free(server);
        return err_set_errno(err, failed, STR("simulator: bind 127.0.0.1"));
    }
    mutex_init(&server->lock);
    cond_init(&server->changed);
    server->wanted_alive = true;
    server->is_alive = true;
    thread_start(&server->thread, speech->name, server_run, server);
    *ret_server = server;
    return 0;
}

void sim_server_stop(struct sim_server *server) {
    if (server == NULL) {
        return;
    }
    mutex_lock(&server->lock);
    server->stop = true;
    mutex_unlock(&server->lock);
    server_wake(server);
    thread_join(&server->thread);
    for (size_t i = 0; i < SERVER_CLIENTS; i++) {
        if (server->clients[i].fd >= 0) {
            client_drop(server, &server->clients[i], false);
        }
    }
    close_fd(&server->listener);
    close_fd(&server->datagrams);
    (void)close(server->wake_fd);
    cond_fini(&server->changed);
    mutex_fini(&server->lock);
    mem_free(server);
}

uint16_t sim_server_port(const struct sim_server *server) {
    return server->port;
}

uint64_t sim_server_requests(const struct sim_server *server) {
    return atomic_load(&server->requests);
}

uint32_t sim_server_clients(const struct sim_server *server) {
    return atomic_load(&server->client_count);
}

/* Asks the thread for life or death and waits until it is so. False: it could not. */
static bool server_set_alive(struct sim_server *server, bool alive) {
    mutex_lock(&server->lock);
    server->wanted_alive = alive;
    server_wake(server);
    while (server->is_alive != server->wanted_alive) {
        (void)cond_wait_until(&server->changed, &server->lock, INT64_MAX); // Never times out.
    }
    bool done = server->is_alive == alive;
    mutex_unlock(&server->lock);
    return done;
}

void sim_server_kill(struct sim_server *server) {
    (void)server_set_alive(server, false); // Dying always succeeds.
}

int sim_server_revive(struct sim_server *server, struct err *err) {
    if (!server_set_alive(server, true)) {
        return err_set_errno(err, EADDRINUSE, STR("simulator: listen 127.0.0.1"));
    }
    return 0;
}

void sim_server_misbehave(struct sim_server *server, enum sim_fault fault) {
    atomic_store(&server->fault, (int)fault);
    server_wake(server);
}
