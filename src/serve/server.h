#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H
/*
 * The state of a running server that handlers share. Made by serve_start, constant but for atomics
 * and the parts that have locks of their own.
 */
#include <stdatomic.h>

#include "core/thread.h"
#include "serve/auth.h"
#include "serve/http.h"
#include "serve/rate.h"
#include "serve/route.h"
#include "serve/serve.h"
#include "serve/sight.h"
#include "serve/stream.h"

struct desk;
struct factories;
struct jobs;
struct support;
struct write_scratch;

enum { STATUS_CLASSES = 6 }; // 0: none, 1xx .. 5xx

/* What POST /write took in, by plant. */
struct ingest_counts {
    _Atomic uint64_t rows;
    _Atomic uint64_t requests;
    _Atomic uint64_t refused;
};

struct server {
    struct serve_options options;
    struct home *home;
    const struct clock *clock;
    struct http *http;
    char epoch[20]; // Names this run: change numbers mean nothing in another.
    int64_t begin_wall_ns;
    struct auth auth;
    struct stream_hub *streams;
    struct sights *sights; // What grants give.
    struct factories *factories;
    struct str openapi[2]; // By language.
    struct buf openapi_text[2];
    struct write_scratch *write_scratch[HTTP_WORKERS]; // Of worker i alone.
    struct ingest_counts ingest[HOME_PLANTS_MAX];
    struct jobs *jobs;       // Imports.
    struct desk *desk;       // Remote support given.
    struct support *support; // Remote support taken.
    _Atomic int long_calls;  // That hold a worker for long.
    _Atomic int exports;     // Tables that are being made now.
    _Atomic int papers;      // Papers and measures that are being made now.
    _Atomic int doctors;     // Sessions to machines that doctor and browse hold now.
    struct {
        _Atomic uint64_t answers[STATUS_CLASSES];
        _Atomic uint64_t time_us;
    } requests[ROUTE_COUNT + 1]; // The last: pages and unknown paths.
};

/* The place of a plant in its home, for `ingest`. */
uint32_t server_plant_index(const struct server *server, const struct plant *plant);

#endif
