/*
 * A Modbus TCP server for the simulated machines and the tests, written from the Modbus Application
 * Protocol V1.1b3 (clauses 6.1-6.12, 7) and Modbus Messaging on TCP V1.0b (clause 3.1.3, MBAP). It
 * shares no code with the driver that it is used to test, so it has its own tiny way of reading and
 * writing big-endian words.
 *
 * One thread serves up to SERVER_CLIENTS connections with poll(2). Requests that wait in a
 * connection are answered in order and sent together, so a pipelining client is served well. A
 * killed server keeps its port bound without listening: attempts are refused and nobody else can
 * take the port until it is revived. Connections are reset (linger 0), as by a pulled plug.
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
#include "sim/sim.h"

enum {
    SERVER_CLIENTS = 64,
    HEADER_BYTES = 7,
    FRAME_BYTES_MAX = 260, // Messaging on TCP V1.0b clause 3.1.2.
    IN_BYTES = 16 * FRAME_BYTES_MAX,
    OUT_BYTES = 64 * FRAME_BYTES_MAX,
    WORDS_MAX = 2000,
};

enum { EXCEPTION_FUNCTION = 1, EXCEPTION_ADDRESS = 2, EXCEPTION_VALUE = 3 };

struct client {
    int fd; // -1: free.
    size_t in_size;
    uint8_t in[IN_BYTES];
};

struct sim_modbus_server {
    struct sim_modbus_source source;
    struct thread thread;
    struct mutex lock; // Guards the three fields below.
    struct cond changed;
    bool wanted_alive;
    bool is_alive;
    bool stop;
    int wake_fd;
    int listener; // Bound always; listening while alive.
    uint16_t port;
    _Atomic uint64_t requests;
    _Atomic uint32_t client_count;
    struct client clients[SERVER_CLIENTS];
    uint8_t out[OUT_BYTES];
    uint16_t words[WORDS_MAX];
};

static uint16_t word_at(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void word_put(uint8_t *to, unsigned value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

/* Answers functions 1 to 4 into `answer`; the size, SIM_SILENT, or minus an exception... encoded by
 * the caller: *ret_exception is set and 0 returned. */
static int answer_read(struct sim_modbus_server *server, const uint8_t *pdu, size_t size,
    uint8_t unit, uint8_t *answer, int *ret_exception) {
    static const enum sim_table tables[] = {SIM_COIL, SIM_DISCRETE, SIM_HOLDING, SIM_INPUT};
    enum sim_table table = tables[pdu[0] - 1];
    bool bits = table == SIM_COIL || table == SIM_DISCRETE;
    unsigned start = size == 5 ? word_at(pdu + 1) : 0;
    unsigned count = size == 5 ? word_at(pdu + 3) : 0;
    if (count == 0 || count > (bits ? 2000u : 125u)) {
        *ret_exception = EXCEPTION_VALUE;
        return 0;
    }
    if (start + count > 65536) {
        *ret_exception = EXCEPTION_ADDRESS;
        return 0;
    }
    *ret_exception = server->source.read(
        server->source.context, unit, table, (uint16_t)start, (uint16_t)count, server->words);
    unsigned bytes = bits ? (count + 7) / 8 : count * 2;
    answer[0] = pdu[0];
    answer[1] = (uint8_t)bytes;
    memset(answer + 2, 0, bytes);
    for (unsigned i = 0; i < count; i++) {
        if (bits) {
            answer[2 + i / 8] |= (uint8_t)((server->words[i] != 0) << (i % 8));
        } else {
            word_put(answer + 2 + (size_t)i * 2, server->words[i]);
        }
    }
    return (int)bytes + 2;
}

/* Unpacks the values of functions 5, 6, 15 and 16 into server->words. False: not well-formed. */
static bool unpack_write(
    struct sim_modbus_server *server, const uint8_t *pdu, size_t size, unsigned *ret_count) {
    if (size < 5) {
        return false;
    }
    unsigned second = word_at(pdu + 3);
    if (pdu[0] == 5 || pdu[0] == 6) {
        if (size != 5 || (pdu[0] == 5 && second != 0 && second != 0xFF00)) {
            return false;
        }
        server->words[0] = (uint16_t)(pdu[0] == 5 ? second == 0xFF00 : second);
        *ret_count = 1;
        return true;
    }
    unsigned bytes = pdu[0] == 15 ? (second + 7) / 8 : second * 2;
    if (second == 0 || second > (pdu[0] == 15 ? 1968u : 123u) || size != 6 + (size_t)bytes ||
        pdu[5] != bytes) {
        return false;
    }
    for (unsigned i = 0; i < second; i++) {
        int word =
            pdu[0] == 15 ? (pdu[6 + i / 8] >> (i % 8)) & 1 : word_at(pdu + 6 + (size_t)i * 2);
        server->words[i] = (uint16_t)word;
    }
    *ret_count = second;
    return true;
}

static int answer_write(struct sim_modbus_server *server, const uint8_t *pdu, size_t size,
    uint8_t unit, uint8_t *answer, int *ret_exception) {
    if (server->source.write == NULL) {
        *ret_exception = EXCEPTION_FUNCTION;
        return 0;
    }
    unsigned count = 0;
    if (!unpack_write(server, pdu, size, &count)) {
        *ret_exception = EXCEPTION_VALUE;
        return 0;
    }
    enum sim_table table = pdu[0] == 5 || pdu[0] == 15 ? SIM_COIL : SIM_HOLDING;
    *ret_exception = server->source.write(
        server->source.context, unit, table, word_at(pdu + 1), (uint16_t)count, server->words);
    memcpy(answer, pdu, 5); // Echo of address and value, or of address and count.
    return 5;
}

/* The answer to one PDU; its size, or 0 for no answer. */
static size_t answer_pdu(struct sim_modbus_server *server, const uint8_t *pdu, size_t size,
    uint8_t unit, uint8_t *answer) {
    int exception = 0;
    int length = 0;
    if (pdu[0] >= 1 && pdu[0] <= 4) {
        length = answer_read(server, pdu, size, unit, answer, &exception);
    } else if (pdu[0] == 5 || pdu[0] == 6 || pdu[0] == 15 || pdu[0] == 16) {
        length = answer_write(server, pdu, size, unit, answer, &exception);
    } else {
        exception = EXCEPTION_FUNCTION;
    }
    if (exception == SIM_SILENT) {
        return 0;
    }
    if (exception != 0) {
        answer[0] = pdu[0] | 0x80;
        answer[1] = (uint8_t)exception;
        return 2;
    }
    return (size_t)length;
}

static void client_drop(struct sim_modbus_server *server, struct client *client, bool reset) {
    if (reset) {
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); // Best effort.
    }
    (void)close(client->fd);
    client->fd = -1;
    client->in_size = 0;
    server->client_count--;
}

/* Answers all whole frames in the client's buffer. False: not Modbus, or the client does not read
 * its answers. */
static bool client_answer(struct sim_modbus_server *server, struct client *client) {
    size_t at = 0;
    size_t out = 0;
    while (client->in_size - at >= HEADER_BYTES) {
        const uint8_t *frame = client->in + at;
        size_t length = word_at(frame + 4);
        if (word_at(frame + 2) != 0 || length < 2 || length > FRAME_BYTES_MAX - 6) {
            return false;
        }
        if (client->in_size - at < 6 + length) {
            break;
        }
        server->requests++;
        size_t size = answer_pdu(
            server, frame + HEADER_BYTES, length - 1, frame[6], server->out + out + HEADER_BYTES);
        if (size > 0) {
            memcpy(server->out + out, frame, HEADER_BYTES);
            word_put(server->out + out + 4, (unsigned)size + 1);
            out += HEADER_BYTES + size;
        }
        at += 6 + length;
    }
    memmove(client->in, client->in + at, client->in_size - at);
    client->in_size -= at;
    return out == 0 ||
           send(client->fd, server->out, out, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out;
}

static void client_receive(struct sim_modbus_server *server, struct client *client) {
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

static void client_accept(struct sim_modbus_server *server) {
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return; // The peer left again, or it was no connection.
    }
    for (size_t i = 0; i < SERVER_CLIENTS; i++) {
        if (server->clients[i].fd < 0) {
            int one = 1;
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); // Only speed.
            server->clients[i].fd = fd;
            server->client_count++;
            return;
        }
    }
    (void)close(fd); // Full: as a real device does.
}

/* Opens a bound socket; listening too when asked. Errno on failure. */
static int listener_open(struct sim_modbus_server *server, bool listening) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return errno;
    }
    int one = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one); // bind tells if it matters.
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons(server->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        (listening && listen(fd, SERVER_CLIENTS) != 0) ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        int failed = errno;
        (void)close(fd);
        return failed;
    }
    server->listener = fd;
    server->port = ntohs(address.sin_port);
    return 0;
}

/* Follows the wish of kill and revive; false when the thread shall end. */
static bool server_obey(struct sim_modbus_server *server) {
    mutex_lock(&server->lock);
    bool stop = server->stop;
    if (!stop && server->wanted_alive != server->is_alive) {
        if (server->wanted_alive) {
            server->is_alive = listen(server->listener, SERVER_CLIENTS) == 0;
            server->wanted_alive = server->is_alive;
        } else {
            for (size_t i = 0; i < SERVER_CLIENTS; i++) {
                if (server->clients[i].fd >= 0) {
                    client_drop(server, &server->clients[i], true);
                }
            }
            (void)close(server->listener);
            server->listener = -1;
            (void)listener_open(server, false); // When it fails, listen above fails and says so.
            server->is_alive = false;
        }
        cond_broadcast(&server->changed);
    }
    mutex_unlock(&server->lock);
    return !stop;
}

static void server_run(void *context) {
    struct sim_modbus_server *server = context;
    struct pollfd fds[SERVER_CLIENTS + 2];
    struct client *owners[SERVER_CLIENTS + 2];
    while (server_obey(server)) {
        nfds_t count = 0;
        fds[count++] = (struct pollfd){.fd = server->wake_fd, .events = POLLIN};
        fds[count++] =
            (struct pollfd){.fd = server->is_alive ? server->listener : -1, .events = POLLIN};
        for (size_t i = 0; i < SERVER_CLIENTS; i++) {
            if (server->clients[i].fd >= 0) {
                owners[count] = &server->clients[i];
                fds[count++] = (struct pollfd){.fd = server->clients[i].fd, .events = POLLIN};
            }
        }
        if (poll(fds, count, -1) < 0) {
            continue; // Interrupted.
        }
        for (nfds_t i = 2; i < count; i++) {
            if (fds[i].revents != 0) {
                client_receive(server, owners[i]);
            }
        }
        if (fds[1].revents != 0) {
            client_accept(server);
        }
        if (fds[0].revents != 0) {
            uint64_t ticks = 0;
            (void)!read(server->wake_fd, &ticks, sizeof ticks); // Only clears the wake-up.
        }
    }
}

static void server_wake(const struct sim_modbus_server *server) {
    uint64_t one = 1;
    (void)!write(server->wake_fd, &one, sizeof one); // Cannot fail below 2^64 wake-ups.
}

int sim_modbus_server_start(const struct sim_modbus_source *source, uint16_t port,
    struct sim_modbus_server **ret_server, struct err *err) {
    struct sim_modbus_server *server = MEM_NEW(struct sim_modbus_server);
    server->source = *source;
    server->port = port;
    for (size_t i = 0; i < SERVER_CLIENTS; i++) {
        server->clients[i].fd = -1;
    }
    int failed = listener_open(server, true);
    if (failed == 0) {
        server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (server->wake_fd < 0) {
            failed = errno;
            (void)close(server->listener);
        }
    }
    if (failed != 0) {
        mem_free(server);
        return err_set_errno(err, failed, STR("simulator: bind 127.0.0.1"));
    }
    mutex_init(&server->lock);
    cond_init(&server->changed);
    server->wanted_alive = true;
    server->is_alive = true;
    thread_start(&server->thread, "sim-modbus", server_run, server);
    *ret_server = server;
    return 0;
}

void sim_modbus_server_stop(struct sim_modbus_server *server) {
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
    if (server->listener >= 0) {
        (void)close(server->listener);
    }
    (void)close(server->wake_fd);
    cond_fini(&server->changed);
    mutex_fini(&server->lock);
    mem_free(server);
}

uint16_t sim_modbus_server_port(const struct sim_modbus_server *server) {
    return server->port;
}

uint64_t sim_modbus_server_requests(const struct sim_modbus_server *server) {
    return server->requests;
}

uint32_t sim_modbus_server_clients(const struct sim_modbus_server *server) {
    return server->client_count;
}

/* Asks the thread for life or death and waits until it is so. False: it could not. */
static bool server_set_alive(struct sim_modbus_server *server, bool alive) {
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

void sim_modbus_server_kill(struct sim_modbus_server *server) {
    (void)server_set_alive(server, false); // Dying always succeeds.
}

int sim_modbus_server_revive(struct sim_modbus_server *server, struct err *err) {
    if (!server_set_alive(server, true)) {
        return err_set_errno(err, EADDRINUSE, STR("simulator: listen 127.0.0.1"));
    }
    return 0;
}
