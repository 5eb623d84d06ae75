#ifndef SIM_SIM_H
#define SIM_SIM_H
/*
 * The simulated plant: machines that speak real protocols on loopback, for the demo and the tests.
 * It shares no frame code with src/device, so that a mistake in one shows in the other.
 *
 * `sim_plant` owns the machines and their servers. One lock guards the physics; every server has a
 * thread of its own. The tables say what a client can read and under which names; they are
 * constant and any thread may read them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/err.h"

enum sim_machine {
    SIM_PRESS1 = 0,
    SIM_PRESS2,
    SIM_CNC,
    SIM_PACKING,
    SIM_METER,
    SIM_FILLING,
    SIM_MACHINE_COUNT
};

/* What `.state` tags hold. */
enum sim_state { SIM_OFF = 0, SIM_RUN = 1, SIM_IDLE = 2, SIM_STOP = 3, SIM_ALARM = 4 };

/* The four tables of Modbus, Application Protocol V1.1b3 clause 4.3, then data block 1 of an S7. */
enum sim_table {
    SIM_COIL = 0,
    SIM_DISCRETE,
    SIM_HOLDING,
    SIM_INPUT,
    SIM_TABLE_COUNT,
    SIM_BLOCK = SIM_TABLE_COUNT
};

/* How a value lies in registers. Word orders name the bytes of 0xAABBCCDD as they are sent. */
enum sim_format {
    SIM_BIT = 0,
    SIM_U16,
    SIM_I16,
    SIM_U32,
    SIM_U64,
    SIM_F32,
    SIM_TEXT16, // Sixteen ASCII characters in eight registers, blank padded.
    /* In a data block, big-endian; the address is the byte. */
    SIM_S7_BOOL, // Bit 0 of the byte.
    SIM_S7_INT,
    SIM_S7_DINT,
    SIM_S7_REAL,
    SIM_S7_STRING20
};
enum sim_order { SIM_ABCD = 0, SIM_CDAB, SIM_BADC, SIM_DCBA };

/* One machine as a device of the catalogue; address = "127.0.0.1:" + sim_plant_port(). */
struct sim_device_row {
    enum sim_machine machine;
    const char *id;
    const char *display_ko;
    const char *display_en;
    const char *driver;
    const char *options;
    int64_t period_ms;
};

/* The equipment tree, parents before children. */
struct sim_asset_row {
    const char *id;
    const char *parent; // Id, or NULL for the top.
    const char *level;  // "site" "area" "line" "equipment"
    const char *display_ko;
    const char *display_en;
    const char *kind; // "injection" "cnc" "packing" "meter", "" for what is no equipment.
    double x;         // Place in the line picture, 0..1000; NaN: by order.
    double y;
};

/* One tag: a line of the tag list (first part), and how the simulator serves it (second part). */
struct sim_tag_row {
    const char *device;
    const char *source;
    const char *name; // line.equipment.what
    const char *type; // "f64" "i64" "bool" "text"
    const char *unit;
    const char *kind; // "measurement" "counter" "state" "setpoint"
    double scale;     // value = raw * scale + offset
    double offset;
    double min; // Valid range; NaN: none.
    double max;
    const char *display_ko;
    const char *display_en;

    enum sim_machine machine;
    int value; // Index into the machine's values.
    enum sim_table table;
    uint16_t address;
    enum sim_format format;
    enum sim_order order;
};

const struct sim_device_row *sim_device_rows(size_t *ret_count);
const struct sim_asset_row *sim_asset_rows(size_t *ret_count);
const struct sim_tag_row *sim_tag_rows(size_t *ret_count);
/* A unit as English names it: what is counted is a Korean word in the rows; others are as they are.
 */
const char *sim_unit_en(const char *unit);
/* "press1" "press2" "cnc1" "pack1" "meter1" "fill1". */
const char *sim_machine_name(enum sim_machine machine);
bool sim_machine_of_name(struct str name, enum sim_machine *ret_machine);

struct sim_plant;

struct sim_plant_options {
    uint64_t seed;             // The same seed gives the same day; 0: from the system.
    const struct clock *clock; // NULL: the system's.
    /* Not 0: this machine is served by another process (maru-sim) on that port; the plant's own
     * server for it is not started and sim_plant_port gives this number. */
    uint16_t external_port[SIM_MACHINE_COUNT];
    /* Bound port of each machine; 0: any free one. */
    uint16_t port[SIM_MACHINE_COUNT];
    bool only_one; // Serve `only` and nothing else (maru-sim).
    enum sim_machine only;
};

/* Starts every machine with its server on 127.0.0.1. `options` may be NULL. */
int sim_plant_start(
    const struct sim_plant_options *options, struct sim_plant **ret_plant, struct err *err);
void sim_plant_stop(struct sim_plant *plant); // Joins the servers, frees. NULL is allowed.
uint16_t sim_plant_port(const struct sim_plant *plant, enum sim_machine machine);
/* Pulls the plug: the listener closes, connections are reset, later attempts are refused. The
 * machine itself goes on. */
void sim_plant_kill(struct sim_plant *plant, enum sim_machine machine);
int sim_plant_revive(struct sim_plant *plant, enum sim_machine machine, struct err *err);
/* The true value of a numeric tag now, before it is cut to what its registers can hold. */
double sim_plant_value(struct sim_plant *plant, const struct sim_tag_row *row);

/* A Modbus TCP server of its own for tests: answers from `source`. */
struct sim_modbus_source {
    void *context;
    /* Fills `count` words (bits as 0 or 1). 0, a Modbus exception code, or SIM_SILENT. Called from
     * the server's thread. */
    int (*read)(void *context, uint8_t unit, enum sim_table table, uint16_t start, uint16_t count,
        uint16_t *ret_words);
    /* NULL: nothing is writable (exception 1). */
    int (*write)(void *context, uint8_t unit, enum sim_table table, uint16_t start, uint16_t count,
        const uint16_t *words);
};
enum { SIM_SILENT = -1 }; // Give no answer at all.

struct sim_modbus_server;
/* Binds 127.0.0.1:port (0: any free one) and serves until stopped. */
int sim_modbus_server_start(const struct sim_modbus_source *source, uint16_t port,
    struct sim_modbus_server **ret_server, struct err *err);
void sim_modbus_server_stop(struct sim_modbus_server *server); // NULL is allowed.
uint16_t sim_modbus_server_port(const struct sim_modbus_server *server);
uint64_t sim_modbus_server_requests(const struct sim_modbus_server *server); // Since the start.
uint32_t sim_modbus_server_clients(const struct sim_modbus_server *server);  // Connected now.
void sim_modbus_server_kill(struct sim_modbus_server *server);
int sim_modbus_server_revive(struct sim_modbus_server *server, struct err *err);

/* How the line of a simulated controller misbehaves (sim_server.h). */
enum sim_fault {
    SIM_FAULT_NONE = 0,
    SIM_FAULT_SILENT,
    SIM_FAULT_CUT, // Half an answer, then the end of the connection.
    SIM_FAULT_GARBAGE,
    SIM_FAULT_SLOW, // One byte each millisecond.
    SIM_FAULT_LATE, // Each request gets the answer to the one before.
};

/* An LS ELECTRIC XGT controller of its own for tests: answers from `source`. */
struct sim_xgt_source {
    void *context;
    /* Words of an area ("PMLKFTCDRZNWIQ"). 0, SIM_XGT_NO_AREA or SIM_XGT_OUTSIDE. Called from the
     * server's thread. */
    int (*read)(void *context, char area, uint32_t word, uint32_t count, uint16_t *ret_words);
    /* NULL: nothing is writable. */
    int (*write)(void *context, char area, uint32_t word, uint32_t count, const uint16_t *words);
    uint16_t info;     // PLC info of every answer: state in bits 8-12.
    uint8_t cpu;       // CPU byte of every answer.
    bool glofa;        // Knows only the company id LGIS-GLOFA.
    bool hexadecimal;  // Bits are numbered word + hexadecimal digit, as on XGK.
    bool wrong_invoke; // Answers with another invoke id.
    uint8_t station;   // On a serial line.
    uint32_t runs_max; // Bytes of a continuous request; 0: 1,400.
};
enum { SIM_XGT_NO_AREA = 3, SIM_XGT_OUTSIDE = 4 };
/* From bytes to bytes, one request, as in sim_server.h: `out` has 4,096 bytes. */
int sim_xgt_answer(const struct sim_xgt_source *source, const uint8_t *in, size_t size,
    size_t *ret_used, uint8_t *out);
/* The same in the ASCII frames of a serial line. */
int sim_xgt_answer_cnet(const struct sim_xgt_source *source, const uint8_t *in, size_t size,
    size_t *ret_used, uint8_t *out);

struct sim_xgt_server;
/* Binds 127.0.0.1:port (0: any free one) for TCP and UDP and serves until stopped. */
int sim_xgt_server_start(const struct sim_xgt_source *source, uint16_t port,
    struct sim_xgt_server **ret_server, struct err *err);
void sim_xgt_server_stop(struct sim_xgt_server *server); // NULL is allowed.
uint16_t sim_xgt_server_port(const struct sim_xgt_server *server);
uint64_t sim_xgt_server_requests(const struct sim_xgt_server *server);
void sim_xgt_server_kill(struct sim_xgt_server *server);
int sim_xgt_server_revive(struct sim_xgt_server *server, struct err *err);
void sim_xgt_server_misbehave(struct sim_xgt_server *server, enum sim_fault fault);

#endif
