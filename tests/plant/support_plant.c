/*
 * The rig of this room's tests: a real plant in a temporary folder, because its parts are what is
 * to be proven together.
 */
#include "support_plant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void open_plant(struct rig *rig, struct files *files) {
    struct err err = ERR_INIT;
    (void)snprintf(rig->keys, sizeof rig->keys, "%s/keys", rig->dir);
    struct plant_options options = {
        .dir = rig->dir, .id = STR("p1"), .files = files, .keys_dir = rig->keys};
    int status = plant_open(&options, &rig->plant, &err);
    if (status < 0) {
        struct buf words;
        buf_init(&words, 4096);
        err_render(&err, LANG_EN, &words);
        print_error("%s\n", buf_z(&words));
        buf_fini(&words);
    }
    assert_int_equal(status, 0);
}

void rig_open(struct rig *rig, struct files *files) {
    const char *base = getenv("TMPDIR");
    (void)snprintf(rig->dir, sizeof rig->dir, "%s/maru-test-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(rig->dir));
    struct err err = ERR_INIT;
    assert_int_equal(
        plant_create(rig->dir, STR("p1"), STR("시험 공장"), STR("Asia/Seoul"), &err), 0);
    open_plant(rig, files);
}

void rig_reopen(struct rig *rig, struct files *files) {
    plant_close(rig->plant);
    rig->plant = NULL;
    open_plant(rig, files);
}

void rig_close(struct rig *rig) {
    plant_close(rig->plant);
    struct err err = ERR_INIT;
    assert_int_equal(dir_remove_all(rig->dir, &err), 0);
}

int text_fd(const char *text) {
    int fd = memfd_create("import", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

int import_text(struct rig *rig, enum import_kind kind, const char *text,
    struct import_report *ret_report, struct err *err) {
    int fd = text_fd(text);
    struct import_options options = {.kind = kind, .fd = fd, .partial = true};
    int status = import_run(rig->plant, &options, ret_report, err);
    file_close(fd);
    return status;
}

uint32_t stored_rows(struct rig *rig, const char *tag, bool versions) {
    struct hist_scan_options options = {.tag = tag_number(rig, tag),
        .from_ns = INT64_MIN,
        .to_ns = INT64_MAX,
        .versions = versions};
    struct hist_scan *scan = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(hist_scan_open(plant_historian(rig->plant), &options, &scan, &err), 0);
    struct hist_rows rows;
    uint32_t count = 0;
    while (hist_scan_next(scan, &rows, &err) > 0) {
        count += rows.count;
    }
    hist_scan_close(scan);
    return count;
}

int submit_f64(struct rig *rig, uint32_t tag, int64_t time_ns, double value, struct err *err) {
    struct batch *batch = batch_new(1, 16);
    struct sample *row = batch_add(batch);
    row->tag = tag;
    row->time_ns = time_ns;
    row->type = TYPE_F64;
    row->value.f64 = value;
    int status = plant_submit(rig->plant, &batch, 1, err);
    batch_free(batch);
    return status;
}

uint32_t tag_number(struct rig *rig, const char *name) {
    struct str names[1] = {str_of(name)};
    uint32_t number = 0;
    struct err err = ERR_INIT;
    assert_int_equal(plant_resolve_tags(rig->plant, names, NULL, 1, &number, NULL, &err), 0);
    return number;
}
