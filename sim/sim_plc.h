#ifndef SIM_SIM_PLC_H
#define SIM_SIM_PLC_H
/*
 * Simulated PLCs for the tests and for strangers' clients: a memory, a protocol (bytes in, bytes
 * out), and a server that misbehaves when told. They share no frame code with src/device/drivers.
 *
 * A `sim_plc_protocol` is used by one caller at a time: the server's thread, or a test that pumps
 * bytes itself. The memory may be written from any thread; single words are atomic.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

/* Areas of 65,536 words by their code on the wire. A bit area holds 0 or 1 in each. */
enum { SIM_PLC_AREAS = 256, SIM_PLC_WORDS = 65536 };

struct sim_plc_memory;
struct sim_plc_memory *sim_plc_memory_new(void);
void sim_plc_memory_free(struct sim_plc_memory *memory); // NULL is allowed.
uint16_t sim_plc_get(const struct sim_plc_memory *memory, uint8_t area, uint32_t number);
void sim_plc_put(struct sim_plc_memory *memory, uint8_t area, uint32_t number, uint16_t word);

/* What a protocol remembers of a connection; zero when it begins. */
struct sim_plc_session {
    bool is_datagram;
    uint32_t node; // FINS/TCP: the client's node once the handshake is done.
};

struct sim_plc_protocol {
    void *context; // The protocol's own; usually its memory and settings.
    /* Looks for one request at the beginning of `in` and appends its answer, if it has one. The
     * bytes used, 0: more are needed, negative: hang up after what was appended. */
    int (*respond)(void *context, struct sim_plc_session *session, const uint8_t *in, size_t size,
        struct buf *answer);
    /* Makes a whole answer look as if another station had given it. */
    void (*wrong_station)(uint8_t *answer, size_t size);
};

/* MELSEC, MC protocol 3E and 4E, binary: SH(NA)-080956. Q/L and iQ-R subcommands. */
struct sim_melsec {
    struct sim_plc_memory *memory;
    uint32_t points;   // Numbers from here on do not exist (end code C056); 0: all exist.
    bool ascii;        // Set to ASCII code: silent to binary, answers 0101 in ASCII.
    bool no_random;    // Refuses 0403 (end code C059).
    const char *model; // Of sixteen characters; NULL: a Q06UDV.
    uint32_t answers;  // Given so far.
};
struct sim_plc_protocol sim_melsec_protocol(struct sim_melsec *melsec); // The context is `melsec`.

/* Omron FINS over TCP (with its handshake) and UDP: W342, W421. */
struct sim_fins {
    struct sim_plc_memory *memory;
    uint32_t points;         // Numbers from here on do not exist (end code 1104); 0: all exist.
    uint8_t node;            // The PLC's own; 0 is taken as 1.
    uint8_t handshake_error; // Not 0: the handshake is answered with it (20h, 21h...).
    bool no_multiple;        // Refuses 0104 (end code 0401).
    uint32_t answers;
};
struct sim_plc_protocol sim_fins_protocol(struct sim_fins *fins);

enum sim_plc_fault {
    SIM_PLC_GOOD = 0,
    SIM_PLC_SILENT,
    SIM_PLC_CUT,           // Half of the answer.
    SIM_PLC_GARBAGE,       // Other bytes of the same number.
    SIM_PLC_SLOW,          // One byte a millisecond (TCP).
    SIM_PLC_LATE,          // Each answer comes when the next request does.
    SIM_PLC_WRONG_STATION, // As from another station.
    SIM_PLC_HANG_UP        // Closes instead of answering (TCP).
};

struct sim_plc_server;
/* Serves 127.0.0.1:port on TCP and UDP (0: any free one) until stopped. */
int sim_plc_server_start(const struct sim_plc_protocol *protocol, uint16_t port,
    struct sim_plc_server **ret_server, struct err *err);
void sim_plc_server_stop(struct sim_plc_server *server); // NULL is allowed.
uint16_t sim_plc_server_port(const struct sim_plc_server *server);
/* Any thread; holds from the next request on. */
void sim_plc_server_misbehave(struct sim_plc_server *server, enum sim_plc_fault fault);
uint64_t sim_plc_server_connections(const struct sim_plc_server *server); // Accepted so far.

#endif
