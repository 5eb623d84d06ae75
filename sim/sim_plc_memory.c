/*
 * The memory of a simulated PLC: 256 areas of words, zero at first. Pages that nobody wrote cost
 * nothing. Words are atomic, so a test may change them while the server reads; a value of two
 * words may then be torn, as in a real PLC.
 */
#include "core/mem.h"
#include "sim/sim_plc.h"

struct sim_plc_memory {
    _Atomic uint16_t words[SIM_PLC_AREAS][SIM_PLC_WORDS];
};

struct sim_plc_memory *sim_plc_memory_new(void) {
    return MEM_NEW(struct sim_plc_memory);
}

void sim_plc_memory_free(struct sim_plc_memory *memory) {
    mem_free(memory);
}

uint16_t sim_plc_get(const struct sim_plc_memory *memory, uint8_t area, uint32_t number) {
    return number < SIM_PLC_WORDS ? memory->words[area][number] : 0;
}

void sim_plc_put(struct sim_plc_memory *memory, uint8_t area, uint32_t number, uint16_t word) {
    if (number < SIM_PLC_WORDS) {
        memory->words[area][number] = word;
    }
}
