/* Tables of master data: one result whatever the file is, all or nothing, and back out as it came
 * in. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plant/export.h"
#include "production/master.h"
#include "support_plant.h"

static const enum import_kind ITEMS = (enum import_kind)((int)IMPORT_NOUNS + (int)NOUN_ITEMS);

static enum import_kind in_of(enum noun_id noun) {
    return (enum import_kind)((int)IMPORT_NOUNS + (int)noun);
}

static enum export_kind out_of(enum noun_id noun) {
    return (enum export_kind)((int)EXPORT_NOUNS + (int)noun);
}

static int put(void *context, const void *data, size_t size, struct err *err) {
    (void)err;
    buf_put(context, data, size);
    return 0;
}

static void write_out(
    struct rig *rig, enum noun_id noun, struct export_options options, struct buf *to) {
    uint64_t rows = 0;
    struct err err = ERR_INIT;
    options.kind = out_of(noun);
    options.personal = true;
    options.file.context = to;
    options.file.write = put;
    buf_init(to, 8 << 20);
    assert_int_equal(export_run(rig->plant, &options, &rows, &err), 0);
    assert_false(to->overflow);
}

struct told {
    struct buf words; // Of all rejected rows: "line: sentence\n".
};

static void tell(void *context, uint64_t line, const struct err *why) {
    struct told *told = context;
    buf_printf(&told->words, "%llu: ", (unsigned long long)line);
    err_render(why, LANG_EN, &told->words);
    buf_put_char(&told->words, '\n');
}

static struct told told;

static int open_told(void **state) {
    (void)state;
    buf_init(&told.words, 1 << 20);
    return 0;
}

static int close_told(void **state) {
    (void)state;
    buf_fini(&told.words);
    return 0;
}

static int take_in(struct rig *rig, struct import_options options, struct str bytes,
    struct import_report *ret_report, struct err *err) {
    int fd = memfd_create("import", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.size), bytes.size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    options.fd = fd;
    options.context = &told;
    options.rejected = tell;
    buf_clear(&told.words);
    *err = ERR_INIT;
    int status = import_run(rig->plant, &options, ret_report, err);
    file_close(fd);
    return status;
}

static void must_take(struct rig *rig, enum noun_id noun, struct str bytes, uint64_t stored) {
    struct import_report report;
    struct err err;
    int status = take_in(rig, (struct import_options){.kind = in_of(noun)}, bytes, &report, &err);
    if (status < 0 || report.rejected > 0) {
        err_render(&err, LANG_EN, &told.words);
        fail_msg("%s: %s", noun_name(noun), buf_z(&told.words));
    }
    assert_int_equal(report.stored, stored);
}

enum { ITEM_ROWS = 400 };

static void make_items(struct buf *table) {
    buf_init(table, 1 << 20);
    buf_put_str(table, STR("name,code,규격,cost,lots,note,safety stock\n"));
    for (int i = 0; i < ITEM_ROWS; i++) {
        buf_printf(table,
            "\"사출 케이스, %d\",%s%013d,\"ABS \"\"흑색\"\" φ%d\",%d.%06d,%s,=1+%d,%d\n", i,
            i % 2 == 0 ? "" : "A", i * 7, i, i, i + 1, i % 3 == 0 ? "예" : "0", i, i % 5);
    }
}

/* */
static void every_encoding_gives_one_result(void **state) {
    (void)state;
    AUTO_BUF struct buf table;
    AUTO_BUF struct buf plain;
    struct rig from;
    make_items(&table);
    rig_open(&from, NULL);
    must_take(&from, NOUN_ITEMS, buf_str(&table), ITEM_ROWS);
    must_take(&from, NOUN_ITEMS, buf_str(&table), 0);
    write_out(&from, NOUN_ITEMS, (struct export_options){.file.encoding = TABLE_UTF8}, &plain);
    assert_non_null(strstr(buf_z(&plain), "0000000000014,")); // Zeros and 13 digits.
    assert_non_null(strstr(buf_z(&plain), ",\"ABS \"\"흑색\"\" φ1\","));
    assert_non_null(strstr(buf_z(&plain), ",=1+7"));
    static const struct table_writer_options FILES[] = {{.encoding = TABLE_UTF8},
        {.encoding = TABLE_UTF8_MARK}, {.encoding = TABLE_CP949}, {.encoding = TABLE_UTF16LE},
        {.encoding = TABLE_UTF16BE, .separator = '\t'}, {.format = TABLE_XLSX}};
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        AUTO_BUF struct buf file;
        AUTO_BUF struct buf again;
        struct rig to;
        write_out(&from, NOUN_ITEMS,
            (struct export_options){.file = FILES[i], .words = i % 2 == 1, .lang = LANG_KO}, &file);
        must_take(&from, NOUN_ITEMS, buf_str(&file), 0); // The identity.
        rig_open(&to, NULL);
        must_take(&to, NOUN_ITEMS, buf_str(&file), ITEM_ROWS);
        write_out(&to, NOUN_ITEMS, (struct export_options){.file.encoding = TABLE_UTF8}, &again);
        assert_string_equal(buf_z(&again), buf_z(&plain));
        rig_close(&to);
    }
    rig_close(&from);
}

/* One row at least of every noun, in an order in which each knows what it names. */
static const struct {
    enum noun_id noun;
    const char *table;
    uint64_t rows;
} TABLES[] = {{NOUN_PARTNERS, "코드,이름,구분\nP1,한빛,공급처\nP2,새솔,고객\n", 2},
    {NOUN_PLACES, "code,name,kind,partner\nWH,창고,,\nOUT,외주 창고,outside,P1\n", 2},
    {NOUN_ITEMS, "code,name,place,cost\nA,케이스,WH,10.5\nB,펠릿,,0.000001\n", 2},
    {NOUN_PROCESSES, "code,name,kind\nINJ,사출,자체\n", 1},
    {NOUN_CALENDARS, "code,name,day_start\nC1,기본,08:00\n", 1},
    {NOUN_SHIFTS,
        "calendar,code,name,begin_clock,end_clock,breaks\nC1,D,주간,08:00,17:00,12:00-13:00\n", 1},
    {NOUN_DAYS, "생산 달력,날짜,구분,적용 요일\nC1,2026-10-05,휴무,\nC1,2026.10.10,가동,1\n", 2},
    {NOUN_WORKCENTRES, "code,name,calendar,machine_rate\nWC,사출실,C1,\"12,000\"\n", 1},
    {NOUN_MACHINES, "asset,workcentre,counter,stop_after\npress1,WC,press1.count,60\n", 1},
    {NOUN_BOMS, "item,line,component,quantity,supply\nA,1,B,0.25,무상\n", 1},
    {NOUN_ROUTINGS, "item,step,process,machine,cycle\nA,10,INJ,press1,32.5\n", 1},
    {NOUN_WORKERS, "code,name,badge,rate\n007,김철수,900001,15000\n", 1},
    {NOUN_PRICES, "item,kind,price,partner\nA,sell,100,\nA,sell,90,P2\n", 2},
    {NOUN_REASONS, "code,kind,name,parent\nS11,stop,금형 파손,S1\nS1,stop,고장,S\nS,stop,정지,\n",
        3},
    {NOUN_MOULDS, "code,name,item,cavities\nM1,케이스 금형,A,4\n", 1},
    {NOUN_INSPECTIONS, "item,kind,line,name,lower,upper\nA,final,1,두께,1.95,2.05\n", 1},
    {NOUN_LABELS,
        "code,kind,name,width,height,layout\nBOX,lot,상자,60,40,\"bold 2 2 50 5 {lot}\nqr 40 10 18 "
        "{lot}\"\n",
        1},
    {NOUN_PRINTERS, "code,name,address,dpi,release\nP1,출하,192.168.0.40:9100,203,lot\n", 1},
    {NOUN_FORMS, "code,name,every\nF1,일상점검,매일\n", 1},
    {NOUN_FORM_FIELDS,
        "form,field,line,name,kind,lower,choices\nF1,oil,10,유온,number,20,\nF1,s,20,상태,choice,,"
        "좋음|나쁨\n",
        2},
    {NOUN_CARE_PLANS, "code,name,mould,every,basis\nP1,세척,M1,5000,숏\n", 1},
    {NOUN_MACHINE_PAPERS, "machine,name,kind,until\npress1,검사 성적서,성적서,2027-01-01\n", 1}};

static void make_floor(struct rig *rig) {
    struct import_report report;
    struct err err = ERR_INIT;
    assert_int_equal(
        import_text(rig, IMPORT_EQUIPMENT, "id,level\npress1,equipment\n", &report, &err), 0);
    assert_int_equal(
        import_text(rig, IMPORT_TAGS, "tag,type\npress1.count,i64\n", &report, &err), 0);
}

/* R-026 R-027 R-028 */
static void every_noun_goes_out_and_in_unchanged(void **state) {
    (void)state;
    struct rig from;
    struct rig to;
    rig_open(&from, NULL);
    rig_open(&to, NULL);
    make_floor(&from);
    make_floor(&to);
    assert_int_equal(sizeof TABLES / sizeof TABLES[0], NOUN_COUNT);
    for (size_t i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++) {
        AUTO_BUF struct buf out;
        AUTO_BUF struct buf again;
        must_take(&from, TABLES[i].noun, str_of(TABLES[i].table), TABLES[i].rows);
        write_out(&from, TABLES[i].noun,
            (struct export_options){.file.format = i % 2 == 0 ? TABLE_CSV : TABLE_XLSX}, &out);
        must_take(&from, TABLES[i].noun, buf_str(&out), 0);
        must_take(&to, TABLES[i].noun, buf_str(&out), TABLES[i].rows);
        write_out(&to, TABLES[i].noun,
            (struct export_options){.file.format = i % 2 == 0 ? TABLE_CSV : TABLE_XLSX}, &again);
        if (i % 2 == 0) {
            assert_string_equal(buf_z(&out), buf_z(&again));
        }
    }
    rig_close(&from);
    rig_close(&to);
}

static const struct {
    const char *table;
    const char *words; // Of the error, or of a rejected row.
} REFUSED[] = {{"code,name,colour\nA,x,red\n", "the column \"colour\" is not known"},
    {"A,x\nB,y\n", "the first row names the columns"},
    {"name,kind\nx,product\n", "the column \"code, 코드\" is missing"},
    {"code,코드,name\nA,B,x\n", "stands twice"},
    {"code,name\nA,x\nB,\n", "3: column \"name\": it must not be empty"},
    {"코드,이름,안전 재고\nA,x,많음\n", "2: column \"안전 재고\": \"많음\" is no number"},
    {"code,name\nA,x\nA,y\n", "3: A stands twice"},
    {"code,name\nA,x,1\n", "2: the row has 3 columns instead of 2"},
    {"code,name,place\nA,x,nowhere\n", "2: column \"place\": \"nowhere\" is not known"}};

static void a_row_at_fault_stops_all(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        struct import_report report;
        struct err err;
        int status = take_in(
            &rig, (struct import_options){.kind = ITEMS}, str_of(REFUSED[i].table), &report, &err);
        if (status < 0) {
            err_render(&err, LANG_EN, &told.words);
        }
        assert_true(status < 0 || report.refused);
        if (strstr(buf_z(&told.words), REFUSED[i].words) == NULL) {
            fail_msg("%s gives: %s", REFUSED[i].table, buf_z(&told.words));
        }
    }
    AUTO_BUF struct buf out;
    write_out(&rig, NOUN_ITEMS, (struct export_options){.file.encoding = TABLE_UTF8}, &out);
    assert_null(strstr(buf_z(&out), "\nA,"));
    rig_close(&rig);
}

static void missing_columns_leave_what_stands(void **state) {
    (void)state;
    struct rig rig;
    struct import_report report;
    struct err err;
    rig_open(&rig, NULL);
    must_take(&rig, NOUN_ITEMS, STR("code,name,cost,unit\nA,x,5,kg\n"), 1);
    must_take(&rig, NOUN_ITEMS, STR("code,name\nA,새 이름\nB,y\n"), 2);
    AUTO_BUF struct buf out;
    write_out(&rig, NOUN_ITEMS, (struct export_options){.file.encoding = TABLE_UTF8}, &out);
    assert_non_null(strstr(buf_z(&out), "A,새 이름,product,kg,"));
    assert_non_null(strstr(buf_z(&out), "B,y,product,EA,"));
    struct str bad = STR("code,name\nC,x\nD,\n");
    struct import_options options = {.kind = ITEMS, .dry_run = true};
    assert_int_equal(take_in(&rig, options, STR("code,name\nC,x\n"), &report, &err), 0);
    assert_int_equal(report.values, 1);
    assert_int_equal(report.stored, 0);
    options = (struct import_options){.kind = ITEMS, .partial = true};
    assert_int_equal(take_in(&rig, options, bad, &report, &err), 0);
    assert_int_equal(report.stored, 1);
    assert_int_equal(report.rejected, 1);
    rig_close(&rig);
}

static void what_holds_over_rows_is_checked_behind_them(void **state) {
    (void)state;
    struct rig rig;
    struct import_report report;
    struct err err;
    rig_open(&rig, NULL);
    must_take(&rig, NOUN_ITEMS, STR("code,name\nA,x\nB,x\nC,x\n"), 3);
    struct import_options options = {.kind = in_of(NOUN_BOMS)};
    int status = take_in(&rig, options,
        STR("item,line,component,quantity\nA,1,B,1\nB,1,C,1\nC,1,A,1\n"), &report, &err);
    assert_int_equal(status, -ERR_CONFLICT);
    err_render(&err, LANG_EN, &told.words);
    assert_non_null(strstr(buf_z(&told.words), "A > B > C > A"));
    assert_int_equal(report.stored, 0);
    must_take(&rig, NOUN_BOMS, STR("item,line,component,quantity\nA,1,B,1\nB,1,C,1\n"), 2);
    rig_close(&rig);
}

static void a_template_is_the_header(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    AUTO_BUF struct buf out;
    write_out(&rig, NOUN_REASONS,
        (struct export_options){
            .template = true, .words = true, .lang = LANG_KO, .file.encoding = TABLE_UTF8},
        &out);
    assert_string_equal(buf_z(&out), "코드,구분,이름,상위,손실 구분,사용,비고\r\n");
    must_take(&rig, NOUN_REASONS, buf_str(&out), 0);
    rig_close(&rig);
}

static void a_look_knows_the_noun(void **state) {
    (void)state;
    static const struct {
        const char *table;
        enum noun_id noun;
    } CASES[] = {{"품목,순번,자재,소요량\nA,1,B,2\n", NOUN_BOMS},
        {"code,name,gtin\nA,x,\n", NOUN_ITEMS}, {"asset,counter\npress1,\n", NOUN_MACHINES}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_ARENA struct arena arena;
        arena_init(&arena, 0);
        struct import_preview *look = ARENA_NEW(&arena, struct import_preview);
        struct import_options options = {.fd = text_fd(CASES[i].table)};
        struct err err = ERR_INIT;
        assert_int_equal(import_look(&options, &arena, look, &err), 0);
        assert_true(look->kind_known && look->has_header);
        assert_int_equal(look->kind, in_of(CASES[i].noun));
        file_close(options.fd);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_told, close_told)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(every_encoding_gives_one_result),
        TEST(every_noun_goes_out_and_in_unchanged), TEST(a_row_at_fault_stops_all),
        TEST(missing_columns_leave_what_stands), TEST(what_holds_over_rows_is_checked_behind_them),
        TEST(a_template_is_the_header), TEST(a_look_knows_the_noun)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
