/*
 * What is exported and imported again is what was there: samples of every type with values chosen
 * to hurt, every optional column of tags and devices, the tree of equipment; as CSV and as XLSX.
 */
#include "plant/export.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support_plant.h"

static const char DEVICES[] =
    "device,driver,address,period_ms,options,display,enabled\n"
    "p1,modbus,127.0.0.1:1502,1000,unit=1,\"프레스 \"\"1호\"\", 좌\",true\n"
    "p2,modbus,127.0.0.1:1503,12.5,unit=2 timeout_ms=900,00123,false\n";
static const char TAGS[] =
    "tag,device,source,type,unit,kind,scale,offset,min,max,display,dead_band,retention_days,active,"
    "refine,keep_raw,max_silence_s,late_limit_s,rollup_days\n"
    "real,p1,holding:0 f32 CDAB,f64,°C,measurement,0.1,-273.15,-40,1e300,\"온도; 1번, \"\"주\"\" "
    "위\",0.30000000000000004,365,true,,true,12.25,0.000000001,3650\n"
    "whole,,,i64,,counter,,,,,00042,,,false,,,,,\n"
    "flag,,,bool,,state,,,,,8801234567890,,,,,,,,\n"
    "words,,,text,,state,,,,,,0,,,,,3600,7200,0\n";
static const char EQUIPMENT[] = "id,parent,level,display,kind,x,y\n"
                                "site,,site,공장,,,\n"
                                "l1,site,line,\"라인, 1\",,0,1000\n"
                                "e2,l1,equipment,'007,cnc,0.1,\n";
static const char SAMPLES[] =
    "tag,time,value,quality\n"
    "real,2025-01-01T00:00:00Z,0.30000000000000004,good\n"
    "real,2025-01-01T00:00:00.000000001Z,-0,good\n"
    "real,2025-01-01T00:00:01Z,nan,good\n"
    "real,2025-01-01T00:00:02Z,inf,uncertain\n"
    "real,2025-01-01T00:00:03Z,-inf,bad\n"
    "real,2025-01-01T00:00:04Z,,bad\n"
    "real,2025-01-01T00:00:05Z,5e-324,good\n"
    "whole,2025-01-01T00:00:00Z,9223372036854775807,good\n"
    "whole,2025-01-01T00:00:01Z,-9223372036854775808,good\n"
    "whole,2025-01-01T00:00:02Z,9007199254740993,good\n"
    "flag,2025-01-01T00:00:00Z,true,good\n"
    "flag,2025-01-01T00:00:01Z,false,uncertain\n"
    "words,2025-01-01T00:00:00Z,00123,good\n"
    "words,2025-01-01T00:00:01Z,\"불량: \"\"기포\"\", 2개\n다음 줄\",good\n"
    "words,2025-01-01T00:00:02Z,  앞뒤 빈칸  ,good\n"
    "words,2025-01-01T00:00:03Z,_x000D_,good\n"
    "words,2025-01-01T00:00:04Z,1.23E+12,good\n"
    "words,2025-01-01T00:00:05Z,=1+1,good\n"
    "words,2025-01-01T00:00:06Z,,good\n";

static const struct {
    enum import_kind in;
    enum export_kind out;
    const char *table;
} KINDS[] = {{IMPORT_DEVICES, EXPORT_DEVICES, DEVICES}, {IMPORT_TAGS, EXPORT_TAGS, TAGS},
    {IMPORT_EQUIPMENT, EXPORT_EQUIPMENT, EQUIPMENT}, {IMPORT_SAMPLES, EXPORT_SAMPLES, SAMPLES}};
enum { KIND_COUNT = 4 };

static int put(void *context, const void *data, size_t size, struct err *err) {
    (void)err;
    struct buf *to = context;
    buf_put(to, data, size);
    return 0;
}

static uint64_t write_out(struct rig *rig, struct export_options options, struct buf *to) {
    options.file.context = to;
    options.file.write = put;
    options.to_ns = INT64_MAX;
    options.from_ns = INT64_MIN;
    uint64_t rows = 0;
    struct err err = ERR_INIT;
    int status = export_run(rig->plant, &options, &rows, &err);
    if (status < 0) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(&err, LANG_EN, &words);
        fail_msg("%s", buf_z(&words));
    }
    assert_false(to->overflow);
    return rows;
}

static void say_rejected(void *context, uint64_t line, const struct err *why) {
    (void)context;
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(why, LANG_EN, &words);
    print_error("line %lu: %s\n", line, buf_z(&words));
}

static void take_in(struct rig *rig, enum import_kind kind, struct str bytes, uint64_t rows) {
    int fd = memfd_create("export", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.size), bytes.size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    for (int round = 0; round < 2; round++) {
        struct import_options options = {.kind = kind, .fd = fd, .rejected = say_rejected};
        struct import_report report;
        struct err err = ERR_INIT;
        assert_int_equal(import_run(rig->plant, &options, &report, &err), 0);
        assert_int_equal(report.rejected, 0);
        assert_int_equal(report.stored, round == 0 ? rows : 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    }
    file_close(fd);
}

static void check_identity(struct table_writer_options file) {
    struct rig from;
    struct rig to;
    rig_open(&from, NULL);
    rig_open(&to, NULL);
    static const uint64_t ROWS[KIND_COUNT] = {2, 4, 3, 19};
    for (size_t i = 0; i < KIND_COUNT; i++) {
        take_in(&from, KINDS[i].in, str_of(KINDS[i].table), ROWS[i]);
        AUTO_BUF struct buf first;
        buf_init(&first, 4 << 20);
        uint64_t rows =
            write_out(&from, (struct export_options){.kind = KINDS[i].out, .file = file}, &first);
        take_in(&to, KINDS[i].in, buf_str(&first), rows); // With the tag of raw values.
        AUTO_BUF struct buf plain;
        AUTO_BUF struct buf again;
        buf_init(&plain, 4 << 20);
        buf_init(&again, 4 << 20);
        (void)write_out(&from, (struct export_options){.kind = KINDS[i].out}, &plain);
        (void)write_out(&to, (struct export_options){.kind = KINDS[i].out}, &again);
        assert_string_equal(buf_z(&plain), buf_z(&again));
        assert_true(plain.size > 100);
    }
    rig_close(&from);
    rig_close(&to);
}

/* */
static void export_then_import_is_the_identity(void **state) {
    (void)state;
    static const enum table_encoding ENCODINGS[] = {
        TABLE_ENCODING_AUTO, TABLE_UTF8, TABLE_CP949, TABLE_UTF16LE, TABLE_UTF16BE};
    for (size_t i = 0; i < sizeof ENCODINGS / sizeof ENCODINGS[0]; i++) {
        check_identity((struct table_writer_options){.encoding = ENCODINGS[i]});
    }
    check_identity((struct table_writer_options){.format = TABLE_XLSX});
    check_identity((struct table_writer_options){.separator = ';', .packing = TABLE_ZSTD});
}

static void wide_tables_have_a_column_a_tag_and_no_bad_values(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    static const char TABLE[] = "tag,time,value,quality\n"
                                "a,2025-01-01T00:00:00Z,1,good\n"
                                "b,2025-01-01T00:00:00Z,2,good\n"
                                "a,2025-01-01T00:00:01Z,3,bad\n"
                                "b,2025-01-01T00:00:02Z,4,uncertain\n"
                                "other,2025-01-01T00:00:02Z,5,good\n";
    take_in(&rig, IMPORT_SAMPLES, str_of(TABLE), 5);
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 20);
    struct export_options options = {
        .kind = EXPORT_WIDE, .tags = STR("a, b*"), .file = {.encoding = TABLE_UTF8}};
    assert_int_equal(write_out(&rig, options, &out), 2);
    assert_string_equal(buf_z(&out), "time,a,b\r\n"
                                     "2025-01-01T09:00:00+09:00,1,2\r\n"
                                     "2025-01-01T09:00:02+09:00,,4\r\n");
    uint64_t rows = 0;
    options.tags = STR("nothing*");
    options.file.context = &out;
    options.file.write = put;
    assert_int_equal(export_run(rig.plant, &options, &rows, NULL), -ERR_NOT_FOUND);
    rig_close(&rig);
}

static void passwords_stay_where_they_are(void **state) {
    (void)state;
    struct rig rig;
    struct rig other;
    rig_open(&rig, NULL);
    rig_open(&other, NULL);
    static const char TABLE[] =
        "device,driver,address,period_ms,options,display,enabled\n"
        "b1,mqtt,127.0.0.1:1883,1000,user=maru password=hunter2 timeout_ms=900,,true\n";
    take_in(&rig, IMPORT_DEVICES, str_of(TABLE), 1);
    AUTO_BUF struct buf out;
    AUTO_BUF struct buf plain;
    buf_init(&out, 1 << 20);
    buf_init(&plain, 1 << 20);
    (void)write_out(&rig, (struct export_options){.kind = EXPORT_DEVICES}, &out);
    assert_null(strstr(buf_z(&out), "hunter2"));
    assert_non_null(strstr(buf_z(&out), "user=maru password=*** timeout_ms=900"));
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(import_text(&rig, IMPORT_DEVICES, buf_z(&out), &report, &err), 0);
    assert_int_equal(report.omitted, 1); // Known, and the same.
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    const struct device *device = catalogue_device(catalogue, STR("b1"));
    assert_true(str_eq(device->options, STR("user=maru password=hunter2 timeout_ms=900")));
    catalogue_unref(catalogue);
    /* Where no password stands, three stars are none. */
    assert_int_equal(import_text(&other, IMPORT_DEVICES, buf_z(&out), &report, &err), 0);
    assert_int_equal(report.rejected, 1);
    assert_int_equal(report.stored, 0);
    rig_close(&rig);
    rig_close(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(export_then_import_is_the_identity),
        cmocka_unit_test(passwords_stay_where_they_are),
        cmocka_unit_test(wide_tables_have_a_column_a_tag_and_no_bad_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
