/*
 * Indicators: a month of made samples whose result is known, with its derivation; months that are
 * closed stay, whatever becomes of the formula; percentages hold what they promise.
 */
#include "plant/indicator.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "core/random.h"
#include "support_plant.h"

#define MARCH_NS (1740754800LL * NS_PER_S) // 2025-03-01 in Seoul.

struct step {
    struct indicator row;
    struct indicator_value value;
    struct indicator_value got[INDICATOR_MONTHS_MAX];
    struct arena *arena;
    int64_t number;
    int count;
};

static int put(struct ledger_tx *tx, void *context, struct err *err) {
    struct step *step = context;
    return indicator_put(tx, &step->row, STR("tester"), &step->number, err);
}

static int list(struct ledger_tx *tx, void *context, struct err *err) {
    struct step *step = context;
    step->count =
        indicator_values(tx, step->number, step->arena, step->got, INDICATOR_MONTHS_MAX, err);
    return step->count < 0 ? step->count : 0;
}

static int type_value(struct ledger_tx *tx, void *context, struct err *err) {
    struct step *step = context;
    return indicator_value_type(tx, &step->value, err);
}

static struct indicator blank(const char *formula) {
    struct indicator row = {.weight = 1, .baseline = (double)NAN, .target = (double)NAN};
    row.effect = STR("quality");
    row.name = STR("양품률");
    row.unit = STR("%");
    row.formula = str_of(formula);
    row.since = STR("2025-03");
    row.baseline_from = row.baseline_to = row.baseline_source = row.target_date = row.note =
        STR_NONE;
    return row;
}

/* Ten values of a counter, an hour apart, each so much above the one before. */
static void count_up(struct rig *rig, const char *tag, double step) {
    struct err err = ERR_INIT;
    uint32_t number = tag_number(rig, tag);
    for (int i = 0; i <= 10; i++) {
        assert_int_equal(
            submit_f64(rig, number, MARCH_NS + (i + 1) * 3600LL * NS_PER_S, i * step, &err), 0);
    }
}

/* */
static void a_month_is_computed_with_its_derivation(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    count_up(&rig, "good", 97);
    count_up(&rig, "total", 100);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    double value = 0;
    struct str derivation = STR_NONE;
    struct err err = ERR_INIT;
    const struct str formula = STR("100 * increase(\"good\") / increase(\"total\")");
    assert_int_equal(
        indicator_compute(rig.plant, formula, STR("2025-03"), &arena, &value, &derivation, &err),
        0);
    assert_true(fabs(value - 97) < 1e-9);
    static const char *const PARTS[] = {"\"from\":\"2025-02-28T15:00:00Z\"",
        "\"to\":\"2025-03-31T15:00:00Z\"", "\"hours\":744", "\"tag\":\"good\"",
        "{\"increase\":970}", "\"rows\":11", "\"gap_s\":", "\"missing\":null", "\"reason\":\"\""};
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        if (memmem(derivation.data, derivation.size, PARTS[i], strlen(PARTS[i])) == NULL) {
            fail_msg("no %s in %.*s", PARTS[i], STR_ARG(derivation));
        }
    }
    assert_int_equal(
        indicator_compute(rig.plant, formula, STR("2025-02"), &arena, &value, &derivation, &err),
        0);
    assert_true(isnan(value)); // Nothing is there; that is said and is no 0.
    assert_non_null(memmem(derivation.data, derivation.size, "\"reason\":\"no_value\"", 19));
    rig_close(&rig);
}

/* */
static void a_closed_month_stays_whatever_becomes_of_the_formula(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    count_up(&rig, "good", 97);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct err err = ERR_INIT;
    struct step step = {.row = blank("increase(\"good\")"), .arena = &arena};
    char since[INDICATOR_MONTH_BYTES];
    char month[INDICATOR_MONTH_BYTES];
    indicator_month_of(rig.plant, clock_wall_ns(clock_system()), month);
    for (int back = 0;; back++) { // The 60 months that are computed must reach March 2025.
        assert_true(back < INDICATOR_MONTHS_MAX);
        indicator_month_before(str_of(month), back, since);
        if (strcmp(since, "2025-03") == 0) {
            break;
        }
    }
    struct ledger *ledger = plant_ledger(rig.plant);
    assert_int_equal(ledger_write(ledger, put, &step, &err), 0);
    assert_true(indicator_refresh(rig.plant, 0, 1000, NULL, &err) > 0);
    step.row.number = step.number;
    step.row.formula = STR("2 * increase(\"good\")");
    assert_int_equal(ledger_write(ledger, put, &step, &err), 0);
    assert_true(indicator_refresh(rig.plant, 0, 1000, NULL, &err) >= 0);
    step.value = (struct indicator_value){.number = step.number, .value = 1};
    step.value.month = STR("2025-03");
    step.value.source = step.value.file = step.value.actor = step.value.derivation = STR_NONE;
    assert_int_equal(ledger_write(ledger, type_value, &step, &err), -ERR_CONFLICT);
    assert_int_equal(ledger_read(ledger, list, &step, &err), 0);
    assert_true(step.count > 1);
    assert_int_equal(step.got[0].revision, 2); // The present month goes with the new formula.
    assert_false(step.got[0].closed);
    const struct indicator_value *march = &step.got[step.count - 1];
    assert_true(str_eq(march->month, STR("2025-03")));
    assert_true(march->closed && march->value == 970 && march->revision == 1);
    rig_close(&rig);
}

/* */
static void typed_months_are_kept_and_taken_away(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct err err = ERR_INIT;
    struct step step = {.row = blank(""), .arena = &arena};
    struct ledger *ledger = plant_ledger(rig.plant);
    static const char *const EFFECTS[] = {
        "productivity", "quality", "cost", "sales", "employment", "safety"};
    for (size_t i = 0; i < sizeof EFFECTS / sizeof EFFECTS[0]; i++) {
        step.row.effect = str_of(EFFECTS[i]);
        assert_int_equal(ledger_write(ledger, put, &step, &err), 0);
    }
    step.row.effect = STR("weather");
    assert_int_equal(ledger_write(ledger, put, &step, &err), -ERR_INVALID);
    step.value = (struct indicator_value){.number = step.number, .value = 3};
    step.value.month = STR("2025-04");
    step.value.source = STR("산재 기록부");
    step.value.file = step.value.derivation = STR_NONE;
    step.value.actor = STR("tester");
    assert_int_equal(ledger_write(ledger, type_value, &step, &err), 0);
    assert_int_equal(ledger_read(ledger, list, &step, &err), 0);
    assert_int_equal(step.count, 1);
    assert_true(step.got[0].value == 3 && str_eq(step.got[0].source, STR("산재 기록부")));
    step.value.file = STR("7");
    assert_int_equal(ledger_write(ledger, type_value, &step, &err), -ERR_NOT_FOUND);
    step.value.file = STR_NONE;
    step.value.month = STR("2025-13");
    assert_int_equal(ledger_write(ledger, type_value, &step, &err), -ERR_INVALID);
    step.value.month = STR("2025-04");
    step.value.value = (double)NAN;
    assert_int_equal(ledger_write(ledger, type_value, &step, &err), 0);
    assert_int_equal(ledger_read(ledger, list, &step, &err), 0);
    assert_int_equal(step.count, 0);
    rig_close(&rig);
}

/* ---- Percentages ---- */

static double some(struct random *random) {
    return ((double)random_below(random, 2000001) - 1000000) / 1000;
}

/* */
static void percentages_hold_for_any_figures(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 43);
    for (int i = 0; i < 20000; i++) {
        double before = some(&random);
        double target = some(&random);
        double now = some(&random);
        if (fabs(before) < 1 || fabs(target - before) < 1) {
            continue;
        }
        double up = indicator_improvement(before, now, false);
        assert_true((up > 0) == (now > before) && (up == 0) == (now == before));
        assert_true(indicator_improvement(before, now, true) == -up); // Falling is good there.
        assert_true(indicator_improvement(before, before, true) == 0);
        assert_true(fabs(indicator_improvement(1000 * before, 1000 * now, false) - up) <
                    1e-9 * (1 + fabs(up))); // Whatever the unit.
        assert_true(indicator_achievement(before, target, before) == 0);
        assert_true(indicator_achievement(before, target, target) == 100);
        double way = indicator_achievement(before, target, now);
        assert_true(fabs(indicator_achievement(-before, -target, -now) - way) < 1e-9);
        double back = before + way / 100 * (target - before);
        assert_true(fabs(back - now) < 1e-6);
    }
    assert_true(isnan(indicator_improvement(0, 5, false)));
    assert_true(isnan(indicator_improvement((double)NAN, 5, false)));
    assert_true(isnan(indicator_achievement(5, 5, 7)));
}

static void the_mean_goes_by_weight_and_cuts_what_is_beyond(void **state) {
    (void)state;
    struct indicator_mean mean = {0};
    assert_true(isnan(indicator_mean_value(&mean)));
    indicator_mean_add(&mean, 250, 1); // Counts as 100.
    indicator_mean_add(&mean, -40, 1); // As 0.
    indicator_mean_add(&mean, 50, 2);
    indicator_mean_add(&mean, (double)NAN, 9);
    indicator_mean_add(&mean, 70, 0);
    assert_true(indicator_mean_value(&mean) == 50);
    assert_int_equal(mean.count, 3);
}

/* */
static void outcomes_of_others_stand_beside(void **state) {
    (void)state;
    static const struct {
        const char *effect;
        double value;
    } WANT[] = {{"productivity", 29.4}, {"quality", 42.8}, {"cost", -15.9}, {"sales", 6.4},
        {"employment", 1.5}, {"safety", -4.9}};
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++) {
        assert_string_equal(INDICATOR_REFERENCES[i].effect, WANT[i].effect);
        assert_true(INDICATOR_REFERENCES[i].value == WANT[i].value);
        assert_int_equal(INDICATOR_REFERENCES[i].persons, i == 4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_is_computed_with_its_derivation),
        cmocka_unit_test(a_closed_month_stays_whatever_becomes_of_the_formula),
        cmocka_unit_test(typed_months_are_kept_and_taken_away),
        cmocka_unit_test(percentages_hold_for_any_figures),
        cmocka_unit_test(the_mean_goes_by_weight_and_cuts_what_is_beyond),
        cmocka_unit_test(outcomes_of_others_stand_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
