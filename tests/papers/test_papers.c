/*
 * Papers of a plant whose figures are known: completeness as it was measured, the definition as it
 * is collected, PDF and ZIP with what they promise inside.
 */
#include "papers/papers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/indicators.h"
#include "support_papers.h"
#include "table/table.h"

#define DAY_NS (1741014000LL * NS_PER_S)

static bool holds(const struct buf *bytes, const char *text) {
    return memmem(bytes->data, bytes->size, text, strlen(text)) != NULL;
}

static void keep(const struct buf *bytes, const char *name) {
    const char *folder = getenv("MARU_KEEP_PAPERS"); // To look at them.
    if (folder != NULL) {
        AUTO_BUF struct buf path;
        buf_init(&path, LIMIT_PATH_BYTES);
        buf_printf(&path, "%s/%s", folder, name);
        AUTO_CLOSE int fd = -1;
        assert_int_equal(file_open(files_system(), buf_z(&path), FILE_WRITE, &fd, NULL), 0);
        assert_int_equal(
            file_write_at(files_system(), fd, name, 0, bytes->data, bytes->size, NULL), 0);
    }
}

static void enter_all(struct rig *rig) {
    struct err err = ERR_INIT;
    assert_true(rig_enter(rig, REGISTER_HARDWARE, 0, &err, "kind", "controller", "name",
                    "프레스 제어반 PLC", "maker", "LS ELECTRIC", "model", "XGB-XBCH", "serial",
                    "A-1204", "place", "1공장 A동", "asset", "press1", "warranty_end", "2027-03-31",
                    "contract_end", "2026-12-31", NULL) > 0);
    assert_true(rig_enter(rig, REGISTER_HARDWARE, 0, &err, "kind", "scanner", "name",
                    "출하 바코드 스캐너", NULL) > 0);
    const struct box_file file = {.title = STR("운영 설명서"),
        .kind = STR("manual"),
        .version = STR("1.0"),
        .name = STR("운영 설명서.pdf"),
        .bytes = STR("%PDF-1.4 manual"),
        .actor = STR("tester"),
        .author = STR("tester")};
    int64_t number = 0;
    assert_int_equal(box_add(rig->plant, &file, &number, &err), 0);
    assert_true(rig_enter(rig, REGISTER_TRAINING, 0, &err, "day", "2025-03-05", "subject",
                    "데이터 기초와 화면 사용", "trainer", "박공급", "attendees", "김도입, 이현장",
                    "hours", "2.5", "file", "1", NULL) > 0);
    assert_true(
        rig_enter(rig, REGISTER_SECURITY, 0, &err, "kind", "firewall", "name", "통합 보안 장비",
            "maker", "안랩", "model", "UTM 100, 2.7", "protects", "현장 장치망과 사무망 사이",
            "place", "전산실", "operator", "김도입", "file", "1", "licence_end", "2027-06-30",
            "contract_end", "2027-03-31", "checked", "2025-02-20", NULL) > 0);
}

static int put_indicators(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    const struct indicator row = {.effect = STR("quality"),
        .name = STR("공정 불량률"),
        .unit = STR("%"),
        .lower_is_better = true,
        .weight = 2,
        .baseline = 3.2,
        .baseline_from = STR("2024-01-01"),
        .baseline_to = STR("2024-12-31"),
        .baseline_source = STR("2024년 검사일보"),
        .target = 1.8,
        .target_date = STR("2025-12-31"),
        .formula = STR_NONE,
        .since = STR_NONE,
        .note = STR_NONE};
    int64_t number = 0;
    int status = indicator_put(tx, &row, STR("tester"), &number, err);
    const struct indicator_value value = {.number = number,
        .month = STR("2025-03"),
        .value = 2.5,
        .derivation = STR_NONE,
        .source = STR("검사일보"),
        .file = STR_NONE,
        .actor = STR("tester")};
    return status < 0 ? status : indicator_value_type(tx, &value, err);
}

/* */
static void indicators_go_onto_paper_with_their_percentages(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct err err = ERR_INIT;
    AUTO_BUF struct buf out;
    buf_init(&out, 16 << 20);
    assert_int_equal(ledger_write(plant_ledger(rig.plant), put_indicators, NULL, &err), 0);
    assert_int_equal(rig_make(&rig, PAPER_INDICATORS, PAPER_XLSX, LANG_KO, &out, &err), 0);
    int fd = -1;
    assert_int_equal(table_spool_new(NULL, &fd, &err), 0);
    assert_int_equal(file_write_at(files_system(), fd, "x", 0, out.data, out.size, &err), 0);
    struct table_options options = {.fd = fd};
    struct table *table = NULL;
    const struct str *fields = NULL;
    size_t count = 0;
    assert_int_equal(table_open(&options, &table, &err), 0);
    assert_int_equal(table_next(table, &fields, &count, &err), TABLE_ROW);
    static const char *const WANT[] = {"1", "품질", "공정 불량률", "%", "3.2",
        "2024-01-01 ~ 2024-12-31", "1.8", "2025-12-31", "2.5", "2025-03", "21.9", "50.0", "2",
        "월별 입력"};
    assert_int_equal(table_next(table, &fields, &count, &err), TABLE_ROW);
    assert_int_equal(count, sizeof WANT / sizeof WANT[0]);
    for (size_t i = 0; i < count; i++) {
        double is = 0;
        double want = 1;
        bool are_numbers = str_to_f64(fields[i], &is) && str_to_f64(str_of(WANT[i]), &want);
        if (are_numbers ? fabs(is - want) > 1e-9 : !str_eq(fields[i], str_of(WANT[i]))) {
            fail_msg("%zu: %.*s", i, STR_ARG(fields[i]));
        }
    }
    table_close(table);
    file_close(fd);
    AUTO_BUF struct buf pdf;
    buf_init(&pdf, 16 << 20);
    if (rig_make(&rig, PAPER_INDICATORS, PAPER_PDF, LANG_KO, &pdf, &err) == 0) {
        keep(&pdf, "indicators-filled.pdf");
    }
    rig_close(&rig);
}

/* */
static void the_definition_says_what_is_collected(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct err err = ERR_INIT;
    AUTO_BUF struct buf out;
    buf_init(&out, 16 << 20);
    assert_int_equal(rig_make(&rig, PAPER_DEFINITION, PAPER_XLSX, LANG_KO, &out, &err), 0);
    int fd = -1;
    assert_int_equal(table_spool_new(NULL, &fd, &err), 0);
    assert_int_equal(file_write_at(files_system(), fd, "x", 0, out.data, out.size, &err), 0);
    struct table_options options = {.fd = fd};
    struct table *table = NULL;
    const struct str *fields = NULL;
    size_t count = 0;
    assert_int_equal(table_open(&options, &table, &err), 0);
    assert_int_equal(table_next(table, &fields, &count, &err), TABLE_ROW);
    assert_int_equal(count, 13);
    static const char *const WANT[] = {"프레스 1호기", "plc1", "modbus", "127.0.0.1:15020",
        "press1.temp", "금형 온도", "hr:0", "f64", "°C", "1m", "0 ~ 300",
        "x0.1  모든 값 저장  spike=3", "365일"};
    assert_int_equal(table_next(table, &fields, &count, &err), TABLE_ROW);
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++) {
        assert_true(str_eq(fields[i], str_of(WANT[i])));
    }
    assert_int_equal(table_next(table, &fields, &count, &err), TABLE_ROW);
    assert_int_equal(table_next(table, &fields, &count, &err), TABLE_ROW);
    assert_int_equal(table_next(table, &fields, &count, &err), TABLE_END);
    table_close(table);
    file_close(fd);
    rig_close(&rig);
}

static void completeness_is_the_share_of_time_that_values_cover(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct err err = ERR_INIT;
    rig_values(&rig, "press1.temp", 0, 1440);
    rig_values(&rig, "press1.pressure", 0, 720); // Silent from noon on.
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct measure measure;
    assert_int_equal(
        measure_run(rig.plant, DAY_NS, DAY_NS + 86400 * NS_PER_S, &arena, &measure, &err), 0);
    assert_int_equal(measure.tag_count, 3);
    assert_true(isnan(measure.tags[2].covered)); // A reader: nothing is due, nothing is missing.
    assert_int_equal(measure.tags[2].expected, 0);
    assert_true(fabs(measure.tags[0].covered - 100) < 0.2);
    assert_true(fabs(measure.tags[1].covered - 50) < 0.2);
    assert_int_equal(measure.tags[0].rows, 1440);
    assert_int_equal(measure.tags[0].expected, 1440);
    assert_int_equal(measure.tags[1].rows, 720);
    assert_int_equal(measure.device_count, 2);
    assert_true(fabs(measure.total.covered - 75) < 0.2);
    assert_int_equal(measure.total.bad, 0);
    assert_false(measure.is_live); // Nothing was polled here.
    measure_fini(&measure);
    assert_int_equal(
        measure_run(rig.plant, DAY_NS - 86400 * NS_PER_S, DAY_NS, &arena, &measure, &err), 0);
    assert_true(isnan(measure.total.covered)); // Before the first values there is nothing to judge.
    measure_fini(&measure);
    assert_int_equal(measure_run(rig.plant, DAY_NS, DAY_NS, &arena, &measure, &err), -ERR_INVALID);
    assert_int_equal(
        measure_run(rig.plant, DAY_NS, DAY_NS + 93LL * 86400 * NS_PER_S, &arena, &measure, &err),
        -ERR_LIMIT);
    rig_close(&rig);
}

static void a_tag_that_never_gave_a_value_is_no_complete_one(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct err err = ERR_INIT;
    rig_values(&rig, "press1.temp", 0, 1440);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct measure measure;
    assert_int_equal(
        measure_run(rig.plant, DAY_NS, DAY_NS + 86400 * NS_PER_S, &arena, &measure, &err), 0);
    assert_int_equal(measure.tags[1].rows, 0);
    assert_int_equal(measure.tags[1].expected, 1440);
    assert_true(measure.tags[1].covered == 0);
    assert_true(fabs(measure.total.covered - 50) < 0.2);
    measure_fini(&measure);
    rig_close(&rig);
}

static void a_pdf_is_made_in_both_languages(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_values(&rig, "press1.temp", 0, 1440);
    enter_all(&rig);
    static const struct {
        enum paper_kind kind;
        const char *name[2];
    } CASES[] = {{PAPER_DEFINITION, {"definition-ko.pdf", "definition-en.pdf"}},
        {PAPER_HARDWARE, {"hardware-ko.pdf", "hardware-en.pdf"}},
        {PAPER_TRAINING, {"training-ko.pdf", "training-en.pdf"}},
        {PAPER_SECURITY, {"security-ko.pdf", "security-en.pdf"}},
        {PAPER_INDICATORS, {"indicators-ko.pdf", "indicators-en.pdf"}},
        {PAPER_HANDOVER, {"handover-ko.pdf", "handover-en.pdf"}}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        for (int lang = LANG_KO; lang <= LANG_EN; lang++) {
            AUTO_BUF struct buf out;
            buf_init(&out, 16 << 20);
            struct err err = ERR_INIT;
            int status = rig_make(&rig, CASES[i].kind, PAPER_PDF, (enum lang)lang, &out, &err);
            if (status == -ERR_UNSUPPORTED) {
                rig_close(&rig);
                skip(); // No cairo, or no font, on this machine.
            }
            assert_int_equal(status, 0);
            assert_memory_equal(out.data, "%PDF-", 5);
            assert_true(holds(&out, "%%EOF"));
            keep(&out, CASES[i].name[lang]);
        }
    }
    rig_close(&rig);
}

/* */
static void the_hand_over_file_holds_report_tables_and_deliverables(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    rig_values(&rig, "press1.temp", 0, 1440);
    enter_all(&rig);
    AUTO_BUF struct buf out;
    buf_init(&out, 64 << 20);
    struct err err = ERR_INIT;
    int status = rig_make(&rig, PAPER_HANDOVER, PAPER_ZIP, LANG_KO, &out, &err);
    if (status == -ERR_UNSUPPORTED) {
        rig_close(&rig);
        skip();
    }
    assert_int_equal(status, 0);
    keep(&out, "handover.zip");
    assert_memory_equal(out.data, "PK\003\004", 4);
    static const char *const NAMES[] = {"handover-draft.pdf", "collection-definition.pdf",
        "collection-definition.xlsx", "measured.xlsx", "hardware.xlsx", "trainings.xlsx",
        "security.xlsx", "deliverables.xlsx", "deliverables/0001-운영 설명서.pdf", "MANIFEST.txt"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        assert_true(holds(&out, NAMES[i]));
    }
    rig_close(&rig);
}

static void forms_that_do_not_exist_are_refused(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 20);
    struct err err = ERR_INIT;
    assert_int_equal(
        rig_make(&rig, PAPER_HANDOVER, PAPER_XLSX, LANG_KO, &out, &err), -ERR_UNSUPPORTED);
    assert_int_equal(
        rig_make(&rig, PAPER_HARDWARE, PAPER_ZIP, LANG_KO, &out, &err), -ERR_UNSUPPORTED);
    assert_int_equal(out.size, 0);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_definition_says_what_is_collected),
        cmocka_unit_test(completeness_is_the_share_of_time_that_values_cover),
        cmocka_unit_test(a_tag_that_never_gave_a_value_is_no_complete_one),
        cmocka_unit_test(indicators_go_onto_paper_with_their_percentages),
        cmocka_unit_test(a_pdf_is_made_in_both_languages),
        cmocka_unit_test(the_hand_over_file_holds_report_tables_and_deliverables),
        cmocka_unit_test(forms_that_do_not_exist_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
