#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H
/*
 * The HTTP side of a running home: one route table (routes.def) that serves, authorises and
 * describes itself as OpenAPI 3.1; the built-in pages; the live stream; health and metrics.
 * libmicrohttpd stands behind http.c alone.
 */
#include "plant/home.h"

struct tls_store;
struct upkeep;

struct server;

/* Limits where none are given: a hundred browsers, each with a page or two and a stream. */
enum {
    SERVE_CONNECTIONS = 512,
    SERVE_CONNECTIONS_PER_IP = 128,
    SERVE_BODY_BYTES = 64 << 20,
    SERVE_REQUESTS_PER_S = 200,
    SERVE_STREAMS = 256,
};

struct serve_limits { // 0: as above.
    uint32_t connections;
    uint32_t connections_per_ip;
    uint32_t body_bytes;
    uint32_t requests_per_s; // Per client address, burst twice that.
    uint32_t streams;        // Live streams at once.
    uint32_t header_wait_s;  // For a whole request header; 0: 15
    uint32_t idle_wait_s;    // Without a byte in either direction; 0: 30
};

struct serve_options {
    struct home *home;
    struct upkeep *upkeep; // NULL: health says nothing about backups and clock.
    const char *address;   // "127.0.0.1" or "::1" or "0.0.0.0"
    uint16_t port;         // 0: any
    struct serve_limits limits;
    bool demo;                 // Shows the demo banner; one-time sign-in link instead of set-up.
    struct tls_store *tls;     // Serves HTTPS with it (upkeep/tls.h); NULL: plain HTTP.
    const char *host_name;     // A name besides addresses and localhost; NULL: none.
    const struct clock *clock; // NULL: the system's.
};

int serve_start(const struct serve_options *options, struct server **ret_server, struct err *err);
void serve_stop(struct server *server); // Ends streams, waits for requests; NULL is fine.
uint16_t serve_port(const struct server *server);

#endif
