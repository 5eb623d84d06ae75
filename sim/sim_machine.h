#ifndef SIM_SIM_MACHINE_H
#define SIM_SIM_MACHINE_H
/*
 * The physics of the simulated machines. Each machine is a plain value that is stepped in fixed
 * steps of SIM_STEP_MS under the plant's lock and leaves its outputs in `values`, which the plant
 * encodes into registers. All chance comes from the machine's own seeded generator, so a day can
 * be replayed from its seed whatever the rhythm of the polls is.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/random.h"
#include "sim/sim.h"

enum { SIM_STEP_MS = 50, SIM_VALUES_MAX = 32, SIM_TEXT_BYTES = 16 };
#define SIM_STEP_S ((double)SIM_STEP_MS / 1000.0)

enum press_value {
    PRESS_STATE = 0,
    PRESS_ALARM,
    PRESS_STROKES,
    PRESS_GOOD,
    PRESS_REJECT,
    PRESS_CYCLE,
    PRESS_INJ_PRESSURE,
    PRESS_SCREW,
    PRESS_CLAMP,
    PRESS_HYDRAULIC,
    PRESS_CUSHION,
    PRESS_POWER,
    PRESS_ENERGY,
    PRESS_BARREL1,
    PRESS_BARREL2,
    PRESS_BARREL3,
    PRESS_BARREL4,
    PRESS_NOZZLE,
    PRESS_MOULD,
    PRESS_OIL,
    PRESS_SET_BARREL,
    PRESS_DOOR,
    PRESS_HEATER,
    PRESS_VALUE_COUNT
};

enum cnc_value {
    CNC_STATE = 0,
    CNC_ALARM,
    CNC_COUNT,
    CNC_GOOD,
    CNC_REJECT,
    CNC_CYCLE,
    CNC_RPM,
    CNC_LOAD,
    CNC_FEED,
    CNC_X,
    CNC_Z,
    CNC_VIBRATION,
    CNC_COOLANT,
    CNC_LEVEL,
    CNC_TOOL_LIFE,
    CNC_POWER,
    CNC_ENERGY,
    CNC_TOOL,
    CNC_PROGRAM,
    CNC_DOOR,
    CNC_VALUE_COUNT
};

enum pack_value {
    PACK_STATE = 0,
    PACK_ALARM,
    PACK_COUNT,
    PACK_GOOD,
    PACK_REJECT,
    PACK_CYCLE,
    PACK_SPEED,
    PACK_WEIGHT,
    PACK_SEAL,
    PACK_FILM,
    PACK_AIR,
    PACK_CONVEYOR,
    PACK_BUFFER,
    PACK_POWER,
    PACK_ENERGY,
    PACK_LOT,
    PACK_JAM,
    PACK_VALUE_COUNT
};

enum meter_value {
    METER_STATE = 0,
    METER_POWER,
    METER_ENERGY,
    METER_V1,
    METER_V2,
    METER_V3,
    METER_I1,
    METER_I2,
    METER_I3,
    METER_PF,
    METER_HZ,
    METER_THD,
    METER_VALUE_COUNT
};

enum fill_value {
    FILL_STATE = 0,
    FILL_ALARM,
    FILL_COUNT,
    FILL_GOOD,
    FILL_REJECT,
    FILL_CYCLE,
    FILL_SPEED,
    FILL_VOLUME,
    FILL_TEMP,
    FILL_TANK,
    FILL_TORQUE,
    FILL_PRESSURE,
    FILL_POWER,
    FILL_ENERGY,
    FILL_PRODUCT,
    FILL_VALVE,
    FILL_FAULT,
    FILL_VALUE_COUNT
};

enum comp_value {
    COMP_STATE = 0,
    COMP_ALARM,
    COMP_MODE, // Its text.
    COMP_LOADED,
    COMP_PRESSURE,
    COMP_FLOW,
    COMP_DEW,
    COMP_OIL,
    COMP_FAN,
    COMP_FILTER,
    COMP_POWER,
    COMP_CURRENT,
    COMP_ENERGY,
    COMP_HOURS,
    COMP_LOADED_HOURS,
    COMP_STARTS,
    COMP_VALUE_COUNT
};

_Static_assert((int)PRESS_VALUE_COUNT <= (int)SIM_VALUES_MAX, "values fit");
_Static_assert((int)CNC_VALUE_COUNT <= (int)SIM_VALUES_MAX, "values fit");
_Static_assert((int)PACK_VALUE_COUNT <= (int)SIM_VALUES_MAX, "values fit");
_Static_assert((int)METER_VALUE_COUNT <= (int)SIM_VALUES_MAX, "values fit");
_Static_assert((int)FILL_VALUE_COUNT <= (int)SIM_VALUES_MAX, "values fit");
_Static_assert((int)COMP_VALUE_COUNT <= (int)SIM_VALUES_MAX, "values fit");

/* What went wrong, as `.alarm_code` shows it. */
enum sim_alarm {
    SIM_ALARM_NONE = 0,
    SIM_ALARM_GUARD = 101,       // Guard or door opened by the operator.
    SIM_ALARM_MATERIAL = 210,    // Hopper empty.
    SIM_ALARM_TEMPERATURE = 305, // A zone left its band.
    SIM_ALARM_TOOL = 410,        // Tool worn out.
    SIM_ALARM_JAM = 520,         // Packing jam.
    SIM_ALARM_FILM = 530,        // Film roll empty.
    SIM_ALARM_BOTTLE = 610,      // Bottle fallen.
    SIM_ALARM_CAPS = 620,        // No caps.
    SIM_ALARM_OIL = 710,         // Compressor oil too hot.
};

/* The parts that every machine has. */
struct sim_unit {
    struct random random;
    double values[SIM_VALUES_MAX];
    char text[SIM_TEXT_BYTES + 1]; // The machine's one text value.
    double time_s;                 // Since the start.
    double state_left_s;           // Remaining time of a stop, alarm or idle state.
    double next_event_s;           // When the next disturbance comes.
    double energy_kwh;
};

struct sim_press {
    struct sim_unit unit;
    double phase_s; // Within the cycle.
    double cycle_s; // Of the running cycle.
    double zone[6]; // Barrel 1..4, nozzle, mould.
    double oil;
    double drift;        // Of the mould temperature, K.
    double fault_left_s; // An open thermocouple on barrel `fault_zone`.
    int fault_zone;
    int pending_parts; // Made and not yet fetched by the packing line.
    int event_number;
};

struct sim_cnc {
    struct sim_unit unit;
    double phase_s;
    double cycle_s;
    double rpm;
    double tool_life;
    double coolant;
    double level;
    double vibration_fault_left_s;
    int event_number;
};

struct sim_pack {
    struct sim_unit unit;
    double phase_s;
    double seal;
    double film_m;
    double speed;
    double air;
    int buffer;
    int lot_serial;
    int lot_parts;
    int event_number;
};

struct sim_meter {
    struct sim_unit unit;
    double volts[3];
    double energy_kwh;
    double base_kw;
    double dip_left_s;
};

struct sim_fill {
    struct sim_unit unit;
    double phase_s;
    double speed; // Bottles a minute.
    double tank;  // Percent.
    double product_temp;
    double torque;
    bool refills;
    int product;
    int batch_left; // Bottles until the product is changed.
};

enum comp_mode { COMP_LOAD = 0, COMP_UNLOAD, COMP_STANDBY, COMP_TRIP, COMP_MODE_COUNT };

struct sim_comp {
    struct sim_unit unit;
    enum comp_mode mode;
    double unloaded_s; // How long it has been running without load.
    double pressure;   // Of the receiver, bar.
    double demand;     // What the shop takes, m3/min.
    double demand_goal;
    double demand_left_s;
    double oil;
    double dew;
    double cooler; // Share of its cooling that is left; 1: clean.
    double hours;
    double loaded_hours;
    bool fan;
};

/* Shared by the machines' files. */
void sim_unit_init(struct sim_unit *unit, uint64_t seed);
double sim_noise(struct sim_unit *unit, double sigma); // Near normal, mean 0.
double sim_between(struct sim_unit *unit, double low, double high);
/* First-order lag towards `target` with time constant `tau_s`, one step. */
double sim_lag(double value, double target, double tau_s);
void sim_unit_use_power(struct sim_unit *unit, double kw); // Integrates the energy.
/* Enters a state for a time; clears it when the time is over. */
void sim_unit_hold(
    struct sim_unit *unit, enum sim_state state, enum sim_alarm alarm, double seconds);
enum sim_state sim_unit_state(const struct sim_unit *unit);

void sim_press_init(struct sim_press *press, uint64_t seed, double first_event_s);
void sim_press_step(struct sim_press *press);
void sim_cnc_init(struct sim_cnc *cnc, uint64_t seed);
void sim_cnc_step(struct sim_cnc *cnc);
void sim_pack_init(struct sim_pack *pack, uint64_t seed);
/* `arrived`: parts that the presses gave since the last step. */
void sim_pack_step(struct sim_pack *pack, int arrived);
void sim_fill_init(struct sim_fill *fill, uint64_t seed);
void sim_fill_step(struct sim_fill *fill);
void sim_comp_init(struct sim_comp *comp, uint64_t seed);
void sim_comp_step(struct sim_comp *comp);
void sim_meter_init(struct sim_meter *meter, uint64_t seed);
void sim_meter_step(struct sim_meter *meter, double load_kw);

#endif
