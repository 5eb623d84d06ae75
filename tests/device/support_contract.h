#ifndef TESTS_DEVICE_SUPPORT_CONTRACT_H
#define TESTS_DEVICE_SUPPORT_CONTRACT_H
/*
 * The storm: a driver polls a simulated machine over a line that misbehaves at random, and not one
 * value may be wrong. It plays in memory, without waiting, so 100,000 values take a second or two.
 *
 * The machine holds, for source number i (from 1), the value
 *
 *     i * CONTRACT_STEP + generation
 *
 * and the harness sets a new generation before each poll. A good row with anything else is a value
 * from another address, from an older request, or from a damaged frame: the test fails.
 *
 * A driver's test fills a `struct contract_peer` with the bytes-to-bytes part of its simulator
 * (which shares no frame code with the driver) and calls contract_storm.
 */
#include "support_device.h"

#include "core/buf.h"

enum { CONTRACT_STEP = 1000000, CONTRACT_SOURCES_MAX = 64 };

enum contract_fault {
    FAULT_NONE = 0,
    FAULT_SILENCE,    // No answer.
    FAULT_CUT,        // The beginning of the answer, then nothing.
    FAULT_CUT_CLOSE,  // The beginning, then the machine hangs up.
    FAULT_REST_LATER, // The beginning now, the rest before the next answer.
    FAULT_GARBAGE,    // Random bytes instead.
    FAULT_SLOW,       // One byte at a time; not on datagrams.
    FAULT_LATE,       // The answer comes before the next one.
    FAULT_OLDER,      // The answer to the request before comes again, then this one.
    FAULT_OLDER_ONLY, // Only the answer to the request before.
    FAULT_TWICE,      // The answer comes twice.
    FAULT_WRONG_UNIT, // As from another station; needs `wrong_unit`.
    FAULT_CLOSE,      // The machine hangs up instead of answering.
    FAULT_COUNT
};

struct contract_peer {
    const char *driver;
    const char *address; // Only its form matters: "127.0.0.1:1", "udp:127.0.0.1:1", "/dev/ttyS9".
    const char *options;
    const char *const *sources; // Ends with NULL; each wide enough for the values above.
    void *context;
    void (*set_generation)(void *context, uint32_t generation);
    /* Bytes that came in on the connection, in order; appends what the machine answers. Keeps an
     * unfinished request for the next call. */
    void (*respond)(void *context, const uint8_t *data, size_t size, struct buf *answer);
    void (*opened)(void *context); // A new connection. May be NULL.
    /* Makes a whole answer look as if another station gave it, checksums included. May be NULL. */
    void (*wrong_unit)(uint8_t *answer, size_t size);
    /* Faults (1u << fault) that no client of this protocol can tell from a good answer. Say why. */
    uint32_t without;
};

struct contract_result {
    uint32_t polls;
    uint32_t values; // Good rows, each compared.
    uint32_t lost;   // Sessions given up.
    uint32_t faults[FAULT_COUNT];
};

/* Polls until so many values were right, then checks that a calm line brings every source back.
 * Fails the test at the first wrong value, telling the fault and the poll. */
struct contract_result contract_storm(
    const struct contract_peer *peer, uint64_t seed, uint32_t values);

#endif
