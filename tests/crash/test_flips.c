/*
 * Damage: flipped bits, cut files and lost files of a small history.
 *
 * Whatever is damaged, the history opens; each row that it shows is one that was stored, in its
 * place; a row is missing, or one that had expired is back, only where damage was told; hist_verify
 * names the file. Every bit of every byte: MARU_CRASH_STRIDE=1 MARU_CRASH_BITS=8.
 */
#include "support_cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"

/* A history with segments, an expiry, a consumer and a log that is not sealed. */
struct damage {
    struct place place;
    struct disk *disk;
    struct life life;
    struct disk_image *image;
    struct model model; // With the horizon.
    struct row **sorted[8];
    uint32_t counts[8]; // By tag.
    uint64_t told;
    uint64_t missing;
};

static int row_order(const void *left, const void *right) {
    const struct row *a = *(struct row *const *)left;
    const struct row *b = *(struct row *const *)right;
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

static void damage_sort(struct damage *damage) {
    struct model *rows = &damage->life.rows;
    model_init(&damage->model);
    for (uint32_t i = 0; i < rows->count; i++) {
        model_add(&damage->model, &rows->rows[i]);
    }
    damage->model.horizon_ns[2] = TEST_T0 + 8 * NS_PER_S;
    rows = &damage->model;
    for (uint32_t tag = 1; tag < 8; tag++) {
        damage->sorted[tag] = mem_alloc((rows->count + 1) * sizeof(struct row *));
        for (uint32_t i = 0; i < rows->count; i++) {
            if (rows->rows[i].tag == tag) {
                damage->sorted[tag][damage->counts[tag]++] = &rows->rows[i];
            }
        }
        qsort(damage->sorted[tag], damage->counts[tag], sizeof(struct row *), row_order);
    }
}

static void damage_init(struct damage *damage) {
    *damage = (struct damage){.told = 0};
    place_new(&damage->place);
    damage->disk = disk_watch(damage->place.live);
    life_init(&damage->life, damage->disk, 31);
    struct historian *historian = history_open(damage->place.live, NULL);
    struct life *life = &damage->life;
    assert_int_equal(life_keep(life, historian, "orders"), 0);
    life_appends(life, historian, 6);
    assert_int_equal(hist_seal(historian, NULL), 0);
    life_appends(life, historian, 6);
    assert_int_equal(hist_seal(historian, NULL), 0);
    assert_int_equal(life_expire(life, historian, 2, TEST_T0 + 8 * NS_PER_S), 0);
    life_appends(life, historian, 5);
    struct disk_cut now = {.position = disk_count(damage->disk), .way = DISK_ALL};
    damage->image = disk_image(damage->disk, &now);
    hist_close(historian);
    disk_unwatch(damage->disk);
    damage_sort(damage);
}

static void damage_fini(struct damage *damage) {
    for (uint32_t tag = 1; tag < 8; tag++) {
        mem_free(damage->sorted[tag]);
    }
    model_fini(&damage->model);
    disk_image_free(damage->image);
    life_fini(&damage->life);
    disk_free(damage->disk);
    place_free(&damage->place);
}

static bool row_is(const struct row *want, const struct hist_rows *rows, uint32_t at) {
    if (want->time_ns != rows->time_ns[at] || want->type != rows->type ||
        want->status != (rows->status != NULL ? rows->status[at] : 0) ||
        want->flags != (rows->flags != NULL ? rows->flags[at] : 0)) {
        return false;
    }
    switch (rows->type) {
    case TYPE_F64: return memcmp(&want->value.f64, &rows->f64[at], 8) == 0;
    case TYPE_TEXT: return str_eq(str_of(want->text), rows->text[at]);
    case TYPE_I64:
    case TYPE_BOOL: break;
    }
    return want->value.i64 == rows->i64[at];
}

/* Every row shown is the next of those stored, or a later one. Returns how many of those that
 * should show did not, and that had expired did. */
static uint32_t tag_judge(const struct damage *damage, struct historian *historian, uint32_t tag) {
    struct hist_scan_options options = {
        .tag = tag, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .versions = true};
    struct hist_scan *scan = NULL;
    struct err err = ERR_INIT;
    expect_ok(hist_scan_open(historian, &options, &scan, &err), &err);
    struct hist_rows rows;
    uint32_t at = 0;
    uint32_t wrong = 0;
    uint32_t count = damage->counts[tag];
    int64_t horizon_ns = damage->model.horizon_ns[tag];
    int rc = 0;
    while ((rc = hist_scan_next(scan, &rows, &err)) > 0) {
        for (uint32_t i = 0; i < rows.count; i++) {
            while (at < count && !row_is(damage->sorted[tag][at], &rows, i)) {
                wrong += damage->sorted[tag][at++]->time_ns >= horizon_ns;
            }
            if (at == count) {
                fail_msg("tag %u shows a row at %lld that was never stored there", tag,
                    (long long)rows.time_ns[i]);
            }
            wrong += damage->sorted[tag][at++]->time_ns < horizon_ns;
        }
    }
    expect_ok(rc, &err);
    hist_scan_close(scan);
    while (at < count) {
        wrong += damage->sorted[tag][at++]->time_ns >= horizon_ns;
    }
    return wrong;
}

static void count_told(void *context, const struct err *what) {
    assert_true(what->code != ERR_OK && what->note_count > 0);
    ++*(uint32_t *)context;
}

static uint32_t verify_count(const char *dir) {
    struct hist_verify_report report = {.damaged = 0};
    struct err err = ERR_INIT;
    uint32_t told = 0;
    expect_ok(hist_verify(NULL, dir, count_told, &told, &report, &err), &err);
    assert_int_equal(told, report.damaged);
    return told;
}

/* Opens what lies in the cut folder and judges it. */
static void damage_judge(struct damage *damage) {
    struct historian *historian = life_open(damage->place.cut, 1 << 20, false);
    uint32_t wrong = 0;
    for (uint32_t tag = 1; tag < 8; tag++) {
        wrong += tag_judge(damage, historian, tag);
    }
    uint32_t told = 0;
    hist_notices(historian, count_told, &told);
    if (wrong > 0 && told == 0) {
        fail_msg("%u rows are missing or back, and nobody is told", wrong);
    }
    if (wrong == 0) {
        model_compare(&damage->model, historian);
    }
    damage->told += told > 0;
    damage->missing += wrong > 0;
    struct row more = row_f64(1, TEST_T0 + 9000000 * NS_PER_S, 1);
    history_append(historian, &more, 1);
    hist_close(historian);
    trying_done();
}

static void a_flipped_bit_is_named_and_never_shown_as_a_value(void **state) {
    (void)state;
    struct damage damage;
    damage_init(&damage);
    uint32_t stride = runs_wanted("MARU_CRASH_STRIDE", 4);
    uint32_t bits = runs_wanted("MARU_CRASH_BITS", 1);
    uint32_t flips = 0;
    uint64_t size = 0;
    const char *name = NULL;
    for (uint32_t f = 0; (name = disk_image_file(damage.image, f, &size)) != NULL; f++) {
        for (uint64_t at = f % stride; at < size; at += stride) {
            for (uint32_t b = 0; b < bits; b++) {
                uint8_t flip = (uint8_t)(1U << ((at / stride + b) % 8));
                trying("%s: byte %llu, bits 0x%02x", name, (unsigned long long)at, flip);
                disk_image_flip(damage.image, f, at, flip);
                disk_image_put(damage.image, damage.place.cut);
                disk_image_flip(damage.image, f, at, flip);
                assert_true(verify_count(damage.place.cut) > 0);
                damage_judge(&damage);
                flips++;
            }
        }
        /* Where nothing was written yet: whatever stands there, the rows are there. */
        for (uint64_t at = size; at < size + 64; at += 5) {
            trying("%s: byte %llu behind the end", name, (unsigned long long)at);
            disk_image_flip(damage.image, f, at, 0x4d);
            disk_image_put(damage.image, damage.place.cut);
            disk_image_flip(damage.image, f, at, 0x4d);
            uint64_t before = damage.missing;
            damage_judge(&damage);
            assert_int_equal(damage.missing, before);
        }
    }
    assert_true(flips > 500 && damage.missing > 0 && damage.told > damage.missing);
    tell_counts("flips %u told %llu not_told 0", flips, (unsigned long long)damage.told);
    damage_fini(&damage);
}

static void path_in(const struct damage *damage, const char *name, char *to, size_t size) {
    (void)snprintf(to, size, "%s/%s", damage->place.cut, name);
}

static void a_cut_file_is_told_and_shows_no_wrong_value(void **state) {
    (void)state;
    struct damage damage;
    damage_init(&damage);
    uint64_t size = 0;
    const char *name = NULL;
    for (uint32_t f = 0; (name = disk_image_file(damage.image, f, &size)) != NULL; f++) {
        for (uint64_t at = 0; at < size; at += 1 + size / 40) {
            trying("%s cut to %llu bytes", name, (unsigned long long)at);
            disk_image_put(damage.image, damage.place.cut);
            char path[256];
            path_in(&damage, name, path, sizeof path);
            assert_int_equal(truncate(path, (off_t)at), 0);
            bool log = strncmp(name, "wal-", 4) == 0;
            if (log) {
                /* A log that ends early is what a cut looks like; the last one cannot know. */
                struct historian *historian = life_open(damage.place.cut, 1 << 20, false);
                for (uint32_t tag = 1; tag < 8; tag++) {
                    (void)tag_judge(&damage, historian, tag);
                }
                hist_close(historian);
                trying_done();
                continue;
            }
            assert_true(verify_count(damage.place.cut) > 0);
            damage_judge(&damage);
        }
    }
    damage_fini(&damage);
}

static void a_lost_file_is_told(void **state) {
    (void)state;
    struct damage damage;
    damage_init(&damage);
    /* A second log file behind the first: what the first held is not in any segment. */
    disk_image_put(damage.image, damage.place.cut);
    struct historian *historian = life_open(damage.place.cut, 1 << 20, false);
    struct row more = row_f64(5, TEST_T0 + 9000000 * NS_PER_S, 1);
    history_append(historian, &more, 1);
    struct disk *disk = disk_watch(damage.place.cut);
    struct disk_cut now = {.position = disk_count(disk), .way = DISK_ALL};
    struct disk_image *image = disk_image(disk, &now);
    disk_unwatch(disk);
    hist_close(historian);
    uint64_t size = 0;
    uint32_t logs = 0;
    const char *name = NULL;
    for (uint32_t f = 0; (name = disk_image_file(image, f, &size)) != NULL; f++) {
        bool log = strncmp(name, "wal-", 4) == 0;
        logs += log;
        if (strcmp(name, "lock") == 0 || logs == 2) {
            continue;
        }
        trying("%s lost", name);
        disk_image_put(image, damage.place.cut);
        char path[256];
        path_in(&damage, name, path, sizeof path);
        assert_int_equal(unlink(path), 0);
        historian = life_open(damage.place.cut, 1 << 20, false);
        uint32_t told = 0;
        hist_notices(historian, count_told, &told);
        assert_true(told > 0);
        hist_close(historian);
        trying_done();
    }
    assert_int_equal(logs, 2);
    disk_image_free(image);
    disk_free(disk);
    damage_fini(&damage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_flipped_bit_is_named_and_never_shown_as_a_value, trying_print),
        cmocka_unit_test_teardown(a_cut_file_is_told_and_shows_no_wrong_value, trying_print),
        cmocka_unit_test_teardown(a_lost_file_is_told, trying_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
