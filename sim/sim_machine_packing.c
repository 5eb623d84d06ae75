/*
 * A packing machine that wraps five hundred grams of parts into film: one pack per moulded part
 * that arrives from the presses over a belt with a buffer. It slows down when the buffer runs low
 * and idles when it is empty, so the state of the line is coupled to the presses as in a real
 * shop. Disturbances: a jam (alarm, first within the first 100 s), the film roll runs out, the air
 * pressure sags when the neighbours draw air, the weigher drifts.
 */
#include <math.h>
#include <stdio.h>

#include "sim/sim_machine.h"

enum { LOT_PARTS = 400 };

static void name_lot(struct sim_pack *pack) {
    (void)snprintf(pack->unit.text, sizeof pack->unit.text, "LOT-%06d", pack->lot_serial % 1000000);
}

void sim_pack_init(struct sim_pack *pack, uint64_t seed) {
    *pack = (struct sim_pack){0};
    struct sim_unit *unit = &pack->unit;
    sim_unit_init(unit, seed);
    pack->seal = 152;
    pack->film_m = sim_between(unit, 60, 900);
    pack->air = 6.2;
    pack->buffer = 60;
    pack->lot_serial = (int)random_below(&unit->random, 9000) + 1000;
    name_lot(pack);
    unit->next_event_s = sim_between(unit, 50, 95);
    unit->energy_kwh = sim_between(unit, 2000, 9000);
    unit->values[PACK_COUNT] = floor(sim_between(unit, 200000, 500000));
    unit->values[PACK_REJECT] = floor(unit->values[PACK_COUNT] * 0.004);
    unit->values[PACK_GOOD] = unit->values[PACK_COUNT] - unit->values[PACK_REJECT];
    unit->values[PACK_STATE] = SIM_RUN;
    unit->values[PACK_CYCLE] = 3;
    unit->values[PACK_WEIGHT] = 500;
}

static void finish_pack(struct sim_pack *pack) {
    struct sim_unit *unit = &pack->unit;
    pack->buffer -= 1;
    pack->film_m -= 0.34;
    /* The weigher drifts by up to 6 g over ten minutes and back. */
    double weight = 500 + 6 * sin(unit->time_s / 95) + sim_noise(unit, 2.2);
    unit->values[PACK_WEIGHT] = weight;
    unit->values[PACK_COUNT] += 1;
    bool bad = weight < 492 || weight > 509 || random_unit(&unit->random) < 0.004;
    unit->values[bad ? PACK_REJECT : PACK_GOOD] += 1;
    pack->lot_parts += 1;
    if (pack->lot_parts >= LOT_PARTS) {
        pack->lot_parts = 0;
        pack->lot_serial += 1;
        name_lot(pack);
    }
}

static void step_state(struct sim_pack *pack) {
    struct sim_unit *unit = &pack->unit;
    enum sim_state state = sim_unit_state(unit);
    if (state == SIM_IDLE) {
        if (pack->buffer >= 4) {
            sim_unit_hold(unit, SIM_RUN, SIM_ALARM_NONE, 0);
        }
        return;
    }
    if (state != SIM_RUN) {
        unit->state_left_s -= SIM_STEP_S;
        if (unit->state_left_s <= 0) {
            if (unit->values[PACK_ALARM] == (double)SIM_ALARM_FILM) {
                pack->film_m = 1200;
            }
            sim_unit_hold(unit, SIM_RUN, SIM_ALARM_NONE, 0);
        }
        return;
    }
    if (pack->buffer <= 0) {
        sim_unit_hold(unit, SIM_IDLE, SIM_ALARM_NONE, 0);
    } else if (pack->film_m < 12) {
        sim_unit_hold(unit, SIM_STOP, SIM_ALARM_FILM, sim_between(unit, 25, 45));
    } else if (unit->time_s >= unit->next_event_s) {
        unit->next_event_s = unit->time_s + sim_between(unit, 90, 260);
        sim_unit_hold(unit, SIM_ALARM, SIM_ALARM_JAM, sim_between(unit, 10, 25));
    }
}

void sim_pack_step(struct sim_pack *pack, int arrived) {
    struct sim_unit *unit = &pack->unit;
    unit->time_s += SIM_STEP_S;
    pack->buffer = pack->buffer + arrived > 200 ? 200 : pack->buffer + arrived;
    step_state(pack);
    bool running = sim_unit_state(unit) == SIM_RUN;
    /* Two presses give ten parts a minute; the machine aims at that and works off the buffer. */
    double target = running ? fmin(22, 6 + pack->buffer * 0.25) : 0;
    pack->speed = sim_lag(pack->speed, target, 1.5);
    if (running && pack->speed > 1) {
        double cycle_s = 60 / pack->speed;
        pack->phase_s += SIM_STEP_S;
        if (pack->phase_s >= cycle_s) {
            pack->phase_s = 0;
            unit->values[PACK_CYCLE] = cycle_s;
            finish_pack(pack);
        }
    }
    pack->seal = sim_lag(pack->seal, 152 + (running ? 0 : 3), 25) + sim_noise(unit, 0.03);
    pack->air = sim_lag(pack->air, 6.2 + 0.35 * sin(unit->time_s / 17), 3) + sim_noise(unit, 0.004);
    unit->values[PACK_SPEED] = fmax(0, pack->speed + (running ? sim_noise(unit, 0.1) : 0));
    unit->values[PACK_SEAL] = pack->seal;
    unit->values[PACK_FILM] = pack->film_m;
    unit->values[PACK_AIR] = pack->air;
    unit->values[PACK_CONVEYOR] = fmax(0, pack->speed * 0.016);
    unit->values[PACK_BUFFER] = pack->buffer;
    unit->values[PACK_POWER] = 1.1 + pack->speed * 0.11 + sim_noise(unit, 0.03);
    unit->values[PACK_JAM] = unit->values[PACK_ALARM] == (double)SIM_ALARM_JAM ? 1 : 0;
    sim_unit_use_power(unit, fmax(0, unit->values[PACK_POWER]));
    unit->values[PACK_ENERGY] = unit->energy_kwh;
}
