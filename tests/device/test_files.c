/*
 * Files that a device may read: everything but a home of Maru, under whatever name it is reached,
 * and whatever a folder in it is called.
 */
#include "device/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/file.h"
#include "device/device.h"

static char place[64];

static void make_folder(const char *name) {
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", place, name);
    assert_int_equal(dir_create(files_system(), path, NULL), 0);
}

static void make_file(const char *name) {
    char path[200];
    int fd = -1;
    (void)snprintf(path, sizeof path, "%s/%s", place, name);
    assert_int_equal(file_open(files_system(), path, FILE_WRITE, &fd, NULL), 0);
    file_close(fd);
}

static int set_up(void **state) {
    (void)state;
    char from[128];
    char to[128];
    (void)snprintf(place, sizeof place, "/tmp/maru-files-XXXXXX");
    assert_non_null(mkdtemp(place));
    static const char *const FOLDERS[] = {
        "home", "home/plants", "home/tester", "home/keys", "half", "half/plants", "data"};
    for (size_t i = 0; i < sizeof FOLDERS / sizeof FOLDERS[0]; i++) {
        make_folder(FOLDERS[i]);
    }
    make_file("home/hub.db");
    make_file("home/tester/a.csv");
    make_file("data/a.csv");
    (void)snprintf(from, sizeof from, "%s/home/tester", place);
    (void)snprintf(to, sizeof to, "%s/data/link", place);
    assert_int_equal(symlink(from, to), 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return dir_remove_all(place, NULL);
}

static void a_home_is_closed_by_any_name_and_in_each_folder(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int expected;
    } CASES[] = {{"data", 0}, {"data/a.csv", 0}, {"data/later.csv", 0}, {"half/a.csv", 0},
        {"home", -ERR_FORBIDDEN}, {"home/hub.db", -ERR_FORBIDDEN},
        {"home/keys/later", -ERR_FORBIDDEN}, {"home/tester", -ERR_FORBIDDEN},
        {"home/tester/a.csv", -ERR_FORBIDDEN}, {"home/tester/later.csv", -ERR_FORBIDDEN},
        {"home/tester/../hub.db", -ERR_FORBIDDEN}, {"data/../home/tester", -ERR_FORBIDDEN},
        {"data/link", -ERR_FORBIDDEN}, {"data/link/a.csv", -ERR_FORBIDDEN}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char path[200];
        struct err err = ERR_INIT;
        (void)snprintf(path, sizeof path, "%s/%s", place, CASES[i].path);
        if (files_check(str_of(path), &err) != CASES[i].expected) {
            fail_msg("%s", CASES[i].path);
        }
    }
}

static void addresses_of_files_are_looked_at_and_others_are_not(void **state) {
    (void)state;
    static const struct {
        const char *driver;
        const char *before; // Of the path.
        bool refused;
    } CASES[] = {
        {"folder", "", true}, {"sqlpoll", "sqlite:", true}, {"modbus", "10.0.0.2:502", false}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char address[200];
        (void)snprintf(address, sizeof address, "%s%s%s", CASES[i].before,
            CASES[i].refused ? place : "", CASES[i].refused ? "/home/tester" : "");
        struct device device = {.driver = str_of(CASES[i].driver), .address = str_of(address)};
        assert_int_equal(device_uses_files(&device), CASES[i].refused);
        struct driver_settings settings = {.serial = false};
        const struct driver *driver = driver_find(str_of(CASES[i].driver));
        assert_non_null(driver);
        assert_int_equal(files_check_all(driver, str_of(address), &settings, NULL),
            CASES[i].refused ? -ERR_FORBIDDEN : 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_home_is_closed_by_any_name_and_in_each_folder),
        cmocka_unit_test(addresses_of_files_are_looked_at_and_others_are_not),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
