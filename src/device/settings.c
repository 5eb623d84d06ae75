/*
 * Parsing device options. The line is blanks and name=value pairs; values are whole numbers or one
 * of the words an option lists, or texts, in quotes where they have blanks. Unknown names, repeated
 * names and values out of range are refused in words that list what would be right: a silently
 * ignored option is a wrong reading later.
 */
#include "device/settings.h"

#include "core/buf.h"
#include "device/device.h"

#define SECRET_SHOWN "***"

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

static int parse_value(const struct driver_option *option, struct str value, int64_t *ret_value,
    struct str *ret_text, struct err *err) {
    if (option->is_secret && str_eq(value, STR(SECRET_SHOWN))) {
        return err_set(err, ERR_INVALID, MSG_DEVICE_OPTION_SECRET, ARGS(A_CSTR(option->name)));
    }
    if (option->is_text) {
        *ret_text = value;
        return 0;
    }
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

/* Takes the next "name=value" off the line; a value in quotes may hold blanks. ERR_INVALID. */
static int cut_pair(
    struct str *rest, struct str *ret_name, struct str *ret_value, struct err *err) {
    size_t end = 0;
    while (end < rest->size && rest->data[end] != ' ' && rest->data[end] != '=') {
        end++;
    }
    struct str name = str_slice(*rest, 0, end);
    bool has_value = end > 0 && end < rest->size && rest->data[end] == '=';
    size_t from = end + 1;
    char quote = has_value && from < rest->size ? rest->data[from] : 0;
    bool quoted = quote == '"' || quote == '\'';
    size_t to = quoted ? ++from : from;
    while (has_value && to < rest->size && rest->data[to] != (quoted ? quote : ' ')) {
        to++;
    }
    bool is_open = quoted && to >= rest->size;
    size_t after = quoted && !is_open ? to + 1 : to;
    bool is_glued = quoted && after < rest->size && rest->data[after] != ' ';
    if (!has_value || is_open || is_glued) {
        struct str shown = *rest;
        return err_set(err, ERR_INVALID, is_open ? MSG_DEVICE_OPTION_QUOTE : MSG_DEVICE_OPTION_FORM,
            ARGS(A_STR(is_open ? name : str_cut(&shown, ' '))));
    }
    *ret_name = name;
    *ret_value = str_slice(*rest, from, to);
    *rest = str_trim(str_slice(*rest, after < rest->size ? after : rest->size, rest->size));
    return 0;
}

int settings_parse(const struct driver *driver, struct str options, bool serial,
    struct driver_settings *ret_settings, struct err *err) {
    struct driver_settings settings = {.serial = serial};
    set_defaults(driver, &settings);
    uint64_t seen = 0; // Bit i: driver option i; bit 32 + i: link option i.
    struct str rest = str_trim(options);
    while (rest.size > 0) {
        struct str name = STR_NONE;
        struct str text = STR_NONE;
        int result = cut_pair(&rest, &name, &text, err);
        if (result < 0) {
            return result;
        }
        size_t index = 0;
        int64_t *value = NULL;
        struct str unused = STR_NONE;
        struct str *place = &unused;
        uint64_t bit = 0;
        const struct driver_option *option = find(driver->options, name, &index);
        if (option != NULL) {
            value = &settings.values[index];
            place = &settings.texts[index];
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
        result = parse_value(option, text, value, place, err);
        if (result < 0) {
            return result;
        }
    }
    *ret_settings = settings;
    return 0;
}

static bool is_secret(const struct driver *driver, struct str name) {
    size_t index = 0;
    const struct driver_option *option =
        driver != NULL ? find(driver->options, name, &index) : NULL;
    return option != NULL && option->is_secret;
}

static struct str value_of(struct str options, struct str wanted) {
    struct str rest = str_trim(options);
    struct str name = STR_NONE;
    struct str value = STR_NONE;
    while (rest.size > 0 && cut_pair(&rest, &name, &value, NULL) == 0) {
        if (str_eq(name, wanted)) {
            return value;
        }
    }
    return STR_NONE;
}

static void put_pair(struct buf *out, struct str name, struct str value) {
    char quote = str_find(value, '"') < value.size ? '\'' : '"';
    bool quoted = value.size == 0 || str_find(value, ' ') < value.size || value.data[0] == '"' ||
                  value.data[0] == '\'';
    buf_put_str(out, out->size > 0 ? STR(" ") : STR_NONE);
    buf_put_str(out, name);
    buf_put_char(out, '=');
    if (quoted) {
        buf_put_char(out, quote);
    }
    buf_put_str(out, value);
    if (quoted) {
        buf_put_char(out, quote);
    }
}

/* Copies the line with other values for secrets; `present` NULL: shown ones. */
static void rewrite(
    struct str driver_name, const struct str *present, struct str options, struct buf *out) {
    const struct driver *driver = driver_find(driver_name);
    struct str rest = str_trim(options);
    struct str name = STR_NONE;
    struct str value = STR_NONE;
    size_t begun = out->size;
    while (rest.size > 0) {
        if (cut_pair(&rest, &name, &value, NULL) < 0) {
            buf_put_str(out, out->size > begun ? STR(" ") : STR_NONE);
            buf_put_str(out, rest);
            return;
        }
        if (is_secret(driver, name) && (present == NULL || str_eq(value, STR(SECRET_SHOWN)))) {
            struct str kept = present == NULL ? STR_NONE : value_of(*present, name);
            value = kept.size > 0 ? kept : STR(SECRET_SHOWN);
        }
        put_pair(out, name, value);
    }
}

void device_options_show(struct str driver, struct str options, struct buf *out) {
    rewrite(driver, NULL, options, out);
}

/* The line whose secrets the wanted one may keep. */
static struct str line_of(const struct device *present, const struct device *wanted) {
    bool same = present != NULL && str_eq(present->driver, wanted->driver) &&
                str_eq(present->address, wanted->address);
    return same ? present->options : STR_NONE;
}

void device_options_keep(
    const struct device *present, const struct device *wanted, struct buf *out) {
    const struct str line = line_of(present, wanted);
    rewrite(wanted->driver, &line, wanted->options, out);
}

bool device_options_lack(const struct device *present, const struct device *wanted) {
    const struct driver *driver = driver_find(wanted->driver);
    struct str rest = str_trim(wanted->options);
    struct str name = STR_NONE;
    struct str value = STR_NONE;
    while (rest.size > 0 && cut_pair(&rest, &name, &value, NULL) == 0) {
        if (is_secret(driver, name) && str_eq(value, STR(SECRET_SHOWN)) &&
            value_of(line_of(present, wanted), name).size == 0) {
            return true;
        }
    }
    return false;
}
