/*
 * Refining again: what present rules make of what is stored, from raw values where they are kept;
 * that corrections stay, that nothing is written when only asked, and that undoing gives back
 * exactly the answers of before, for random data over several chunks.
 */
#include "plant/rerefine.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/file_fault.h"
#include "core/mem.h"
#include "core/random.h"
#include "support_plant.h"

enum { ROWS = 9000 }; // More than two chunks.

#define T0 (1741014000LL * NS_PER_S)

/* All winning rows of a tag. */
struct answer {
    uint32_t count;
    int64_t time_ns[ROWS];
    double value[ROWS];
    uint32_t status[ROWS];
    uint32_t text[ROWS]; // A sum over the text.
};

static void ask(struct rig *rig, const char *name, struct answer *answer) {
    struct hist_scan_options options = {
        .tag = tag_number(rig, name), .from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    struct err err = ERR_INIT;
    memset(answer, 0, sizeof *answer);
    assert_int_equal(hist_scan_open(plant_historian(rig->plant), &options, &scan, &err), 0);
    while (hist_scan_next(scan, &rows, &err) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            uint32_t at = answer->count++;
            answer->time_ns[at] = rows.time_ns[i];
            answer->value[at] = rows.f64 != NULL ? rows.f64[i] : 0;
            answer->status[at] = rows.status != NULL ? rows.status[i] : 0;
            for (size_t k = 0; rows.text != NULL && k < rows.text[i].size; k++) {
                answer->text[at] = answer->text[at] * 31 + (uint8_t)rows.text[i].data[k];
            }
        }
    }
    hist_scan_close(scan);
}

static void import_tags(struct rig *rig, const char *text) {
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(rig, IMPORT_TAGS, text, &report, &err), 0);
    assert_int_equal(report.rejected, 0);
}

static void put_numbers(
    struct rig *rig, const char *name, uint32_t count, double scale, uint8_t flags) {
    AUTO_BATCH struct batch *batch = batch_new(count, 0);
    uint32_t tag = tag_number(rig, name);
    for (uint32_t i = 0; i < count; i++) {
        struct sample *row = batch_add(batch);
        row->tag = tag;
        row->type = TYPE_F64;
        row->time_ns = T0 + (int64_t)i * NS_PER_S;
        row->value.f64 = i % 100 * scale;
        row->flags = flags;
    }
    struct err err = ERR_INIT;
    struct batch *const one = batch;
    assert_int_equal(plant_submit(rig->plant, &one, 1, &err), 0);
}

static struct rerefine_report refine_all(struct rig *rig, const char *name, bool dry_run) {
    struct rerefine_options options = {.tag = str_of(name),
        .from_ns = INT64_MIN,
        .to_ns = INT64_MAX,
        .dry_run = dry_run,
        .actor = STR("test")};
    struct rerefine_report report = {0};
    struct err err = ERR_INIT;
    assert_int_equal(rerefine_run(rig->plant, &options, &report, &err), 0);
    return report;
}

static struct rerefine_report undo(struct rig *rig, int64_t id) {
    struct rerefine_options options = {.actor = STR("test")};
    struct rerefine_report report = {0};
    struct err err = ERR_INIT;
    assert_int_equal(rerefine_undo(rig->plant, id, &options, &report, &err), 0);
    return report;
}

/* */
static void present_rules_are_applied_and_undoing_gives_the_old_answers(void **state) {
    (void)state;
    static struct answer before;
    static struct answer refined;
    static struct answer again;
    struct rig rig;
    rig_open(&rig, NULL);
    put_numbers(&rig, "a", ROWS, 1, 0);
    ask(&rig, "a", &before);
    import_tags(&rig, "tag,max\na,49\n");
    struct rerefine_report asked = refine_all(&rig, "a", true);
    assert_int_equal(asked.changed, ROWS / 2);
    assert_int_equal(asked.id, 0);
    ask(&rig, "a", &again);
    assert_memory_equal(&before, &again, sizeof before); // Asking changes nothing.
    struct rerefine_report report = refine_all(&rig, "a", false);
    assert_int_equal(report.rows_read, ROWS);
    assert_int_equal(report.changed, ROWS / 2);
    ask(&rig, "a", &refined);
    for (uint32_t i = 0; i < ROWS; i++) {
        assert_int_equal(refined.status[i] != 0, i % 100 > 49);
    }
    assert_int_equal(refine_all(&rig, "a", false).changed, 0); // Once is enough.
    struct rerefine_report undone = undo(&rig, report.id);
    assert_int_equal(undone.changed, ROWS / 2);
    assert_int_equal(undone.skipped, 0);
    ask(&rig, "a", &again);
    assert_memory_equal(&before, &again, sizeof before);
    undone = undo(&rig, undone.id); // And undoing that is doing it.
    ask(&rig, "a", &again);
    assert_memory_equal(&refined, &again, sizeof refined);
    rig_reopen(&rig, NULL);
    ask(&rig, "a", &again);
    assert_memory_equal(&refined, &again, sizeof refined);
    rig_close(&rig);
}

static void a_rule_taken_away_takes_its_marks_away(void **state) {
    (void)state;
    static struct answer answer;
    struct rig rig;
    rig_open(&rig, NULL);
    import_tags(&rig, "tag,max\na,49\n");
    put_numbers(&rig, "a", 200, 1, 0);
    ask(&rig, "a", &answer);
    assert_true(answer.status[99] != 0);
    import_tags(&rig, "tag,max\na,1000\n");
    assert_int_equal(refine_all(&rig, "a", false).changed, 100);
    ask(&rig, "a", &answer);
    assert_int_equal(answer.status[99], 0);
    rig_close(&rig);
}

static void raw_values_are_scaled_anew(void **state) {
    (void)state;
    static struct answer answer;
    struct rig rig;
    rig_open(&rig, NULL);
    import_tags(&rig, "tag,scale\na,2\n");
    put_numbers(&rig, "a", 300, 5, 0);     // Scaled wrongly once.
    put_numbers(&rig, "a_raw", 200, 1, 0); // What came, of the first ones.
    struct rerefine_report report = refine_all(&rig, "a", false);
    assert_int_equal(report.from_raw, 200);
    ask(&rig, "a", &answer);
    assert_true(answer.value[150] == 50 * 2.0);
    assert_true(answer.value[250] == 50 * 5.0); // No raw value: a finished one stays.
    rig_close(&rig);
}

static void corrections_stay_and_newer_versions_are_left_alone(void **state) {
    (void)state;
    static struct answer answer;
    struct rig rig;
    struct err err = ERR_INIT;
    rig_open(&rig, NULL);
    put_numbers(&rig, "a", 200, 1, 0);
    put_numbers(&rig, "a", 60, 7, SAMPLE_CORRECTION);
    import_tags(&rig, "tag,max\na,49\n");
    struct rerefine_report report = refine_all(&rig, "a", false);
    assert_int_equal(report.corrected, 60);
    assert_int_equal(report.changed, 90); // 60..99 and 150..199.
    ask(&rig, "a", &answer);
    assert_true(answer.value[55] == 55 * 7.0);
    /* Another value comes for a moment that was refined: undoing leaves it. */
    assert_int_equal(submit_f64(&rig, tag_number(&rig, "a"), T0 + 70 * NS_PER_S, 11, &err), 0);
    struct rerefine_report undone = undo(&rig, report.id);
    assert_int_equal(undone.changed, 89);
    assert_int_equal(undone.skipped, 1);
    ask(&rig, "a", &answer);
    assert_true(answer.value[70] == 11);
    rig_close(&rig);
}

static void texts_are_cleaned_again_and_come_back(void **state) {
    (void)state;
    static struct answer before;
    static struct answer again;
    struct rig rig;
    struct random random;
    rig_open(&rig, NULL);
    random_seed(&random, 4);
    import_tags(&rig, "tag,type\nt,text\n");
    AUTO_BATCH struct batch *batch = batch_new(ROWS, ROWS * 16);
    for (uint32_t i = 0; i < 6000; i++) {
        char text[16];
        size_t size = random_below(&random, sizeof text);
        for (size_t k = 0; k < size; k++) {
            text[k] = " aB"[random_below(&random, 3)];
        }
        assert_true(batch_add_text(
            batch, tag_number(&rig, "t"), T0 + (int64_t)i * NS_PER_S, (struct str){text, size}));
    }
    struct err err = ERR_INIT;
    struct batch *const one = batch;
    assert_int_equal(plant_submit(rig.plant, &one, 1, &err), 0);
    ask(&rig, "t", &before);
    import_tags(&rig, "tag,type,refine\nt,text,\"clean=trim,upper\"\n");
    struct rerefine_report report = refine_all(&rig, "t", false);
    assert_true(report.changed > 3000);
    assert_int_equal(undo(&rig, report.id).changed, report.changed);
    ask(&rig, "t", &again);
    assert_memory_equal(&before, &again, sizeof before);
    rig_close(&rig);
}

static void a_run_that_breaks_off_can_be_undone(void **state) {
    (void)state;
    static struct answer before;
    static struct answer again;
    for (int chunk = 0; chunk < 3; chunk++) {
        struct file_fault fault;
        file_fault_init(&fault);
        struct rig rig;
        rig_open(&rig, &fault.files);
        put_numbers(&rig, "a", ROWS, 1, 0);
        ask(&rig, "a", &before);
        import_tags(&rig, "tag,max\na,49\n");
        /* Each chunk is one write of the log: the run ends in the first, second or third. */
        struct rerefine_options options = {
            .tag = STR("a"), .from_ns = INT64_MIN, .to_ns = INT64_MAX, .actor = STR("test")};
        struct rerefine_report report;
        struct err err = ERR_INIT;
        fault.sticky = 1;
        file_fault_arm(&fault, FILE_OP_WRITE, chunk, ENOSPC);
        assert_int_equal(rerefine_run(rig.plant, &options, &report, &err), -ERR_SPACE);
        file_fault_disarm(&fault);
        ask(&rig, "a", &again);
        assert_int_equal(memcmp(&before, &again, sizeof before) != 0, chunk > 0);
        struct rerefine_report undone = undo(&rig, 1);
        assert_int_equal(undone.skipped, 0);
        ask(&rig, "a", &again);
        assert_memory_equal(&before, &again, sizeof before);
        rig_close(&rig);
    }
}

static void what_cannot_be_refined_again_is_refused(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    put_numbers(&rig, "a", 10, 1, 0);
    import_tags(&rig, "tag,source\nd,= tag('a')\n");
    import_tags(&rig, "tag,type,refine\nn,i64,deident=pseudonym\n");
    static const struct {
        const char *tag;
        int result;
    } CASES[] = {{"nothing", -ERR_NOT_FOUND}, {"d", -ERR_UNSUPPORTED}, {"n", -ERR_UNSUPPORTED}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct rerefine_options options = {
            .tag = str_of(CASES[i].tag), .from_ns = 0, .to_ns = 1, .actor = STR("test")};
        struct rerefine_report report;
        struct err err = ERR_INIT;
        assert_int_equal(rerefine_run(rig.plant, &options, &report, &err), CASES[i].result);
        assert_true(err.note_count > 0);
    }
    struct rerefine_options options = {.actor = STR("test")};
    struct rerefine_report report;
    struct err err = ERR_INIT;
    assert_int_equal(rerefine_undo(rig.plant, 7, &options, &report, &err), -ERR_NOT_FOUND);
    assert_int_equal(refine_all(&rig, "a", false).changed, 0); // And nothing stays locked.
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(present_rules_are_applied_and_undoing_gives_the_old_answers),
        cmocka_unit_test(a_rule_taken_away_takes_its_marks_away),
        cmocka_unit_test(raw_values_are_scaled_anew),
        cmocka_unit_test(corrections_stay_and_newer_versions_are_left_alone),
        cmocka_unit_test(texts_are_cleaned_again_and_come_back),
        cmocka_unit_test(a_run_that_breaks_off_can_be_undone),
        cmocka_unit_test(what_cannot_be_refined_again_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
