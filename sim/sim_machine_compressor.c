/*
 * A screw compressor of 37 kW with its receiver of 1.5 m3 and its dryer. It loads at 6.5 bar and
 * unloads at 7.2; what the shop takes wanders, so the pressure is a saw tooth whose slopes tell the
 * demand. When nobody takes air for a while the motor stops, and starts again at 6.5 bar. Oil is
 * cooled by a fan that switches at 88 and 80 degrees. Disturbance: the cooler clogs, the oil passes
 * 105 degrees, the machine trips, and the pressure of the shop falls until it is back.
 *
 * The receiver: dp/dt = (in - out) * 1.013 bar / 1.5 m3. The oil: 60 kJ/K, heated by the motor,
 * cooled with 0.62 kW/K by the fan and 0.15 without.
 */
#include <math.h>
#include <stdio.h>

#include "sim/sim_machine.h"

#define LOAD_BAR     6.5
#define UNLOAD_BAR   7.2
#define RATED_M3_MIN 6.2
#define RECEIVER_M3  1.5
#define AMBIENT      25.0
#define TRIP_OIL     105.0
enum { RUN_ON_S = 45 };

static const char *const mode_names[COMP_MODE_COUNT] = {"LOAD", "UNLOAD", "STANDBY", "TRIP"};

static void enter(struct sim_comp *comp, enum comp_mode mode) {
    struct sim_unit *unit = &comp->unit;
    bool turned = comp->mode == COMP_LOAD || comp->mode == COMP_UNLOAD;
    bool turns = mode == COMP_LOAD || mode == COMP_UNLOAD;
    unit->values[COMP_STARTS] += !turned && turns ? 1 : 0;
    comp->mode = mode;
    comp->unloaded_s = 0;
    (void)snprintf(unit->text, sizeof unit->text, "%s", mode_names[mode]);
    if (mode == COMP_TRIP) {
        sim_unit_hold(unit, SIM_ALARM, SIM_ALARM_OIL, sim_between(unit, 18, 32));
    } else {
        sim_unit_hold(unit, turns ? SIM_RUN : SIM_IDLE, SIM_ALARM_NONE, 0);
    }
}

void sim_comp_init(struct sim_comp *comp, uint64_t seed) {
    *comp = (struct sim_comp){.mode = COMP_STANDBY, .pressure = 6.6, .oil = 72, .dew = 3};
    struct sim_unit *unit = &comp->unit;
    sim_unit_init(unit, seed);
    comp->cooler = 1;
    comp->demand = comp->demand_goal = 4;
    comp->hours = sim_between(unit, 9000, 22000);
    comp->loaded_hours = comp->hours * 0.68;
    unit->energy_kwh = comp->hours * 29;
    unit->values[COMP_STARTS] = floor(comp->hours / 3);
    unit->next_event_s = sim_between(unit, 60, 150);
    enter(comp, COMP_LOAD);
    sim_comp_step(comp);
}

/* What the shop takes: a new goal now and then, sometimes almost nothing (a break). */
static void step_demand(struct sim_comp *comp) {
    struct sim_unit *unit = &comp->unit;
    comp->demand_left_s -= SIM_STEP_S;
    if (comp->demand_left_s <= 0) {
        bool pause = random_unit(&unit->random) < 0.08;
        comp->demand_left_s = pause ? sim_between(unit, 70, 120) : sim_between(unit, 15, 60);
        comp->demand_goal = pause ? 0.3 : sim_between(unit, 2.4, 5.6);
    }
    comp->demand = sim_lag(comp->demand, comp->demand_goal, 3) + sim_noise(unit, 0.03);
    comp->demand = fmax(0.1, comp->demand);
}

static void step_mode(struct sim_comp *comp) {
    struct sim_unit *unit = &comp->unit;
    if (comp->mode == COMP_TRIP) {
        unit->state_left_s -= SIM_STEP_S;
        if (unit->state_left_s <= 0 && comp->oil < TRIP_OIL - 10) {
            comp->cooler = 1; // Blown clean and acknowledged.
            enter(comp, COMP_LOAD);
        }
        return;
    }
    if (comp->oil > TRIP_OIL) {
        enter(comp, COMP_TRIP);
    } else if (comp->mode == COMP_LOAD && comp->pressure >= UNLOAD_BAR) {
        enter(comp, COMP_UNLOAD);
    } else if (comp->mode != COMP_LOAD && comp->pressure <= LOAD_BAR) {
        enter(comp, COMP_LOAD);
    } else if (comp->mode == COMP_UNLOAD && comp->unloaded_s > RUN_ON_S) {
        enter(comp, COMP_STANDBY);
    }
    if (unit->time_s >= unit->next_event_s && comp->mode == COMP_LOAD) {
        unit->next_event_s = unit->time_s + sim_between(unit, 420, 900);
        comp->cooler = 0.1;
    }
}

static void step_heat(struct sim_comp *comp) {
    double heat_kw = comp->mode == COMP_LOAD ? 30 : comp->mode == COMP_UNLOAD ? 10 : 0;
    comp->fan = comp->oil > 88 || (comp->fan && comp->oil > 80);
    double cooling = (comp->fan ? 0.62 : 0.15) * (comp->mode == COMP_TRIP ? 1 : comp->cooler);
    comp->oil += (heat_kw - cooling * (comp->oil - AMBIENT)) / 60 * SIM_STEP_S;
}

void sim_comp_step(struct sim_comp *comp) {
    struct sim_unit *unit = &comp->unit;
    unit->time_s += SIM_STEP_S;
    step_demand(comp);
    step_mode(comp);
    step_heat(comp);
    bool loaded = comp->mode == COMP_LOAD;
    bool turns = loaded || comp->mode == COMP_UNLOAD;
    comp->unloaded_s += comp->mode == COMP_UNLOAD ? SIM_STEP_S : 0;
    double out = comp->demand * fmin(1, comp->pressure / 6); // Less comes out of a weak net.
    double in = loaded ? RATED_M3_MIN : 0;
    comp->pressure += (in - out) / 60 * 1.013 / RECEIVER_M3 * SIM_STEP_S;
    comp->pressure = fmax(0, comp->pressure);
    comp->dew = sim_lag(comp->dew, 2.5 + fmax(0, out - 4) + (comp->oil - 80) * 0.04, 40);
    comp->hours += turns ? SIM_STEP_S / 3600 : 0;
    comp->loaded_hours += loaded ? SIM_STEP_S / 3600 : 0;
    double full_kw = 37 * (0.62 + 0.38 * comp->pressure / 7);
    double power = (loaded ? full_kw : turns ? 11.5 : 0.3) + sim_noise(unit, turns ? 0.12 : 0.01);
    sim_unit_use_power(unit, power);
    unit->values[COMP_LOADED] = loaded ? 1 : 0;
    unit->values[COMP_PRESSURE] = comp->pressure + sim_noise(unit, 0.004);
    unit->values[COMP_FLOW] = out;
    unit->values[COMP_DEW] = comp->dew;
    unit->values[COMP_OIL] = comp->oil;
    unit->values[COMP_FAN] = comp->fan ? 1 : 0;
    unit->values[COMP_FILTER] = 120 + (loaded ? 95 : turns ? 12 : 0) + unit->time_s / 400;
    unit->values[COMP_POWER] = fmax(0, power);
    unit->values[COMP_CURRENT] = fmax(0, power) * 1000 / (1.732 * 380 * 0.87);
    unit->values[COMP_ENERGY] = unit->energy_kwh;
    unit->values[COMP_HOURS] = comp->hours;
    unit->values[COMP_LOADED_HOURS] = comp->loaded_hours;
}
