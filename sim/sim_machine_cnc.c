/*
 * A machining centre with a three-tool programme of 38 s: rough (T1), finish (T5), drill (T9),
 * then the part is changed with the door open. Spindle load and vibration follow the tool in the
 * cut and grow with wear; at zero tool life the machine stops with an alarm until the fitter has
 * changed the tool. The vibration sensor sometimes freezes at its last reading: a fault that no
 * range check sees, only the eye on the trend (or a later analysis).
 */
#include <math.h>
#include <stdio.h>

#include "sim/sim_machine.h"

struct cut {
    double from, to; // Share of the cycle.
    int tool;
    double rpm, feed, load, vibration;
};

static const struct cut cuts[] = {
    {0.06, 0.40, 1, 3200, 1400, 62, 2.8},
    {0.46, 0.70, 5, 6800, 2200, 34, 1.4},
    {0.76, 0.88, 9, 2100, 320, 48, 2.1},
};
enum { CUT_COUNT = sizeof cuts / sizeof cuts[0] };
static const double door_from = 0.92; // Part change.
static const char *const programs[] = {"O1001 HOUSING", "O1002 FLANGE", "O2040 BRACKET"};

void sim_cnc_init(struct sim_cnc *cnc, uint64_t seed) {
    *cnc = (struct sim_cnc){0};
    struct sim_unit *unit = &cnc->unit;
    sim_unit_init(unit, seed);
    cnc->cycle_s = 38;
    cnc->phase_s = sim_between(unit, 0, 30);
    /* Wears out between 65 and 95 s after the start: something to see in the first two minutes. */
    cnc->tool_life = sim_between(unit, 3.2, 4.6);
    cnc->coolant = 21;
    cnc->level = sim_between(unit, 55, 80);
    unit->next_event_s = sim_between(unit, 120, 240);
    unit->energy_kwh = sim_between(unit, 8000, 30000);
    unit->values[CNC_COUNT] = floor(sim_between(unit, 20000, 60000));
    unit->values[CNC_REJECT] = floor(unit->values[CNC_COUNT] * 0.008);
    unit->values[CNC_GOOD] = unit->values[CNC_COUNT] - unit->values[CNC_REJECT];
    unit->values[CNC_CYCLE] = cnc->cycle_s;
    unit->values[CNC_STATE] = SIM_RUN;
    unit->values[CNC_TOOL] = cuts[0].tool;
    (void)snprintf(unit->text, sizeof unit->text, "%s", programs[0]);
}

static void finish_part(struct sim_cnc *cnc) {
    struct sim_unit *unit = &cnc->unit;
    unit->values[CNC_COUNT] += 1;
    bool bad = random_unit(&unit->random) < 0.01 + (cnc->tool_life < 3 ? 0.08 : 0);
    unit->values[bad ? CNC_REJECT : CNC_GOOD] += 1;
    unit->values[CNC_CYCLE] = cnc->cycle_s;
    cnc->cycle_s = 38 + sim_noise(unit, 0.4);
    if (random_below(&unit->random, 12) == 0) {
        (void)snprintf(
            unit->text, sizeof unit->text, "%s", programs[random_below(&unit->random, 3)]);
    }
}

static void step_state(struct sim_cnc *cnc) {
    struct sim_unit *unit = &cnc->unit;
    if (sim_unit_state(unit) != SIM_RUN) {
        unit->state_left_s -= SIM_STEP_S;
        if (unit->state_left_s <= 0) {
            if (unit->values[CNC_ALARM] == (double)SIM_ALARM_TOOL) {
                cnc->tool_life = 100;
            }
            sim_unit_hold(unit, SIM_RUN, SIM_ALARM_NONE, 0);
        }
        return;
    }
    if (cnc->tool_life <= 0) {
        sim_unit_hold(unit, SIM_ALARM, SIM_ALARM_TOOL, sim_between(unit, 25, 50));
        return;
    }
    if (unit->time_s >= unit->next_event_s) {
        unit->next_event_s = unit->time_s + sim_between(unit, 90, 300);
        cnc->event_number += 1;
        if (cnc->event_number % 2 == 1) {
            cnc->vibration_fault_left_s = sim_between(unit, 20, 40);
        } else {
            sim_unit_hold(unit, SIM_IDLE, SIM_ALARM_NONE, sim_between(unit, 20, 60));
        }
    }
}

static const struct cut *cut_at(double p) {
    for (int i = 0; i < CUT_COUNT; i++) {
        if (p >= cuts[i].from && p < cuts[i].to) {
            return &cuts[i];
        }
    }
    return NULL;
}

static void put_motion(struct sim_cnc *cnc, double p, const struct cut *cut) {
    struct sim_unit *unit = &cnc->unit;
    double wear = 1 + (100 - cnc->tool_life) * 0.0035;
    cnc->rpm = sim_lag(cnc->rpm, cut != NULL ? cut->rpm : 0, 0.5);
    unit->values[CNC_RPM] = fmax(0, cnc->rpm + (cut != NULL ? sim_noise(unit, 8) : 0));
    double load = cut != NULL ? cut->load * wear * (0.9 + 0.1 * sin(unit->time_s * 2.1)) : 3;
    unit->values[CNC_LOAD] =
        fmax(0, sim_lag(unit->values[CNC_LOAD], load, 0.3) + sim_noise(unit, 0.6));
    unit->values[CNC_FEED] = cut != NULL ? cut->feed * (0.97 + 0.03 * cos(unit->time_s)) : 0;
    if (cut != NULL) {
        /* Passes to and fro in X while Z goes down a step each pass. */
        double pass = (p - cut->from) / (cut->to - cut->from) * 8;
        double within = pass - floor(pass);
        double to_fro = ((int)pass & 1) == 0 ? within : 1 - within;
        unit->values[CNC_X] = -160 + 320 * to_fro;
        unit->values[CNC_Z] = -120 - 4 * floor(pass);
        unit->values[CNC_TOOL] = cut->tool;
    } else {
        unit->values[CNC_X] = sim_lag(unit->values[CNC_X], 0, 0.4);
        unit->values[CNC_Z] = sim_lag(unit->values[CNC_Z], 0, 0.4);
    }
    if (cnc->vibration_fault_left_s > 0) {
        cnc->vibration_fault_left_s -= SIM_STEP_S; // Frozen: the last value stays.
    } else {
        double vibration = cut != NULL ? cut->vibration * wear : 0.3;
        unit->values[CNC_VIBRATION] = fmax(
            0.05, sim_lag(unit->values[CNC_VIBRATION], vibration, 0.4) + sim_noise(unit, 0.06));
    }
}

void sim_cnc_step(struct sim_cnc *cnc) {
    struct sim_unit *unit = &cnc->unit;
    unit->time_s += SIM_STEP_S;
    step_state(cnc);
    bool running = sim_unit_state(unit) == SIM_RUN;
    const struct cut *cut = NULL;
    double p = cnc->phase_s / cnc->cycle_s;
    if (running) {
        cnc->phase_s += SIM_STEP_S;
        if (cnc->phase_s >= cnc->cycle_s) {
            cnc->phase_s -= cnc->cycle_s;
            finish_part(cnc);
        }
        p = cnc->phase_s / cnc->cycle_s;
        cut = cut_at(p);
    }
    put_motion(cnc, p, cut);
    if (cut != NULL) {
        cnc->tool_life -= 0.07 * SIM_STEP_S;
        cnc->level -= 0.004 * SIM_STEP_S;
    }
    if (cnc->level < 20) {
        cnc->level = 90; // Somebody filled it up.
    }
    cnc->coolant = sim_lag(cnc->coolant, cut != NULL ? 27 : 21, 120);
    unit->values[CNC_COOLANT] = cnc->coolant + sim_noise(unit, 0.05);
    unit->values[CNC_LEVEL] = cnc->level + sim_noise(unit, 0.05);
    unit->values[CNC_TOOL_LIFE] = fmax(0, cnc->tool_life);
    unit->values[CNC_DOOR] = (running && p >= door_from) || !running ? 1 : 0;
    unit->values[CNC_POWER] = 1.8 + unit->values[CNC_LOAD] * 0.14 + sim_noise(unit, 0.05);
    sim_unit_use_power(unit, unit->values[CNC_POWER]);
    unit->values[CNC_ENERGY] = unit->energy_kwh;
}
