#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H
/*
 * Health of the data flow: what each device link and each refine stage counts. Written by the
 * owner thread with atomics, read by serve. Plain values.
 */
#include <stdint.h>

#include "core/err.h"

enum link_state {
    LINK_OFF = 0,    // Disabled.
    LINK_CONNECTING, // No session yet.
    LINK_UP,         // A fresh value came within two periods.
    LINK_STALE,      // A session, but no fresh value for two periods.
    LINK_DOWN,       // The last try failed; retrying with growing delay.
};

const char *link_state_name(enum link_state state); // "off" "connecting" "up" "stale" "down"

/* A copy of one device's health at one moment. */
struct device_health {
    uint32_t device; // Number in the catalogue.
    enum link_state state;
    int64_t since_ns;      // Wall time of the last state change.
    int64_t last_good_ns;  // Wall time of the last good answer; 0: never.
    int64_t last_error_ns; // 0: never.
    int64_t next_try_ns;   // Wall time of the next connection attempt when down; else 0.
    uint64_t polls;        // Groups asked.
    uint64_t requests;     // Requests sent on the wire.
    uint64_t failures;     // Groups that failed.
    uint64_t timeouts;
    uint64_t connects;   // Sessions opened.
    uint64_t samples;    // Samples handed to the pipeline.
    uint64_t overruns;   // Poll periods missed because the last was not over.
    uint64_t waits;      // Times the pipeline's queue was full and the poll had to wait.
    uint64_t unclaimed;  // Messages or rows that came and no tag asked for.
    uint32_t rtt_p50_us; // Of the last minutes' requests.
    uint32_t rtt_p99_us;
    uint32_t points;     // Configured.
    uint32_t points_bad; // Currently failing (unit silent, address refused, ...).
    uint32_t groups;     // Requests per period after grouping.
    uint32_t open_sockets;
    struct err last_error;
};

/* What one refine stage did since the start. */
struct stage_counts {
    uint64_t in;
    uint64_t changed; // Value changed (scaled, converted).
    uint64_t marked;  // Status or flag set by a check.
    uint64_t omitted; // Dropped and counted (dead-band, exact duplicate).
    uint64_t made;    // Rows added: a gap's mark, a companion tag's value, a held-back point.
};

#endif
