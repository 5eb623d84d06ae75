/*
 * The simulated plant: steps all machines together and answers what their registers hold.
 *
 * Nothing runs while nobody asks: a request first brings the physics up to the present in fixed
 * steps (at most CATCH_UP_STEPS; after a longer silence the plant goes on from where it stood),
 * then encodes the asked machine's values. So an idle plant costs nothing, a burst of requests sees
 * one consistent moment, and with a clock of a test and a seed a whole day is replayed exactly.
 *
 * Registers that no tag row describes do not exist: asking for one gives exception 2, as real
 * controllers do, so that the holes between the ranges are there to be learned.
 */
#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "core/thread.h"
#include "sim/sim_machine.h"
#include "sim/sim_s7.h"

enum {
    CATCH_UP_STEPS = 600, // 30 s.
    BANK_CELLS = 128,
    BLOCK_BYTES = 128, // Data block 1 of the filling line.
    EXCEPTION_ADDRESS = 2,
    EXCEPTION_FUNCTION = 1,
};

struct bank {
    uint16_t words[SIM_TABLE_COUNT][BANK_CELLS];
    bool known[SIM_TABLE_COUNT][BANK_CELLS];
};

struct port_context {
    struct sim_plant *plant;
    enum sim_machine machine;
};

struct sim_plant {
    const struct clock *clock;
    struct mutex lock;  // Guards the machines and the bank.
    int64_t stepped_ns; // Monotonic time up to which the physics went.
    struct sim_press presses[2];
    struct sim_cnc cnc;
    struct sim_pack pack;
    struct sim_meter meter;
    struct sim_fill fill;
    struct bank bank;
    struct port_context contexts[SIM_MACHINE_COUNT];
    struct sim_modbus_server
        *servers[SIM_MACHINE_COUNT];   // NULL where S7, XGT or another process serves.
    struct sim_s7_server *s7_server;   // Of the filling line.
    struct sim_xgt_server *xgt_server; // Of the second press.
    uint16_t external_port[SIM_MACHINE_COUNT];
};

static const uint8_t machine_units[SIM_MACHINE_COUNT] = {1, 1, 3, 1, 17, 0};

static struct sim_unit *machine_unit(struct sim_plant *plant, enum sim_machine machine) {
    switch (machine) {
    case SIM_PRESS1: return &plant->presses[0].unit;
    case SIM_PRESS2: return &plant->presses[1].unit;
    case SIM_CNC: return &plant->cnc.unit;
    case SIM_PACKING: return &plant->pack.unit;
    case SIM_FILLING: return &plant->fill.unit;
    case SIM_METER:
    case SIM_MACHINE_COUNT: break;
    }
    return &plant->meter.unit;
}

static void plant_step(struct sim_plant *plant) {
    int arrived = 0;
    for (int i = 0; i < 2; i++) {
        sim_press_step(&plant->presses[i]);
        arrived += plant->presses[i].pending_parts;
        plant->presses[i].pending_parts = 0;
    }
    sim_cnc_step(&plant->cnc);
    sim_pack_step(&plant->pack, arrived);
    sim_fill_step(&plant->fill);
    double load_kw = plant->presses[0].unit.values[PRESS_POWER] +
                     plant->presses[1].unit.values[PRESS_POWER] +
                     plant->cnc.unit.values[CNC_POWER] + plant->pack.unit.values[PACK_POWER] +
                     plant->fill.unit.values[FILL_POWER];
    sim_meter_step(&plant->meter, load_kw);
}

static void plant_advance(struct sim_plant *plant) {
    int64_t now_ns = clock_mono_ns(plant->clock);
    int64_t step_ns = SIM_STEP_MS * NS_PER_MS;
    if (now_ns - plant->stepped_ns > CATCH_UP_STEPS * step_ns) {
        plant->stepped_ns = now_ns - CATCH_UP_STEPS * step_ns;
    }
    while (plant->stepped_ns + step_ns <= now_ns) {
        plant->stepped_ns += step_ns;
        plant_step(plant);
    }
}

/* Puts the bytes of a number, most significant first, into registers in the row's word order:
 * CDAB swaps words, BADC the bytes in each word, DCBA both. */
static void put_words(uint16_t *to, uint64_t bits, int count, enum sim_order order) {
    bool swap_words = order == SIM_CDAB || order == SIM_DCBA;
    bool swap_bytes = order == SIM_BADC || order == SIM_DCBA;
    for (int i = 0; i < count; i++) {
        uint16_t word = (uint16_t)(bits >> (16 * (count - 1 - i)));
        if (swap_bytes) {
            word = (uint16_t)(word >> 8 | word << 8);
        }
        to[swap_words ? count - 1 - i : i] = word;
    }
}

static double clamp(double value, double low, double high) {
    return isnan(value) ? low : fmin(high, fmax(low, value));
}

/* Encodes a value; the number of cells. */
static int encode(const struct sim_tag_row *row, double value, const char *text, uint16_t *to) {
    double raw = round((value - row->offset) / row->scale);
    float real = (float)value;
    uint32_t real_bits = 0;
    switch (row->format) {
    case SIM_BIT: to[0] = value != 0; return 1;
    case SIM_U16: to[0] = (uint16_t)clamp(raw, 0, UINT16_MAX); return 1;
    case SIM_I16: to[0] = (uint16_t)(int16_t)clamp(raw, INT16_MIN, INT16_MAX); return 1;
    case SIM_U32: put_words(to, (uint32_t)clamp(raw, 0, UINT32_MAX), 2, row->order); return 2;
    case SIM_U64: put_words(to, (uint64_t)clamp(raw, 0, 9e15), 4, row->order); return 4;
    case SIM_F32:
        memcpy(&real_bits, &real, sizeof real_bits);
        put_words(to, real_bits, 2, row->order);
        return 2;
    case SIM_TEXT16:
    case SIM_S7_BOOL: // Block bytes have their own way.
    case SIM_S7_INT:
    case SIM_S7_DINT:
    case SIM_S7_REAL:
    case SIM_S7_STRING20: break;
    }
    size_t size = strlen(text);
    for (size_t i = 0; i < SIM_TEXT_BYTES; i++) {
        uint16_t c = i < size ? (uint8_t)text[i] : ' ';
        to[i / 2] = (uint16_t)(i % 2 == 0 ? c << 8 : to[i / 2] | c);
    }
    return SIM_TEXT_BYTES / 2;
}

static void bank_fill(struct sim_plant *plant, enum sim_machine machine) {
    struct bank *bank = &plant->bank;
    memset(bank->known, 0, sizeof bank->known);
    const struct sim_unit *unit = machine_unit(plant, machine);
    size_t count = 0;
    const struct sim_tag_row *rows = sim_tag_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].machine != machine) {
            continue;
        }
        uint16_t *words = bank->words[rows[i].table] + rows[i].address;
        int cells = encode(&rows[i], unit->values[rows[i].value], unit->text, words);
        memset(bank->known[rows[i].table] + rows[i].address, true, (size_t)cells);
    }
}

static int port_read(void *context, uint8_t unit, enum sim_table table, uint16_t start,
    uint16_t count, uint16_t *ret_words) {
    const struct port_context *port = context;
    struct sim_plant *plant = port->plant;
    if (unit != machine_units[port->machine]) {
        return SIM_SILENT;
    }
    if (start + count > BANK_CELLS) {
        return EXCEPTION_ADDRESS;
    }
    int result = 0;
    mutex_lock(&plant->lock);
    plant_advance(plant);
    bank_fill(plant, port->machine);
    for (unsigned i = 0; i < count; i++) {
        ret_words[i] = plant->bank.words[table][start + i];
        if (!plant->bank.known[table][start + i]) {
            result = EXCEPTION_ADDRESS;
        }
    }
    mutex_unlock(&plant->lock);
    return result;
}

static void put_bytes(uint8_t *to, uint32_t bits, int count) {
    for (int i = 0; i < count; i++) {
        to[i] = (uint8_t)(bits >> (8 * (count - 1 - i)));
    }
}

/* A value as it lies in a data block. */
static void put_block(const struct sim_tag_row *row, double value, const char *text, uint8_t *to) {
    float real = (float)value;
    uint32_t bits = 0;
    size_t size = strlen(text);
    switch ((int)row->format) {
    case SIM_S7_BOOL: to[0] = value != 0; break;
    case SIM_S7_INT:
        put_bytes(to, (uint32_t)(int32_t)clamp(round(value), INT16_MIN, INT16_MAX), 2);
        break;
    case SIM_S7_DINT:
        put_bytes(to, (uint32_t)(int32_t)clamp(round(value), INT32_MIN, INT32_MAX), 4);
        break;
    case SIM_S7_REAL:
        memcpy(&bits, &real, sizeof bits);
        put_bytes(to, bits, 4);
        break;
    default: // STRING[20]: longest and present length, characters.
        size = size < 20 ? size : 20;
        to[0] = 20;
        to[1] = (uint8_t)size;
        memcpy(to + 2, text, size);
        break;
    }
}

static int block_read(void *context, uint8_t area, uint16_t number, uint32_t start, uint32_t count,
    uint8_t *ret_bytes) {
    struct sim_plant *plant = context;
    if (area != SIM_S7_DB || number != 1) {
        return SIM_S7_NO_OBJECT;
    }
    if (start + count > BLOCK_BYTES) {
        return SIM_S7_OUTSIDE;
    }
    uint8_t block[BLOCK_BYTES] = {0};
    size_t rows_count = 0;
    const struct sim_tag_row *rows = sim_tag_rows(&rows_count);
    mutex_lock(&plant->lock);
    plant_advance(plant);
    const struct sim_unit *unit = &plant->fill.unit;
    for (size_t i = 0; i < rows_count; i++) {
        if (rows[i].table == SIM_BLOCK) {
            put_block(&rows[i], unit->values[rows[i].value], unit->text, block + rows[i].address);
        }
    }
    mutex_unlock(&plant->lock);
    memcpy(ret_bytes, block + start, count);
    return SIM_S7_GOOD;
}

enum { XGT_D_WORDS = 32768, XGT_M_WORDS = 2048, XGT_INFO_RUN = 0x0101, XGT_CPU_XGK = 0xA0 };

/* The areas of the second press: D holds the values, M the bits. Like in a real controller every
 * word of an area exists, used or not. */
static int xgt_read(void *context, char area, uint32_t word, uint32_t count, uint16_t *ret_words) {
    const struct port_context *port = context;
    struct sim_plant *plant = port->plant;
    if (area != 'D' && area != 'M') {
        return SIM_XGT_NO_AREA;
    }
    if (word + count > (area == 'D' ? XGT_D_WORDS : XGT_M_WORDS)) {
        return SIM_XGT_OUTSIDE;
    }
    mutex_lock(&plant->lock);
    plant_advance(plant);
    bank_fill(plant, port->machine);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = word + i;
        ret_words[i] = 0;
        if (area == 'D' && at < BANK_CELLS && plant->bank.known[SIM_HOLDING][at]) {
            ret_words[i] = plant->bank.words[SIM_HOLDING][at];
        }
        for (uint32_t bit = 0; area == 'M' && bit < 16 && at * 16 + bit < BANK_CELLS; bit++) {
            uint32_t cell = at * 16 + bit;
            bool on = plant->bank.known[SIM_COIL][cell] && plant->bank.words[SIM_COIL][cell] != 0;
            ret_words[i] = (uint16_t)(ret_words[i] | (on ? 1u << bit : 0));
        }
    }
    mutex_unlock(&plant->lock);
    return 0;
}

static void plant_init(struct sim_plant *plant, uint64_t seed) {
    struct random seeds;
    if (seed == 0) {
        random_seed_system(&seeds);
    } else {
        random_seed(&seeds, seed);
    }
    /* One press has its first trouble soon, the other later. */
    double first = 14 + 16 * random_unit(&seeds);
    sim_press_init(&plant->presses[0], random_u64(&seeds), first);
    sim_press_init(&plant->presses[1], random_u64(&seeds), first + 22);
    sim_cnc_init(&plant->cnc, random_u64(&seeds));
    sim_pack_init(&plant->pack, random_u64(&seeds));
    sim_meter_init(&plant->meter, random_u64(&seeds));
    sim_fill_init(&plant->fill, random_u64(&seeds));
    plant_step(plant); // So that every value stands before the first question.
}

/* Starts the server that speaks the machine's protocol. */
static int start_server(
    struct sim_plant *plant, enum sim_machine machine, uint16_t port, struct err *err) {
    if (machine == SIM_FILLING) {
        struct sim_s7_source source = {.context = plant, .read = block_read};
        struct sim_s7_manner manner = {.pdu = 240, .jobs = 3, .cpu = "CPU 1214C DC/DC/DC"};
        return sim_s7_server_start(&source, &manner, port, &plant->s7_server, err);
    }
    if (machine == SIM_PRESS2) {
        struct sim_xgt_source source = {.context = &plant->contexts[machine],
            .read = xgt_read,
            .info = XGT_INFO_RUN,
            .cpu = XGT_CPU_XGK,
            .hexadecimal = true};
        return sim_xgt_server_start(&source, port, &plant->xgt_server, err);
    }
    struct sim_modbus_source source = {.context = &plant->contexts[machine], .read = port_read};
    return sim_modbus_server_start(&source, port, &plant->servers[machine], err);
}

int sim_plant_start(
    const struct sim_plant_options *options, struct sim_plant **ret_plant, struct err *err) {
    struct sim_plant_options none = {0};
    if (options == NULL) {
        options = &none;
    }
    struct sim_plant *plant = MEM_NEW(struct sim_plant);
    plant->clock = options->clock != NULL ? options->clock : clock_system();
    plant->stepped_ns = clock_mono_ns(plant->clock);
    mutex_init(&plant->lock);
    plant_init(plant, options->seed);
    for (size_t i = 0; i < SIM_MACHINE_COUNT; i++) {
        enum sim_machine machine = (enum sim_machine)i;
        plant->contexts[i] = (struct port_context){.plant = plant, .machine = machine};
        plant->external_port[i] = options->external_port[i];
        if (plant->external_port[i] != 0 || (options->only_one && options->only != machine)) {
            continue;
        }
        int failed = start_server(plant, machine, options->port[i], err);
        if (failed < 0) {
            sim_plant_stop(plant);
            return failed;
        }
    }
    *ret_plant = plant;
    return 0;
}

void sim_plant_stop(struct sim_plant *plant) {
    if (plant == NULL) {
        return;
    }
    for (size_t i = 0; i < SIM_MACHINE_COUNT; i++) {
        sim_modbus_server_stop(plant->servers[i]);
    }
    sim_s7_server_stop(plant->s7_server);
    sim_xgt_server_stop(plant->xgt_server);
    mutex_fini(&plant->lock);
    mem_free(plant);
}

uint16_t sim_plant_port(const struct sim_plant *plant, enum sim_machine machine) {
    if (machine == SIM_FILLING && plant->s7_server != NULL) {
        return sim_s7_server_port(plant->s7_server);
    }
    if (machine == SIM_PRESS2 && plant->xgt_server != NULL) {
        return sim_xgt_server_port(plant->xgt_server);
    }
    if (plant->servers[machine] == NULL) {
        return plant->external_port[machine];
    }
    return sim_modbus_server_port(plant->servers[machine]);
}

void sim_plant_kill(struct sim_plant *plant, enum sim_machine machine) {
    if (machine == SIM_FILLING && plant->s7_server != NULL) {
        sim_s7_server_kill(plant->s7_server);
    } else if (machine == SIM_PRESS2 && plant->xgt_server != NULL) {
        sim_xgt_server_kill(plant->xgt_server);
    }
    if (plant->servers[machine] != NULL) {
        sim_modbus_server_kill(plant->servers[machine]);
    }
}

int sim_plant_revive(struct sim_plant *plant, enum sim_machine machine, struct err *err) {
    if (machine == SIM_FILLING && plant->s7_server != NULL) {
        return sim_s7_server_revive(plant->s7_server, err);
    }
    if (machine == SIM_PRESS2 && plant->xgt_server != NULL) {
        return sim_xgt_server_revive(plant->xgt_server, err);
    }
    if (plant->servers[machine] == NULL) {
        return 0; // Another process has it.
    }
    return sim_modbus_server_revive(plant->servers[machine], err);
}

double sim_plant_value(struct sim_plant *plant, const struct sim_tag_row *row) {
    mutex_lock(&plant->lock);
    plant_advance(plant);
    double value = machine_unit(plant, row->machine)->values[row->value];
    mutex_unlock(&plant->lock);
    return value;
}
