/*
 * An XGT controller on a socket: the frames of sim_xgt_frame.c and sim_xgt_cnet.c behind the
 * sockets of sim_server.c.
 */
#include "core/mem.h"
#include "sim/sim.h"
#include "sim/sim_server.h"

struct sim_xgt_server {
    struct sim_xgt_source source;
    struct sim_server *server;
};

/* Which of the two protocols a client speaks shows in its first byte. */
static int answer(void *context, const uint8_t *in, size_t size, size_t *ret_used, uint8_t *out) {
    const struct sim_xgt_server *xgt = context;
    return in[0] == 5 ? sim_xgt_answer_cnet(&xgt->source, in, size, ret_used, out)
                      : sim_xgt_answer(&xgt->source, in, size, ret_used, out);
}

int sim_xgt_server_start(const struct sim_xgt_source *source, uint16_t port,
    struct sim_xgt_server **ret_server, struct err *err) {
    struct sim_xgt_server *xgt = MEM_NEW(struct sim_xgt_server);
    xgt->source = *source;
    struct sim_speech speech = {.name = "sim-xgt", .context = xgt, .answer = answer};
    int failed = sim_server_start(&speech, port, &xgt->server, err);
    if (failed < 0) {
        mem_free(xgt);
        return failed;
    }
    *ret_server = xgt;
    return 0;
}

void sim_xgt_server_stop(struct sim_xgt_server *server) {
    if (server != NULL) {
        sim_server_stop(server->server);
        mem_free(server);
    }
}

uint16_t sim_xgt_server_port(const struct sim_xgt_server *server) {
    return sim_server_port(server->server);
}

uint64_t sim_xgt_server_requests(const struct sim_xgt_server *server) {
    return sim_server_requests(server->server);
}

void sim_xgt_server_kill(struct sim_xgt_server *server) {
    sim_server_kill(server->server);
}

int sim_xgt_server_revive(struct sim_xgt_server *server, struct err *err) {
    return sim_server_revive(server->server, err);
}

void sim_xgt_server_misbehave(struct sim_xgt_server *server, enum sim_fault fault) {
    sim_server_misbehave(server->server, fault);
}
