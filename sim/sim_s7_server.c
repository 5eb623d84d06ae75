/*
 * The simulated S7 controller on a TCP port. One thread serves up to SERVER_CLIENTS connections
 * with poll(2); what a connection says and hears is the session's matter. Killed, the server keeps
 * its port bound without listening, so that nobody else takes it until it is revived; connections
 * are reset (linger 0), as by a pulled plug.
 */
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
#include "sim/sim_s7.h"

enum { SERVER_CLIENTS = 32, RECEIVE_BYTES = 2048, ANSWER_BYTES_MAX = 1 << 20 };

struct client {
    int fd; // -1: free.
    struct sim_s7_session session;
};

struct sim_s7_server {
    struct sim_s7_source source;
    struct sim_s7_manner manner;
    struct thread thread;
    struct mutex lock; // Guards the three fields below.
    struct cond changed;
    bool wanted_alive;
    bool is_alive;
    bool stop;
    int wake_fd;
    int listener; // Bound always; listening while alive.
    uint16_t port;
    _Atomic int fault;
    _Atomic uint32_t client_count;
    struct client clients[SERVER_CLIENTS];
};

static void client_drop(struct sim_s7_server *server, struct client *client, bool reset) {
    if (reset) {
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); // Best effort.
    }
    (void)close(client->fd);
    client->fd = -1;
    server->client_count--;
}

/* False: the client does not read its answers. */
static bool client_send(const struct client *client, struct str bytes) {
    if (client->session.fault != SIM_S7_SLOW) {
        ssize_t sent = send(client->fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent == (ssize_t)bytes.size;
    }
    for (size_t i = 0; i < bytes.size; i++) { // Each byte a segment of its own.
        if (send(client->fd, bytes.data + i, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
            return false;
        }
    }
    return true;
}

static void client_receive(struct sim_s7_server *server, struct client *client) {
    uint8_t bytes[RECEIVE_BYTES];
    ssize_t got = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    AUTO_BUF struct buf answer;
    buf_init(&answer, ANSWER_BYTES_MAX);
    client->session.fault = (enum sim_s7_fault)atomic_load(&server->fault);
    bool good = got > 0 && sim_s7_session_feed(&client->session, bytes, (size_t)got, &answer);
    if (answer.size > 0) {
        good = client_send(client, buf_str(&answer)) && good;
    }
    if (!good) {
        client_drop(server, client, false);
    }
}

static void client_accept(struct sim_s7_server *server) {
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return; // The peer left again.
    }
    for (size_t i = 0; i < SERVER_CLIENTS; i++) {
        if (server->clients[i].fd < 0) {
            int one = 1;
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); // Only speed.
            server->clients[i].fd = fd;
            sim_s7_session_init(&server->clients[i].session, &server->source, &server->manner);
            server->client_count++;
            return;
        }
    }
    (void)close(fd); // Full: as a real controller does.
}

/* Opens a bound socket; listening too when asked. Errno on failure. */
static int listener_open(struct sim_s7_server *server, bool listening) {
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
static bool server_obey(struct sim_s7_server *server) {
    mutex_lock(&server->lock);
    bool stop = server->stop;
    if (!stop && server->wanted_alive != server->is_alive) {
        if (server->wanted_alive) {
            server->is_alive =
                server->listener >= 0 && listen(server->listener, SERVER_CLIENTS) == 0;
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
    struct sim_s7_server *server = context;
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

static void server_wake(const struct sim_s7_server *server) {
    uint64_t one = 1;
    (void)!write(server->wake_fd, &one, sizeof one); // Cannot fail below 2^64 wake-ups.
}

int sim_s7_server_start(const struct sim_s7_source *source, const struct sim_s7_manner *manner,
    uint16_t port, struct sim_s7_server **ret_server, struct err *err) {
    struct sim_s7_server *server = MEM_NEW(struct sim_s7_server);
    server->source = *source;
    server->manner = manner != NULL ? *manner : (struct sim_s7_manner){0};
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
    thread_start(&server->thread, "sim-s7", server_run, server);
    *ret_server = server;
    return 0;
}

void sim_s7_server_stop(struct sim_s7_server *server) {
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

uint16_t sim_s7_server_port(const struct sim_s7_server *server) {
    return server->port;
}

uint32_t sim_s7_server_clients(const struct sim_s7_server *server) {
    return server->client_count;
}

void sim_s7_server_misbehave(struct sim_s7_server *server, enum sim_s7_fault fault) {
    atomic_store(&server->fault, (int)fault);
}

/* Asks the thread for life or death and waits until it is so. False: it could not. */
static bool server_set_alive(struct sim_s7_server *server, bool alive) {
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

void sim_s7_server_kill(struct sim_s7_server *server) {
    (void)server_set_alive(server, false); // Dying always succeeds.
}

int sim_s7_server_revive(struct sim_s7_server *server, struct err *err) {
    if (!server_set_alive(server, true)) {
        return err_set_errno(err, EADDRINUSE, STR("simulator: listen 127.0.0.1"));
    }
    return 0;
}
