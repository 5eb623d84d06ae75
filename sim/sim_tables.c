/*
 * What the simulated plant offers: equipment tree, devices and tags. A row is at once a line of the
 * tag list that the demo loads and the instruction for the simulator where the value lies, so the
 * two cannot drift apart; the source text is made from the same macro arguments as the encoding.
 *
 * The machines use different habits on purpose, as a real shop does: the first press sends big
 * floats in the order of the standard, the second has an XGT controller, the CNC swaps words
 * (CDAB), the packing line knows only scaled 16-bit integers, the meter swaps bytes and counts
 * energy in 64 bits; the filling line is an S7 with one data block. Each machine has holes between
 * its ranges.
 *
 * Ranges (min, max) are what the process engineer would write on the sheet: a broken thermocouple
 * reads far above them. All numbers are ours; none is taken from a make of machine.
 */
#include "sim/sim.h"

#include <math.h>
#include <string.h>

#include "sim/sim_machine.h"

#define NONE ((double)NAN)

/* Where: source text and encoding from one set of arguments. */
#define F32(addr, ord)                                                                             \
    .source = "input:" #addr " f32 " #ord, .table = SIM_INPUT, .address = (addr),                  \
    .format = SIM_F32, .order = SIM_##ord
#define U16(addr)                                                                                  \
    .source = "input:" #addr " u16", .table = SIM_INPUT, .address = (addr), .format = SIM_U16
#define I16(addr)                                                                                  \
    .source = "input:" #addr " i16", .table = SIM_INPUT, .address = (addr), .format = SIM_I16
#define U32(addr, ord)                                                                             \
    .source = "input:" #addr " u32 " #ord, .table = SIM_INPUT, .address = (addr),                  \
    .format = SIM_U32, .order = SIM_##ord
#define U64(addr, ord)                                                                             \
    .source = "input:" #addr " u64 " #ord, .table = SIM_INPUT, .address = (addr),                  \
    .format = SIM_U64, .order = SIM_##ord
#define SET(addr)                                                                                  \
    .source = "holding:" #addr " i16", .table = SIM_HOLDING, .address = (addr), .format = SIM_I16
#define TEXT(addr)                                                                                 \
    .source = "holding:" #addr " text(16)", .table = SIM_HOLDING, .address = (addr),               \
    .format = SIM_TEXT16
#define DI(addr)                                                                                   \
    .source = "discrete:" #addr, .table = SIM_DISCRETE, .address = (addr), .format = SIM_BIT

/* In data block 1 of the S7. */
#define DBX(addr)                                                                                  \
    .source = "DB1.DBX" #addr ".0", .table = SIM_BLOCK, .address = (addr), .format = SIM_S7_BOOL
#define DBI(addr)                                                                                  \
    .source = "DB1.DBW" #addr " int", .table = SIM_BLOCK, .address = (addr), .format = SIM_S7_INT
#define DBDI(addr)                                                                                 \
    .source = "DB1.DBD" #addr " dint", .table = SIM_BLOCK, .address = (addr), .format = SIM_S7_DINT
#define DBR(addr)                                                                                  \
    .source = "DB1.DBD" #addr " real", .table = SIM_BLOCK, .address = (addr), .format = SIM_S7_REAL
#define DBS(addr)                                                                                  \
    .source = "DB1." #addr " string(20)", .table = SIM_BLOCK, .address = (addr),                   \
    .format = SIM_S7_STRING20

/* What: type, unit, kind, scale, range. */
#define REAL(u, lo, hi)                                                                            \
    .type = "f64", .unit = (u), .kind = "measurement", .scale = 1, .min = (lo), .max = (hi)
#define SCALED(u, s, lo, hi)                                                                       \
    .type = "f64", .unit = (u), .kind = "measurement", .scale = (s), .min = (lo), .max = (hi)
#define TARGET(u, s, lo, hi)                                                                       \
    .type = "f64", .unit = (u), .kind = "setpoint", .scale = (s), .min = (lo), .max = (hi)
#define COUNTER(u) .type = "i64", .unit = (u), .kind = "counter", .scale = 1, .min = 0, .max = NONE
#define ENERGY(s)                                                                                  \
    .type = "f64", .unit = "kWh", .kind = "counter", .scale = (s), .min = 0, .max = NONE
#define STATE(hi) .type = "i64", .unit = "", .kind = "state", .scale = 1, .min = 0, .max = (hi)
#define FLAG      .type = "bool", .unit = "", .kind = "state", .scale = 1, .min = NONE, .max = NONE
#define WORDS     .type = "text", .unit = "", .kind = "state", .scale = 1, .min = NONE, .max = NONE

#define ROW(m, dev, tag, val, ko, en, ...)                                                         \
    {                                                                                              \
        .machine = (m), .device = (dev), .name = (tag), .value = (val), .display_ko = (ko),        \
        .display_en = (en), __VA_ARGS__                                                            \
    }

/* The two presses are alike and speak differently: MB_ Modbus, XG_ an XGT controller with its
 * values in D (low word first) and its bits in M. */
#define MB_U16(addr) U16(addr)
#define MB_I16(addr) I16(addr)
#define MB_U32(addr) U32(addr, ABCD)
#define MB_F32(addr) F32(addr, ABCD)
#define MB_SET()     SET(10)
#define MB_BIT(addr) DI(addr)
#define XG(text, addr, form)                                                                       \
    .source = (text), .table = SIM_HOLDING, .address = (addr), .format = (form), .order = SIM_CDAB
#define XG_U16(addr) XG("%DW" #addr, addr, SIM_U16)
#define XG_I16(addr) XG("D" #addr " i16", addr, SIM_I16)
#define XG_U32(addr) XG("D" #addr " u32", addr, SIM_U32)
#define XG_F32(addr) XG("D" #addr " f32", addr, SIM_F32)
#define XG_SET()     XG("D60 i16", 60, SIM_I16)
#define XG_BIT(addr) .source = "%MX" #addr, .table = SIM_COIL, .address = (addr), .format = SIM_BIT

#define PRESS(m, id, no, P)                                                                        \
    ROW(m, id, "line1." id ".state", PRESS_STATE, "사출 " no " 상태", "Press " no " state",        \
        P##U16(0), STATE(4)),                                                                      \
        ROW(m, id, "line1." id ".alarm_code", PRESS_ALARM, "사출 " no " 알람 코드",                \
            "Press " no " alarm code", P##U16(1), STATE(999)),                                     \
        ROW(m, id, "line1." id ".strokes", PRESS_STROKES, "사출 " no " 쇼트 수",                   \
            "Press " no " shots", P##U32(2), COUNTER("회")),                                       \
        ROW(m, id, "line1." id ".good", PRESS_GOOD, "사출 " no " 양품 수",                         \
            "Press " no " good parts", P##U32(4), COUNTER("개")),                                  \
        ROW(m, id, "line1." id ".reject", PRESS_REJECT, "사출 " no " 불량 수",                     \
            "Press " no " rejected parts", P##U32(6), COUNTER("개")),                              \
        ROW(m, id, "line1." id ".cycle_s", PRESS_CYCLE, "사출 " no " 사이클 시간",                 \
            "Press " no " cycle time", P##F32(8), REAL("s", 5, 60)),                               \
        ROW(m, id, "line1." id ".inj_pressure", PRESS_INJ_PRESSURE, "사출 " no " 사출 압력",       \
            "Press " no " injection pressure", P##F32(10), REAL("bar", 0, 1800)),                  \
        ROW(m, id, "line1." id ".screw_pos", PRESS_SCREW, "사출 " no " 스크류 위치",               \
            "Press " no " screw position", P##F32(12), REAL("mm", 0, 160)),                        \
        ROW(m, id, "line1." id ".clamp_force", PRESS_CLAMP, "사출 " no " 형체력",                  \
            "Press " no " clamping force", P##F32(14), REAL("kN", 0, 2000)),                       \
        ROW(m, id, "line1." id ".hyd_pressure", PRESS_HYDRAULIC, "사출 " no " 유압",               \
            "Press " no " hydraulic pressure", P##F32(16), REAL("bar", 0, 210)),                   \
        ROW(m, id, "line1." id ".cushion", PRESS_CUSHION, "사출 " no " 쿠션량",                    \
            "Press " no " cushion", P##F32(18), REAL("mm", 1, 12)),                                \
        ROW(m, id, "line1." id ".power_kw", PRESS_POWER, "사출 " no " 소비 전력",                  \
            "Press " no " power", P##F32(20), REAL("kW", 0, 80)),                                  \
        ROW(m, id, "line1." id ".energy_kwh", PRESS_ENERGY, "사출 " no " 전력량",                  \
            "Press " no " energy", P##U32(22), ENERGY(0.01)),                                      \
        ROW(m, id, "line1." id ".temp_barrel1", PRESS_BARREL1, "사출 " no " 배럴 1 온도",          \
            "Press " no " barrel 1", P##I16(40), SCALED("°C", 0.1, 150, 280)),                     \
        ROW(m, id, "line1." id ".temp_barrel2", PRESS_BARREL2, "사출 " no " 배럴 2 온도",          \
            "Press " no " barrel 2", P##I16(41), SCALED("°C", 0.1, 150, 280)),                     \
        ROW(m, id, "line1." id ".temp_barrel3", PRESS_BARREL3, "사출 " no " 배럴 3 온도",          \
            "Press " no " barrel 3", P##I16(42), SCALED("°C", 0.1, 150, 280)),                     \
        ROW(m, id, "line1." id ".temp_barrel4", PRESS_BARREL4, "사출 " no " 배럴 4 온도",          \
            "Press " no " barrel 4", P##I16(43), SCALED("°C", 0.1, 150, 280)),                     \
        ROW(m, id, "line1." id ".temp_nozzle", PRESS_NOZZLE, "사출 " no " 노즐 온도",              \
            "Press " no " nozzle", P##I16(44), SCALED("°C", 0.1, 150, 290)),                       \
        ROW(m, id, "line1." id ".temp_mould", PRESS_MOULD, "사출 " no " 금형 온도",                \
            "Press " no " mould", P##I16(45), SCALED("°C", 0.1, 20, 90)),                          \
        ROW(m, id, "line1." id ".temp_oil", PRESS_OIL, "사출 " no " 작동유 온도",                  \
            "Press " no " hydraulic oil", P##I16(46), SCALED("°C", 0.1, 20, 65)),                  \
        ROW(m, id, "line1." id ".set_barrel", PRESS_SET_BARREL, "사출 " no " 배럴 설정 온도",      \
            "Press " no " barrel set point", P##SET(), TARGET("°C", 0.1, 150, 280)),               \
        ROW(m, id, "line1." id ".door_open", PRESS_DOOR, "사출 " no " 안전문 열림",                \
            "Press " no " guard open", P##BIT(0), FLAG),                                           \
        ROW(m, id, "line1." id ".heater_on", PRESS_HEATER, "사출 " no " 히터 켜짐",                \
            "Press " no " heaters on", P##BIT(1), FLAG)

#define CNC(name, val, ko, en, ...)                                                                \
    ROW(SIM_CNC, "cnc1", "line2.cnc1." name, val, "CNC " ko, "CNC " en, __VA_ARGS__)
#define PACK(name, val, ko, en, ...)                                                               \
    ROW(SIM_PACKING, "pack1", "line1.pack1." name, val, "포장 " ko, "Packing " en, __VA_ARGS__)
#define METER(name, val, ko, en, ...)                                                              \
    ROW(SIM_METER, "meter1", "util.meter1." name, val, "전력계 " ko, "Meter " en, __VA_ARGS__)

#define FILL(name, val, ko, en, ...)                                                               \
    ROW(SIM_FILLING, "fill1", "line3.fill1." name, val, "충전 " ko, "Filling " en, __VA_ARGS__)

static const struct sim_tag_row tag_rows[] = {
    PRESS(SIM_PRESS1, "press1", "1", MB_),
    PRESS(SIM_PRESS2, "press2", "2", XG_),

    CNC("state", CNC_STATE, "상태", "state", U16(0), STATE(4)),
    CNC("alarm_code", CNC_ALARM, "알람 코드", "alarm code", U16(1), STATE(999)),
    CNC("count", CNC_COUNT, "가공 수", "parts", U32(2, CDAB), COUNTER("개")),
    CNC("good", CNC_GOOD, "양품 수", "good parts", U32(4, CDAB), COUNTER("개")),
    CNC("reject", CNC_REJECT, "불량 수", "rejected parts", U32(6, CDAB), COUNTER("개")),
    CNC("cycle_s", CNC_CYCLE, "사이클 시간", "cycle time", F32(8, CDAB), REAL("s", 10, 120)),
    CNC("spindle_rpm", CNC_RPM, "주축 회전수", "spindle speed", F32(10, CDAB),
        REAL("rpm", 0, 9000)),
    CNC("spindle_load", CNC_LOAD, "주축 부하", "spindle load", F32(12, CDAB), REAL("%", 0, 120)),
    CNC("feed", CNC_FEED, "이송 속도", "feed", F32(14, CDAB), REAL("mm/min", 0, 12000)),
    CNC("pos_x", CNC_X, "X축 위치", "X position", F32(16, CDAB), REAL("mm", -400, 400)),
    CNC("pos_z", CNC_Z, "Z축 위치", "Z position", F32(18, CDAB), REAL("mm", -500, 50)),
    CNC("vibration", CNC_VIBRATION, "진동", "vibration", F32(20, CDAB), REAL("mm/s", 0, 7.1)),
    CNC("temp_coolant", CNC_COOLANT, "절삭유 온도", "coolant temperature", F32(22, CDAB),
        REAL("°C", 5, 40)),
    CNC("coolant_level", CNC_LEVEL, "절삭유 수위", "coolant level", F32(24, CDAB),
        REAL("%", 15, 100)),
    CNC("tool_life", CNC_TOOL_LIFE, "공구 잔여 수명", "tool life left", F32(26, CDAB),
        REAL("%", 0, 100)),
    CNC("power_kw", CNC_POWER, "소비 전력", "power", F32(28, CDAB), REAL("kW", 0, 30)),
    CNC("energy_kwh", CNC_ENERGY, "전력량", "energy", U32(30, CDAB), ENERGY(0.01)),
    CNC("tool", CNC_TOOL, "공구 번호", "tool number", U16(50), STATE(24)),
    CNC("program", CNC_PROGRAM, "가공 프로그램", "program", TEXT(100), WORDS),
    CNC("door_open", CNC_DOOR, "문 열림", "door open", DI(8), FLAG),

    PACK("state", PACK_STATE, "상태", "state", U16(0), STATE(4)),
    PACK("alarm_code", PACK_ALARM, "알람 코드", "alarm code", U16(1), STATE(999)),
    PACK("count", PACK_COUNT, "포장 수", "packs", U32(2, ABCD), COUNTER("개")),
    PACK("good", PACK_GOOD, "양품 수", "good packs", U32(4, ABCD), COUNTER("개")),
    PACK("reject", PACK_REJECT, "불량 수", "rejected packs", U32(6, ABCD), COUNTER("개")),
    PACK("cycle_s", PACK_CYCLE, "사이클 시간", "cycle time", U16(8), SCALED("s", 0.01, 0.5, 20)),
    PACK("speed", PACK_SPEED, "포장 속도", "speed", U16(9), SCALED("개/min", 0.1, 0, 60)),
    PACK("weight", PACK_WEIGHT, "중량", "weight", U16(10), SCALED("g", 0.1, 480, 520)),
    PACK("temp_seal", PACK_SEAL, "실링 온도", "sealing temperature", I16(11),
        SCALED("°C", 0.1, 120, 185)),
    PACK("film_left", PACK_FILM, "필름 잔량", "film left", U16(12), SCALED("m", 0.1, 20, 1500)),
    PACK("air_pressure", PACK_AIR, "공압", "air pressure", U16(13), SCALED("bar", 0.001, 5, 8)),
    PACK("conveyor", PACK_CONVEYOR, "컨베이어 속도", "conveyor speed", U16(14),
        SCALED("m/s", 0.001, 0, 1)),
    PACK("buffer", PACK_BUFFER, "대기 수량", "parts waiting", U16(15), SCALED("개", 1, 0, 200)),
    PACK("power_kw", PACK_POWER, "소비 전력", "power", U16(16), SCALED("kW", 0.01, 0, 15)),
    PACK("energy_kwh", PACK_ENERGY, "전력량", "energy", U32(17, ABCD), ENERGY(0.01)),
    PACK("lot", PACK_LOT, "로트 번호", "lot", TEXT(0), WORDS),
    PACK("jam", PACK_JAM, "걸림 감지", "jam detected", DI(0), FLAG),

    METER("state", METER_STATE, "상태", "state", U16(0), STATE(4)),
    METER("power_kw", METER_POWER, "유효 전력", "active power", F32(10, BADC), REAL("kW", 0, 250)),
    METER("energy_kwh", METER_ENERGY, "누적 전력량", "energy", U64(12, BADC), ENERGY(0.001)),
    METER("volt_l1", METER_V1, "L1 전압", "L1 voltage", F32(20, BADC), REAL("V", 198, 242)),
    METER("volt_l2", METER_V2, "L2 전압", "L2 voltage", F32(22, BADC), REAL("V", 198, 242)),
    METER("volt_l3", METER_V3, "L3 전압", "L3 voltage", F32(24, BADC), REAL("V", 198, 242)),
    METER("curr_l1", METER_I1, "L1 전류", "L1 current", F32(30, BADC), REAL("A", 0, 400)),
    METER("curr_l2", METER_I2, "L2 전류", "L2 current", F32(32, BADC), REAL("A", 0, 400)),
    METER("curr_l3", METER_I3, "L3 전류", "L3 current", F32(34, BADC), REAL("A", 0, 400)),
    METER("power_factor", METER_PF, "역률", "power factor", F32(40, BADC), REAL("", 0.5, 1)),
    METER("frequency", METER_HZ, "주파수", "frequency", F32(42, BADC), REAL("Hz", 59.5, 60.5)),
    METER("thd", METER_THD, "고조파 왜형률", "harmonic distortion", F32(44, BADC), REAL("%", 0, 8)),

    FILL("state", FILL_STATE, "상태", "state", DBI(0), STATE(4)),
    FILL("alarm_code", FILL_ALARM, "알람 코드", "alarm code", DBI(2), STATE(999)),
    FILL("valve_open", FILL_VALVE, "탱크 밸브 열림", "tank valve open", DBX(4), FLAG),
    FILL("fault", FILL_FAULT, "고장 표시", "fault lamp", DBX(5), FLAG),
    FILL("count", FILL_COUNT, "충전 수", "bottles", DBDI(8), COUNTER("병")),
    FILL("good", FILL_GOOD, "양품 수", "good bottles", DBDI(12), COUNTER("병")),
    FILL("reject", FILL_REJECT, "불량 수", "rejected bottles", DBDI(16), COUNTER("병")),
    FILL("cycle_s", FILL_CYCLE, "사이클 시간", "cycle time", DBR(20), REAL("s", 1, 30)),
    FILL("speed", FILL_SPEED, "충전 속도", "speed", DBR(24), REAL("병/min", 0, 40)),
    FILL("volume", FILL_VOLUME, "충전량", "volume", DBR(28), REAL("ml", 990, 1015)),
    FILL(
        "temp_product", FILL_TEMP, "제품 온도", "product temperature", DBR(32), REAL("°C", 25, 60)),
    FILL("tank_level", FILL_TANK, "탱크 레벨", "tank level", DBR(36), REAL("%", 10, 100)),
    FILL("cap_torque", FILL_TORQUE, "캡 조임 토크", "cap torque", DBR(40), REAL("Nm", 1.5, 3)),
    FILL("pressure", FILL_PRESSURE, "충전 압력", "filling pressure", DBR(44), REAL("bar", 0, 4)),
    FILL("power_kw", FILL_POWER, "소비 전력", "power", DBR(60), REAL("kW", 0, 15)),
    FILL("energy_kwh", FILL_ENERGY, "전력량", "energy", DBR(64), ENERGY(1)),
    FILL("product", FILL_PRODUCT, "제품명", "product", DBS(80), WORDS),
};

static const struct sim_device_row device_rows[] = {
    {SIM_PRESS1, "press1", "사출성형기 1호", "Injection press 1", "modbus", "unit=1 timeout_ms=800",
        250},
    {SIM_PRESS2, "press2", "사출성형기 2호", "Injection press 2", "xgt", "timeout_ms=800", 250},
    {SIM_CNC, "cnc1", "CNC 가공기", "CNC machine", "modbus", "unit=3 timeout_ms=800", 250},
    {SIM_PACKING, "pack1", "포장기", "Packing machine", "modbus", "unit=1 timeout_ms=800", 500},
    {SIM_METER, "meter1", "전력계", "Energy meter", "modbus", "unit=17 timeout_ms=800", 1000},
    {SIM_FILLING, "fill1", "충전 라인", "Filling line", "s7", "slot=1 timeout_ms=800", 500},
};

static const struct sim_asset_row asset_rows[] = {
    {"factory", NULL, "site", "마루정밀 시범공장", "Maru demo factory", "", NONE, NONE},
    {"hall1", "factory", "area", "1동", "Hall 1", "", NONE, NONE},
    {"line1", "hall1", "line", "사출·포장 라인", "Moulding and packing line", "", NONE, NONE},
    {"line2", "hall1", "line", "가공 라인", "Machining line", "", NONE, NONE},
    {"line3", "hall1", "line", "충전 라인", "Filling line", "", NONE, NONE},
    {"util", "hall1", "line", "유틸리티", "Utilities", "", NONE, NONE},
    {"press1", "line1", "equipment", "사출 1호기", "Press 1", "injection", 160, 220},
    {"press2", "line1", "equipment", "사출 2호기", "Press 2", "injection", 420, 220},
    {"pack1", "line1", "equipment", "포장기", "Packing", "packing", 760, 220},
    {"cnc1", "line2", "equipment", "CNC 1호기", "CNC 1", "cnc", 290, 620},
    {"fill1", "line3", "equipment", "충전기", "Filling", "filling", 525, 620},
    {"meter1", "util", "equipment", "수전 전력계", "Main meter", "meter", 760, 620},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(device_rows) == SIM_MACHINE_COUNT, "each machine is a device");
_Static_assert(COUNT(tag_rows) >= 64, "the demo promises more than sixty tags");

const struct sim_device_row *sim_device_rows(size_t *ret_count) {
    *ret_count = COUNT(device_rows);
    return device_rows;
}

const struct sim_asset_row *sim_asset_rows(size_t *ret_count) {
    *ret_count = COUNT(asset_rows);
    return asset_rows;
}

const char *sim_unit_en(const char *unit) {
    static const char *const words[][2] = {{"회", ""}, {"개", "pcs"}, {"병", "bottles"},
        {"개/min", "pcs/min"}, {"병/min", "bottles/min"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(unit, words[i][0]) == 0) {
            return words[i][1];
        }
    }
    return unit;
}

const struct sim_tag_row *sim_tag_rows(size_t *ret_count) {
    *ret_count = COUNT(tag_rows);
    return tag_rows;
}

const char *sim_machine_name(enum sim_machine machine) {
    return machine < SIM_MACHINE_COUNT ? device_rows[machine].id : "";
}

bool sim_machine_of_name(struct str name, enum sim_machine *ret_machine) {
    for (size_t i = 0; i < COUNT(device_rows); i++) {
        if (str_eq(name, str_of(device_rows[i].id))) {
            *ret_machine = device_rows[i].machine;
            return true;
        }
    }
    return false;
}
