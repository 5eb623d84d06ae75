/* A mark changes with every column of a table and tells no secret; by it the import sees who was
 * first. */
#include "plant/mark.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plant/export.h"
#include "support_plant.h"

static struct tag plain_tag(void) {
    return (struct tag){.name = STR("a.b"),
        .display = STR("A"),
        .unit = STR("bar"),
        .device = STR("d1"),
        .source = STR("input:1"),
        .refine = STR(""),
        .type = TYPE_F64,
        .scale = 1,
        .min = (double)NAN,
        .max = 5,
        .dead_band = (double)NAN,
        .active = true};
}

static void every_field_of_a_tag_changes_its_mark(void **state) {
    (void)state;
    struct tag changed[16];
    for (size_t i = 0; i < 16; i++) {
        changed[i] = plain_tag();
    }
    changed[1].name = STR("a.c");
    changed[2].display = STR("Ab");
    changed[2].unit = STR("ar"); // The letters of both together are the same.
    changed[3].unit = STR("kPa");
    changed[4].device = STR("d2");
    changed[5].source = STR("input:2");
    changed[6].refine = STR("spike=3");
    changed[7].type = TYPE_I64;
    changed[8].scale = 0.1;
    changed[9].min = 0;
    changed[10].max = 5.0000000001;
    changed[11].dead_band = 0;
    changed[12].active = false;
    changed[13].retention_days = 30;
    changed[14].max_silence_ns = 1;
    changed[15].kind = KIND_COUNTER;
    char marks[16][MARK_TEXT_MAX];
    for (size_t i = 0; i < 16; i++) {
        mark_of_tag(&changed[i], marks[i]);
        assert_int_equal(strlen(marks[i]), MARK_TEXT_MAX - 1);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(marks[i], marks[k]);
        }
    }
    struct tag again = plain_tag();
    again.number = 7;
    char mark[MARK_TEXT_MAX];
    mark_of_tag(&again, mark);
    assert_string_equal(mark, marks[0]);
}

static void a_password_is_not_in_the_mark_of_a_device(void **state) {
    (void)state;
    struct device one = {.id = STR("m"),
        .display = STR_NONE,
        .driver = STR("mqtt"),
        .address = STR("127.0.0.1:1883"),
        .options = STR("password=secret-one"),
        .period_ns = NS_PER_S,
        .enabled = true};
    struct device two = one;
    two.options = STR("password=secret-two");
    char first[MARK_TEXT_MAX];
    char second[MARK_TEXT_MAX];
    mark_of_device(&one, first);
    mark_of_device(&two, second);
    assert_string_equal(first, second);
    two.enabled = false;
    mark_of_device(&two, second);
    assert_string_not_equal(first, second);
}

static int keep(void *context, const void *data, size_t size, struct err *err) {
    (void)err;
    buf_put(context, data, size);
    return 0;
}

/* The mark that an export gives the tag. */
static void mark_out(struct rig *rig, const char *name, char ret_mark[MARK_TEXT_MAX]) {
    AUTO_BUF struct buf table;
    buf_init(&table, 1 << 20);
    struct export_options options = {.kind = EXPORT_TAGS,
        .to_ns = INT64_MAX,
        .tags = str_of(name),
        .marks = true,
        .file = {.context = &table, .write = keep}};
    uint64_t rows = 0;
    struct err err = ERR_INIT;
    assert_int_equal(export_run(rig->plant, &options, &rows, &err), 0);
    assert_int_equal(rows, 1);
    const char *comma = strrchr(buf_z(&table), ',');
    assert_non_null(comma);
    (void)snprintf(ret_mark, MARK_TEXT_MAX, "%.16s", comma + 1);
}

struct told {
    char words[8][200];
    char columns[8][32];
    size_t count;
};

static void hear(void *context, uint64_t line, const struct err *why) {
    (void)line;
    struct told *told = context;
    struct str column = STR("none");
    (void)err_note_text(why, MSG_IMPORT_IN_COLUMN, &column);
    (void)str_copy_z(column, told->columns[told->count], sizeof told->columns[0]);
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(why, LANG_EN, &words);
    (void)str_copy_z(buf_str(&words), told->words[told->count++], sizeof told->words[0]);
}

static void bring(
    struct rig *rig, const char *table, struct import_report *report, struct told *told) {
    *told = (struct told){.count = 0};
    int fd = text_fd(table);
    struct import_options options = {
        .kind = IMPORT_TAGS, .fd = fd, .rejected = hear, .context = told};
    struct err err = ERR_INIT;
    assert_int_equal(import_run(rig->plant, &options, report, &err), 0);
    file_close(fd);
}

static void what_somebody_else_changed_is_told_and_not_overwritten(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct told told;
    bring(&rig, "tag,unit\na.b,bar\na.c,bar\n", &report, &told);
    assert_int_equal(report.stored, 2);
    char mark[MARK_TEXT_MAX];
    mark_out(&rig, "a.b", mark);
    char table[400];
    (void)snprintf(table, sizeof table, "tag,unit,mark\na.b,kPa,%s\n", mark);
    bring(&rig, "tag,unit\na.b,mbar\n", &report, &told); // Somebody else.
    bring(&rig, table, &report, &told);
    assert_true(report.refused);
    assert_int_equal(report.stored, 0);
    assert_string_equal(told.columns[0], "mark");
    assert_non_null(strstr(told.words[0], "somebody else"));
    mark_out(&rig, "a.b", mark);
    (void)snprintf(table, sizeof table, "tag,unit,mark\na.b,kPa,%s\n", mark);
    bring(&rig, table, &report, &told);
    assert_int_equal(report.stored, 1);
    bring(&rig, table, &report, &told); // The same again: the mark is an old one now.
    assert_true(report.refused);
    rig_close(&rig);
}

static void what_is_new_must_not_be_there_and_stands_once(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct told told;
    bring(&rig, "tag,unit,mark\na.b,bar,new\na.c,bar,new\na.b,kPa,new\n", &report, &told);
    assert_true(report.refused);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.columns[0], "tag");
    bring(&rig, "tag,unit,mark\na.b,bar,new\na.c,bar,new\n", &report, &told);
    assert_int_equal(report.stored, 2);
    bring(&rig, "tag,unit,mark\na.b,kPa,new\na.d,kPa,0123456789abcdef\n", &report, &told);
    assert_true(report.refused);
    assert_int_equal(told.count, 2);
    assert_non_null(strstr(told.words[1], "not there"));
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_tag_changes_its_mark),
        cmocka_unit_test(a_password_is_not_in_the_mark_of_a_device),
        cmocka_unit_test(what_somebody_else_changed_is_told_and_not_overwritten),
        cmocka_unit_test(what_is_new_must_not_be_there_and_stands_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
