/* The simulated plant: plausible, repeatable, and never boring for two minutes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "sim/sim.h"

enum { DAY_STEPS = 1200, STEP_MS = 100 }; // Two minutes.

static struct sim_plant *start(struct clock_fake *fake, uint64_t seed) {
    clock_fake_init(fake, 1700000000LL * NS_PER_S);
    struct sim_plant_options options = {.seed = seed, .clock = &fake->clock};
    struct sim_plant *plant = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_plant_start(&options, &plant, &err));
    return plant;
}

static const struct sim_tag_row *row_of(const char *name) {
    size_t count = 0;
    const struct sim_tag_row *rows = sim_tag_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    fail_msg("no tag %s", name);
    return NULL;
}

static bool is_korean(const char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0xea && (unsigned char)*text <= 0xed) { // Hangul in UTF-8.
            return true;
        }
    }
    return false;
}

static void english_names_and_units_have_no_korean_word(void **state) {
    (void)state;
    size_t count = 0;
    const struct sim_tag_row *rows = sim_tag_rows(&count);
    size_t counted = 0;
    for (size_t i = 0; i < count; i++) {
        assert_false(is_korean(rows[i].display_en));
        assert_false(is_korean(sim_unit_en(rows[i].unit)));
        counted += is_korean(rows[i].unit);
    }
    assert_true(counted > 5);
    assert_string_equal("pcs", sim_unit_en("개"));
    assert_string_equal("bar", sim_unit_en("bar"));
}

static void the_tables_hold_together(void **state) {
    (void)state;
    size_t tags = 0;
    size_t assets = 0;
    size_t devices = 0;
    const struct sim_tag_row *rows = sim_tag_rows(&tags);
    const struct sim_asset_row *tree = sim_asset_rows(&assets);
    (void)sim_device_rows(&devices);
    assert_true(tags >= 64);
    assert_int_equal(SIM_MACHINE_COUNT, devices);
    for (size_t i = 0; i < tags; i++) {
        assert_string_equal(rows[i].device, sim_machine_name(rows[i].machine));
        assert_true(strlen(rows[i].display_ko) > 0 && strlen(rows[i].display_en) > 0);
        assert_true(rows[i].scale != 0);
        assert_true(isnan(rows[i].min) || isnan(rows[i].max) || rows[i].min < rows[i].max);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(rows[i].name, rows[k].name);
            bool same_place = rows[i].machine == rows[k].machine &&
                              rows[i].table == rows[k].table && rows[i].address == rows[k].address;
            assert_false(same_place);
        }
    }
    for (size_t i = 0; i < assets; i++) {
        bool found = tree[i].parent == NULL;
        for (size_t k = 0; k < i && !found; k++) {
            found = strcmp(tree[i].parent, tree[k].id) == 0;
        }
        assert_true(found); // Parents come before children.
        if (strcmp(tree[i].level, "equipment") == 0) {
            char name[64];
            (void)snprintf(name, sizeof name, "%s.%s.state", tree[i].parent, tree[i].id);
            (void)row_of(name);
            (void)snprintf(name, sizeof name, "%s.%s.power_kw", tree[i].parent, tree[i].id);
            (void)row_of(name);
            (void)snprintf(name, sizeof name, "%s.%s.energy_kwh", tree[i].parent, tree[i].id);
            (void)row_of(name);
        }
    }
    enum sim_machine machine = SIM_METER;
    assert_true(sim_machine_of_name(STR("press2"), &machine));
    assert_int_equal(SIM_PRESS2, machine);
    assert_false(sim_machine_of_name(STR("press3"), &machine));
}

static void the_same_seed_gives_the_same_day(void **state) {
    (void)state;
    struct clock_fake fakes[3];
    struct sim_plant *plants[3] = {start(&fakes[0], 9), start(&fakes[1], 9), start(&fakes[2], 10)};
    size_t count = 0;
    const struct sim_tag_row *rows = sim_tag_rows(&count);
    size_t differing = 0;
    for (int step = 0; step < DAY_STEPS / 4; step++) {
        for (int i = 0; i < 3; i++) {
            clock_fake_advance(&fakes[i], STEP_MS * NS_PER_MS);
            if (i != 1 || step % 3 == 2) { // The second is asked in another rhythm.
                (void)sim_plant_value(plants[i], &rows[0]);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        double value = sim_plant_value(plants[0], &rows[i]);
        assert_true(value == sim_plant_value(plants[1], &rows[i]));
        differing += value != sim_plant_value(plants[2], &rows[i]);
    }
    assert_true(differing > count / 2);
    for (int i = 0; i < 3; i++) {
        sim_plant_stop(plants[i]);
    }
}

/* Runs two minutes; counts stops of machines and values out of range. */
static void run_two_minutes(uint64_t seed, int *ret_stops, int *ret_faults) {
    struct clock_fake fake;
    struct sim_plant *plant = start(&fake, seed);
    size_t count = 0;
    const struct sim_tag_row *rows = sim_tag_rows(&count);
    double first_strokes = sim_plant_value(plant, row_of("line1.press1.strokes"));
    for (int step = 0; step < DAY_STEPS; step++) {
        clock_fake_advance(&fake, STEP_MS * NS_PER_MS);
        for (size_t i = 0; i < count; i++) {
            double value = sim_plant_value(plant, &rows[i]);
            assert_true(isfinite(value));
            if (strstr(rows[i].name, ".state") != NULL) {
                *ret_stops += value == SIM_STOP || value == SIM_ALARM;
            } else if (value < rows[i].min || value > rows[i].max) {
                *ret_faults += 1;
            }
        }
    }
    assert_true(sim_plant_value(plant, row_of("line1.press1.strokes")) > first_strokes + 3);
    sim_plant_stop(plant);
}

static void something_happens_within_two_minutes_whatever_the_seed(void **state) {
    (void)state;
    int with_faults = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        int stops = 0;
        int faults = 0;
        run_two_minutes(seed, &stops, &faults);
        assert_true(stops > 0);
        /* Faults are the exception: below one in a hundred of all values. */
        assert_true(faults < DAY_STEPS);
        with_faults += faults > 0;
    }
    assert_true(with_faults >= 8);
}

static void a_long_silence_is_not_caught_up_for_ever(void **state) {
    (void)state;
    struct clock_fake fake;
    struct sim_plant *plant = start(&fake, 4);
    double before = sim_plant_value(plant, row_of("line1.press1.strokes"));
    clock_fake_advance(&fake, 86400 * NS_PER_S);
    double after = sim_plant_value(plant, row_of("line1.press1.strokes"));
    assert_true(after - before <= 4); // Thirty seconds of a day.
    sim_plant_stop(plant);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_hold_together),
        cmocka_unit_test(english_names_and_units_have_no_korean_word),
        cmocka_unit_test(the_same_seed_gives_the_same_day),
        cmocka_unit_test(something_happens_within_two_minutes_whatever_the_seed),
        cmocka_unit_test(a_long_silence_is_not_caught_up_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
