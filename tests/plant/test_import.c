/*
 * Tables in: every shape gives the same samples, a second import changes nothing, every fault is
 * told with its line.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plant/export.h"
#include "support_plant.h"

/* */
static void long_tables_of_three_shapes_give_the_same_samples(void **state) {
    (void)state;
    static const char *const TABLES[] = {
        "a.b,1735689600000,1.5\na.b,1735689601000,2.5\n",
        "tag,ts_ms,value\na.b,1735689600000,1.5\na.b,1735689601000,2.5\n",
        "tag,time,value\r\na.b,2025-01-01T00:00:00Z,1.5\r\na.b,2025-01-01T09:00:01,2.5\r\n",
        "value,quality,tag,time\n1.5,good,a.b,2025-01-01 00:00:00Z\n2.5,,a.b,2025-01-01 00:00:01Z",
        "time,a.b\n2025-01-01T00:00:00Z,1.5\n2025-01-01T00:00:01Z,2.5\n",
    };
    for (size_t i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++) {
        struct rig rig;
        rig_open(&rig, NULL);
        struct import_report report;
        struct err err = ERR_INIT;
        assert_int_equal(import_text(&rig, IMPORT_SAMPLES, TABLES[i], &report, &err), 0);
        assert_int_equal(report.rows, 2);
        assert_int_equal(report.stored, 2);
        assert_int_equal(report.rejected, 0);
        assert_int_equal(report.created, 1);
        struct hist_last last;
        assert_true(hist_last(plant_historian(rig.plant), tag_number(&rig, "a.b"), &last));
        assert_true(last.row.value.f64 == 2.5);
        assert_true(last.row.time_ns == 1735689601 * NS_PER_S);
        rig_close(&rig);
    }
}

static void a_second_import_changes_nothing(void **state) {
    (void)state;
    static const char TABLE[] = "x,1000,1\nx,2000,2\ny,1000,7\nx,3000,2\n";
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_SAMPLES, TABLE, &report, &err), 0);
    assert_int_equal(report.stored, 4);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(import_text(&rig, IMPORT_SAMPLES, TABLE, &report, &err), 0);
        assert_int_equal(report.stored, 0);
        assert_int_equal(report.omitted, 4);
        assert_int_equal(stored_rows(&rig, "x", true), 3);
        rig_reopen(&rig, NULL); // Also after a restart.
    }
    rig_close(&rig);
}

static void two_values_of_one_time_do_not_take_turns(void **state) {
    (void)state;
    static const char TABLE[] = "a,1000,1.5\na,1000,2.5\na,2000,9\na,1000,3.5\na,1000,3.5\n";
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_SAMPLES, TABLE, &report, &err), 0);
    assert_int_equal(report.stored, 2); // The last value of each time.
    for (int round = 0; round < 3; round++) {
        assert_int_equal(import_text(&rig, IMPORT_SAMPLES, TABLE, &report, &err), 0);
        assert_int_equal(report.stored, 0);
        assert_int_equal(report.omitted, 5);
        assert_int_equal(stored_rows(&rig, "a", true), 2); // All versions.
    }
    rig_close(&rig);
}

struct seen {
    uint64_t lines[16];
    size_t count;
};

static void see(void *context, uint64_t line, const struct err *why) {
    struct seen *seen = context;
    assert_int_not_equal(why->code, ERR_OK);
    seen->lines[seen->count++] = line;
}

static void bad_rows_are_named_by_line_and_stop_no_other(void **state) {
    (void)state;
    static const char TABLE[] = "tag,ts_ms,value\n"
                                "a,1000,1\n"
                                "a,soon,2\n"         // 3
                                "bad name!,1000,3\n" // 4
                                "a,3000\n"           // 5
                                "a,4000,much\n"      // 6
                                "\n"
                                "a,99999999999999999999,5\n" // 8
                                "a,9000,6\n";
    struct rig rig;
    rig_open(&rig, NULL);
    struct seen seen = {.count = 0};
    int fd = text_fd(TABLE);
    struct import_options options = {
        .kind = IMPORT_SAMPLES, .fd = fd, .partial = true, .rejected = see, .context = &seen};
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_run(rig.plant, &options, &report, &err), 0);
    file_close(fd);
    static const uint64_t EXPECTED[] = {3, 4, 5, 6, 8};
    assert_int_equal(seen.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(seen.lines[i], EXPECTED[i]);
    }
    assert_int_equal(report.stored, 2);
    assert_int_equal(report.rejected, 5);
    rig_close(&rig);
}

static void what_is_no_table_of_samples_is_refused_in_words(void **state) {
    (void)state;
    static const char *const TABLES[] = {
        "", "only,two\n1,2\n", "a,b,c\n1,2,3\n", "time,x,x\n2025-01-01T00:00:00Z,1,2\n"};
    for (size_t i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++) {
        struct rig rig;
        rig_open(&rig, NULL);
        struct import_report report;
        struct err err = ERR_INIT;
        assert_int_equal(import_text(&rig, IMPORT_SAMPLES, TABLES[i], &report, &err), -ERR_INVALID);
        assert_int_equal(report.stored, 0);
        rig_close(&rig);
    }
}

static void a_bad_row_without_a_value_comes_back_as_it_was_written(void **state) {
    (void)state;
    static const char TABLE[] = "tag,time,value,quality\n"
                                "a,2025-01-01T00:00:00Z,1,good\n"
                                "a,2025-01-01T00:00:01Z,,bad\n"
                                "a,2025-01-01T00:00:02Z,,good\n"; // Good needs a value.
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(import_text(&rig, IMPORT_SAMPLES, TABLE, &report, &err), 0);
        assert_int_equal(report.stored, round == 0 ? 2 : 0);
        assert_int_equal(report.rejected, 1);
    }
    struct hist_last last;
    assert_true(hist_last(plant_historian(rig.plant), tag_number(&rig, "a"), &last));
    assert_int_equal(last.row.status, (uint32_t)STATUS_BAD_NO_DATA);
    rig_close(&rig);
}

static void a_dry_run_stores_nothing_and_creates_nothing(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    int fd = text_fd("a,1000,1\nb,1000,2\n");
    struct import_options options = {.kind = IMPORT_SAMPLES, .fd = fd, .dry_run = true};
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_run(rig.plant, &options, &report, &err), 0);
    file_close(fd);
    assert_int_equal(report.values, 2);
    assert_int_equal(report.created, 2);
    assert_int_equal(report.stored, 0);
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    assert_int_equal(catalogue->tag_count, 0);
    catalogue_unref(catalogue);
    rig_close(&rig);
}

static const char DEVICES[] = "device,driver,address,period_ms,options\n"
                              "p1,modbus,127.0.0.1:1502,1000,unit=1\n";

/* */
static int put_bytes(void *context, const void *data, size_t size, struct err *err) {
    (void)err;
    buf_put(context, data, size);
    return 0;
}

static void devices_and_tags_come_by_table_and_again_changes_nothing(void **state) {
    (void)state;
    static const char TAGS[] = "tag,device,source,type,unit,kind,scale,offset,min,max\n"
                               "line1.p1.temp,p1,holding:0 f32 CDAB,f64,°C,measurement,1,0,0,400\n"
                               "line1.p1.strokes,p1,holding:10 u32,i64,,counter,,,,\n";
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_DEVICES, DEVICES, &report, &err), 0);
    assert_int_equal(report.stored, 1);
    assert_int_equal(import_text(&rig, IMPORT_TAGS, TAGS, &report, &err), 0);
    assert_int_equal(report.stored, 2);
    assert_int_equal(import_text(&rig, IMPORT_TAGS, TAGS, &report, &err), 0);
    assert_int_equal(report.stored, 0);
    assert_int_equal(report.omitted, 2);
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    const struct tag *tag = catalogue_find(catalogue, STR("line1.p1.strokes"));
    assert_non_null(tag);
    assert_int_equal(tag->kind, KIND_COUNTER);
    assert_int_equal(tag->type, TYPE_I64);
    catalogue_unref(catalogue);
    rig_close(&rig);
}

/* What is exported holds no password; taken in again it changes nothing, and a password that is
 * not shown does not go to another address. */
static void passwords_of_devices_do_not_leave(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    static const char HEAD[] = "device,driver,address,period_ms,options\n";
    char table[512];
    (void)snprintf(
        table, sizeof table, "%sm1,http,http://10.0.0.1/x,1000,user=u password=geheim\n", HEAD);
    assert_int_equal(import_text(&rig, IMPORT_DEVICES, table, &report, &err), 0);
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    struct export_options options = {.kind = EXPORT_DEVICES,
        .from_ns = INT64_MIN,
        .to_ns = INT64_MAX,
        .file = {.context = &out, .write = put_bytes}};
    uint64_t rows = 0;
    assert_int_equal(export_run(rig.plant, &options, &rows, &err), 0);
    assert_null(strstr(buf_z(&out), "geheim"));
    assert_non_null(strstr(buf_z(&out), "password=***"));
    assert_int_equal(import_text(&rig, IMPORT_DEVICES, buf_z(&out), &report, &err), 0);
    assert_int_equal(report.stored, 0);
    (void)snprintf(
        table, sizeof table, "%sm1,http,http://10.0.0.66/x,1000,user=u password=***\n", HEAD);
    (void)import_text(&rig, IMPORT_DEVICES, table, &report, &err);
    assert_int_equal(report.stored, 0);
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    const struct device *device = catalogue_device(catalogue, STR("m1"));
    assert_true(str_eq(device->address, STR("http://10.0.0.1/x")));
    assert_true(str_eq(device->options, STR("user=u password=geheim")));
    catalogue_unref(catalogue);
    rig_close(&rig);
}

static void a_column_that_is_not_there_leaves_what_stands(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_DEVICES, DEVICES, &report, &err), 0);
    assert_int_equal(import_text(&rig, IMPORT_TAGS,
                         "tag,device,source,unit,max\nt1,p1,holding:0 f32,bar,9\n", &report, &err),
        0);
    assert_int_equal(
        import_text(&rig, IMPORT_TAGS, "tag,display,max\nt1,압력,\n", &report, &err), 0);
    assert_int_equal(report.stored, 1);
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    const struct tag *tag = catalogue_find(catalogue, STR("t1"));
    assert_true(str_eq(tag->source, STR("holding:0 f32")));
    assert_true(str_eq(tag->unit, STR("bar")));
    assert_true(str_eq(tag->display, STR("압력")));
    assert_true(isnan(tag->max)); // Given, and empty: no limit any more.
    catalogue_unref(catalogue);
    rig_close(&rig);
}

/* Somebody changes a tag while the file is still being read. */
static bool change_meanwhile(void *context, const struct import_progress *progress) {
    struct rig *rig = context;
    struct import_report report;
    if (progress->rows == 0) {
        assert_int_equal(
            import_text(rig, IMPORT_TAGS, "tag,unit,refine\nt1,MPa,spike=5\n", &report, NULL), 0);
        assert_int_equal(report.stored, 1);
    }
    return true;
}

static void a_table_takes_nothing_back_that_changed_while_it_came(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(
        import_text(&rig, IMPORT_TAGS, "tag,unit,display\nt1,bar,one\n", &report, &err), 0);
    int fd = text_fd("tag,display\nt1,two\n");
    struct import_options options = {
        .kind = IMPORT_TAGS, .fd = fd, .context = &rig, .progress = change_meanwhile};
    assert_int_equal(import_run(rig.plant, &options, &report, &err), 0);
    assert_int_equal(report.stored, 1);
    file_close(fd);
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    const struct tag *tag = catalogue_find(catalogue, STR("t1"));
    assert_true(str_eq(tag->display, STR("two")));
    assert_true(str_eq(tag->unit, STR("MPa")));
    assert_true(str_eq(tag->refine, STR("spike=5")));
    catalogue_unref(catalogue);
    rig_close(&rig);
}

struct audit_look {
    struct arena arena;
    struct audit_entry entries[20];
    int count;
};

static int read_audit(struct ledger_tx *tx, void *context, struct err *err) {
    struct audit_look *look = context;
    look->count = audit_list(tx, INT64_MAX, look->entries, 20, &look->arena, err);
    return look->count < 0 ? look->count : 0;
}

static void expect_entry(const struct audit_look *look, int back, const char *action,
    const char *subject, const char *part) {
    assert_true(back < look->count);
    const struct audit_entry *entry = &look->entries[back];
    if (!str_eq(entry->action, str_of(action)) || !str_eq(entry->subject, str_of(subject)) ||
        memmem(entry->payload.data, entry->payload.size, part, strlen(part)) == NULL) {
        fail_msg("%.*s %.*s %.*s", STR_ARG(entry->action), STR_ARG(entry->subject),
            STR_ARG(entry->payload));
    }
    assert_true(str_eq(entry->actor, STR("installer")));
}

static void the_audit_says_what_an_import_changed(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    static struct audit_look look;
    arena_init(&look.arena, 0);
    assert_int_equal(import_text(&rig, IMPORT_TAGS, "tag,max\nt1,5\nt2,6\n", &report, NULL), 0);
    assert_int_equal(
        import_text(&rig, IMPORT_TAGS, "tag,refine\nt1,spike=3\nt2,\n", &report, NULL), 0);
    assert_int_equal(
        import_text(&rig, IMPORT_SAMPLES, "tag,ts_ms,value\nt1,1,2\n", &report, NULL), 0);
    assert_int_equal(import_text(&rig, IMPORT_DEVICES,
                         "device,driver,address,options\nb1,mqtt,127.0.0.1:1,user=a password=b\n",
                         &report, NULL),
        0);
    assert_int_equal(ledger_read(plant_ledger(rig.plant), read_audit, &look, NULL), 0);
    expect_entry(&look, 0, "import.devices", "p1", "\"changed\":1");
    expect_entry(&look, 1, "device.put", "b1", "password=***");
    expect_entry(&look, 2, "import.samples", "p1", "");
    expect_entry(&look, 3, "import.tags", "p1", "\"changed\":1");
    expect_entry(&look, 4, "tag.put", "t1", "{\"refine\":\"spike=3\"}");
    expect_entry(&look, 5, "import.tags", "p1", "\"changed\":2");
    expect_entry(&look, 6, "tag.put", "t2", "{\"max\":\"6\"}");
    arena_fini(&look.arena);
    rig_close(&rig);
}

static void faults_in_a_tag_list_are_told_with_their_line(void **state) {
    (void)state;
    static const char TAGS[] = "tag,device,source,type,kind,min,max\n"
                               "t1,p1,holding:0 f32,f64,,,\n"
                               "t2,nobody,holding:0 f32,f64,,,\n"  // 3: no such device
                               "t3,p1,holding:seven,f64,,,\n"      // 4: the driver refuses
                               "t4,p1,holding:1 u16,f65,,,\n"      // 5: type
                               "t5,p1,holding:1 u16,f64,often,,\n" // 6: kind
                               "t6,p1,holding:1 u16,f64,,9,1\n"    // 7: min above max
                               "t..7,p1,holding:1 u16,f64,,,\n"    // 8: name
                               "t8,,holding:1 u16,f64,,,\n"        // 9: source without device
                               "t9,p1,holding:1 text(4),f64,,,\n"  // 10: a text is no number
                               "t10,p1,holding:1 f32,bool,,,\n";   // 11: nor a fraction a state
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_DEVICES, DEVICES, &report, &err), 0);
    struct seen seen = {.count = 0};
    int fd = text_fd(TAGS);
    struct import_options options = {
        .kind = IMPORT_TAGS, .fd = fd, .partial = true, .rejected = see, .context = &seen};
    assert_int_equal(import_run(rig.plant, &options, &report, &err), 0);
    file_close(fd);
    assert_int_equal(report.stored, 1);
    assert_int_equal(seen.count, 9);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(seen.lines[i], 3 + i);
    }
    rig_close(&rig);
}

static void a_headless_table_may_end_its_first_row_with_empty_fields(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_DEVICES,
                         "p1,modbus,127.0.0.1:1502,1000,\np2,modbus,127.0.0.1:1503,1000,unit=2\n",
                         &report, &err),
        0);
    assert_int_equal(report.stored, 2);
    assert_int_equal(import_text(&rig, IMPORT_SAMPLES, "a,1000,\na,2000,5\n", &report, &err), 0);
    assert_int_equal(report.stored, 1);
    assert_int_equal(report.rejected, 1);
    rig_close(&rig);
}

static void unknown_and_missing_columns_are_refused_whole(void **state) {
    (void)state;
    static const char *const TABLES[] = {
        "tag,colour\nt1,red\n", "device,tag,tag\nx,y,z\n", "device,source\np1,holding:0\n"};
    for (size_t i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++) {
        struct rig rig;
        rig_open(&rig, NULL);
        struct import_report report;
        struct err err = ERR_INIT;
        assert_int_equal(import_text(&rig, IMPORT_TAGS, TABLES[i], &report, &err), -ERR_INVALID);
        rig_close(&rig);
    }
}

static int import_whole(struct rig *rig, enum import_kind kind, const char *text,
    struct import_report *ret_report, struct err *err) {
    int fd = text_fd(text);
    struct import_options options = {.kind = kind, .fd = fd};
    int status = import_run(rig->plant, &options, ret_report, err);
    file_close(fd);
    return status;
}

/* */
static void one_bad_row_refuses_the_file_whole(void **state) {
    (void)state;
    static const struct {
        enum import_kind kind;
        const char *bad;
        const char *good;
    } CASES[] = {
        {IMPORT_SAMPLES, "a,1000,1\nb,soon,2\nc,3000,3\n", "a,1000,1\nb,2000,2\nc,3000,3\n"},
        {IMPORT_DEVICES, "device,driver,address\np1,modbus,127.0.0.1:1502\np2,nothing,x\n",
            "device,driver,address\np1,modbus,127.0.0.1:1502\np2,modbus,127.0.0.1:1503\n"},
        {IMPORT_TAGS, "tag,type\nt1,f64\nt2,f65\n", "tag,type\nt1,f64\nt2,i64\n"},
        {IMPORT_EQUIPMENT, "id,parent,level\ns,,site\nl,nobody,line\n",
            "id,parent,level\ns,,site\nl,s,line\n"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct rig rig;
        rig_open(&rig, NULL);
        struct import_report report;
        struct err err = ERR_INIT;
        assert_int_equal(import_whole(&rig, CASES[i].kind, CASES[i].bad, &report, &err), 0);
        assert_int_equal(report.rejected, 1);
        assert_int_equal(report.stored, 0);
        assert_int_equal(report.created, 0);
        assert_true(report.refused);
        struct catalogue *catalogue = plant_catalogue(rig.plant);
        assert_int_equal(
            catalogue->tag_count + catalogue->device_count + catalogue->asset_count, 0);
        catalogue_unref(catalogue);
        for (int round = 0; round < 2; round++) {
            assert_int_equal(import_whole(&rig, CASES[i].kind, CASES[i].good, &report, &err), 0);
            assert_false(report.refused);
            assert_int_equal(report.stored > 0, round == 0);
            assert_int_equal(report.omitted > 0, round == 1);
        }
        rig_close(&rig);
    }
}

static void equipment_comes_by_table_with_its_tree(void **state) {
    (void)state;
    static const char TABLE[] = "id,parent,level,display,kind,x,y\n"
                                "site,,site,\"공장, 1동\",,,\n"
                                "line1,site,line,라인 1,,,\n"
                                "press1,line1,equipment,프레스 1호,injection,120.5,300\n";
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_whole(&rig, IMPORT_EQUIPMENT, TABLE, &report, &err), 0);
    assert_int_equal(report.stored, 3);
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    assert_int_equal(catalogue->asset_count, 3);
    assert_int_equal(catalogue->assets[2].parent, 2);
    assert_true(catalogue->assets[2].x == 120.5);
    assert_true(str_eq(catalogue->assets[0].display, STR("공장, 1동")));
    catalogue_unref(catalogue);
    /* A circle and a place outside are refused; a column that is not there stays. */
    assert_int_equal(
        import_whole(&rig, IMPORT_EQUIPMENT, "id,parent,level\nsite,press1,site\n", &report, &err),
        0);
    assert_true(report.refused);
    assert_int_equal(
        import_whole(&rig, IMPORT_EQUIPMENT, "id,level,x\npress1,equipment,2000\n", &report, &err),
        0);
    assert_true(report.refused);
    assert_int_equal(
        import_whole(&rig, IMPORT_EQUIPMENT, "id,level,x\npress1,equipment,7\n", &report, &err), 0);
    assert_int_equal(report.stored, 1);
    catalogue = plant_catalogue(rig.plant);
    assert_int_equal(catalogue->assets[2].parent, 2);
    assert_true(catalogue->assets[2].y == 300);
    catalogue_unref(catalogue);
    rig_close(&rig);
}

static void korean_windows_tables_are_read(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct import_report report;
    struct err err = ERR_INIT;
    /* "tag;display" / "t1;온도" in CP949 */
    assert_int_equal(
        import_whole(&rig, IMPORT_TAGS, "tag;display\nt1;\xBF\xC2\xB5\xB5\n", &report, &err), 0);
    assert_int_equal(report.facts.encoding, TABLE_CP949);
    assert_int_equal(report.facts.separator, ';');
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    assert_true(str_eq(catalogue_find(catalogue, STR("t1"))->display, STR("온도")));
    catalogue_unref(catalogue);
    rig_close(&rig);
}

struct watching {
    uint64_t calls;
    uint64_t done;
    uint64_t give_up_at;
};

static bool watch(void *context, const struct import_progress *progress) {
    struct watching *watching = context;
    assert_true(progress->done_bytes >= watching->done);
    assert_true(progress->done_bytes <= progress->total_bytes);
    watching->done = progress->done_bytes;
    watching->calls++;
    return watching->give_up_at == 0 || watching->calls < watching->give_up_at;
}

static void progress_is_told_and_can_give_up(void **state) {
    (void)state;
    AUTO_BUF struct buf text;
    buf_init(&text, 8 << 20);
    for (int i = 0; i < 100000; i++) {
        buf_printf(&text, "a,%d000,%d\n", i + 1, i);
    }
    struct rig rig;
    rig_open(&rig, NULL);
    for (int round = 0; round < 2; round++) {
        int fd = text_fd(buf_z(&text));
        struct watching watching = {.give_up_at = round == 0 ? 20 : 0};
        struct import_options options = {
            .kind = IMPORT_SAMPLES, .fd = fd, .progress = watch, .context = &watching};
        struct import_report report;
        struct err err = ERR_INIT;
        int status = import_run(rig.plant, &options, &report, &err);
        assert_int_equal(status, round == 0 ? -ERR_CANCELLED : 0);
        assert_int_equal(report.stored, round == 0 ? 0 : 100000);
        assert_true(round == 0 || (watching.calls > 100 && watching.done + 1 >= text.size));
        file_close(fd);
    }
    rig_close(&rig);
}

static void a_look_tells_what_the_file_is(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool known;
        enum import_kind kind;
    } CASES[] = {{"tag,time,value\na,2025-01-01,1\n", true, IMPORT_SAMPLES},
        {"a,1000,1\nb,2000,2\n", true, IMPORT_SAMPLES},
        {"일시;a;b\n2025-01-01;1;2\n", true, IMPORT_SAMPLES},
        {"tag,time,value,reason\n", true, IMPORT_CORRECTIONS},
        {"device,driver,address\n", true, IMPORT_DEVICES}, {"tag,unit\n", true, IMPORT_TAGS},
        {"id,parent,level\n", true, IMPORT_EQUIPMENT}, {"x,y\n1,2\n", false, IMPORT_SAMPLES}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int fd = text_fd(CASES[i].text);
        struct import_options options = {.fd = fd};
        struct import_preview preview;
        AUTO_ARENA struct arena arena;
        arena_init(&arena, 0);
        struct err err = ERR_INIT;
        assert_int_equal(import_look(&options, &arena, &preview, &err), 0);
        assert_int_equal(preview.kind_known, CASES[i].known);
        assert_int_equal(preview.kind, CASES[i].kind);
        assert_true(preview.row_count >= 1);
        file_close(fd);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_tables_of_three_shapes_give_the_same_samples),
        cmocka_unit_test(a_second_import_changes_nothing),
        cmocka_unit_test(two_values_of_one_time_do_not_take_turns),
        cmocka_unit_test(bad_rows_are_named_by_line_and_stop_no_other),
        cmocka_unit_test(what_is_no_table_of_samples_is_refused_in_words),
        cmocka_unit_test(a_bad_row_without_a_value_comes_back_as_it_was_written),
        cmocka_unit_test(a_dry_run_stores_nothing_and_creates_nothing),
        cmocka_unit_test(devices_and_tags_come_by_table_and_again_changes_nothing),
        cmocka_unit_test(passwords_of_devices_do_not_leave),
        cmocka_unit_test(a_column_that_is_not_there_leaves_what_stands),
        cmocka_unit_test(a_table_takes_nothing_back_that_changed_while_it_came),
        cmocka_unit_test(the_audit_says_what_an_import_changed),
        cmocka_unit_test(faults_in_a_tag_list_are_told_with_their_line),
        cmocka_unit_test(a_headless_table_may_end_its_first_row_with_empty_fields),
        cmocka_unit_test(unknown_and_missing_columns_are_refused_whole),
        cmocka_unit_test(one_bad_row_refuses_the_file_whole),
        cmocka_unit_test(equipment_comes_by_table_with_its_tree),
        cmocka_unit_test(korean_windows_tables_are_read),
        cmocka_unit_test(progress_is_told_and_can_give_up),
        cmocka_unit_test(a_look_tells_what_the_file_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
