#ifndef TESTS_DEVICE_SUPPORT_PLC_H
#define TESTS_DEVICE_SUPPORT_PLC_H
/* Drivers against simulated PLCs (sim/sim_plc.h) on real sockets. */
#include "support_device.h"

#include "sim/sim_plc.h"

/* One poll, connecting first where needed; a lost session is closed and its tags marked. */
int plc_poll_once(struct rig *rig);
/* Polls until the tag is good anew: a session may be lost to what was on its way. Its value. */
double plc_value_after(struct rig *rig, uint32_t tag);

struct plc_on_socket {
    const char *driver;
    const char *prefix; // "udp:", or NULL for TCP.
    const char *options;
    const char *source; // Word 0 of `area`.
    const char *other_source;
    struct sim_plc_protocol protocol;
    struct sim_plc_memory *memory;
    uint8_t area;
};
/* Each misbehaviour in turn: no wrong value, bad meanwhile, and good again afterwards. */
void plc_misbehaves(const struct plc_on_socket *plc);

/* What the connection doctor says about the device at `address`. */
struct plc_report {
    uint32_t bad;
    char words[4096];      // All findings, in English, one a line.
    char candidates[4096]; // "label=value" of each, one a line.
};
struct plc_report plc_diagnose(
    const char *driver, const char *address, const char *options, const char *source);

#endif
