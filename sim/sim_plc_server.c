/*
 * The server of a simulated PLC: one thread, TCP and UDP on the same port of 127.0.0.1, any
 * protocol that turns bytes into bytes, and the misbehaviour of real plants on demand.
 *
 * A slow answer leaves one byte a millisecond, from a queue of its connection. A late one is kept
 * until the next request of its connection has been answered by it. A connection whose bytes make
 * no sense, or whose queue is full, is closed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/thread.h"
#include "sim/sim_plc.h"

enum {
    CLIENTS = 16,    // Further ones are closed at once, as a full PLC does.
    IN_BYTES = 8192, // A request that is longer is none.
    OUT_BYTES = 1 << 18,
    SLOW_MS = 1,
};

struct client {
    int fd; // -1: free. The last one is the UDP socket, which never closes.
    struct sim_plc_session session;
    size_t in_size;
    uint8_t in[IN_BYTES];
    struct buf queue;            // Bytes of slow answers.
    struct buf held;             // The late answer,
    struct sockaddr_in held_for; // and who asked, of datagrams.
};

struct sim_plc_server {
    struct sim_plc_protocol protocol;
    struct thread thread;
    int wake_fd;
    int listener;
    uint16_t port;
    _Atomic bool stop;
    _Atomic int fault; // enum sim_plc_fault
    _Atomic uint64_t connections;
    struct buf answer;
    struct client clients[CLIENTS + 1];
};

static void client_drop(struct client *client) {
    (void)close(client->fd);
    client->fd = -1;
    client->in_size = 0;
    buf_clear(&client->queue);
    buf_clear(&client->held);
    client->session = (struct sim_plc_session){0};
}

/* The answer in hand, made worse. True: the connection is to be closed. */
static bool spoil(struct sim_plc_server *server, struct client *client) {
    struct buf *answer = &server->answer;
    uint8_t *bytes = (uint8_t *)answer->data;
    switch ((enum sim_plc_fault)server->fault) {
    case SIM_PLC_SILENT: buf_clear(answer); break;
    case SIM_PLC_CUT: answer->size /= 2; break;
    case SIM_PLC_GARBAGE:
        for (size_t i = 0; i < answer->size; i++) {
            bytes[i] = (uint8_t)(bytes[i] * 31 + i * 7 + 1);
        }
        break;
    case SIM_PLC_LATE:
        buf_put(&client->held, answer->data, answer->size);
        buf_clear(answer);
        break;
    case SIM_PLC_WRONG_STATION: server->protocol.wrong_station(bytes, answer->size); break;
    case SIM_PLC_HANG_UP: return !client->session.is_datagram;
    case SIM_PLC_GOOD:
    case SIM_PLC_SLOW: break;
    }
    return false;
}

/* Sends, or queues what is to go slowly. False: the client does not read. */
static bool deliver(struct sim_plc_server *server, struct client *client, const struct buf *answer,
    const struct sockaddr_in *to) {
    if (answer->size == 0) {
        return true;
    }
    if (client->session.is_datagram) {
        (void)sendto(client->fd, answer->data, answer->size, MSG_NOSIGNAL,
            (const struct sockaddr *)to, sizeof *to); // Datagrams may be lost.
        return true;
    }
    if (server->fault == SIM_PLC_SLOW || client->queue.size > 0) {
        buf_put(&client->queue, answer->data, answer->size);
        return client->queue.size < OUT_BYTES / 2;
    }
    ssize_t sent = send(client->fd, answer->data, answer->size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent == (ssize_t)answer->size;
}

/* Answers the whole requests in the client's buffer. False: hang up. */
static bool client_answer(
    struct sim_plc_server *server, struct client *client, const struct sockaddr_in *from) {
    size_t at = 0;
    while (at < client->in_size) {
        buf_clear(&server->answer);
        int used = server->protocol.respond(server->protocol.context, &client->session,
            client->in + at, client->in_size - at, &server->answer);
        if (used == 0) {
            break;
        }
        AUTO_BUF struct buf held;
        buf_init(&held, OUT_BYTES);
        buf_put(&held, client->held.data, client->held.size);
        buf_clear(&client->held);
        const struct sockaddr_in held_for = client->held_for;
        client->held_for = *from;
        if (used < 0) {
            (void)deliver(server, client, &server->answer, from); // The reason, before hanging up.
            return false;
        }
        if (spoil(server, client) || !deliver(server, client, &held, &held_for) ||
            !deliver(server, client, &server->answer, from)) {
            return false;
        }
        at += (size_t)used;
    }
    memmove(client->in, client->in + at, client->in_size - at);
    client->in_size -= at;
    return client->in_size < IN_BYTES;
}

static void client_receive(struct sim_plc_server *server, struct client *client) {
    struct sockaddr_in from = {0};
    socklen_t from_size = sizeof from;
    ssize_t got = recvfrom(client->fd, client->in + client->in_size, IN_BYTES - client->in_size,
        MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (client->session.is_datagram) {
        client->in_size = got > 0 ? (size_t)got : 0;
        (void)client_answer(server, client, &from);
        client->in_size = 0; // A datagram is a request or nothing.
        return;
    }
    client->in_size += got > 0 ? (size_t)got : 0;
    if (got <= 0 || !client_answer(server, client, &from)) {
        client_drop(client);
    }
}

static void client_accept(struct sim_plc_server *server) {
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return; // The peer left again.
    }
    server->connections++;
    for (size_t i = 0; i < CLIENTS; i++) {
        if (server->clients[i].fd < 0) {
            int one = 1;
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); // Only speed.
            server->clients[i].fd = fd;
            return;
        }
    }
    (void)close(fd);
}

/* One byte of each queue. True: some are left. */
static bool trickle(struct sim_plc_server *server) {
    bool left = false;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &server->clients[i];
        if (client->fd >= 0 && client->queue.size > 0) {
            if (send(client->fd, client->queue.data, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
                client_drop(client);
                continue;
            }
            buf_drop_front(&client->queue, 1);
            left = left || client->queue.size > 0;
        }
    }
    return left;
}

static void server_run(void *context) {
    struct sim_plc_server *server = context;
    struct pollfd fds[CLIENTS + 3];
    struct client *owners[CLIENTS + 3];
    while (!server->stop) {
        nfds_t count = 0;
        fds[count++] = (struct pollfd){.fd = server->wake_fd, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        for (size_t i = 0; i <= CLIENTS; i++) {
            if (server->clients[i].fd >= 0) {
                owners[count] = &server->clients[i];
                fds[count++] = (struct pollfd){.fd = server->clients[i].fd, .events = POLLIN};
            }
        }
        if (poll(fds, count, trickle(server) ? SLOW_MS : -1) < 0) {
            continue; // Interrupted.
        }
        for (nfds_t i = 2; i < count; i++) {
            if (fds[i].revents != 0 && owners[i]->fd >= 0) {
                client_receive(server, owners[i]);
            }
        }
        if (fds[1].revents != 0) {
            client_accept(server);
        }
    }
}

/* Binds TCP and UDP to the same port. 0 or an errno; what was opened stays in the server. */
static int open_sockets(struct sim_plc_server *server, uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int one = 1;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    server->clients[CLIENTS].fd = udp;
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->listener < 0 || udp < 0 || server->wake_fd < 0) {
        return errno;
    }
    (void)setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one); // bind tells.
    if (bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, CLIENTS) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0 ||
        bind(udp, (struct sockaddr *)&address, sizeof address) != 0) {
        return errno;
    }
    server->port = ntohs(address.sin_port);
    return 0;
}

static void server_free(struct sim_plc_server *server) {
    const int fds[] = {server->listener, server->wake_fd, server->clients[CLIENTS].fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    for (size_t i = 0; i <= CLIENTS; i++) {
        if (i < CLIENTS && server->clients[i].fd >= 0) {
            client_drop(&server->clients[i]);
        }
        buf_fini(&server->clients[i].queue);
        buf_fini(&server->clients[i].held);
    }
    buf_fini(&server->answer);
    mem_free(server);
}

int sim_plc_server_start(const struct sim_plc_protocol *protocol, uint16_t port,
    struct sim_plc_server **ret_server, struct err *err) {
    struct sim_plc_server *server = MEM_NEW(struct sim_plc_server);
    server->protocol = *protocol;
    server->listener = -1;
    server->wake_fd = -1;
    buf_init(&server->answer, OUT_BYTES);
    for (size_t i = 0; i <= CLIENTS; i++) {
        server->clients[i].fd = -1;
        buf_init(&server->clients[i].queue, OUT_BYTES);
        buf_init(&server->clients[i].held, OUT_BYTES);
    }
    server->clients[CLIENTS].session.is_datagram = true;
    int failed = open_sockets(server, port);
    if (failed != 0) {
        server_free(server);
        return err_set_errno(err, failed, STR("simulator: bind 127.0.0.1"));
    }
    thread_start(&server->thread, "sim-plc", server_run, server);
    *ret_server = server;
    return 0;
}

void sim_plc_server_stop(struct sim_plc_server *server) {
    if (server == NULL) {
        return;
    }
    uint64_t one = 1;
    server->stop = true;
    (void)!write(server->wake_fd, &one, sizeof one); // Cannot fail below 2^64 wake-ups.
    thread_join(&server->thread);
    server_free(server);
}

uint16_t sim_plc_server_port(const struct sim_plc_server *server) {
    return server->port;
}

void sim_plc_server_misbehave(struct sim_plc_server *server, enum sim_plc_fault fault) {
    server->fault = (int)fault;
}

uint64_t sim_plc_server_connections(const struct sim_plc_server *server) {
    return server->connections;
}
