/* A folder that fills: tables, logs that grow, JSON, XML; taken once, half-written files wait. */
#include "support_device.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "device/cell.h"

struct scene {
    struct rig rig;
    char dir[64];
};

static void put(const struct scene *scene, const char *name, const char *text, const char *mode) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", scene->dir, name);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    assert_int_equal(strlen(text), fwrite(text, 1, strlen(text), file));
    assert_int_equal(0, fclose(file));
}

static void scene_connect(struct scene *scene) {
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&scene->rig, &err));
}

static void scene_start(struct scene *scene, const char *options, const struct tag_line *tags) {
    (void)snprintf(scene->dir, sizeof scene->dir, "/tmp/maru-folder-XXXXXX");
    assert_non_null(mkdtemp(scene->dir));
    struct device_line device = {"d", "folder", scene->dir, options, 1000};
    rig_init(&scene->rig, &device, tags, NULL);
    scene_connect(scene);
}

static void scene_end(struct scene *scene) {
    rig_fini(&scene->rig);
    assert_int_equal(0, dir_remove_all(scene->dir, NULL));
}

static void poll_once(struct scene *scene) {
    struct err err = ERR_INIT;
    if (rig_poll(&scene->rig, &err) < 0) {
        fail_msg("%s", words_of(&err));
    }
}

static const char *error_of(struct scene *scene) {
    struct device_health health;
    assert_true(health_copy(scene->rig.health, scene->rig.clock, &health));
    return words_of(&health.last_error);
}

static void a_table_is_taken_once_also_after_a_restart(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"temp", "d", "온도"},
        {"serial", "d", "\"제품 번호\" text"}, {"ok", "d", "판정 bool"}, {0}};
    struct scene scene;
    scene_start(&scene, "settle_s=0 time=\"날짜+시각\"", TAGS);
    put(&scene, "a.csv",
        "날짜,시각,온도,제품 번호,판정\n2026-11-01,09:00:00,\"1,021.5\",0012345678905,양품\n"
        "2026-11-01,오후 1:30:00,22,A2,NG\n",
        "w");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 2);
    assert_true(scene.rig.box.rows[0].row.value.f64 == 1021.5);
    assert_int_equal(scene.rig.box.rows[0].row.time_ns, 1793491200LL * NS_PER_S);
    assert_string_equal(scene.rig.box.rows[1].text, "0012345678905");
    assert_int_equal(box_last(&scene.rig.box, 1).row.time_ns, 1793507400LL * NS_PER_S);
    assert_int_equal(box_last(&scene.rig.box, 3).row.value.i64, 0);
    poll_once(&scene);
    poller_disconnect(&scene.rig.poller);
    scene_connect(&scene);
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 2);
    put(&scene, "b.csv", "날짜,시각,온도\n2026-11-02,09:00:00,23\n", "w");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 3);
    assert_int_equal(box_last(&scene.rig.box, 2).row.status, (uint32_t)STATUS_BAD_NO_DATA);
    assert_non_null(strstr(error_of(&scene), "no column"));
    scene_end(&scene);
}

static void what_the_store_refused_is_taken_again(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene, "settle_s=0 time=t", TAGS);
    put(&scene, "a.csv", "t,x\n1700000000,1\n1700000001,2\n", "w");
    scene.rig.box.dry = true;
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_SPACE, rig_poll(&scene.rig, &err));
    poller_disconnect(&scene.rig.poller);
    scene.rig.box.dry = false;
    scene_connect(&scene);
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 2);
    scene_end(&scene);
}

static void half_written_files_wait(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene, "settle_s=1 time=t", TAGS);
    put(&scene, "a.csv", "t,x\n1700000000,1\n17000", "w");
    put(&scene, "c.csv.part", "t,x\n1700000000,9\n", "w");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 0);
    put(&scene, "a.csv", "00001,2\n", "a");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 0);
    int64_t until_ns = clock_mono_ns(clock_system()) + PATIENCE_NS;
    while (box_count(&scene.rig.box, 1) == 0 && clock_mono_ns(clock_system()) < until_ns) {
        poll_once(&scene);
    }
    assert_int_equal(box_count(&scene.rig.box, 1), 2);
    assert_true(box_last(&scene.rig.box, 1).row.value.f64 == 2);
    scene_end(&scene);
}

static void a_log_that_grows_gives_its_new_whole_lines(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene, "grows=1 time=t skip_lines=1", TAGS);
    put(&scene, "log.csv", "LOGGER 7\nt,x\n1700000000,1\n1700000001,", "w");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 1);
    put(&scene, "log.csv", "2\n1700000002,3\n", "a");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 3);
    poller_disconnect(&scene.rig.poller);
    scene_connect(&scene);
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 3);
    put(&scene, "log.csv", "LOGGER 7\nt,x\n1700000009,9\n", "w"); // Begun anew.
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 4);
    assert_true(box_last(&scene.rig.box, 1).row.value.f64 == 9);
    scene_end(&scene);
}

static void a_log_that_was_begun_anew_and_outgrew_the_old_one_is_read_whole(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene, "grows=1 time=t", TAGS);
    put(&scene, "log.csv", "t,x\n1700000000,1\n1700000001,2\n", "w");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 2);
    poller_disconnect(&scene.rig.poller);
    put(&scene, "log.csv", "t,x\n1700000100,3\n1700000101,4\n1700000102,5\n", "w");
    scene_connect(&scene);
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 5);
    scene_end(&scene);
}

/* Gives the file the time of change that it had: file systems count in steps of up to 2 s. */
static void set_back_mtime(const struct scene *scene, const char *name) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", scene->dir, name);
    const struct timespec times[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
    assert_int_equal(0, utimensat(AT_FDCWD, path, times, 0));
}

static void lines_within_one_tick_of_the_file_system_are_seen(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene, "grows=1 time=t", TAGS);
    put(&scene, "log.csv", "t,x\n1700000000,1\n", "w");
    set_back_mtime(&scene, "log.csv");
    poll_once(&scene);
    put(&scene, "log.csv", "1700000001,2\n", "a");
    set_back_mtime(&scene, "log.csv");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 2);
    scene_end(&scene);
}

static void a_file_that_cannot_be_read_now_is_taken_later(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene, "settle_s=0 time=t", TAGS);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/a.csv", scene.dir);
    put(&scene, "a.csv", "t,x\n1700000000,1\n", "w");
    assert_int_equal(0, chmod(scene.dir, 0755));
    assert_int_equal(0, chmod(path, 0));
    bool root = geteuid() == 0; // Who may read everything.
    assert_true(!root || seteuid(65534) == 0);
    poll_once(&scene);
    assert_true(!root || seteuid(0) == 0);
    assert_int_equal(box_count(&scene.rig.box, 1), 0);
    assert_non_null(strstr(error_of(&scene), "tried again"));
    assert_int_equal(0, chmod(path, 0644));
    poller_disconnect(&scene.rig.poller); // After a restart at the latest.
    scene_connect(&scene);
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 1);
    scene_end(&scene);
}

static void rows_of_a_time_that_is_not_believed_keep_apart(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene, "settle_s=0 time=t", TAGS);
    put(&scene, "a.csv", "t,x\n2190-01-01,1\n2190-01-02,2\n2190-01-03,3\n", "w");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 3);
    for (uint32_t i = 1; i < 3; i++) {
        assert_true(scene.rig.box.rows[i].row.time_ns > scene.rig.box.rows[i - 1].row.time_ns);
        assert_int_equal(scene.rig.box.rows[i].row.status, (uint32_t)STATUS_UNCERTAIN);
    }
    scene_end(&scene);
}

static void bad_rows_are_named_and_the_good_ones_taken(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene, "settle_s=0 time=t files=*.csv", TAGS);
    put(&scene, "a.csv", "t,x\n1700000000,1\n1700000001,abc\nyesterday,3\n1700000003,4\n", "w");
    put(&scene, "b.txt", "t,x\n1700000000,1\n", "w");
    poll_once(&scene);
    assert_non_null(strstr(error_of(&scene), "a.csv, line or record 3"));
    assert_true(box_last(&scene.rig.box, 1).row.value.f64 == 4);
    assert_int_equal(scene.rig.box.good_counts[1], 2);
    scene_end(&scene);
}

static void json_and_xml_are_read(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"j", "d", "$.a.b"}, {"t", "d", "$.name text"},
        {"x", "d", "/axis/pos"}, {"id", "d", "/axis/@id text"}, {0}};
    struct scene scene;
    scene_start(&scene, "settle_s=0", TAGS);
    put(&scene, "lines.jsonl", "{\"a\":{\"b\":1},\"name\":\"} [\"}\n{\"a\":{\"b\":2}}\n", "w");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 2);
    assert_string_equal(box_last(&scene.rig.box, 2).text, "} [");
    put(&scene, "list.json", "[{\"a\":{\"b\":3}}, {\"a\":{\"b\":\"4\"}}, {\"a\": ]", "w");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 1), 4);
    assert_non_null(strstr(error_of(&scene), "list.json"));
    scene_end(&scene);
    scene_start(&scene, "settle_s=0 record=rec time=/@t", TAGS);
    put(&scene, "m.xml",
        "<?xml version=\"1.0\"?><log><rec t=\"2026-11-01 09:00\"><axis id=\"X\"><pos> 1.5 "
        "</pos></axis></rec><rec t=\"1761955260\"><axis id=\"Y\"><pos>2</pos></axis></rec></log>",
        "w");
    poll_once(&scene);
    assert_int_equal(box_count(&scene.rig.box, 3), 2);
    assert_true(box_last(&scene.rig.box, 3).row.value.f64 == 2);
    assert_int_equal(box_last(&scene.rig.box, 3).row.time_ns, 1761955260LL * NS_PER_S);
    assert_string_equal(box_last(&scene.rig.box, 4).text, "Y");
    scene_end(&scene);
}

static void rows_without_a_time_get_the_same_times_again(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "#1"}, {0}};
    struct scene scene;
    scene_start(&scene, "settle_s=0 header=0", TAGS);
    put(&scene, "a.csv", "1\n2\n3\n", "w");
    poll_once(&scene);
    assert_int_equal(scene.rig.box.count, 3);
    int64_t first_ns = scene.rig.box.rows[0].row.time_ns;
    assert_int_equal(scene.rig.box.rows[2].row.time_ns - first_ns, 2 * NS_PER_US);
    memset(scene.rig.box.bookmarks, 0, sizeof scene.rig.box.bookmarks);
    poller_disconnect(&scene.rig.poller);
    scene_connect(&scene);
    poll_once(&scene);
    assert_int_equal(scene.rig.box.count, 6);
    assert_int_equal(scene.rig.box.rows[3].row.time_ns, first_ns);
    scene_end(&scene);
}

static void a_folder_that_is_gone_is_said(void **state) {
    (void)state;
    static const struct tag_line TAGS[] = {{"x", "d", "x"}, {0}};
    struct scene scene;
    scene_start(&scene, "", TAGS);
    assert_int_equal(0, rmdir(scene.dir));
    struct err err = ERR_INIT;
    assert_int_equal(-ERR_UNREACHABLE, rig_poll(&scene.rig, &err));
    assert_int_equal(0, mkdir(scene.dir, 0700));
    scene_end(&scene);
}

static void times_of_shops_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; // 0: no time.
    } CASES[] = {{"2026-11-01 09:00:00", 1793491200000}, {"2026/11/1 9:00", 1793491200000},
        {"2026. 11. 1. 오전 9:00:00", 0}, {"2026.11.01 오전 9:00:00", 1793491200000},
        {"2026-11-01 오전 12:00", 1793458800000}, {"2026-11-01 12:00 PM", 1793502000000},
        {"20261101090000", 1793491200000}, {"20261101090000123", 1793491200123},
        {"2026-11-01T09:00:00Z", 1793523600000}, {"1793491200", 1793491200000},
        {"1793491200123", 1793491200123}, {"1793491200.5", 1793491200500},
        {"2026-11-01", 1793458800000}, {"01/11/2026", 0}, {"2026-13-01", 0}, {"9:00", 0}, {"", 0},
        {"2026-11-01 25:00", 0}, {"2026-11-01 13:00 PM", 0}, {"abc", 0}};
    struct zone *zone = NULL;
    assert_int_equal(0, zone_load(STR("Asia/Seoul"), &zone, NULL));
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t time_ns = 0;
        bool good = cell_time(str_of(CASES[i].text), zone, 0, &time_ns);
        if (good != (CASES[i].ms != 0) || (good && time_ns != CASES[i].ms * NS_PER_MS)) {
            fail_msg("%s gave %lld", CASES[i].text, (long long)(time_ns / NS_PER_MS));
        }
    }
    zone_free(zone);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_taken_once_also_after_a_restart),
        cmocka_unit_test(what_the_store_refused_is_taken_again),
        cmocka_unit_test(half_written_files_wait),
        cmocka_unit_test(a_log_that_grows_gives_its_new_whole_lines),
        cmocka_unit_test(a_log_that_was_begun_anew_and_outgrew_the_old_one_is_read_whole),
        cmocka_unit_test(lines_within_one_tick_of_the_file_system_are_seen),
        cmocka_unit_test(a_file_that_cannot_be_read_now_is_taken_later),
        cmocka_unit_test(rows_of_a_time_that_is_not_believed_keep_apart),
        cmocka_unit_test(bad_rows_are_named_and_the_good_ones_taken),
        cmocka_unit_test(json_and_xml_are_read),
        cmocka_unit_test(rows_without_a_time_get_the_same_times_again),
        cmocka_unit_test(a_folder_that_is_gone_is_said),
        cmocka_unit_test(times_of_shops_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
