#ifndef SIM_SIM_SERVER_H
#define SIM_SIM_SERVER_H
/*
 * The sockets of a simulated controller, whatever it speaks: one thread, many TCP clients, and UDP
 * on the same port. The protocol is one function from bytes to bytes. Started, stopped, killed and
 * told to misbehave from any thread; `answer` is called from the server's own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "sim/sim.h"

enum { SIM_FRAME_BYTES = 4096 };

/* Answers the first whole request in `in`. Returns the size of the answer in `out`
 * (SIM_FRAME_BYTES), 0 for none; *ret_used is what was taken from `in`, 0 when the request is not
 * whole yet. Negative: this is not the protocol, hang up. */
struct sim_speech {
    const char *name; // Of the thread.
    void *context;
    int (*answer)(void *context, const uint8_t *in, size_t size, size_t *ret_used, uint8_t *out);
};

struct sim_server;
/* Binds 127.0.0.1:port (0: any free one) for TCP and UDP and serves until stopped. */
int sim_server_start(const struct sim_speech *speech, uint16_t port, struct sim_server **ret_server,
    struct err *err);
void sim_server_stop(struct sim_server *server); // NULL is allowed.
uint16_t sim_server_port(const struct sim_server *server);
uint64_t sim_server_requests(const struct sim_server *server);
uint32_t sim_server_clients(const struct sim_server *server);
/* Pulls the plug: clients are reset, later attempts are refused, datagrams are not taken. */
void sim_server_kill(struct sim_server *server);
int sim_server_revive(struct sim_server *server, struct err *err);
void sim_server_misbehave(struct sim_server *server, enum sim_fault fault);

#endif
