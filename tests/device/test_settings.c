/* Device options: defaults, limits, and words for every kind of mistake. */
#include "support_device.h"

#include "device/settings.h"

static const struct driver_option options[] = {
    {.name = "unit", .help_en = "", .help_ko = "", .fallback = 1, .min = 0, .max = 255},
    {.name = "order", .help_en = "", .help_ko = "", .fallback = 1, .words = "abcd,cdab,badc"},
    {.name = "query", .help_en = "", .help_ko = "", .is_text = true},
    {.name = NULL},
};
static const struct driver driver = {.name = "test", .options = options};

static void what_is_not_said_has_its_default(void **state) {
    (void)state;
    struct driver_settings settings;
    struct err err = ERR_INIT;
    assert_int_equal(0, settings_parse(&driver, STR("  "), true, &settings, &err));
    assert_int_equal(1, settings.values[0]);
    assert_int_equal(1, settings.values[1]);
    assert_int_equal(1000, settings.link[LINK_TIMEOUT_MS]);
    assert_int_equal(9600, settings.link[LINK_BAUD]);
    assert_int_equal(1, settings.link[LINK_PARITY]);
    assert_true(settings.serial);
}

static void values_and_words_are_taken(void **state) {
    (void)state;
    struct driver_settings settings;
    struct err err = ERR_INIT;
    assert_int_equal(
        0, settings_parse(&driver, STR(" unit=255  order=CDAB timeout_ms=10 parity=odd hold=0"),
               false, &settings, &err));
    assert_int_equal(255, settings.values[0]);
    assert_int_equal(1, settings.values[1]);
    assert_int_equal(10, settings.link[LINK_TIMEOUT_MS]);
    assert_int_equal(2, settings.link[LINK_PARITY]);
    assert_int_equal(0, settings.link[LINK_HOLD]);
}

static void each_mistake_has_its_words(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum msg_id msg;
    } cases[] = {
        {"unti=1", MSG_DEVICE_OPTION_UNKNOWN},
        {"unit", MSG_DEVICE_OPTION_FORM},
        {"=1", MSG_DEVICE_OPTION_FORM},
        {"unit=1 unit=1", MSG_DEVICE_OPTION_TWICE},
        {"baud=9600 baud=9600", MSG_DEVICE_OPTION_TWICE},
        {"unit=256", MSG_DEVICE_OPTION_RANGE},
        {"unit=-1", MSG_DEVICE_OPTION_RANGE},
        {"unit=", MSG_DEVICE_OPTION_RANGE},
        {"unit=1x", MSG_DEVICE_OPTION_RANGE},
        {"timeout_ms=9", MSG_DEVICE_OPTION_RANGE},
        {"order=dcba", MSG_DEVICE_OPTION_WORD},
        {"order=", MSG_DEVICE_OPTION_WORD},
        {"query=\"SELECT 1", MSG_DEVICE_OPTION_QUOTE},
        {"query=\"a\"b", MSG_DEVICE_OPTION_FORM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct driver_settings settings = {.values = {77}};
        struct err err = ERR_INIT;
        assert_int_equal(
            -ERR_INVALID, settings_parse(&driver, str_of(cases[i].text), false, &settings, &err));
        assert_int_equal(cases[i].msg, err.notes[0].msg);
        assert_int_equal(77, settings.values[0]); // Untouched.
    }
}

static void texts_may_be_quoted(void **state) {
    (void)state;
    struct driver_settings settings;
    struct err err = ERR_INIT;
    assert_int_equal(0, settings_parse(&driver, STR("query=\"SELECT 'x y' FROM t\" unit=7"), false,
                            &settings, &err));
    assert_true(str_eq(settings.texts[2], STR("SELECT 'x y' FROM t")));
    assert_int_equal(settings.values[0], 7);
    assert_int_equal(0, settings_parse(&driver, STR("query='' unit=8"), false, &settings, &err));
    assert_int_equal(settings.texts[2].size, 0);
    assert_int_equal(settings.values[0], 8);
    assert_int_equal(0, settings_parse(&driver, STR("query=a=b"), false, &settings, &err));
    assert_true(str_eq(settings.texts[2], STR("a=b")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_may_be_quoted),
        cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(values_and_words_are_taken),
        cmocka_unit_test(each_mistake_has_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
