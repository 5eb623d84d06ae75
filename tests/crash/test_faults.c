/*
 * Faults and then a cut: each operation of a day fails in turn, or is the last of its process; the
 * folder is opened again while the system still remembers what never reached the disk, work goes
 * on, and only then the power goes.
 *
 * What tests/historian/test_recovery.c does not see is here: that something was read again from the
 * system's memory does not mean that it is stored. Every operation in turn: MARU_CRASH_STRIDE=1.
 */
#include "support_cut.h"

#include <errno.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/mem.h"

struct fault_kind {
    const char *name;
    struct disk_fault fault;
};

static const struct fault_kind kinds[] = {
    {"killed", {.step = DISK_STEP_COUNT, .errno_value = EIO, .torn = 40, .kill = true}},
    {"one operation fails", {.step = DISK_STEP_COUNT, .errno_value = EIO, .torn = 700}},
    {"all operations fail", {.step = DISK_STEP_COUNT, .errno_value = EIO, .sticky = true}},
    {"the disk is full", {.step = DISK_WRITE, .errno_value = ENOSPC, .torn = 33, .sticky = true}},
    {"one sync fails", {.step = DISK_SYNC, .errno_value = EIO}},
    {"all syncs fail", {.step = DISK_SYNC, .errno_value = EIO, .sticky = true}},
    {"one sync of the folder fails", {.step = DISK_DIR_SYNC, .errno_value = EIO}},
    {"one rename fails", {.step = DISK_RENAME, .errno_value = EIO}},
    {"truncating fails", {.step = DISK_TRUNCATE, .errno_value = EIO, .sticky = true}},
    {"removing fails", {.step = DISK_REMOVE, .errno_value = EACCES, .sticky = true}},
};

/* One day with the fault after `pass` operations; false when it was over before. */
static bool day_with_fault(const struct fault_kind *kind, int64_t pass, uint32_t cuts) {
    struct place place;
    place_new(&place);
    struct disk *disk = disk_watch(place.live);
    struct life life;
    life_init(&life, disk, 21);
    struct disk_fault fault = kind->fault;
    fault.pass = pass;
    disk_fail(disk, &fault);
    trying("%s after %lld", kind->name, (long long)pass);
    life_day(&life, place.live);
    bool struck = disk_failed(disk);
    disk_heal(disk);
    disk_fail(disk, &(struct disk_fault){.step = DISK_STEP_COUNT, .pass = INT64_MAX});
    uint32_t broken = disk_count(disk);
    struct historian *historian = life_open(place.live, 1 << 20, false);
    life_settle(&life, historian);
    uint32_t opened = disk_count(disk);
    life_compare(&life, historian, place.live, opened, false);
    life_appends(&life, historian, 2);
    assert_true(hist_seal(historian, NULL) >= 0);
    life_appends(&life, historian, 1);
    hist_close(historian);
    disk_unwatch(disk);
    struct random random;
    random_seed(&random, (uint64_t)pass);
    cut_try(&life, &place, &(struct disk_cut){.position = opened, .way = DISK_NOTHING}, NULL);
    /* The opening itself, cut after each step: it tidies up what it believes to be left over. */
    for (uint32_t at = broken + 1; kind->fault.kill && at <= opened; at++) {
        struct disk_cut cut = {.position = at, .way = DISK_RANDOM, .seed = (uint64_t)pass * 2 + 1};
        cut_try(&life, &place, &cut, NULL);
    }
    for (uint32_t i = 0; i < cuts; i++) {
        struct disk_cut cut;
        cut_random(&life, broken > 0 ? broken : 1, &random, &cut);
        cut_try(&life, &place, &cut, NULL);
    }
    life_fini(&life);
    disk_free(disk);
    place_free(&place);
    return struck;
}

static void a_cut_after_each_fault_keeps_what_was_acknowledged(void **state) {
    (void)state;
    uint32_t stride = runs_wanted("MARU_CRASH_STRIDE", 4);
    uint32_t cuts = runs_wanted("MARU_CRASH_SAMPLES", 2);
    uint32_t days = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        const struct disk_fault *fault = &kinds[k].fault;
        uint32_t step = fault->kill                      ? 1
                        : fault->step == DISK_STEP_COUNT ? stride
                                                         : (stride + 1) / 2;
        for (int64_t pass = 0; day_with_fault(&kinds[k], pass, cuts); pass += step) {
            days++;
        }
    }
    tell_counts("faults %u states %llu", days, (unsigned long long)cuts_tried());
}

/* The disk takes nothing for one step, and then all again, in the same process. */
static bool moment_without_disk(int64_t pass, uint32_t cuts) {
    struct place place;
    place_new(&place);
    struct disk *disk = disk_watch(place.live);
    struct life life;
    life_init(&life, disk, 24);
    trying("a moment without a disk after %lld", (long long)pass);
    struct historian *historian = life_open(place.live, 1 << 20, false);
    struct disk_fault fault = kinds[0].fault;
    fault.pass = pass;
    disk_fail(disk, &fault);
    bool struck = false;
    for (const char *step = "aaaaaosaaaaasoaaaaasmoaas"; *step != '\0'; step++) {
        (void)life_step(&life, historian, *step);
        if (!struck && disk_failed(disk)) {
            struck = true;
            disk_heal(disk);
        }
    }
    disk_heal(disk);
    assert_true(life_append(&life, historian, 0, 5) >= 0);
    life_compare(&life, historian, place.live, disk_count(disk), false);
    hist_close(historian);
    disk_unwatch(disk);
    disk_heal(disk);
    struct random random;
    random_seed(&random, (uint64_t)pass);
    for (uint32_t i = 0; i < cuts; i++) {
        struct disk_cut cut;
        cut_random(&life, 1, &random, &cut);
        cut_try(&life, &place, &cut, NULL);
    }
    life_fini(&life);
    disk_free(disk);
    place_free(&place);
    return struck;
}

static void a_moment_without_a_disk_and_a_cut_keep_what_was_acknowledged(void **state) {
    (void)state;
    uint32_t cuts = 3 * runs_wanted("MARU_CRASH_SAMPLES", 2);
    uint64_t before = cuts_tried();
    int64_t pass = 0;
    while (moment_without_disk(pass, cuts)) {
        pass++;
    }
    assert_true(pass > 50);
    tell_counts(
        "faults %u states %llu", (unsigned)pass, (unsigned long long)(cuts_tried() - before));
}

/* ---- Writers ---- */

enum { WRITERS = 3, WRITER_APPENDS = 25 };

struct writer {
    struct life *life;
    struct historian *historian;
    uint32_t lane;
};

/* A refused append is not tried again: whether it is there is judged like any other. */
static void write_lane(void *context) {
    struct writer *writer = context;
    for (uint32_t i = 0; i < WRITER_APPENDS; i++) {
        (void)life_append(writer->life, writer->historian, writer->lane, 20);
    }
}

static void writers_run(struct life *life, struct historian *historian) {
    struct writer writers[WRITERS];
    struct thread threads[WRITERS];
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.life = life, .historian = historian, .lane = i + 1};
        threads[i] = (struct thread){0};
        thread_start(&threads[i], "writer", write_lane, &writers[i]);
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        thread_join(&threads[i]);
    }
}

/* The fault strikes while three writers and the sealing thread are at work. */
static void writers_with_fault(const struct fault_kind *kind, int64_t pass, uint32_t cuts) {
    struct place place;
    place_new(&place);
    struct disk *disk = disk_watch(place.live);
    struct life life;
    life_init(&life, disk, 23);
    disk_slow(disk);
    struct historian *historian = life_open(place.live, 32 << 10, true);
    struct disk_fault fault = kind->fault;
    fault.pass = pass;
    disk_fail(disk, &fault);
    trying("writers: %s after %lld", kind->name, (long long)pass);
    writers_run(&life, historian);
    hist_close(historian);
    disk_heal(disk);
    uint32_t broken = disk_count(disk);
    historian = life_open(place.live, 1 << 20, false);
    life_settle(&life, historian);
    life_compare(&life, historian, place.live, disk_count(disk), false);
    life_appends(&life, historian, 2);
    hist_close(historian);
    disk_unwatch(disk);
    struct random random;
    random_seed(&random, (uint64_t)pass);
    for (uint32_t i = 0; i < cuts; i++) {
        struct disk_cut cut;
        cut_random(&life, i % 2 == 0 ? 1 : broken, &random, &cut);
        cut_try(&life, &place, &cut, NULL);
    }
    life_fini(&life);
    disk_free(disk);
    place_free(&place);
}

static void a_fault_among_writers_and_a_cut_keep_what_was_acknowledged(void **state) {
    (void)state;
    uint32_t cuts = 2 * runs_wanted("MARU_CRASH_SAMPLES", 2);
    uint32_t days = 0;
    uint64_t before = cuts_tried();
    struct random random;
    random_seed(&random, 77);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (uint32_t i = 0; i < cuts / 2; i++) {
            writers_with_fault(&kinds[k], (int64_t)random_below(&random, 60), cuts);
            days++;
        }
    }
    tell_counts("faults %u states %llu", days, (unsigned long long)(cuts_tried() - before));
}

/* ---- Failed syncs ---- */

static void a_log_whose_sync_failed_is_given_up_and_that_is_said(void **state) {
    (void)state;
    uint32_t refusals = 0;
    for (int64_t pass = 0; pass < 60; pass++) {
        struct place place;
        place_new(&place);
        struct disk *disk = disk_watch(place.live);
        struct life life;
        life_init(&life, disk, 22);
        struct historian *historian = life_open(place.live, 1 << 20, false);
        disk_fail(disk, &(struct disk_fault){.step = DISK_SYNC, .pass = pass, .errno_value = EIO});
        for (uint32_t i = 0; i < 40; i++) {
            bool struck = disk_failed(disk);
            int rc = life_append(&life, historian, 0, 4);
            if (rc < 0) {
                assert_int_equal(rc, -ERR_IO);
                assert_false(struck); // The next one is stored, in another file.
                refusals++;
            }
            if (i % 10 == 9) {
                (void)hist_seal(historian, NULL);
            }
        }
        assert_true(disk_failed(disk) || pass > 40);
        assert_int_equal(disk_trusts_failed_sync(disk), 0);
        life_compare(&life, historian, place.live, disk_count(disk), false);
        hist_close(historian);
        disk_unwatch(disk);
        life_fini(&life);
        disk_free(disk);
        place_free(&place);
    }
    assert_true(refusals >= 35);
}

static void a_new_folder_whose_name_cannot_be_synced_is_not_opened(void **state) {
    (void)state;
    struct place place;
    place_new(&place);
    struct disk *disk = disk_watch(place.live);
    disk_fail(disk, &(struct disk_fault){.step = DISK_PARENT_SYNC, .errno_value = EIO});
    struct hist_options options = {.dir = place.live, .no_thread = true};
    struct historian *historian = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(hist_open(&options, &historian, &err), -ERR_IO);
    assert_int_equal(hist_open(&options, &historian, &err), 0);
    hist_close(historian);
    disk_unwatch(disk);
    disk_free(disk);
    place_free(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_cut_after_each_fault_keeps_what_was_acknowledged, trying_print),
        cmocka_unit_test_teardown(
            a_moment_without_a_disk_and_a_cut_keep_what_was_acknowledged, trying_print),
        cmocka_unit_test_teardown(
            a_fault_among_writers_and_a_cut_keep_what_was_acknowledged, trying_print),
        cmocka_unit_test_teardown(
            a_log_whose_sync_failed_is_given_up_and_that_is_said, trying_print),
        cmocka_unit_test_teardown(
            a_new_folder_whose_name_cannot_be_synced_is_not_opened, trying_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
