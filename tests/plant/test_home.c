/*
 * The home folder: private, locked against a second process, refused in words where it is none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plant/home.h"
#include "support_plant.h"

static void temporary(char *dir, size_t size) {
    const char *base = getenv("TMPDIR");
    (void)snprintf(dir, size, "%s/maru-home-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(dir));
}

static int create(const char *dir, struct err *err) {
    return home_create(dir, STR("p1"), STR_NONE, STR("Asia/Seoul"), err);
}

static void a_home_is_private_and_made_once(void **state) {
    (void)state;
    char dir[256];
    temporary(dir, sizeof dir);
    struct err err = ERR_INIT;
    assert_int_equal(create(dir, &err), 0);
    static const char *const PARTS[] = {
        "", "/hub.db", "/plants/p1", "/plants/p1/ledger.db", "/keys"};
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s%s", dir, PARTS[i]);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 077, 0);
    }
    assert_int_equal(create(dir, &err), -ERR_EXISTS);
    assert_int_equal(dir_remove_all(dir, &err), 0);
}

static void a_second_process_is_refused_and_the_lock_goes_with_the_first(void **state) {
    (void)state;
    char dir[256];
    temporary(dir, sizeof dir);
    struct err err = ERR_INIT;
    assert_int_equal(create(dir, &err), 0);
    struct home_options options = {.dir = dir, .exclusive = true};
    struct home *first = NULL;
    struct home *second = NULL;
    assert_int_equal(home_open(&options, &first, &err), 0);
    assert_int_equal(home_open(&options, &second, &err), -ERR_LOCKED);
    home_close(first);
    err_clear(&err);
    assert_int_equal(home_open(&options, &second, &err), 0);
    home_close(second);
    assert_int_equal(dir_remove_all(dir, &err), 0);
}

static void what_is_no_home_is_refused_with_the_way_to_make_one(void **state) {
    (void)state;
    char dir[256];
    temporary(dir, sizeof dir);
    struct err err = ERR_INIT;
    struct home_options options = {.dir = dir, .exclusive = true};
    struct home *home = NULL;
    assert_int_equal(home_open(&options, &home, &err), -ERR_NOT_FOUND);
    struct buf words;
    buf_init(&words, 4096);
    err_render(&err, LANG_EN, &words);
    assert_non_null(strstr(buf_z(&words), "maru init"));
    buf_fini(&words);
    assert_int_equal(dir_remove_all(dir, &err), 0);
}

static void a_plant_is_found_by_id_or_as_the_only_one(void **state) {
    (void)state;
    char dir[256];
    temporary(dir, sizeof dir);
    struct err err = ERR_INIT;
    assert_int_equal(create(dir, &err), 0);
    struct home_options options = {.dir = dir, .exclusive = true};
    struct home *home = NULL;
    assert_int_equal(home_open(&options, &home, &err), 0);
    struct plant *plant = NULL;
    assert_int_equal(home_plant(home, STR_NONE, &plant, &err), 0);
    assert_true(str_eq(plant_id(plant), STR("p1")));
    assert_int_equal(home_plant(home, STR("p1"), &plant, &err), 0);
    assert_int_equal(home_plant(home, STR("p2"), &plant, &err), -ERR_NOT_FOUND);
    home_close(home);
    assert_int_equal(dir_remove_all(dir, &err), 0);
}

static void bad_names_and_zones_are_refused(void **state) {
    (void)state;
    char dir[256];
    temporary(dir, sizeof dir);
    struct err err = ERR_INIT;
    assert_int_equal(home_create(dir, STR("a/b"), STR_NONE, STR("Asia/Seoul"), &err), -ERR_INVALID);
    assert_true(home_create(dir, STR("p1"), STR_NONE, STR("Moon/Base"), &err) < 0);
    err_clear(&err);
    assert_int_equal(create(dir, &err), 0); // Nothing half-made stands in the way.
    assert_int_equal(dir_remove_all(dir, &err), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_home_is_private_and_made_once),
        cmocka_unit_test(a_second_process_is_refused_and_the_lock_goes_with_the_first),
        cmocka_unit_test(what_is_no_home_is_refused_with_the_way_to_make_one),
        cmocka_unit_test(a_plant_is_found_by_id_or_as_the_only_one),
        cmocka_unit_test(bad_names_and_zones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
