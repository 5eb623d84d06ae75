/*
 * The plant's pseudonym key: made once, the same after a restart, private, and never silently
 * replaced.
 */
#include "plant/deident_key.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support_plant.h"

static void key_path(const struct rig *rig, char to[300]) {
    (void)snprintf(to, 300, "%s/p1.key", rig->keys);
}

/* */
static void the_key_is_made_once_and_stays(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct err err = ERR_INIT;
    struct deident_key first;
    struct deident_key again;
    struct deident_key other;
    char path[300];
    key_path(&rig, path);
    assert_false(file_exists(path)); // Not before it is needed.
    assert_int_equal(plant_deident_key(rig.plant, STR("supplier"), &first, &err), 0);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    rig_reopen(&rig, NULL);
    assert_int_equal(plant_deident_key(rig.plant, STR("supplier"), &again, &err), 0);
    assert_memory_equal(first.bytes, again.bytes, DEIDENT_KEY_BYTES);
    assert_int_equal(plant_deident_key(rig.plant, STR("agency"), &other, &err), 0);
    assert_memory_not_equal(first.bytes, other.bytes, DEIDENT_KEY_BYTES);
    rig_close(&rig);
}

static void a_key_that_is_gone_or_another_is_refused(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct err err = ERR_INIT;
    struct deident_key key;
    char path[300];
    char aside[310];
    key_path(&rig, path);
    (void)snprintf(aside, sizeof aside, "%s.aside", path);
    assert_int_equal(plant_deident_key(rig.plant, STR("a"), &key, &err), 0);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(plant_deident_key(rig.plant, STR("a"), &key, &err), -ERR_NOT_FOUND);
    assert_false(file_exists(path)); // And no new one was made.
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "maru-plant-key-1 %064d\n", 7) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(plant_deident_key(rig.plant, STR("a"), &key, &err), -ERR_CORRUPT);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "something else\n") > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(plant_deident_key(rig.plant, STR("a"), &key, &err), -ERR_CORRUPT);
    assert_int_equal(rename(aside, path), 0);
    assert_int_equal(plant_deident_key(rig.plant, STR("a"), &key, &err), 0);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_is_made_once_and_stays),
        cmocka_unit_test(a_key_that_is_gone_or_another_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
