/*
 * Corrections: the corrected value answers, the original stays readable, who and why are kept, and
 * the same correction again changes nothing.
 */
#include "plant/correct.h"

#include "support_plant.h"

static const char SAMPLES[] = "tag,ts_ms,value\na,1000,10\na,2000,20\na,3000,30\n";

static int correct(struct rig *rig, const char *text, struct import_report *report) {
    int fd = text_fd(text);
    struct import_options options = {.kind = IMPORT_CORRECTIONS, .fd = fd, .actor = STR("kim")};
    struct err err = ERR_INIT;
    int status = import_run(rig->plant, &options, report, &err);
    file_close(fd);
    return status;
}

/* */
static void a_correction_outranks_and_the_original_stays(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_SAMPLES, SAMPLES, &report, &err), 0);
    static const char TABLE[] = "tag,ts_ms,value,quality,reason\n"
                                "a,2000,22.5,,\"저울 눈금을 잘못 읽음\"\n"
                                "a,3000,,bad,센서가 빠져 있었음\n";
    for (int round = 0; round < 3; round++) {
        assert_int_equal(correct(&rig, TABLE, &report), 0);
        assert_int_equal(report.rejected, 0);
        assert_int_equal(report.stored, round == 0 ? 2 : 0);
        assert_int_equal(report.omitted, round == 0 ? 0 : 2);
        assert_int_equal(stored_rows(&rig, "a", false), 3);
        assert_int_equal(stored_rows(&rig, "a", true), 5);
        /* The source sends the wrong values again: the corrections stand. */
        assert_int_equal(import_text(&rig, IMPORT_SAMPLES, SAMPLES, &report, &err), 0);
        if (round == 1) {
            rig_reopen(&rig, NULL);
        }
    }
    struct correction_entry entries[8];
    struct correction_query all = {.before = INT64_MAX};
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    assert_int_equal(correction_list(rig.plant, &all, entries, 8, &arena, &err), 2);
    assert_true(str_eq(entries[1].actor, STR("kim")));
    assert_true(str_eq(entries[1].reason, STR("저울 눈금을 잘못 읽음")));
    assert_true(str_eq(entries[1].old_value, STR("20")));
    assert_true(str_eq(entries[1].value, STR("22.5")));
    assert_true(entries[0].bad && entries[0].applied && entries[1].applied);
    struct correction_query older = {.before = entries[0].number};
    assert_int_equal(correction_list(rig.plant, &older, entries, 8, &arena, &err), 1);
    struct correction found = {
        .tag = STR("a"), .time_ns = 2 * NS_PER_S, .value = STR("22.5"), .reason = STR("again")};
    struct correction_found at;
    assert_int_equal(correction_find(rig.plant, &found, &arena, &at, &err), 0);
    assert_true(at.same);
    rig_close(&rig);
}

static void what_cannot_be_corrected_is_told_by_row(void **state) {
    (void)state;
    static const char *const TABLES[] = {
        "tag,ts_ms,value,reason\na,1000,1,fine\nb,1000,1,no such tag\n",
        "tag,ts_ms,value,reason\na,1000,1,fine\na,1500,1,no value then\n",
        "tag,ts_ms,value,reason\na,1000,1,fine\na,2000,1,\n",
        "tag,ts_ms,value,reason\na,1000,1,fine\na,2000,much,no number\n",
        "tag,ts_ms,value,reason\na,1000,1,fine\na,soon,1,no time\n",
        "tag,ts_ms,value,reason\na,1000,1,fine\na,1000,2,the same value again\n",
    };
    for (size_t i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++) {
        struct rig rig;
        rig_open(&rig, NULL);
        struct import_report report;
        struct err err = ERR_INIT;
        assert_int_equal(import_text(&rig, IMPORT_SAMPLES, SAMPLES, &report, &err), 0);
        assert_int_equal(correct(&rig, TABLES[i], &report), 0);
        assert_int_equal(report.rejected, 1);
        assert_true(report.refused);
        assert_int_equal(stored_rows(&rig, "a", true), 3);
        rig_close(&rig);
    }
}

static void a_table_without_a_reason_is_refused(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    assert_int_equal(correct(&rig, "tag,ts_ms,value\na,1000,1\n", &report), -ERR_INVALID);
    assert_int_equal(correct(&rig, "", &report), -ERR_INVALID);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_correction_outranks_and_the_original_stays),
        cmocka_unit_test(what_cannot_be_corrected_is_told_by_row),
        cmocka_unit_test(a_table_without_a_reason_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
