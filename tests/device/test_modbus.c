/*
 * The driver modbus: its addresses, its checksum, and every capture in tests/captures/modbus_*.cap
 * (format in docs/ADD_A_DRIVER.md) played through the whole poller.
 */
#include "support_device.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "device/drivers/modbus.h"

enum { CAPTURE_TAGS = 32, CAPTURE_BYTES = 1 << 20 };

static struct driver_settings default_settings(void) {
    const struct driver *driver = driver_find(STR("modbus"));
    struct driver_settings settings = {0};
    for (size_t i = 0; driver->options[i].name != NULL; i++) {
        settings.values[i] = driver->options[i].fallback;
    }
    return settings;
}

static void addresses_of_every_form_are_understood(void **state) {
    (void)state;
    static const struct {
        const char *source;
        uint32_t space, start, length, format, order, bit, unit;
    } cases[] = {
        {"holding:0", MODBUS_HOLDING, 0, 1, FORMAT_U16, ORDER_ABCD, 0, 1},
        {"holding:65535 i16", MODBUS_HOLDING, 65535, 1, FORMAT_I16, ORDER_ABCD, 0, 1},
        {"holding:0 f32 CDAB", MODBUS_HOLDING, 0, 2, FORMAT_F32, ORDER_CDAB, 0, 1},
        {"  input:3   u16 ", MODBUS_INPUT, 3, 1, FORMAT_U16, ORDER_ABCD, 0, 1},
        {"coil:5", MODBUS_COILS, 5, 1, FORMAT_CELL, ORDER_ABCD, 0, 1},
        {"discrete:7 bool", MODBUS_DISCRETE, 7, 1, FORMAT_CELL, ORDER_ABCD, 0, 1},
        {"holding:10.3", MODBUS_HOLDING, 10, 1, FORMAT_WORD_BIT, ORDER_ABCD, 3, 1},
        {"holding:10 bit 15", MODBUS_HOLDING, 10, 1, FORMAT_WORD_BIT, ORDER_ABCD, 15, 1},
        {"holding:10.3 bool", MODBUS_HOLDING, 10, 1, FORMAT_WORD_BIT, ORDER_ABCD, 3, 1},
        {"holding:1 bool", MODBUS_HOLDING, 1, 1, FORMAT_WORD_BIT, ORDER_ABCD, 0, 1},
        {"HOLDING:1 F64 dcba UNIT 255", MODBUS_HOLDING, 1, 4, FORMAT_F64, ORDER_DCBA, 0, 255},
        {"hr:1 u64", MODBUS_HOLDING, 1, 4, FORMAT_U64, ORDER_ABCD, 0, 1},
        {"holding:9 text(7)", MODBUS_HOLDING, 9, 4, FORMAT_TEXT, ORDER_ABCD, 0, 1},
        {"40001", MODBUS_HOLDING, 0, 1, FORMAT_U16, ORDER_ABCD, 0, 1},
        {"400001 f32", MODBUS_HOLDING, 0, 2, FORMAT_F32, ORDER_ABCD, 0, 1},
        {"465536", MODBUS_HOLDING, 65535, 1, FORMAT_U16, ORDER_ABCD, 0, 1},
        {"30010.2", MODBUS_INPUT, 9, 1, FORMAT_WORD_BIT, ORDER_ABCD, 2, 1},
        {"10001", MODBUS_DISCRETE, 0, 1, FORMAT_CELL, ORDER_ABCD, 0, 1},
        {"00001", MODBUS_COILS, 0, 1, FORMAT_CELL, ORDER_ABCD, 0, 1},
    };
    struct driver_settings settings = default_settings();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct point point = {0};
        struct err err = ERR_INIT;
        if (modbus_parse_address(str_of(cases[i].source), &settings, &point, &err) != 0) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        assert_int_equal(cases[i].space, point.space);
        assert_int_equal(cases[i].start, point.start);
        assert_int_equal(cases[i].length, point.length);
        assert_int_equal(cases[i].format, point.detail[DETAIL_FORMAT]);
        assert_int_equal(cases[i].order, point.detail[DETAIL_ORDER]);
        assert_int_equal(cases[i].bit, point.detail[DETAIL_BIT]);
        assert_int_equal(cases[i].unit, point.unit);
    }
}

static void a_wrong_address_is_refused_with_words_that_name_the_fault(void **state) {
    (void)state;
    static const struct {
        const char *source;
        enum msg_id msg;
    } cases[] = {
        {"", MSG_MODBUS_TABLE_UNKNOWN},
        {"holdng:0", MSG_MODBUS_TABLE_UNKNOWN},
        {"50001", MSG_MODBUS_TABLE_UNKNOWN},
        {"40000", MSG_MODBUS_TABLE_UNKNOWN},
        {"4001", MSG_MODBUS_TABLE_UNKNOWN},
        {"4000001", MSG_MODBUS_TABLE_UNKNOWN},
        {"465537", MSG_MODBUS_TABLE_UNKNOWN},
        {"holding:", MSG_MODBUS_ADDRESS_RANGE},
        {"holding:-1", MSG_MODBUS_ADDRESS_RANGE},
        {"holding:65536", MSG_MODBUS_ADDRESS_RANGE},
        {"holding:99999999999999999999", MSG_MODBUS_ADDRESS_RANGE},
        {"holding:0x10", MSG_MODBUS_ADDRESS_RANGE},
        {"holding:65535 f32", MSG_MODBUS_ADDRESS_END},
        {"holding:0 float", MSG_MODBUS_WORD_UNKNOWN},
        {"holding:0 f32 f64", MSG_MODBUS_WORD_TWICE},
        {"holding:0 ABCD CDAB", MSG_MODBUS_WORD_TWICE},
        {"holding:0 unit 1 unit 2", MSG_MODBUS_WORD_TWICE},
        {"holding:0.1 bit 2", MSG_MODBUS_WORD_TWICE},
        {"holding:0.16", MSG_MODBUS_BIT_RANGE},
        {"holding:0.", MSG_MODBUS_BIT_RANGE},
        {"holding:0 bit", MSG_MODBUS_BIT_RANGE},
        {"coil:0.1", MSG_MODBUS_BIT_TABLE},
        {"holding:0.1 u16", MSG_MODBUS_BIT_TYPE},
        {"coil:0 u16", MSG_MODBUS_TYPE_TABLE},
        {"coil:0 text(4)", MSG_MODBUS_TYPE_TABLE},
        {"holding:0 text(0)", MSG_MODBUS_TEXT_LENGTH},
        {"holding:0 text(251)", MSG_MODBUS_TEXT_LENGTH},
        {"holding:0 text()", MSG_MODBUS_TEXT_LENGTH},
        {"holding:0 unit 256", MSG_MODBUS_UNIT_RANGE},
        {"holding:0 unit", MSG_MODBUS_UNIT_RANGE},
    };
    struct driver_settings settings = default_settings();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct point point = {.tag = 77};
        struct err err = ERR_INIT;
        assert_int_equal(
            -ERR_INVALID, modbus_parse_address(str_of(cases[i].source), &settings, &point, &err));
        if (err.notes[0].msg != cases[i].msg) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        assert_int_equal(77, point.tag); // Untouched on failure.
    }
    settings.values[OPTION_MAX_REGISTERS] = 1;
    struct point point = {0};
    struct err err = ERR_INIT;
    assert_int_equal(
        -ERR_INVALID, modbus_parse_address(STR("holding:0 f32"), &settings, &point, &err));
    assert_int_equal(MSG_MODBUS_TOO_WIDE, err.notes[0].msg);
}

static void the_checksum_is_that_of_the_standard(void **state) {
    (void)state;
    /* Serial Line V1.02 clause 6.2.2: unit 02, function 07 gives 41 12. */
    static const uint8_t frame[] = {0x02, 0x07};
    assert_int_equal(0x1241, modbus_crc(frame, sizeof frame));
    assert_int_equal(0xFFFF, modbus_crc(frame, 0));
}

/* ---- captures ---- */

struct capture {
    const char *path;
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
    capture->device = (struct device_line){"d", "modbus", capture->address, capture->options, 1000};
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

static void play(const char *path) {
    struct capture *capture = mem_zero(1, sizeof *capture);
    capture->path = path;
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

static void every_capture_gives_what_it_says(void **state) {
    (void)state;
    glob_t list = {0};
    assert_int_equal(0, glob(TEST_CAPTURES "/modbus_*.cap", 0, NULL, &list));
    assert_true(list.gl_pathc >= 20);
    for (size_t i = 0; i < list.gl_pathc; i++) {
        play(list.gl_pathv[i]);
    }
    globfree(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_every_form_are_understood),
        cmocka_unit_test(a_wrong_address_is_refused_with_words_that_name_the_fault),
        cmocka_unit_test(the_checksum_is_that_of_the_standard),
        cmocka_unit_test(every_capture_gives_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
