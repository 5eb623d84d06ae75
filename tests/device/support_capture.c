/* Plays captures; see the header. */
#include "support_capture.h"

#include <glob.h>
#include <stdio.h>

#include "core/file.h"
#include "core/mem.h"

enum { CAPTURE_TAGS = 32 };

struct capture {
    const char *path;
    const char *driver;
    char *text;
    struct device_line device;
    struct tag_line tags[CAPTURE_TAGS + 1];
    uint32_t tag_count;
    char options[512];
    char address[1024];
    char names[CAPTURE_TAGS][64];
    char sources[CAPTURE_TAGS][128];
    struct rig rig;
};

static char *read_all(const char *path) {
    struct err err = ERR_INIT;
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    assert_int_equal(0, file_open(files_system(), path, FILE_READ, &fd, &err));
    assert_int_equal(0, file_size(fd, path, &size, &err));
    char *text = mem_zero((size_t)size + 1, 1);
    assert_int_equal(0, file_read_at(fd, path, 0, text, (size_t)size, &err));
    return text;
}

static void capture_define(struct capture *capture) {
    struct str rest = str_of(capture->text);
    while (rest.size > 0) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        struct str word = str_cut(&line, ' ');
        if (str_eq(word, STR("device"))) {
            (void)str_copy_z(line, capture->options, sizeof capture->options);
        } else if (str_eq(word, STR("tag"))) {
            uint32_t i = capture->tag_count++;
            assert_true(i < CAPTURE_TAGS);
            (void)str_copy_z(str_cut(&line, ' '), capture->names[i], sizeof capture->names[i]);
            (void)str_copy_z(line, capture->sources[i], sizeof capture->sources[i]);
            capture->tags[i] = (struct tag_line){capture->names[i], "d", capture->sources[i]};
        }
    }
    (void)snprintf(capture->address, sizeof capture->address, "capture:%s", capture->path);
    capture->device =
        (struct device_line){"d", capture->driver, capture->address, capture->options, 1000};
}

static uint32_t capture_tag(const struct capture *capture, struct str name) {
    for (uint32_t i = 0; i < capture->tag_count; i++) {
        if (str_eq(name, str_of(capture->names[i]))) {
            return i + 1;
        }
    }
    fail_msg("%s: no tag %.*s", capture->path, STR_ARG(name));
    return 0;
}

static void ensure_connected(struct capture *capture) {
    struct err err = ERR_INIT;
    if (!capture->rig.poller.connected && rig_connect(&capture->rig, &err) < 0) {
        fail_msg("%s: %s", capture->path, words_of(&err));
    }
}

static void run_poll(struct capture *capture, struct str how, uint32_t line) {
    struct err err = ERR_INIT;
    ensure_connected(capture);
    int result = rig_poll(&capture->rig, &err);
    bool lost = str_eq(how, STR("lost"));
    if ((result < 0) != lost || err.code == ERR_INTERNAL) {
        fail_msg("%s:%u: %d %s", capture->path, line, result, words_of(&err));
    }
    if (result < 0) {
        poller_disconnect(&capture->rig.poller);
        poller_mark_bad(&capture->rig.poller, capture->rig.plan, STATUS_BAD_COMMUNICATION);
    }
}

static enum status status_of(struct str name) {
#define STATUS(id, code, en, ko)                                                                   \
    if (str_eq(name, STR(#id))) {                                                                  \
        return STATUS_##id;                                                                        \
    }
#include "model/status.def"
#undef STATUS
    fail_msg("no status %.*s", STR_ARG(name));
    return STATUS_GOOD;
}

static bool value_is(const struct box_row *last, struct str wanted) {
    double number = 0;
    int64_t whole = 0;
    switch ((enum value_type)last->row.type) {
    case TYPE_TEXT: return str_eq(wanted, str_of(last->text));
    case TYPE_BOOL: return str_eq(wanted, last->row.value.i64 != 0 ? STR("true") : STR("false"));
    case TYPE_I64: return str_to_i64(wanted, &whole) && whole == last->row.value.i64;
    case TYPE_F64: break;
    }
    return str_to_f64(wanted, &number) && memcmp(&number, &last->row.value.f64, 8) == 0;
}

static void check_value(struct capture *capture, struct str rest, uint32_t line) {
    uint32_t tag = capture_tag(capture, str_cut(&rest, ' '));
    struct box_row last = box_last(&capture->rig.box, tag);
    enum status status = STATUS_GOOD;
    if (str_starts(rest, STR("bad "))) {
        status = status_of(str_slice(rest, 4, rest.size));
    }
    if (last.row.status != (uint32_t)status) {
        fail_msg("%s:%u: status %08x", capture->path, line, last.row.status);
    }
    if (status == STATUS_GOOD && !value_is(&last, rest)) {
        fail_msg("%s:%u: not %.*s", capture->path, line, STR_ARG(rest));
    }
}

static void run_write(struct capture *capture, struct str rest, uint32_t line) {
    uint32_t tag = capture_tag(capture, str_cut(&rest, ' '));
    struct sample value = {.type = TYPE_F64};
    assert_true(str_to_f64(str_cut(&rest, ' '), &value.value.f64));
    const struct device_plan *plan = capture->rig.plan;
    const struct point *point = NULL;
    for (uint32_t i = 0; i < plan->point_count; i++) {
        point = plan->points[i].tag == tag ? &plan->points[i] : point;
    }
    ensure_connected(capture);
    struct err err = ERR_INIT;
    int result = poller_write(&capture->rig.poller, plan, point, &value, &err);
    const char *got = result == 0 ? "ok" : result == -ERR_FRAME ? "lost" : "refused";
    if (!str_eq(rest, str_of(got)) || err.code == ERR_INTERNAL) {
        fail_msg("%s:%u: %s %s", capture->path, line, got, words_of(&err));
    }
}

/* The words of the device's last error. */
static void check_error(struct capture *capture, struct str wanted, uint32_t line) {
    struct device_health health;
    assert_true(health_copy(capture->rig.health, capture->rig.clock, &health));
    char text[256];
    (void)str_copy_z(wanted, text, sizeof text);
    if (strstr(words_of(&health.last_error), text) == NULL) {
        fail_msg("%s:%u: %s", capture->path, line, words_of(&health.last_error));
    }
}

static void run_line(struct capture *capture, struct str text, uint32_t line) {
    struct str rest = str_trim(text);
    struct str word = str_cut(&rest, ' ');
    if (str_eq(word, STR("poll"))) {
        run_poll(capture, rest, line);
    } else if (str_eq(word, STR("="))) {
        check_value(capture, rest, line);
    } else if (str_eq(word, STR("error"))) {
        check_error(capture, rest, line);
    } else if (str_eq(word, STR("write"))) {
        run_write(capture, rest, line);
    } else if (str_eq(word, STR("wait"))) {
        for (uint32_t i = 0; i < capture->rig.plan->unit_count; i++) {
            capture->rig.plan->units[i].next_try_ns = 0;
        }
    }
}

void capture_play(const char *driver, const char *path) {
    struct capture *capture = mem_zero(1, sizeof *capture);
    capture->path = path;
    capture->driver = driver;
    capture->text = read_all(path);
    capture_define(capture);
    rig_init(&capture->rig, &capture->device, capture->tags, NULL);
    struct str rest = str_of(capture->text);
    for (uint32_t line = 1; rest.size > 0; line++) {
        run_line(capture, str_cut(&rest, '\n'), line);
    }
    if (!link_replay_is_done(capture->rig.poller.link)) {
        fail_msg("%s: the capture was not used up", path);
    }
    rig_fini(&capture->rig);
    mem_free(capture->text);
    mem_free(capture);
}

void capture_play_all(const char *driver, uint32_t at_least) {
    char pattern[512];
    (void)snprintf(pattern, sizeof pattern, TEST_CAPTURES "/%s_*.cap", driver);
    glob_t list = {0};
    assert_int_equal(0, glob(pattern, 0, NULL, &list));
    assert_true(list.gl_pathc >= at_least);
    for (size_t i = 0; i < list.gl_pathc; i++) {
        capture_play(driver, list.gl_pathv[i]);
    }
    globfree(&list);
}
