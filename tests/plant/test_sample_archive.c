/*
 * Parquet archives: what has a name is whole, whichever write, sync or rename fails; and over a
 * history whose round fails at any moment each row that went stands in the archive exactly once.
 */
#include "plant/sample_archive.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file_fault.h"
#include "plant/retention.h"
#include "support_plant.h"
#include "tests/table/support_parquet.h"

enum { FILE_BYTES_MAX = 1 << 20 };
static const int64_t DAY_NS = 86400 * NS_PER_S;

struct folder {
    char base[64];
    char dir[80];
    char writing[80];
};

static void folder_open(struct folder *folder) {
    (void)str_copy_z(STR("/tmp/maru-parquet-XXXXXX"), folder->base, sizeof folder->base);
    assert_non_null(mkdtemp(folder->base));
    (void)snprintf(folder->dir, sizeof folder->dir, "%s/2025-11", folder->base);
    (void)snprintf(folder->writing, sizeof folder->writing, "%s/writing", folder->base);
    assert_int_equal(dir_create(files_system(), folder->dir, NULL), 0);
}

/* Rows of all files below a folder, as text, and how many files there are. */
struct contents {
    const char *dir;
    struct buf rows;
    uint32_t files;
    uint32_t segments;
};

static int read_file(void *context, const char *name, struct err *err) {
    struct contents *contents = context;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", contents->dir, name);
    if (str_starts(str_of(name), STR("seg-"))) {
        contents->segments++;
        return 0;
    }
    if (!str_ends(str_of(name), STR(".parquet"))) {
        bool apart = str_ends(str_of(name), STR(".csv")) || str_eq(str_of(name), STR("writing"));
        const char *above = contents->dir;
        contents->dir = path;
        int rc = apart ? 0 : dir_each(path, read_file, contents, err);
        contents->dir = above;
        return rc;
    }
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    assert_int_equal(file_open(files_system(), path, FILE_READ, &fd, err), 0);
    assert_int_equal(file_size(fd, path, &size, err), 0);
    AUTO_FREE char *bytes = mem_alloc(size + 1);
    assert_int_equal(file_read_at(fd, path, 0, bytes, size, err), 0);
    struct parquet_seen seen;
    see_parquet((struct str){bytes, size}, &contents->rows, &seen); // Fails where it is not whole.
    assert_true(strstr(buf_z(&seen.facts), "maru.table=samples 1\n") != NULL);
    assert_string_equal(buf_z(&seen.names),
        "tag:6:0 time:2:0 value:5:1 value_int:2:1 value_text:6:1 quality:6:0 status:1:0 ");
    parquet_seen_fini(&seen);
    contents->files++;
    return 0;
}

static void contents_read(struct contents *contents, const char *dir) {
    *contents = (struct contents){.dir = dir};
    buf_init(&contents->rows, FILE_BYTES_MAX);
    assert_int_equal(dir_each(dir, read_file, contents, NULL), 0);
}

static int archive_all(const struct sample_archive_plan *plan, uint32_t tag, struct err *err) {
    static const int64_t TIMES[] = {10, 20, 30};
    static const double REALS[] = {1.5, -0.0, (double)NAN};
    static const int64_t WHOLES[] = {INT64_MIN, 0, INT64_MAX};
    static const struct str TEXTS[] = {{"정지", 6}, {"", 0}, {"a", 1}};
    static const int64_t BOOLS[] = {0, 1, 1};
    static const uint32_t CODES[] = {0, 0x80050000u, 0x40000000u};
    const struct hist_rows runs[] = {
        {.tag = tag, .type = TYPE_F64, .count = 3, .time_ns = TIMES, .f64 = REALS},
        {.tag = tag, .type = TYPE_I64, .count = 3, .time_ns = TIMES, .i64 = WHOLES},
        {.tag = tag, .type = TYPE_BOOL, .count = 3, .time_ns = TIMES, .i64 = BOOLS},
        {.tag = tag, .type = TYPE_TEXT, .count = 3, .time_ns = TIMES, .text = TEXTS},
        {.tag = tag, .type = TYPE_F64, .count = 3, .time_ns = TIMES, .f64 = REALS, .status = CODES},
    };
    struct sample_archive *archive = NULL;
    struct sample_archive_counts counts = {0};
    int rc = sample_archive_open(plan, &archive, err);
    for (int i = 0; i < 5 && rc >= 0; i++) {
        rc = sample_archive_put(archive, &runs[i], err);
    }
    rc = rc < 0 ? rc : sample_archive_finish(archive, &counts, err);
    rc = rc < 0 ? rc : sample_archive_place(archive, err);
    assert_true(rc < 0 || (counts.files == 3 && counts.rows == 15 && counts.bytes > 300));
    sample_archive_free(archive);
    return rc;
}

static const char WANTED[] =
    "[oven.temp][10][1.5][~][~][good][0]\n"
    "[oven.temp][20][-0][~][~][good][0]\n"
    "[oven.temp][30][nan][~][~][good][0]\n"
    "[oven.temp][10][-9.223372036854776e+18][-9223372036854775808][~][good][0]\n"
    "[oven.temp][20][0][0][~][good][0]\n"
    "[oven.temp][30][9.223372036854776e+18][9223372036854775807][~][good][0]\n"
    "[oven.temp][10][0][~][~][good][0]\n"
    "[oven.temp][20][1][~][~][good][0]\n"
    "[oven.temp][30][1][~][~][good][0]\n"
    "[oven.temp][10][~][~][정지][good][0]\n"
    "[oven.temp][20][~][~][][good][0]\n"
    "[oven.temp][30][~][~][a][good][0]\n"
    "[oven.temp][10][1.5][~][~][good][0]\n"
    "[oven.temp][20][~][~][~][bad][2147811328]\n"
    "[oven.temp][30][nan][~][~][uncertain][1073741824]\n";

static void what_has_a_name_is_whole_whatever_fails(void **state) {
    (void)state;
    struct rig rig;
    struct folder folder;
    rig_open(&rig, NULL);
    folder_open(&folder);
    uint32_t tag = tag_number(&rig, "oven.temp");
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    struct file_fault fault;
    file_fault_init(&fault);
    struct sample_archive_plan plan = {.files = &fault.files,
        .catalogue = catalogue,
        .plant = plant_id(rig.plant),
        .zone = "Asia/Seoul",
        .dir = folder.dir,
        .writing = folder.writing,
        .now_ns = 1763683392LL * NS_PER_S,
        .file_rows = 6};
    int rc = -1;
    for (int64_t pass = 0; rc < 0; pass++) {
        assert_true(pass < 200);
        struct err err = ERR_INIT;
        struct contents contents;
        file_fault_arm(&fault, FILE_OP_COUNT, pass, ENOSPC);
        rc = archive_all(&plan, tag, &err);
        assert_true(rc == 0 || err.code != ERR_OK);
        file_fault_disarm(&fault);
        contents_read(&contents, folder.dir);
        assert_int_equal(contents.files, rc == 0 ? 3 : contents.files);
        if (rc == 0) {
            assert_string_equal(buf_z(&contents.rows), WANTED);
            assert_true(pass > 15);
        }
        buf_fini(&contents.rows);
        assert_int_equal(
            sample_archive_undo(files_system(), folder.dir, "20251121T000312Z", &err), 0);
        contents_read(&contents, folder.dir);
        assert_int_equal(contents.files, 0);
        buf_fini(&contents.rows);
    }
    catalogue_unref(catalogue);
    rig_close(&rig);
    (void)dir_remove_all(folder.base, NULL);
}

static void a_stamp_is_used_once_and_undone_alone(void **state) {
    (void)state;
    struct rig rig;
    struct folder folder;
    struct err err = ERR_INIT;
    rig_open(&rig, NULL);
    folder_open(&folder);
    uint32_t tag = tag_number(&rig, "oven.temp");
    struct catalogue *catalogue = plant_catalogue(rig.plant);
    struct sample_archive_plan plan = {.files = files_system(),
        .catalogue = catalogue,
        .plant = plant_id(rig.plant),
        .zone = "UTC",
        .dir = folder.dir,
        .writing = folder.writing,
        .now_ns = 1763683392LL * NS_PER_S,
        .file_rows = 6};
    assert_int_equal(archive_all(&plan, tag, &err), 0);
    assert_int_equal(archive_all(&plan, tag, &err), 0);
    struct contents contents;
    contents_read(&contents, folder.dir);
    assert_int_equal(contents.files, 6);
    buf_fini(&contents.rows);
    assert_int_equal(sample_archive_undo(files_system(), folder.dir, "20251121T000312Z", &err), 0);
    contents_read(&contents, folder.dir);
    assert_int_equal(contents.files, 3);
    assert_string_equal(buf_z(&contents.rows), WANTED);
    buf_fini(&contents.rows);
    catalogue_unref(catalogue);
    rig_close(&rig);
    (void)dir_remove_all(folder.base, NULL);
}

/* A round that fails at the n-th operation of history and archive, once or for good; then, with or
 * without a new start, a round that succeeds. False: there is no n-th operation. */
static bool fail_and_repeat(int64_t pass, bool sticky, bool reopen) {
    struct rig rig;
    struct folder folder;
    struct file_fault fault;
    struct err err = ERR_INIT;
    file_fault_init(&fault);
    rig_open(&rig, &fault.files);
    folder_open(&folder);
    struct retention rule = {.raw_days = 30, .rollup_days = 365, .archive = RETENTION_PARQUET};
    (void)str_copy_z(str_of(folder.base), rule.archive_dir, sizeof rule.archive_dir);
    assert_true(retention_put(rig.plant, &rule, STR("test"), &err) >= 0);
    uint32_t tag = tag_number(&rig, "old");
    int64_t now = clock_wall_ns(clock_system());
    for (int i = 0; i < 3; i++) {
        assert_int_equal(submit_f64(&rig, tag, now - (40 + i) * DAY_NS, 40 + i, &err), 0);
    }
    assert_int_equal(submit_f64(&rig, tag, now - 20 * DAY_NS, 20, &err), 0);
    int64_t moved[8] = {0};
    file_fault_arm(&fault, FILE_OP_COUNT, pass, EIO);
    fault.sticky = sticky;
    int first = retention_round(rig.plant, moved, 8, NULL, &err);
    bool met = fault.countdown <= 0;
    assert_true(met || first >= 0);
    file_fault_disarm(&fault);
    err_clear(&err);
    if (reopen) {
        rig_reopen(&rig, &fault.files);
        memset(moved, 0, sizeof moved);
    }
    assert_true(retention_round(rig.plant, moved, 8, NULL, &err) >= 0);
    assert_int_equal(stored_rows(&rig, "old", false), 1);
    struct contents contents;
    contents_read(&contents, folder.base);
    assert_int_equal(contents.files, 1);
    struct str rest = buf_str(&contents.rows);
    for (int i = 2; i >= 0; i--) { // Oldest first.
        char wanted[32];
        (void)snprintf(wanted, sizeof wanted, "][%d][~][~][good][0]", 40 + i);
        struct str line = str_cut(&rest, '\n');
        assert_true(str_starts(line, STR("[old][")) && str_ends(line, str_of(wanted)));
    }
    assert_int_equal(rest.size, 0);
    buf_fini(&contents.rows);
    rig_close(&rig);
    (void)dir_remove_all(folder.base, NULL);
    return met;
}

static void each_row_that_went_stands_in_the_archive_once(void **state) {
    (void)state;
    for (int power_cut = 0; power_cut < 2;
         power_cut++) { // Nothing works any more, and a new start.
        int64_t pass = 0;
        while (fail_and_repeat(pass, power_cut != 0, power_cut != 0)) {
            pass++;
            assert_true(pass < 200);
        }
        assert_true(pass >= 40); // A segment, tags, a Parquet file, roll-ups, the manifest.
    }
}

static void both_forms_stand_beside_each_other(void **state) {
    (void)state;
    struct rig rig;
    struct folder folder;
    struct err err = ERR_INIT;
    rig_open(&rig, NULL);
    folder_open(&folder);
    struct retention rule = {.raw_days = 30, .archive = RETENTION_BOTH};
    (void)str_copy_z(str_of(folder.base), rule.archive_dir, sizeof rule.archive_dir);
    assert_true(retention_put(rig.plant, &rule, STR("test"), &err) >= 0);
    struct retention told;
    assert_int_equal(retention_get(rig.plant, &told, &err), 0);
    assert_int_equal(told.archive, RETENTION_BOTH);
    uint32_t tag = tag_number(&rig, "old");
    int64_t now = clock_wall_ns(clock_system());
    assert_int_equal(submit_f64(&rig, tag, now - 40 * DAY_NS, 1, &err), 0);
    int64_t moved[8] = {0};
    assert_int_equal(retention_round(rig.plant, moved, 8, NULL, &err), 1);
    struct contents contents;
    contents_read(&contents, folder.base);
    assert_int_equal(contents.files, 1);
    assert_int_equal(contents.segments, 1);
    buf_fini(&contents.rows);
    rig_close(&rig);
    (void)dir_remove_all(folder.base, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_a_name_is_whole_whatever_fails),
        cmocka_unit_test(a_stamp_is_used_once_and_undone_alone),
        cmocka_unit_test(each_row_that_went_stands_in_the_archive_once),
        cmocka_unit_test(both_forms_stand_beside_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
