/*
 * Units: known pairs of values from both sides of each conversion.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "refine/stage.h"
#include "tests/refine/support_refine.h"

/* */
static void known_values_convert(void **state) {
    (void)state;
    static const struct {
        const char *from;
        double value;
        const char *to;
        double expected;
    } CASES[] = {
        {"[degF]", 32, "Cel", 0},
        {"[degF]", 212, "°C", 100},
        {"[degF]", -40, "℃", -40},
        {"K", 300, "Cel", 26.85},
        {"Cel", 100, "[degF]", 212},
        {"bar", 1, "kPa", 100},
        {"[psi]", 14.695948775513, "atm", 1},
        {"kgf/cm2", 1, "bar", 0.980665},
        {"MPa", 0.5, "bar", 5},
        {"mm[Hg]", 760, "Pa", 101324.72},
        {"[in_i]", 1, "mm", 25.4},
        {"[lb_av]", 1, "kg", 0.45359237},
        {"kgf.cm", 10, "N.m", 0.980665},
        {"[lbf_av].[ft_i]", 1, "Nm", 1.3558179483314004},
        {"kW.h", 1, "MJ", 3.6},
        {"kcal_th", 860.42065009560231, "kWh", 1},
        {"[HP]", 1, "kW", 0.74569987158227022},
        {"[gal_us]", 1, "L", 3.785411784},
        {"L/min", 60, "m3/h", 3.6},
        {"{rpm}", 60, "Hz", 1},
        {"km/h", 36, "m/s", 10},
        {"deg", 180, "rad", 3.141592653589793},
        {"%", 50, "1", 0.5},
        {"[ppm]", 10000, "%", 1},
        {"min", 90, "h", 1.5},
        {"mA", 20, "A", 0.02},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct unit_part unit;
        struct err err = ERR_INIT;
        assert_int_equal(unit_between(str_of(CASES[i].from), str_of(CASES[i].to), &unit, &err), 0);
        double got = CASES[i].value * unit.factor + unit.offset;
        double scale = fmax(fabs(CASES[i].expected), 1);
        assert_true(fabs(got - CASES[i].expected) <= 1e-12 * scale);
    }
}

static void a_device_value_is_converted_after_its_scale(void **state) {
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.tag->scale = 0.1;
    bench.tag->unit = STR("°C");
    bench.tag->max = 120;
    bench.tag->refine = STR("unit_from=[degF]");
    struct sample row = bench_run_f64(&bench, 1, 2120);
    assert_true(fabs(row.value.f64 - 100) < 1e-12);
    assert_int_equal(row.status, 0); // 100 °C is in range; 212 would not be.
    assert_int_equal(bench_counts(&bench, STAGE_UNIT).changed, 1);
    bench_batch(&bench, 0); // An import: finished.
    (void)bench_f64(&bench, 2, 50);
    refine_run(bench.refine, bench.batch);
    assert_true(bench.batch->rows[0].value.f64 == 50);
    assert_int_equal(
        bench_run_f64(&bench, 3, 1e308 * 10).status, (uint32_t)STATUS_BAD_SENSOR_FAILURE);
    bench_fini(&bench);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *line;
        const char *unit;
        enum value_type type;
        enum msg_id words;
    } CASES[] = {
        {"unit_from=bar", "kPa", TYPE_F64, MSG_NONE},
        {"unit_from=bar", "kPa", TYPE_I64, MSG_REFINE_RULE_TYPE},
        {"unit_from=furlong", "m", TYPE_F64, MSG_REFINE_UNIT_UNKNOWN},
        {"unit_from=m", "", TYPE_F64, MSG_REFINE_UNIT_UNKNOWN},
        {"unit_from=N.m", "J", TYPE_F64, MSG_REFINE_UNIT_DIMENSION},
        {"unit_from=Cel", "bar", TYPE_F64, MSG_REFINE_UNIT_DIMENSION},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct tag tag = {.name = STR("a"),
            .type = CASES[i].type,
            .unit = str_of(CASES[i].unit),
            .refine = str_of(CASES[i].line)};
        struct err err = ERR_INIT;
        assert_int_equal(refine_check(&tag, &err), CASES[i].words ? -ERR_INVALID : 0);
        assert_int_equal(err.notes[0].msg, CASES[i].words);
    }
}

int main(void) {
    const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(known_values_convert),
        cmocka_unit_test(a_device_value_is_converted_after_its_scale),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
