/*
 * Two sources that are no controllers, so that the demo shows what most shops begin with: a bar
 * code reader at the packing machine, and a tester that drops CSV files (in CP949) into a folder.
 */
#include "app/demo_floor.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"

#define PREFIX "maru-tester-"

enum { SWEEP_AGE_S = 60 };

struct floor_tag {
    const char *name;
    const char *device;
    const char *source;
    enum value_type type;
    enum tag_kind kind;
    const char *unit;
    const char *ko;
    const char *en;
};

static const struct floor_tag TAGS[] = {
    {"line1.pack1.label", "reader1", "code", TYPE_TEXT, KIND_MEASUREMENT, "", "포장 라벨",
        "Box label"},
    {"line1.pack1.lot", "reader1", "gs1:10", TYPE_TEXT, KIND_MEASUREMENT, "", "포장 로트",
        "Box lot"},
    {"line1.pack1.expiry", "reader1", "gs1:17 date", TYPE_TEXT, KIND_MEASUREMENT, "",
        "포장 유효기한", "Box expiry"},
    {"line1.pack1.boxes_scanned", "reader1", "count", TYPE_I64, KIND_COUNTER, "", "스캔한 상자 수",
        "Boxes scanned"},
    {"line1.tester1.sample", "tester1", "시료 text", TYPE_TEXT, KIND_MEASUREMENT, "", "시험 시료",
        "Test sample"},
    {"line1.tester1.load", "tester1", "하중", TYPE_F64, KIND_MEASUREMENT, "N", "시험 하중",
        "Test load"},
    {"line1.tester1.stretch", "tester1", "신장", TYPE_F64, KIND_MEASUREMENT, "mm", "시험 신장",
        "Test stretch"},
    {"line1.tester1.ok", "tester1", "판정 bool", TYPE_BOOL, KIND_MEASUREMENT, "", "시험 판정",
        "Test verdict"},
};

/* A folder that a killed demo could not take away; the lock tells whether one still runs. */
static int sweep(void *context, const char *name, struct err *err) {
    const char *base = context;
    char folder[LIMIT_PATH_BYTES];
    struct stat info;
    (void)snprintf(folder, sizeof folder, "%s/%s", base, name);
    if (!str_starts(str_of(name), STR(PREFIX)) || strlen(name) != sizeof PREFIX "XXXXXX" - 1) {
        return 0;
    }
    AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    bool is_old = fd >= 0 && fstat(fd, &info) == 0 && info.st_uid == geteuid() &&
                  clock_wall_ns(clock_system()) / NS_PER_S - info.st_mtime > SWEEP_AGE_S;
    if (is_old && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        (void)dir_remove_all(folder, err); // What cannot go now goes another time.
        err_clear(err);
    }
    return 0;
}

/* Outside the home, because no device reads in a home. */
static int make_folder(const char *base, struct demo_floor *floor, struct err *err) {
    char place[LIMIT_PATH_BYTES - 32];
    (void)str_copy_z(str_of(base), place, sizeof place);
    (void)dir_each(place, sweep, place, err);
    err_clear(err);
    (void)snprintf(floor->folder, sizeof floor->folder, "%s/" PREFIX "XXXXXX", place);
    if (mkdtemp(floor->folder) == NULL) {
        int status = err_set_errno(err, errno, str_of(floor->folder));
        floor->folder[0] = '\0';
        return status;
    }
    floor->lock_fd = open(floor->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return floor->lock_fd >= 0 && flock(floor->lock_fd, LOCK_EX | LOCK_NB) == 0
               ? 0
               : err_set_errno(err, errno, str_of(floor->folder));
}

int demo_floor_start(
    const char *base, uint64_t seed, struct demo_floor *ret_floor, struct err *err) {
    *ret_floor = (struct demo_floor){.lock_fd = -1};
    int status = make_folder(base, ret_floor, err);
    struct sim_floor_options options = {.folder = ret_floor->folder, .seed = seed};
    return status < 0 ? status : sim_floor_start(&options, &ret_floor->sim, err);
}

void demo_floor_stop(struct demo_floor *floor) {
    struct err ignored = ERR_INIT;
    sim_floor_stop(floor->sim);
    if (floor->folder[0] != '\0') {
        (void)dir_remove_all(floor->folder, &ignored); // A leftover in /tmp harms nobody.
        file_close(floor->lock_fd);
    }
    *floor = (struct demo_floor){.lock_fd = -1};
}

static int put_devices(
    struct ledger_tx *tx, const struct demo_floor *floor, enum lang lang, struct err *err) {
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", sim_floor_scanner_port(floor->sim));
    const struct device devices[] = {
        {.id = STR("reader1"),
            .display = lang == LANG_KO ? STR("포장 바코드 리더") : STR("Box label reader"),
            .driver = STR("scanner"),
            .address = str_of(address),
            .options = STR_NONE,
            .period_ns = NS_PER_S,
            .enabled = true},
        {.id = STR("tester1"),
            .display = lang == LANG_KO ? STR("인장 시험기") : STR("Tensile tester"),
            .driver = STR("folder"),
            .address = str_of(floor->folder),
            .options = STR("files=*.csv settle_s=0 time=시각"),
            .period_ns = NS_PER_S,
            .enabled = true}};
    int status = 0;
    for (size_t i = 0; i < 2 && status >= 0; i++) {
        uint32_t number = 0;
        bool changed = false;
        status = device_put(tx, &devices[i], &number, &changed, err);
    }
    return status;
}

int demo_floor_put(
    struct ledger_tx *tx, const struct demo_floor *floor, enum lang lang, struct err *err) {
    int status = put_devices(tx, floor, lang, err);
    for (size_t i = 0; i < sizeof TAGS / sizeof TAGS[0] && status >= 0; i++) {
        struct tag tag = {.name = str_of(TAGS[i].name),
            .display = str_of(lang == LANG_KO ? TAGS[i].ko : TAGS[i].en),
            .unit = str_of(TAGS[i].unit),
            .device = str_of(TAGS[i].device),
            .source = str_of(TAGS[i].source),
            .refine = STR_NONE,
            .type = TAGS[i].type,
            .kind = TAGS[i].kind,
            .scale = 1,
            .min = (double)NAN,
            .max = (double)NAN,
            .dead_band = (double)NAN,
            .active = true};
        uint32_t number = 0;
        bool changed = false;
        status = tag_put(tx, &tag, &number, &changed, err);
    }
    return status;
}
