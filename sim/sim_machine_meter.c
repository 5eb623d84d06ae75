/*
 * The meter at the plant's supply: sums what the machines draw on top of a base load (lights,
 * compressor), spreads it over three phases, and shows what a real net does: the voltage sags a
 * little with the load, the frequency wanders by hundredths, now and then a voltage dip.
 */
#include <math.h>

#include "sim/sim_machine.h"

void sim_meter_init(struct sim_meter *meter, uint64_t seed) {
    *meter = (struct sim_meter){0};
    struct sim_unit *unit = &meter->unit;
    sim_unit_init(unit, seed);
    meter->energy_kwh = sim_between(unit, 300000, 900000);
    meter->base_kw = 14;
    unit->next_event_s = sim_between(unit, 60, 115);
    unit->values[METER_STATE] = SIM_RUN;
    unit->values[METER_HZ] = 60;
}

void sim_meter_step(struct sim_meter *meter, double load_kw) {
    static const double split[3] = {0.35, 0.33, 0.32};
    struct sim_unit *unit = &meter->unit;
    unit->time_s += SIM_STEP_S;
    if (unit->time_s >= unit->next_event_s) {
        unit->next_event_s = unit->time_s + sim_between(unit, 200, 500);
        meter->dip_left_s = sim_between(unit, 2, 4);
    }
    meter->base_kw = sim_lag(meter->base_kw, 14 + 4 * (sin(unit->time_s / 41) > 0.4 ? 1 : 0), 4);
    double power = load_kw + meter->base_kw;
    double factor = 0.86 + 0.08 * fmin(1, power / 80) + sim_noise(unit, 0.002);
    bool dip = meter->dip_left_s > 0;
    if (dip) {
        meter->dip_left_s -= SIM_STEP_S;
    }
    for (int i = 0; i < 3; i++) {
        double volts = 221.5 - 0.03 * power * split[i] * 3 + sim_noise(unit, 0.15);
        if (dip && i == 1) {
            volts -= 31; // One phase sags below 198 V.
        }
        unit->values[METER_V1 + i] = volts;
        unit->values[METER_I1 + i] = power * 1000 * split[i] / (volts * factor);
    }
    unit->values[METER_POWER] = power;
    unit->values[METER_PF] = factor;
    unit->values[METER_HZ] = sim_lag(unit->values[METER_HZ], 60, 20) + sim_noise(unit, 0.002);
    unit->values[METER_THD] = fmax(0.5, 2.6 + 0.02 * power + sim_noise(unit, 0.05));
    meter->energy_kwh += power * SIM_STEP_S / 3600;
    unit->values[METER_ENERGY] = meter->energy_kwh;
}
