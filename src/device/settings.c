/*
 * Parsing device options. The line is blanks and name=value pairs; values are whole numbers or one
 * of the words an option lists. Unknown names, repeated names and values out of range are refused
 * in words that list what would be right: a silently ignored option is a wrong reading later.
 */
#include "device/settings.h"

static const struct driver_option link_options[] = {
    [LINK_TIMEOUT_MS] = {.name = "timeout_ms",
        .help_en = "How long one request may wait for its answer.",
        .help_ko = "요청 하나의 응답을 기다리는 시간입니다.",
        .fallback = 1000,
        .min = 10,
        .max = 60000},
    [LINK_HOLD] = {.name = "hold",
        .help_en = "1 keeps the connection; 0 releases it between polls, for machines that serve "
                   "only one client.",
        .help_ko = "1이면 연결을 유지하고, 0이면 수집 사이에 연결을 놓아 줍니다(접속을 하나만 "
                   "받는 장치).",
        .fallback = 1,
        .min = 0,
        .max = 1},
    [LINK_BAUD] = {.name = "baud",
        .help_en = "Speed of the serial line.",
        .help_ko = "직렬 통신 속도입니다.",
        .fallback = 9600,
        .min = 300,
        .max = 4000000},
    [LINK_PARITY] = {.name = "parity",
        .help_en = "Parity of the serial line.",
        .help_ko = "직렬 통신 패리티입니다.",
        .fallback = 1,
        .words = "none,even,odd"},
    [LINK_DATA] = {.name = "data",
        .help_en = "Data bits of the serial line.",
        .help_ko = "직렬 통신 데이터 비트입니다.",
        .fallback = 8,
        .min = 7,
        .max = 8},
    [LINK_STOP] = {.name = "stop",
        .help_en = "Stop bits of the serial line.",
        .help_ko = "직렬 통신 정지 비트입니다.",
        .fallback = 1,
        .min = 1,
        .max = 2},
    [LINK_OPTION_COUNT] = {.name = NULL},
};

const struct driver_option *settings_link_options(void) {
    return link_options;
}

static const struct driver_option *find(
    const struct driver_option *options, struct str name, size_t *ret_index) {
    for (size_t i = 0; options[i].name != NULL; i++) {
        if (str_eq(name, str_of(options[i].name))) {
            *ret_index = i;
            return &options[i];
        }
    }
    return NULL;
}

/* Index of `value` in "a,b,c", or -1. */
static int64_t word_index(const char *words, struct str value) {
    struct str rest = str_of(words);
    for (int64_t i = 0; rest.size > 0; i++) {
        if (str_eq_nocase(str_cut(&rest, ','), value)) {
            return i;
        }
    }
    return -1;
}

static int parse_value(
    const struct driver_option *option, struct str value, int64_t *ret_value, struct err *err) {
    if (option->words != NULL) {
        int64_t index = word_index(option->words, value);
        if (index < 0) {
            return err_set(err, ERR_INVALID, MSG_DEVICE_OPTION_WORD,
                ARGS(A_CSTR(option->name), A_CSTR(option->words), A_STR(value)));
        }
        *ret_value = index;
        return 0;
    }
    int64_t number = 0;
    if (!str_to_i64(value, &number) || number < option->min || number > option->max) {
        return err_set(err, ERR_INVALID, MSG_DEVICE_OPTION_RANGE,
            ARGS(A_CSTR(option->name), A_INT(option->min), A_INT(option->max), A_STR(value)));
    }
    *ret_value = number;
    return 0;
}

static void list_names(const struct driver_option *options, struct buf *out) {
    for (size_t i = 0; options[i].name != NULL; i++) {
        buf_put_str(out, out->size > 0 ? STR(" ") : STR_NONE);
        buf_put_str(out, str_of(options[i].name));
    }
}

static int unknown(const struct driver *driver, struct str name, struct err *err) {
    AUTO_BUF struct buf names;
    buf_init(&names, 1024);
    list_names(driver->options, &names);
    list_names(link_options, &names);
    return err_set(
        err, ERR_INVALID, MSG_DEVICE_OPTION_UNKNOWN, ARGS(A_STR(name), A_STR(buf_str(&names))));
}

static void set_defaults(const struct driver *driver, struct driver_settings *settings) {
    for (size_t i = 0; driver->options[i].name != NULL; i++) {
        settings->values[i] = driver->options[i].fallback;
    }
    for (size_t i = 0; i < LINK_OPTION_COUNT; i++) {
        settings->link[i] = link_options[i].fallback;
    }
}

int settings_parse(const struct driver *driver, struct str options, bool serial,
    struct driver_settings *ret_settings, struct err *err) {
    struct driver_settings settings = {.serial = serial};
    set_defaults(driver, &settings);
    uint64_t seen = 0; // Bit i: driver option i; bit 32 + i: link option i.
    struct str rest = str_trim(options);
    while (rest.size > 0) {
        struct str pair = str_trim(str_cut(&rest, ' '));
        if (pair.size == 0) {
            continue;
        }
        size_t equal = str_find(pair, '=');
        if (equal == 0 || equal == pair.size) {
            return err_set(err, ERR_INVALID, MSG_DEVICE_OPTION_FORM, ARGS(A_STR(pair)));
        }
        struct str name = str_slice(pair, 0, equal);
        size_t index = 0;
        int64_t *value = NULL;
        uint64_t bit = 0;
        const struct driver_option *option = find(driver->options, name, &index);
        if (option != NULL) {
            value = &settings.values[index];
            bit = 1ULL << index;
        } else if ((option = find(link_options, name, &index)) != NULL) {
            value = &settings.link[index];
            bit = 1ULL << (32 + index);
        } else {
            return unknown(driver, name, err);
        }
        if ((seen & bit) != 0) {
            return err_set(err, ERR_INVALID, MSG_DEVICE_OPTION_TWICE, ARGS(A_STR(name)));
        }
        seen |= bit;
        int result = parse_value(option, str_slice(pair, equal + 1, pair.size), value, err);
        if (result < 0) {
            return result;
        }
    }
    *ret_settings = settings;
    return 0;
}
