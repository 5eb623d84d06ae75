/*
 * What all simulated machines share: seeded chance, first-order lags, the holding of a state for
 * some time, and the energy counter.
 *
 * A lag towards a target is what almost every temperature and motor load in a plant does; with a
 * step far below the time constant the explicit Euler form is exact enough. Noise is the mean of
 * four uniform numbers: near enough to normal, bounded, and cheap.
 */
#include "sim/sim_machine.h"

void sim_unit_init(struct sim_unit *unit, uint64_t seed) {
    *unit = (struct sim_unit){0};
    random_seed(&unit->random, seed);
}

double sim_noise(struct sim_unit *unit, double sigma) {
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += random_unit(&unit->random) - 0.5;
    }
    return sum * sigma * 1.732; // The sum of four has a deviation of 0.577.
}

double sim_between(struct sim_unit *unit, double low, double high) {
    return low + (high - low) * random_unit(&unit->random);
}

double sim_lag(double value, double target, double tau_s) {
    return value + (target - value) * (SIM_STEP_S / tau_s);
}

void sim_unit_use_power(struct sim_unit *unit, double kw) {
    unit->energy_kwh += kw * SIM_STEP_S / 3600.0;
}

/* Every machine keeps its state first and its alarm code second. */
_Static_assert((int)PRESS_STATE == 0 && (int)CNC_STATE == 0 && (int)PACK_STATE == 0 &&
                   (int)METER_STATE == 0 && (int)FILL_STATE == 0 && (int)COMP_STATE == 0,
    "state is value 0");
_Static_assert((int)PRESS_ALARM == 1 && (int)CNC_ALARM == 1 && (int)PACK_ALARM == 1 &&
                   (int)FILL_ALARM == 1 && (int)COMP_ALARM == 1,
    "alarm code is value 1");

void sim_unit_hold(
    struct sim_unit *unit, enum sim_state state, enum sim_alarm alarm, double seconds) {
    unit->values[0] = (double)state;
    unit->values[1] = (double)alarm;
    unit->state_left_s = seconds;
}

enum sim_state sim_unit_state(const struct sim_unit *unit) {
    return (enum sim_state)(int)unit->values[0];
}
