/*
 * Power cuts: what a history does to its folder is recorded, and each state a cut could leave is
 * opened.
 *
 * A short day (appends of all types, corrections and late rows, seals, merges, expiries, consumers,
 * closing and opening again) is cut after each of its operations, with the last write torn at each
 * sector and at some bytes, and with random parts of what was not synced. Longer days with faults
 * and kills, a recovery that is cut in its turn, and three writers with the sealing thread are
 * sampled. More samples: MARU_CRASH_LIVES, MARU_CRASH_SAMPLES.
 */
#include "support_cut.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"

static uint64_t acknowledged;

static void count_acknowledged(const struct life *life) {
    for (uint32_t i = 0; i < life->count; i++) {
        acknowledged += life->deeds[i].kind == LIFE_APPEND && life->deeds[i].end != LIFE_NEVER;
    }
}

enum { LANE_APPENDS = 60 };

/* ---- Days ---- */

static void any_deed(struct life *life, struct historian *historian) {
    switch (random_below(&life->random, 16)) {
    case 0: (void)hist_seal(historian, NULL); break;
    case 1: (void)hist_merge(historian, NULL); break;
    case 2: (void)life_keep(life, historian, "orders"); break;
    case 3: (void)life_keep(life, historian, "counts"); break;
    case 4:
        (void)life_expire(life, historian, (uint32_t)random_below(&life->random, 5),
            TEST_T0 + (int64_t)random_below(&life->random, 1500) * NS_PER_S);
        break;
    default:
        (void)life_append(life, historian, 0, 1 + (uint32_t)random_below(&life->random, 30));
        break;
    }
}

static void random_fault(struct life *life) {
    struct random *random = &life->random;
    static const int errnos[] = {EIO, ENOSPC};
    disk_fail(life->disk,
        &(struct disk_fault){.step = (enum disk_step)random_below(random, DISK_STEP_COUNT + 1),
            .pass = (int64_t)random_below(random, 20),
            .errno_value = errnos[random_below(random, 2)],
            .torn = random_below(random, 3) * random_below(random, 200),
            .sticky = random_below(random, 4) == 0,
            .kill = random_below(random, 3) == 0});
}

/* Deeds at random while operations fail or the process is killed, over several openings. */
static void long_day(struct life *life, const char *dir) {
    for (uint32_t opening = 0; opening < 5; opening++) {
        struct historian *historian = life_open(dir, 1 << 20, false);
        life_settle(life, historian);
        life_compare(life, historian, dir, life_position(life), false);
        for (uint32_t i = 0; i < 6; i++) {
            any_deed(life, historian);
        }
        random_fault(life);
        for (uint32_t i = 0; i < 14; i++) {
            any_deed(life, historian);
        }
        if (random_below(&life->random, 2) == 0 || !disk_failed(life->disk)) {
            disk_heal(life->disk);
            for (uint32_t i = 0; i < 4; i++) {
                any_deed(life, historian);
            }
        }
        hist_close(historian); // Perhaps still failing, or dead.
        disk_heal(life->disk);
    }
}

/* ---- Cutting ---- */

/* Every state at one position. */
static void try_position(struct life *life, const struct place *place, uint32_t position,
    uint32_t randoms, struct seen *seen) {
    struct disk_cut cut = {.position = position, .way = DISK_NOTHING};
    cut_try(life, place, &cut, seen);
    cut.way = DISK_ALL;
    cut_try(life, place, &cut, seen);
    uint64_t size = disk_last_write(life->disk, position);
    for (uint64_t at = 512; at < size; at += 512) {
        cut.cut = at;
        cut.way = DISK_TORN;
        cut_try(life, place, &cut, seen);
        cut.way = DISK_LONE;
        cut_try(life, place, &cut, seen);
    }
    static const uint64_t edges[] = {1, 4, 31, 32, 33, 63, 64, 65};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0] && edges[i] < size; i++) {
        cut.cut = i % 2 == 0 ? edges[i] : size - edges[i];
        cut.way = DISK_TORN;
        cut_try(life, place, &cut, seen);
    }
    cut.way = DISK_RANDOM;
    for (cut.seed = 1; cut.seed <= randoms; cut.seed++) {
        cut_try(life, place, &cut, seen);
    }
}

static void a_short_day_cut_anywhere_keeps_what_was_acknowledged(void **state) {
    (void)state;
    struct place place;
    place_new(&place);
    struct disk *disk = disk_watch(place.live);
    struct life life;
    life_init(&life, disk, 1);
    life_day(&life, place.live);
    disk_unwatch(disk);
    struct seen seen = {.count = 0};
    for (uint32_t position = 1; position <= disk_count(disk); position++) {
        try_position(&life, &place, position, runs_wanted("MARU_CRASH_SAMPLES", 3), &seen);
    }
    count_acknowledged(&life);
    tell_counts("prefixes %u states %llu", disk_count(disk), (unsigned long long)cuts_tried());
    seen_free(&seen);
    life_fini(&life);
    disk_free(disk);
    place_free(&place);
}

static void long_days_with_faults_and_kills_keep_what_was_acknowledged(void **state) {
    (void)state;
    uint32_t lives = runs_wanted("MARU_CRASH_LIVES", 12);
    uint64_t before = cuts_tried();
    for (uint32_t n = 0; n < lives; n++) {
        struct place place;
        place_new(&place);
        struct disk *disk = disk_watch(place.live);
        struct life life;
        life_init(&life, disk, 1000 + n);
        trying("day %u itself", n);
        long_day(&life, place.live);
        disk_unwatch(disk);
        struct random random;
        random_seed(&random, n);
        struct seen seen = {.count = 0};
        for (uint32_t i = 0; i < 40; i++) {
            struct disk_cut cut;
            cut_random(&life, 1, &random, &cut);
            cut_try(&life, &place, &cut, &seen);
        }
        count_acknowledged(&life);
        seen_free(&seen);
        life_fini(&life);
        disk_free(disk);
        place_free(&place);
    }
    tell_counts("days %u states %llu", lives, (unsigned long long)(cuts_tried() - before));
}

/* Cuts a recovery: opens what the first cut left, goes on, and cuts that. */
static void cut_again(struct life *life, const struct place *place, const struct disk_cut *first) {
    struct disk_image *image = disk_image(life->disk, first);
    disk_image_put(image, place->again);
    disk_image_free(image);
    struct disk *disk = disk_watch(place->again);
    struct life second;
    life_branch(life, first->position, &second);
    struct historian *historian = life_open(place->again, 1 << 20, false);
    second.disk = disk; // What was known before is known at position 0.
    life_settle(&second, historian);
    life_appends(&second, historian, 2);
    assert_true(hist_seal(historian, NULL) >= 0);
    life_appends(&second, historian, 1);
    hist_close(historian);
    disk_unwatch(disk);
    for (uint32_t position = disk_base(disk); position <= disk_count(disk); position++) {
        if (position > 0) {
            struct disk_cut cut = {.position = position, .way = DISK_RANDOM, .seed = position};
            cut_try(&second, place, &cut, NULL);
        }
    }
    life_fini(&second);
    disk_free(disk);
}

static void a_recovery_that_is_cut_in_its_turn_loses_nothing(void **state) {
    (void)state;
    struct place place;
    place_new(&place);
    struct disk *disk = disk_watch(place.live);
    struct life life;
    life_init(&life, disk, 3);
    life_day(&life, place.live);
    disk_unwatch(disk);
    struct random random;
    random_seed(&random, 5);
    uint64_t before = cuts_tried();
    uint32_t samples = 8 * runs_wanted("MARU_CRASH_SAMPLES", 2);
    for (uint32_t i = 0; i < samples; i++) {
        struct disk_cut cut;
        cut_random(&life, 1, &random, &cut);
        cut_again(&life, &place, &cut);
    }
    tell_counts("recoveries %u states %llu", samples, (unsigned long long)(cuts_tried() - before));
    life_fini(&life);
    disk_free(disk);
    place_free(&place);
}

/* ---- Threads ---- */

struct writer {
    struct life *life;
    struct historian *historian;
    uint32_t lane;
    uint32_t count;
    bool failed;
};

static void write_lane(void *context) {
    struct writer *writer = context;
    for (uint32_t i = 0; i < writer->count; i++) {
        writer->failed |= life_append(writer->life, writer->historian, writer->lane, 40) < 0;
    }
}

static void three_writers_and_the_sealing_thread_keep_what_was_acknowledged(void **state) {
    (void)state;
    struct place place;
    place_new(&place);
    struct disk *disk = disk_watch(place.live);
    struct life life;
    life_init(&life, disk, 4);
    disk_slow(disk);
    struct historian *historian = life_open(place.live, 32 << 10, true);
    struct writer writers[3];
    struct thread threads[3];
    for (uint32_t i = 0; i < 3; i++) {
        writers[i] = (struct writer){
            .life = &life, .historian = historian, .lane = i + 1, .count = LANE_APPENDS};
        thread_start(&threads[i], "writer", write_lane, &writers[i]);
    }
    for (uint32_t i = 0; i < 3; i++) {
        thread_join(&threads[i]);
        assert_false(writers[i].failed);
    }
    struct hist_status status;
    hist_status(historian, &status);
    hist_close(historian);
    disk_unwatch(disk);
    struct random random;
    random_seed(&random, 6);
    uint64_t before = cuts_tried();
    struct seen seen = {.count = 0};
    uint32_t samples = 50 * runs_wanted("MARU_CRASH_SAMPLES", 3);
    for (uint32_t i = 0; i < samples; i++) {
        struct disk_cut cut;
        cut_random(&life, 1, &random, &cut);
        if (i % 2 == 0) { // Half of them in the middle of a write, by sectors.
            while (cut.position > 1 && disk_last_write(disk, cut.position) == 0) {
                cut.position--;
            }
            cut.way = DISK_RANDOM;
        }
        cut_try(&life, &place, &cut, &seen);
    }
    count_acknowledged(&life);
    tell_counts("shared_syncs %llu operations %u states %llu",
        (unsigned long long)(3 * LANE_APPENDS - status.sync_count), disk_count(disk),
        (unsigned long long)(cuts_tried() - before));
    seen_free(&seen);
    life_fini(&life);
    disk_free(disk);
    place_free(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            a_short_day_cut_anywhere_keeps_what_was_acknowledged, trying_print),
        cmocka_unit_test_teardown(
            long_days_with_faults_and_kills_keep_what_was_acknowledged, trying_print),
        cmocka_unit_test_teardown(a_recovery_that_is_cut_in_its_turn_loses_nothing, trying_print),
        cmocka_unit_test_teardown(
            three_writers_and_the_sealing_thread_keep_what_was_acknowledged, trying_print),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tell_counts("acknowledged %llu", (unsigned long long)acknowledged);
    return failed;
}
