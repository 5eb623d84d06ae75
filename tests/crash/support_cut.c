/*
 * The day and the trial of cuts, shared by the tests of power cuts and of faults.
 */
#include "support_cut.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/mem.h"

static uint64_t tried;

uint64_t cuts_tried(void) {
    return tried;
}

void place_new(struct place *place) {
    folder_new(place->top);
    (void)snprintf(place->live, sizeof place->live, "%s/history", place->top);
    (void)snprintf(place->cut, sizeof place->cut, "%s/cut", place->top);
    (void)snprintf(place->again, sizeof place->again, "%s/again", place->top);
}

void place_free(struct place *place) {
    folder_remove(place->top);
}

/* Whether the day goes on: a step may fail only where a fault was meant to strike. */
static bool goes_on(struct life *life, int rc) {
    bool struck = life->disk != NULL && disk_failed(life->disk);
    assert_true(rc >= 0 || struck);
    return !struck;
}

void life_appends(struct life *life, struct historian *historian, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        int rc = life_append(life, historian, 0, 1 + (uint32_t)random_below(&life->random, 14));
        (void)goes_on(life, rc);
    }
}

int life_step(struct life *life, struct historian *historian, char step) {
    switch (step) {
    case 'a': life_appends(life, historian, 1); return 0;
    case 's': return hist_seal(historian, NULL);
    case 'm': return hist_merge(historian, NULL);
    case 'o': return life_keep(life, historian, "orders");
    case 'c': return life_keep(life, historian, "counts");
    case 'x': return life_expire(life, historian, 2, TEST_T0 + 900 * NS_PER_S);
    default: return life_expire(life, historian, 0, TEST_T0 + 600 * NS_PER_S);
    }
}

void life_day(struct life *life, const char *dir) {
    static const char *const openings[] = {"aaaoaaasaasoaamxscaa", "aaXsmaa", "aasocasa"};
    for (size_t n = 0; n < sizeof openings / sizeof openings[0]; n++) {
        struct hist_options options = {.dir = dir, .memory_bytes = 1 << 20, .no_thread = true};
        struct historian *historian = NULL;
        if (!goes_on(life, hist_open(&options, &historian, NULL))) {
            hist_close(historian);
            return;
        }
        const char *step = openings[n];
        while (*step != '\0' && goes_on(life, life_step(life, historian, *step))) {
            step++;
        }
        /* After a fault the process goes on for a while: it may have been a single one. */
        for (uint32_t i = 0; disk_failed(life->disk) && i < 3; i++) {
            (void)life_step(life, historian, "asa"[i]);
        }
        hist_close(historian);
        if (disk_failed(life->disk)) {
            return;
        }
    }
}

void seen_free(struct seen *seen) {
    mem_free(seen->sums);
}

static bool seen_before(struct seen *seen, uint64_t sum) {
    for (uint32_t i = seen->count; i-- > 0;) {
        if (seen->sums[i] == sum) {
            return true;
        }
    }
    if (seen->count == seen->capacity) {
        seen->capacity = seen->capacity * 2 + 256;
        seen->sums = mem_resize(seen->sums, seen->capacity * sizeof *seen->sums);
    }
    seen->sums[seen->count++] = sum;
    return false;
}

static uint64_t expectation(const struct life *life, uint32_t position) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < life->count; i++) {
        sum += life->deeds[i].begin <= position;
        sum += (uint64_t)(life->deeds[i].end <= position) << 20;
        sum += (uint64_t)(life->deeds[i].absent <= position) << 40;
    }
    return sum * 0x9e3779b97f4a7c15ULL;
}

void cut_try(
    struct life *life, const struct place *place, const struct disk_cut *cut, struct seen *seen) {
    struct disk_image *image = disk_image(life->disk, cut);
    uint64_t sum = disk_image_hash(image) ^ expectation(life, cut->position);
    if (seen == NULL || !seen_before(seen, sum)) {
        trying_cut(life, cut);
        disk_image_put(image, place->cut);
        life_check(life, place->cut, cut->position, tried % 8 == 0);
        tried++;
        trying_done();
    }
    disk_image_free(image);
}

void cut_random(struct life *life, uint32_t from, struct random *random, struct disk_cut *ret_cut) {
    uint32_t count = disk_count(life->disk) - from;
    *ret_cut = (struct disk_cut){.position = from + (uint32_t)random_below(random, count + 1),
        .way = (enum disk_way)random_below(random, 5),
        .seed = random_below(random, 1 << 30)};
    uint64_t size = disk_last_write(life->disk, ret_cut->position);
    ret_cut->cut = size > 0 ? random_below(random, size) : 0;
}
