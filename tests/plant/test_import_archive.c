/*
 * An archive comes back: all versions as they went, into another plant; again without change; cut
 * short it goes on; and where it would expire, does not fit or is damaged, nothing is stored.
 */
#include "plant/import_archive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file_fault.h"
#include "core/mem.h"
#include "plant/retention.h"
#include "support_plant.h"

#define DAY_NS (86400 * NS_PER_S)
enum { ROWS = 3000 };

struct archive {
    char base[64];
    char folder[256]; // Of its month.
    char segment[400];
    char tags[400];
    struct rig rig; // The plant that it came from.
};

static int find_segment(void *context, const char *name, struct err *err) {
    (void)err;
    struct archive *archive = context;
    if (str_starts(str_of(name), STR("seg-"))) {
        (void)snprintf(
            archive->segment, sizeof archive->segment, "%.250s/%.64s", archive->folder, name);
        (void)snprintf(archive->tags, sizeof archive->tags, "%.250s/tags.csv", archive->folder);
    }
    return 0;
}

static int find_month(void *context, const char *name, struct err *err) {
    struct archive *archive = context;
    (void)snprintf(archive->folder, sizeof archive->folder, "%.64s/p1/%.64s", archive->base, name);
    return dir_each(archive->folder, find_segment, context, err);
}

/* A plant whose values of 40 days ago went into an archive: reals with corrections, texts. */
static void archive_make(struct archive *archive) {
    (void)snprintf(archive->base, sizeof archive->base, "/tmp/maru-archive-XXXXXX");
    assert_non_null(mkdtemp(archive->base));
    rig_open(&archive->rig, NULL);
    struct plant *plant = archive->rig.plant;
    struct import_report report;
    assert_int_equal(
        import_text(&archive->rig, IMPORT_TAGS,
            "tag,type,unit\nline.temp,f64,°C\nline.lot,text,\nline.n,i64,\n", &report, NULL),
        0);
    int64_t from_ns = clock_wall_ns(plant_clock(plant)) - 40 * DAY_NS;
    AUTO_BATCH struct batch *batch = batch_new(ROWS * 3, 1 << 20);
    for (int64_t i = 0; i < ROWS; i++) {
        struct sample *row = batch_add(batch);
        row->tag = tag_number(&archive->rig, "line.temp");
        row->type = TYPE_F64;
        row->time_ns = from_ns + i * NS_PER_S;
        row->value.f64 = (double)i / 4;
        row->status = i % 100 == 0 ? 0x80000000U : 0;
        row = batch_add(batch);
        row->tag = tag_number(&archive->rig, "line.n");
        row->type = TYPE_I64;
        row->time_ns = from_ns + i * NS_PER_S;
        row->value.i64 = i;
    }
    for (int64_t i = 0; i < 50; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "로트 %d", (int)i);
        assert_true(batch_add_text(batch, tag_number(&archive->rig, "line.lot"),
            from_ns + i * 60 * NS_PER_S, str_of(text)));
    }
    struct historian *historian = plant_historian(plant);
    assert_int_equal(hist_append(historian, &batch, 1, NULL), 0);
    batch_clear(batch);
    for (int64_t i = 0; i < ROWS; i += 70) { // Later versions, and corrections of some.
        struct sample *row = batch_add(batch);
        row->tag = tag_number(&archive->rig, "line.temp");
        row->type = TYPE_F64;
        row->time_ns = from_ns + i * NS_PER_S;
        row->value.f64 = 1e6 + (double)i;
        row->flags = i % 140 == 0 ? SAMPLE_CORRECTION : 0;
    }
    assert_int_equal(hist_append(historian, &batch, 1, NULL), 0);
    struct retention rule = {.raw_days = 30};
    (void)str_copy_z(str_of(archive->base), rule.archive_dir, sizeof rule.archive_dir);
    assert_true(retention_put(plant, &rule, STR("test"), NULL) >= 0);
    int64_t moved[8] = {0};
    assert_int_equal(retention_round(plant, moved, 8, NULL, NULL), 3);
    assert_int_equal(stored_rows(&archive->rig, "line.temp", true), 0);
    char plant_folder[128];
    (void)snprintf(plant_folder, sizeof plant_folder, "%.64s/p1", archive->base);
    assert_int_equal(dir_each(plant_folder, find_month, archive, NULL), 0);
    assert_true(archive->tags[0] != '\0');
}

static void archive_free(struct archive *archive) {
    rig_close(&archive->rig);
    (void)dir_remove_all(archive->base, NULL);
}

static int bring(struct rig *rig, const struct archive *archive, struct archive_report *report,
    struct err *err) {
    struct archive_options options = {.path = archive->segment, .actor = STR("test")};
    return import_archive(rig->plant, &options, report, err);
}

/* File and plant hold the same versions of a tag, in the same order. */
static void tag_is(
    struct rig *rig, const struct archive *archive, const char *name, uint32_t from) {
    struct hist_file *file = NULL;
    assert_int_equal(hist_file_open(NULL, archive->segment, &file, NULL), 0);
    struct hist_scan_options options = {
        .tag = from, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan *a = NULL;
    struct hist_scan *b = NULL;
    assert_int_equal(hist_file_scan(file, &options, &a, NULL), 0);
    options.tag = tag_number(rig, name);
    assert_int_equal(hist_scan_open(plant_historian(rig->plant), &options, &b, NULL), 0);
    struct hist_rows x = {.count = 0};
    struct hist_rows y = {.count = 0};
    uint32_t i = 0;
    uint32_t j = 0;
    uint32_t rows = 0;
    for (;; i++, j++, rows++) {
        bool more_x = i < x.count || (i = 0, hist_scan_next(a, &x, NULL) > 0);
        bool more_y = j < y.count || (j = 0, hist_scan_next(b, &y, NULL) > 0);
        assert_int_equal(more_x, more_y);
        if (!more_x) {
            break;
        }
        assert_int_equal(x.time_ns[i], y.time_ns[j]);
        assert_int_equal(x.type, y.type);
        assert_int_equal(x.status ? x.status[i] : 0, y.status ? y.status[j] : 0);
        assert_int_equal(x.flags ? x.flags[i] : 0, y.flags ? y.flags[j] : 0);
        assert_true(x.type != TYPE_F64 || memcmp(&x.f64[i], &y.f64[j], sizeof(double)) == 0);
        assert_true(x.type != TYPE_I64 || x.i64[i] == y.i64[j]);
        assert_true(x.type != TYPE_TEXT || str_eq(x.text[i], y.text[j]));
    }
    assert_true(rows > 0);
    hist_scan_close(a);
    hist_scan_close(b);
    hist_file_close(file);
}

static void all_versions_come_back_and_again_changes_nothing(void **state) {
    (void)state;
    struct archive archive = {.tags = ""};
    archive_make(&archive);
    struct rig rig;
    rig_open(&rig, NULL);
    (void)tag_number(&rig, "another"); // Numbers differ here.
    struct archive_report report;
    struct err err = ERR_INIT;
    struct archive_options dry = {.path = archive.segment, .actor = STR("test"), .dry_run = true};
    assert_int_equal(import_archive(rig.plant, &dry, &report, &err), 0);
    assert_int_equal(report.created, 3);
    assert_int_equal(report.stored, 0);
    assert_int_equal(bring(&rig, &archive, &report, &err), 0);
    assert_int_equal(report.rows, 2 * ROWS + 50 + (ROWS + 69) / 70);
    assert_int_equal(report.stored, report.rows);
    assert_int_equal(report.created, 3);
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    assert_true(str_eq(catalogue_find(catalogue, STR("line.temp"))->unit, STR("°C")));
    catalogue_unref(catalogue);
    for (int again = 0; again < 2; again++) {
        tag_is(&rig, &archive, "line.temp", 1);
        tag_is(&rig, &archive, "line.lot", 2);
        tag_is(&rig, &archive, "line.n", 3);
        assert_int_equal(bring(&rig, &archive, &report, &err), 0);
        assert_int_equal(report.stored, 0);
        assert_int_equal(report.left, 0);
        assert_int_equal(report.omitted, report.rows);
        rig_reopen(&rig, NULL);
    }
    rig_close(&rig);
    archive_free(&archive);
}

static void a_moment_that_was_written_since_is_left_alone(void **state) {
    (void)state;
    struct archive archive = {.tags = ""};
    archive_make(&archive);
    struct rig rig;
    rig_open(&rig, NULL);
    struct hist_file *file = NULL;
    struct hist_scan *scan = NULL;
    struct hist_rows rows;
    assert_int_equal(hist_file_open(NULL, archive.segment, &file, NULL), 0);
    struct hist_scan_options options = {.tag = 1, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
    assert_int_equal(hist_file_scan(file, &options, &scan, NULL), 0);
    assert_true(hist_scan_next(scan, &rows, NULL) > 0);
    int64_t time_ns = rows.time_ns[5];
    hist_scan_close(scan);
    hist_file_close(file);
    assert_int_equal(submit_f64(&rig, tag_number(&rig, "line.temp"), time_ns, 77, NULL), 0);
    struct archive_report report;
    assert_int_equal(bring(&rig, &archive, &report, NULL), 0);
    assert_int_equal(report.left, 1);
    assert_int_equal(report.stored, report.rows - 1);
    options = (struct hist_scan_options){
        .tag = tag_number(&rig, "line.temp"), .from_ns = time_ns, .to_ns = time_ns + 1};
    assert_int_equal(hist_scan_open(plant_historian(rig.plant), &options, &scan, NULL), 0);
    assert_true(hist_scan_next(scan, &rows, NULL) > 0);
    assert_int_equal(rows.count, 1);
    assert_true(rows.f64[0] == 77);
    hist_scan_close(scan);
    rig_close(&rig);
    archive_free(&archive);
}

static void expect_refusal(
    struct rig *rig, const struct archive *archive, int code, const char *words) {
    struct archive_report report;
    struct err err = ERR_INIT;
    AUTO_BUF struct buf text;
    buf_init(&text, 4096);
    uint64_t seq = hist_seq(plant_historian(rig->plant));
    assert_int_equal(bring(rig, archive, &report, &err), -code);
    err_render(&err, LANG_EN, &text);
    if (strstr(buf_z(&text), words) == NULL) {
        fail_msg("%s", buf_z(&text));
    }
    assert_int_equal(report.stored, 0);
    assert_int_equal(hist_seq(plant_historian(rig->plant)), seq); // Nothing was written.
}

static void spoil(const char *path, uint64_t offset) {
    int fd = -1;
    uint8_t byte = 0;
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(file_read_at(fd, path, offset, &byte, 1, NULL), 0);
    byte ^= 0x10;
    assert_int_equal(file_write_at(files_system(), fd, path, offset, &byte, 1, NULL), 0);
    file_close(fd);
}

static void count_damage(void *context, const struct err *what) {
    (void)what;
    ++*(uint32_t *)context;
}

static void what_would_go_or_does_not_fit_is_refused_before_anything(void **state) {
    (void)state;
    struct archive archive = {.tags = ""};
    archive_make(&archive);
    expect_refusal(&archive.rig, &archive, ERR_CONFLICT, "have expired in this plant");
    struct rig rig;
    rig_open(&rig, NULL);
    struct retention rule = {.raw_days = 20};
    assert_true(retention_put(rig.plant, &rule, STR("test"), NULL) >= 0);
    expect_refusal(&rig, &archive, ERR_CONFLICT, "kept for 20 days here");
    rule.raw_days = 60;
    assert_true(retention_put(rig.plant, &rule, STR("test"), NULL) >= 0);
    struct import_report imported;
    assert_int_equal(
        import_text(&rig, IMPORT_TAGS, "tag,type\nline.lot,f64\n", &imported, NULL), 0);
    expect_refusal(&rig, &archive, ERR_TYPE, "line.lot is of type text in the archive");
    rig_close(&rig);
    rig_open(&rig, NULL);
    struct hist_verify_report report;
    uint32_t damaged = 0;
    assert_int_equal(
        hist_verify_file(NULL, archive.segment, count_damage, &damaged, &report, NULL), 0);
    assert_int_equal(damaged, 0);
    assert_true(report.rows > 2 * ROWS);
    spoil(archive.segment, 300);
    assert_int_equal(
        hist_verify_file(NULL, archive.segment, count_damage, &damaged, &report, NULL), 0);
    assert_true(damaged > 0);
    expect_refusal(&rig, &archive, ERR_CORRUPT, "damaged; nothing was stored");
    spoil(archive.segment, 300);
    assert_int_equal(file_remove(files_system(), archive.tags, NULL), 0);
    expect_refusal(&rig, &archive, ERR_NOT_FOUND, "the table of tags");
    int fd = -1;
    static const char OTHER[] = "number,tag,type,unit\n1,line.temp,f64,\n";
    assert_int_equal(file_open(files_system(), archive.tags, FILE_WRITE, &fd, NULL), 0);
    assert_int_equal(
        file_write_at(files_system(), fd, archive.tags, 0, OTHER, sizeof OTHER - 1, NULL), 0);
    file_close(fd);
    expect_refusal(&rig, &archive, ERR_NOT_FOUND, "no tag with the number 2");
    rig_close(&rig);
    archive_free(&archive);
}

static void cut_short_it_goes_on_where_it_stopped(void **state) {
    (void)state;
    struct archive archive = {.tags = ""};
    archive_make(&archive);
    uint32_t failed = 0;
    bool fired = true;
    for (int64_t pass = 0; fired && pass < 60; pass++) {
        struct rig rig;
        struct file_fault fault;
        struct archive_report report;
        file_fault_init(&fault);
        rig_open(&rig, &fault.files);
        fault.sticky = true;
        file_fault_arm(&fault, FILE_OP_COUNT, pass, pass % 2 == 0 ? EIO : ENOSPC);
        int rc = bring(&rig, &archive, &report, NULL);
        fired = fault.countdown <= 0;
        failed += rc < 0;
        rig_reopen(&rig, NULL);
        assert_int_equal(bring(&rig, &archive, &report, NULL), 0);
        assert_int_equal(report.left, 0);
        assert_int_equal(report.stored + report.omitted, report.rows);
        tag_is(&rig, &archive, "line.temp", 1);
        tag_is(&rig, &archive, "line.lot", 2);
        tag_is(&rig, &archive, "line.n", 3);
        rig_close(&rig);
    }
    assert_true(failed > 1);
    archive_free(&archive);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_versions_come_back_and_again_changes_nothing),
        cmocka_unit_test(a_moment_that_was_written_since_is_left_alone),
        cmocka_unit_test(what_would_go_or_does_not_fit_is_refused_before_anything),
        cmocka_unit_test(cut_short_it_goes_on_where_it_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
