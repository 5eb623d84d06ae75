/*
 * A hydraulic injection moulding machine of 1,800 kN. The cycle: close, inject, pack, cool while
 * the screw plasticises the next shot, open, eject. Shares of a 12 s cycle:
 *
 *     0.00-0.08 close   0.08-0.16 inject   0.16-0.36 pack   0.36-0.80 cool (0.38-0.70 plasticise)
 *     0.80-0.90 open    0.90-1.00 eject
 *
 * Barrel zones lag towards their set points with noise of a good controller (0.3 K); the mould
 * follows the cycle; oil follows the power. Disturbances, in a seeded order: the operator opens the
 * guard (stop), a thermocouple breaks (reads 3,000 degrees, the machine goes on, as real ones do),
 * the mould's cooling drifts until parts are rejected, the hopper runs empty (idle). The first one
 * comes within the first minute, so that a visitor sees something happen.
 */
#include <math.h>

#include "sim/sim_machine.h"

#define BROKEN_THERMOCOUPLE 3000.0

static const double zone_set[5] = {195, 210, 220, 225, 230}; // Barrel 1..4, nozzle; °C.

void sim_press_init(struct sim_press *press, uint64_t seed, double first_event_s) {
    *press = (struct sim_press){0};
    struct sim_unit *unit = &press->unit;
    sim_unit_init(unit, seed);
    for (int i = 0; i < 5; i++) {
        press->zone[i] = zone_set[i] + sim_noise(unit, 1.0);
    }
    press->zone[5] = 48;
    press->oil = 42;
    press->cycle_s = sim_between(unit, 11.5, 12.5);
    press->phase_s = sim_between(unit, 0, press->cycle_s);
    unit->next_event_s = first_event_s;
    unit->energy_kwh = sim_between(unit, 12000, 60000);
    unit->values[PRESS_STROKES] = floor(sim_between(unit, 100000, 400000));
    unit->values[PRESS_REJECT] = floor(unit->values[PRESS_STROKES] * 0.012);
    unit->values[PRESS_GOOD] = unit->values[PRESS_STROKES] - unit->values[PRESS_REJECT];
    unit->values[PRESS_CYCLE] = press->cycle_s;
    unit->values[PRESS_CUSHION] = 5.2;
    unit->values[PRESS_SET_BARREL] = zone_set[2];
    unit->values[PRESS_HEATER] = 1;
    unit->values[PRESS_STATE] = SIM_RUN;
}

static void count_shot(struct sim_press *press) {
    struct sim_unit *unit = &press->unit;
    unit->values[PRESS_STROKES] += 1;
    /* A warm mould gives sink marks: the share of rejects grows with the drift. */
    double reject_share = 0.015 + 0.12 * fmax(0, press->drift - 6) / 6;
    if (random_unit(&unit->random) < reject_share) {
        unit->values[PRESS_REJECT] += 1;
    } else {
        unit->values[PRESS_GOOD] += 1;
        press->pending_parts += 1;
    }
    unit->values[PRESS_CYCLE] = press->cycle_s;
    unit->values[PRESS_CUSHION] = 5.2 + sim_noise(unit, 0.15) + 0.05 * press->drift;
    press->cycle_s = 12.0 + sim_noise(unit, 0.12) + 0.08 * fmax(0, press->drift);
}

/* Starts the next disturbance of the seeded order. */
static void start_event(struct sim_press *press) {
    struct sim_unit *unit = &press->unit;
    uint64_t kind =
        press->event_number == 0 ? random_below(&unit->random, 2) : random_below(&unit->random, 4);
    press->event_number += 1;
    unit->next_event_s = unit->time_s + sim_between(unit, 45, 180);
    switch (kind) {
    case 0: sim_unit_hold(unit, SIM_STOP, SIM_ALARM_GUARD, sim_between(unit, 12, 40)); break;
    case 1:
        press->fault_zone = (int)random_below(&unit->random, 4);
        press->fault_left_s = sim_between(unit, 10, 25);
        break;
    case 2: press->drift = 0.5; break; // Grows in step_temperatures.
    default: sim_unit_hold(unit, SIM_IDLE, SIM_ALARM_MATERIAL, sim_between(unit, 20, 60)); break;
    }
}

static void step_state(struct sim_press *press) {
    struct sim_unit *unit = &press->unit;
    if (sim_unit_state(unit) != SIM_RUN) {
        unit->state_left_s -= SIM_STEP_S;
        if (unit->state_left_s <= 0) {
            sim_unit_hold(unit, SIM_RUN, SIM_ALARM_NONE, 0);
        }
        return;
    }
    if (unit->time_s >= unit->next_event_s) {
        start_event(press);
    }
    /* The drift grows by 1 K in 8 s up to 14 K, which trips the alarm; the fitter then resets. */
    if (press->drift > 0) {
        press->drift += SIM_STEP_S / 8;
        if (press->drift > 14) {
            press->drift = 0;
            sim_unit_hold(unit, SIM_ALARM, SIM_ALARM_TEMPERATURE, sim_between(unit, 20, 45));
        }
    }
}

static double share(double phase, double from, double to) {
    return fmin(1, fmax(0, (phase - from) / (to - from)));
}

/* Pressure, screw, clamp and hydraulics over one cycle; `p` runs from 0 to 1. */
static void put_cycle(struct sim_press *press, double p, bool running) {
    struct sim_unit *unit = &press->unit;
    double filling = share(p, 0.08, 0.16);
    double pressure = 0;
    if (p >= 0.08 && p < 0.16) {
        pressure = 180 + 1020 * filling * filling;
    } else if (p >= 0.16 && p < 0.36) {
        pressure = 520 + 680 * exp(-(p - 0.16) * 60) - 60 * share(p, 0.16, 0.36);
    } else if (p >= 0.36 && p < 0.40) {
        pressure = 460 * (1 - share(p, 0.36, 0.40));
    } else if (p >= 0.40 && p < 0.70) {
        pressure = 75; // Back pressure while plasticising.
    }
    double screw = 118 - 106 * filling;
    screw -= 6 * share(p, 0.16, 0.36);
    screw += 112 * share(p, 0.38, 0.70);
    double clamp = 1780 * share(p, 0.05, 0.08) * (1 - share(p, 0.80, 0.83));
    double hydraulic = 28 + pressure * 0.115 + 55 * (share(p, 0.0, 0.02) - share(p, 0.07, 0.09)) +
                       40 * (share(p, 0.80, 0.82) - share(p, 0.88, 0.90));
    unit->values[PRESS_INJ_PRESSURE] =
        running ? fmax(0, pressure + sim_noise(unit, pressure > 0 ? 6 : 0.4)) : 0;
    unit->values[PRESS_SCREW] = screw + sim_noise(unit, 0.05);
    unit->values[PRESS_CLAMP] = running ? fmax(0, clamp + sim_noise(unit, 3)) : 0;
    unit->values[PRESS_HYDRAULIC] = running ? hydraulic + sim_noise(unit, 0.8) : 12;
    double kw =
        9 +
        (running ? 6 + pressure * 0.02 + 14 * (share(p, 0.38, 0.40) - share(p, 0.68, 0.70)) : 0);
    unit->values[PRESS_POWER] = kw + sim_noise(unit, 0.3);
}

static void step_temperatures(struct sim_press *press, double p, bool running) {
    struct sim_unit *unit = &press->unit;
    for (int i = 0; i < 5; i++) {
        press->zone[i] = sim_lag(press->zone[i], zone_set[i], 40) + sim_noise(unit, 0.04);
        unit->values[PRESS_BARREL1 + i] = press->zone[i];
    }
    if (press->fault_left_s > 0) {
        press->fault_left_s -= SIM_STEP_S;
        unit->values[PRESS_BARREL1 + press->fault_zone] = BROKEN_THERMOCOUPLE;
    }
    double mould = running ? 48 + (p > 0.1 && p < 0.5 ? 6 : -2) : 34;
    press->zone[5] = sim_lag(press->zone[5], mould, running ? 6 : 90) + sim_noise(unit, 0.01);
    unit->values[PRESS_MOULD] = press->zone[5] + press->drift;
    press->oil = sim_lag(press->oil, running ? 46 : 38, 240);
    unit->values[PRESS_OIL] = press->oil + sim_noise(unit, 0.05);
}

void sim_press_step(struct sim_press *press) {
    struct sim_unit *unit = &press->unit;
    unit->time_s += SIM_STEP_S;
    step_state(press);
    bool running = sim_unit_state(unit) == SIM_RUN;
    if (running) {
        press->phase_s += SIM_STEP_S;
        if (press->phase_s >= press->cycle_s) {
            press->phase_s -= press->cycle_s;
            count_shot(press);
        }
    }
    double p = press->phase_s / press->cycle_s;
    put_cycle(press, p, running);
    step_temperatures(press, p, running);
    unit->values[PRESS_DOOR] = unit->values[PRESS_ALARM] == (double)SIM_ALARM_GUARD ? 1 : 0;
    sim_unit_use_power(unit, unit->values[PRESS_POWER]);
    unit->values[PRESS_ENERGY] = unit->energy_kwh;
}
