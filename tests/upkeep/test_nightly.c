/*
 * A night and a weekly test, and what health says of them.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "upkeep/nightly.h"
#include "upkeep/runs.h"

struct place {
    char dir[64];
    char home[96];
    struct home *open;
    struct upkeep *upkeep;
    struct finding *findings;
    struct upkeep_facts facts;
};

static void place_init(struct place *place, bool nightly) {
    (void)snprintf(place->dir, sizeof place->dir, "/tmp/maru-nightly-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->home, sizeof place->home, "%s/home", place->dir);
    assert_int_equal(home_create(place->home, STR("main"), STR("x"), STR("UTC"), NULL), 0);
    struct home_options options = {.dir = place->home, .exclusive = true};
    assert_int_equal(home_open(&options, &place->open, NULL), 0);
    struct upkeep_settings settings = {.nightly = nightly, .keep_daily = 2};
    (void)snprintf(settings.backup_dir, sizeof settings.backup_dir, "%s/second", place->dir);
    place->upkeep = upkeep_start(place->open, &settings);
    place->findings = MEM_ARRAY(struct finding, FINDINGS_MAX);
}

static void place_fini(struct place *place) {
    upkeep_stop(place->upkeep);
    home_close(place->open);
    mem_free(place->findings);
    assert_int_equal(dir_remove_all(place->dir, NULL), 0);
}

static const struct finding *find(struct place *place, const char *id) {
    uint32_t count = upkeep_health(
        place->upkeep, place->open, home_plant_at(place->open, 0), place->findings, &place->facts);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(place->findings[i].id, id) == 0) {
            return &place->findings[i];
        }
    }
    return NULL;
}

static int count_backups(void *context, const char *name, struct err *err) {
    (void)err;
    *(int *)context += str_ends(str_of(name), STR(".backup"));
    return 0;
}

static void a_night_leaves_a_backup_that_a_test_restores(void **state) {
    (void)state;
    struct place place;
    place_init(&place, true);
    struct err err = ERR_INIT;
    assert_int_equal(upkeep_test(place.upkeep, &err), -ERR_NOT_FOUND); // Nothing to test yet.
    assert_int_equal(upkeep_night(place.upkeep, NULL), 0);
    assert_int_equal(upkeep_test(place.upkeep, NULL), 0);
    char path[128];
    int count = 0;
    (void)snprintf(path, sizeof path, "%s/second", place.dir);
    assert_int_equal(dir_each(path, count_backups, &count, NULL), 0);
    assert_int_equal(count, 1);
    (void)snprintf(path, sizeof path, "%s/second/erasures.list", place.dir);
    assert_true(file_exists(path));
    assert_null(find(&place, "backup.failed"));
    assert_null(find(&place, "backup.test_failed")); // The good one came later.
    assert_null(find(&place, "backup.same_disk"));
    assert_true(
        place.facts.backup_ns > 0 && place.facts.backup_bytes > 0 && place.facts.test_ns > 0);
    place_fini(&place);
}

static void a_backup_that_is_wanted_is_made_by_the_thread(void **state) {
    (void)state;
    struct place place;
    place_init(&place, false); // Not by night: it is made because somebody asked.
    assert_null(find(&place, "backup.failed"));
    assert_int_equal(place.facts.backup_ns, 0);
    assert_false(place.facts.backup_running);
    assert_false(place.facts.backup_nightly);
    upkeep_want_night(place.upkeep);
    (void)find(&place, "backup.failed");
    assert_true(place.facts.backup_running || place.facts.backup_ns > 0);
    for (int i = 0; i < 1000 && place.facts.backup_running; i++) {
        (void)poll(NULL, 0, 10);
        (void)find(&place, "backup.failed");
    }
    assert_false(place.facts.backup_running);
    assert_true(place.facts.backup_ns > 0 && place.facts.backup_bytes > 0);
    assert_non_null(strstr(place.facts.backup_dir, "second"));
    place_fini(&place);
}

static void a_failed_night_is_said_with_its_reason(void **state) {
    (void)state;
    struct place place;
    place_init(&place, true);
    char path[128];
    int fd = -1;
    (void)snprintf(path, sizeof path, "%s/second", place.dir); // A file where the folder should be.
    assert_int_equal(file_open(files_system(), path, FILE_CREATE_NEW, &fd, NULL), 0);
    file_close(fd);
    struct err err = ERR_INIT;
    assert_true(upkeep_night(place.upkeep, &err) < 0);
    const struct finding *finding = find(&place, "backup.failed");
    assert_non_null(finding);
    assert_int_equal(finding->severity, FINDING_ERROR);
    assert_true(strlen(finding->detail[LANG_KO]) > 10 && strlen(finding->detail[LANG_EN]) > 10);
    assert_int_equal(place.findings[0].severity, FINDING_ERROR); // Worst first.
    assert_int_equal(file_remove(files_system(), path, NULL), 0);
    assert_int_equal(upkeep_night(place.upkeep, NULL), 0);
    assert_null(find(&place, "backup.failed"));
    place_fini(&place);
}

static void a_step_of_the_clock_is_told_for_a_day(void **state) {
    (void)state;
    struct place place;
    place_init(&place, false);
    assert_null(find(&place, "clock.jumped"));
    struct upkeep_run run = {.kind = "clock",
        .ended_ns = clock_wall_ns(clock_system()) - 3600 * NS_PER_S,
        .good = true,
        .subject = STR("-5250")};
    assert_int_equal(run_store(home_hub(place.open), &run, NULL), 0);
    const struct finding *finding = find(&place, "clock.jumped");
    assert_non_null(finding);
    AUTO_BUF struct buf words;
    buf_init(&words, 1024);
    err_render(&finding->words, LANG_EN, &words);
    assert_non_null(strstr(buf_z(&words), "-5.25 s"));
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_night_leaves_a_backup_that_a_test_restores),
        cmocka_unit_test(a_backup_that_is_wanted_is_made_by_the_thread),
        cmocka_unit_test(a_failed_night_is_said_with_its_reason),
        cmocka_unit_test(a_step_of_the_clock_is_told_for_a_day)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
