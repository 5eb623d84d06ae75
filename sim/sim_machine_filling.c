/*
 * A filling line for lubricant in one-litre bottles, run by an S7 controller: rotary filler,
 * capper, labeller. The bottles are weighed and those below the nominal volume or with a weak cap
 * are thrown out. The product is warm from blending and cools slowly in the buffer tank; as it
 * cools it gets thicker and the filler needs longer, so temperature, cycle and output move
 * together. The tank is refilled when it runs low. Disturbances: a fallen bottle (alarm, the first
 * within 100 s), the cap chute runs empty, and a change of product every CHANGE_BOTTLES bottles,
 * for which the line idles.
 */
#include <math.h>
#include <stdio.h>

#include "sim/sim_machine.h"

enum { CHANGE_BOTTLES = 900, PRODUCTS = 3 };

static const char *const products[PRODUCTS] = {"HYDRO 32 1L", "HYDRO 46 1L", "GEAR 220 1L"};

static void name_product(struct sim_fill *fill) {
    (void)snprintf(fill->unit.text, sizeof fill->unit.text, "%s", products[fill->product]);
}

void sim_fill_init(struct sim_fill *fill, uint64_t seed) {
    *fill = (struct sim_fill){0};
    struct sim_unit *unit = &fill->unit;
    sim_unit_init(unit, seed);
    fill->product = (int)random_below(&unit->random, PRODUCTS);
    fill->batch_left = (int)random_below(&unit->random, CHANGE_BOTTLES - 200) + 200;
    fill->tank = sim_between(unit, 45, 90);
    fill->product_temp = 41;
    fill->torque = 2.2;
    name_product(fill);
    unit->next_event_s = sim_between(unit, 40, 95);
    unit->energy_kwh = sim_between(unit, 5000, 20000);
    unit->values[FILL_COUNT] = floor(sim_between(unit, 100000, 400000));
    unit->values[FILL_REJECT] = floor(unit->values[FILL_COUNT] * 0.006);
    unit->values[FILL_GOOD] = unit->values[FILL_COUNT] - unit->values[FILL_REJECT];
    unit->values[FILL_STATE] = SIM_RUN;
    unit->values[FILL_CYCLE] = 2;
    unit->values[FILL_VOLUME] = 1003;
    unit->values[FILL_VALVE] = 1;
}

static void finish_bottle(struct sim_fill *fill, double cycle_s) {
    struct sim_unit *unit = &fill->unit;
    double volume = 1003 + 3 * sin(unit->time_s / 130) + sim_noise(unit, 1.6);
    fill->torque = 2.2 + 0.15 * sin(unit->time_s / 61) + sim_noise(unit, 0.09);
    fill->tank -= 0.02;
    fill->batch_left -= 1;
    unit->values[FILL_VOLUME] = volume;
    unit->values[FILL_CYCLE] = cycle_s;
    unit->values[FILL_COUNT] += 1;
    bool bad = volume < 997 || fill->torque < 1.9;
    unit->values[bad ? FILL_REJECT : FILL_GOOD] += 1;
    if (fill->batch_left <= 0) {
        fill->batch_left = CHANGE_BOTTLES;
        fill->product = (fill->product + 1) % PRODUCTS;
        name_product(fill);
        sim_unit_hold(unit, SIM_IDLE, SIM_ALARM_NONE, sim_between(unit, 20, 40));
    }
}

static void step_state(struct sim_fill *fill) {
    struct sim_unit *unit = &fill->unit;
    if (sim_unit_state(unit) != SIM_RUN) {
        unit->state_left_s -= SIM_STEP_S;
        if (unit->state_left_s <= 0) {
            sim_unit_hold(unit, SIM_RUN, SIM_ALARM_NONE, 0);
        }
    } else if (unit->time_s >= unit->next_event_s) {
        unit->next_event_s = unit->time_s + sim_between(unit, 100, 280);
        bool caps = random_unit(&unit->random) < 0.4;
        sim_unit_hold(unit, caps ? SIM_STOP : SIM_ALARM, caps ? SIM_ALARM_CAPS : SIM_ALARM_BOTTLE,
            sim_between(unit, 8, 22));
    }
}

void sim_fill_step(struct sim_fill *fill) {
    struct sim_unit *unit = &fill->unit;
    unit->time_s += SIM_STEP_S;
    step_state(fill);
    bool running = sim_unit_state(unit) == SIM_RUN;
    fill->refills = fill->tank < 25 || (fill->refills && fill->tank < 92);
    fill->tank += fill->refills ? 0.6 * SIM_STEP_S : 0;
    fill->product_temp =
        sim_lag(fill->product_temp, fill->refills ? 46 : 35, fill->refills ? 40 : 400) +
        sim_noise(unit, 0.01);
    /* Thicker when cooler: 30 bottles a minute at 45 degrees, 24 at 35. */
    double target = running ? 30 - 0.6 * (45 - fill->product_temp) : 0;
    fill->speed = sim_lag(fill->speed, target, 1.2);
    if (running && fill->speed > 2) {
        fill->phase_s += SIM_STEP_S;
        if (fill->phase_s >= 60 / fill->speed) {
            fill->phase_s = 0;
            finish_bottle(fill, 60 / fill->speed);
        }
    }
    unit->values[FILL_SPEED] = fmax(0, fill->speed);
    unit->values[FILL_TANK] = fmin(100, fmax(0, fill->tank));
    unit->values[FILL_TEMP] = fill->product_temp;
    unit->values[FILL_TORQUE] = fill->torque;
    unit->values[FILL_PRESSURE] = fmax(0, 1.1 + fill->speed * 0.02 + sim_noise(unit, 0.01));
    unit->values[FILL_VALVE] = fill->refills ? 0 : 1;
    unit->values[FILL_FAULT] = unit->values[FILL_ALARM] != 0 ? 1 : 0;
    unit->values[FILL_POWER] = fmax(0, 2.4 + fill->speed * 0.12 + sim_noise(unit, 0.05));
    sim_unit_use_power(unit, unit->values[FILL_POWER]);
    unit->values[FILL_ENERGY] = unit->energy_kwh;
}
