#ifndef SIM_SIM_S7_H
#define SIM_SIM_S7_H
/*
 * A Siemens S7 controller for the demo and the tests: ISO-on-TCP (RFC 1006), COTP class 0, setup,
 * read and write of several items, and the system status lists that name a CPU. It shares no frame
 * code with the driver that it tests.
 *
 * A session is one connection as bytes in and bytes out, without a socket; the caller owns it and
 * any one thread may use it. A server is sessions on a port of 127.0.0.1 with a thread of its own;
 * source callbacks come from that thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

/* Areas as they stand in a request. */
enum sim_s7_area {
    SIM_S7_COUNTER = 0x1C,
    SIM_S7_TIMER = 0x1D,
    SIM_S7_INPUT = 0x81,
    SIM_S7_OUTPUT = 0x82,
    SIM_S7_MEMORY = 0x83,
    SIM_S7_DB = 0x84
};

/* Return codes of an item. */
enum sim_s7_code {
    SIM_S7_GOOD = 0xFF,
    SIM_S7_NO_ACCESS = 0x03,
    SIM_S7_OUTSIDE = 0x05,
    SIM_S7_NO_OBJECT = 0x0A
};

struct sim_s7_source {
    void *context;
    /* Fills `count` bytes from byte `start` on; of counters and timers start is the number and
     * count twice how many. A code of enum sim_s7_code. */
    int (*read)(void *context, uint8_t area, uint16_t block, uint32_t start, uint32_t count,
        uint8_t *ret_bytes);
    /* `bit` 0..7: only this bit, bytes[0] is 0 or 1; else -1. NULL: nothing is writable. */
    int (*write)(void *context, uint8_t area, uint16_t block, uint32_t start, uint32_t count,
        int bit, const uint8_t *bytes);
};

enum sim_s7_fault {
    SIM_S7_FINE = 0,
    SIM_S7_SILENT,        // No answers any more.
    SIM_S7_CUT,           // The first half of each answer.
    SIM_S7_GARBAGE,       // Something else of the same length.
    SIM_S7_SLOW,          // One byte at a time.
    SIM_S7_OLD_REFERENCE, // Each answer under the number of the job before.
    SIM_S7_FULL,          // Hangs up when asked to connect, as with no connection left.
    SIM_S7_DISCONNECT,    // Refuses to connect in words of the protocol.
    SIM_S7_DENY           // PUT/GET is not allowed: error 8104.
};

/* How the controller is; zero is an S7-1500 that takes any slot. */
struct sim_s7_manner {
    uint16_t pdu;    // Longest PDU; 0: 960.
    uint8_t jobs;    // Under way at once; 0: 8.
    bool only_slot;  // Hangs up for any other than `slot`.
    uint8_t slot;    // Of rack 0.
    const char *cpu; // Name in the system status lists; NULL: a plain one.
};

enum { SIM_S7_IN_BYTES = 8192 };

struct sim_s7_session {
    const struct sim_s7_source *source;
    struct sim_s7_manner manner;
    enum sim_s7_fault fault; // May be changed at any time.
    bool connected;
    uint16_t pdu; // Agreed; 0: no setup yet.
    uint16_t old_reference;
    uint64_t jobs; // Reads and writes so far.
    uint32_t most_items;
    uint32_t most_bytes; // Longest answer given.
    size_t in_size;
    uint8_t in[SIM_S7_IN_BYTES];
    uint8_t out[1024];
};

/* Begins a new connection; `manner` may be NULL. Borrows the source. */
void sim_s7_session_init(struct sim_s7_session *session, const struct sim_s7_source *source,
    const struct sim_s7_manner *manner);
/* Bytes that came; appends what is answered. False: the controller hangs up. */
bool sim_s7_session_feed(
    struct sim_s7_session *session, const uint8_t *data, size_t size, struct buf *answer);

struct sim_s7_server;
/* Binds 127.0.0.1:port (0: any free one) and serves until stopped. */
int sim_s7_server_start(const struct sim_s7_source *source, const struct sim_s7_manner *manner,
    uint16_t port, struct sim_s7_server **ret_server, struct err *err);
void sim_s7_server_stop(struct sim_s7_server *server); // NULL is allowed.
uint16_t sim_s7_server_port(const struct sim_s7_server *server);
uint32_t sim_s7_server_clients(const struct sim_s7_server *server); // Connected now.
/* How the answers to come are given, on all connections. */
void sim_s7_server_misbehave(struct sim_s7_server *server, enum sim_s7_fault fault);
/* Pulls the plug: connections are reset, later attempts are refused, until revived. */
void sim_s7_server_kill(struct sim_s7_server *server);
int sim_s7_server_revive(struct sim_s7_server *server, struct err *err);

#endif
