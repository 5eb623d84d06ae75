#ifndef SIM_SIM_XGT_H
#define SIM_SIM_XGT_H
/*
 * What the Ethernet and the serial side of the simulated XGT controller share: names of places, and
 * reading and writing bytes there. Private to sim_xgt_*.c. Plain functions; any thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "sim/sim.h"

struct sim_xgt_place {
    char area;
    uint32_t bits; // Of its type: 1, 8, 16, 32, 64.
    uint64_t bit;  // First bit in the area; a contact is bit 0 of its own word.
};

/* Codes of refusal, 0: good. `ret_data` holds bytes with the low byte first. */
int sim_xgt_name(const struct sim_xgt_source *source, const char *name, size_t size,
    struct sim_xgt_place *ret_place);
int sim_xgt_read(const struct sim_xgt_source *source, const struct sim_xgt_place *place,
    uint32_t bytes, uint8_t *ret_data);
int sim_xgt_write(const struct sim_xgt_source *source, const struct sim_xgt_place *place,
    uint32_t bytes, const uint8_t *data);

#endif
