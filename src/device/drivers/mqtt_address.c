/*
 * Options and sources of the MQTT driver.
 *
 *     plant/line1/temp                     the whole payload: a number, true/false, or text
 *     plant/+/state $.run                  a value of JSON
 *     "two words/x" $['a b'] text time=$.ts s
 *     sparkplug:Plant/Edge1/Press Inputs/Temperature
 *
 * A topic ends at the first blank unless it is in quotes. Topic filters follow MQTT 3.1.1 clause
 * 4.7. The ids of Sparkplug cannot hold a slash, metric names can, so the name is what follows the
 * first blank behind them.
 */
#include <string.h>

#include "device/drivers/mqtt.h"
#include "device/link.h"
#include "wire/sparkplug.h"

/* clang-format off */
const struct driver_option mqtt_options[] = {
    [MQTT_USER] = {.name = "user", .is_text = true,
        .help_en = "User name at the broker.",
        .help_ko = "브로커의 사용자 이름입니다."},
    [MQTT_PASSWORD] = {.name = "password", .is_text = true, .is_secret = true,
        .help_en = "Password at the broker.",
        .help_ko = "브로커의 비밀번호입니다."},
    [MQTT_CLIENT_ID] = {.name = "client_id", .is_text = true,
        .help_en = "Name of this client at the broker; else one is made once and kept.",
        .help_ko = "브로커에 알리는 클라이언트 이름입니다. 없으면 한 번 만들어 계속 씁니다."},
    [MQTT_TLS] = {.name = "tls", .words = "no,yes",
        .help_en = "Encrypt the connection (port 8883 as a rule).",
        .help_ko = "통신을 암호화합니다(보통 8883 포트)."},
    [MQTT_CA_FILE] = {.name = "ca_file", .is_text = true, .is_file = true,
        .help_en = "Certificate of the broker's authority (PEM); else the system's.",
        .help_ko = "브로커 인증서를 서명한 기관의 인증서(PEM)입니다. 없으면 시스템의 것을 씁니다."},
    [MQTT_CERT_FILE] = {.name = "cert_file", .is_text = true, .is_file = true,
        .help_en = "Our own certificate (PEM), where the broker asks for one.",
        .help_ko = "브로커가 요구할 때 쓰는 우리 인증서(PEM)입니다."},
    [MQTT_KEY_FILE] = {.name = "key_file", .is_text = true, .is_file = true,
        .help_en = "The key of our certificate (PEM).",
        .help_ko = "우리 인증서의 키(PEM)입니다."},
    [MQTT_QOS] = {.name = "qos", .fallback = 1, .min = 0, .max = 1,
        .help_en = "1: the broker keeps a message until it is stored; 0: not.",
        .help_ko = "1: 저장될 때까지 브로커가 메시지를 보관합니다. 0: 빠르지만 잃을 수 있습니다."},
    [MQTT_SESSION] = {.name = "session", .words = "auto,persistent,clean",
        .help_en = "persistent: the broker collects while we are away; auto: not for Sparkplug.",
        .help_ko = "persistent: 끊긴 동안 브로커가 모아 둡니다. auto: Sparkplug만 clean."},
    [MQTT_KEEPALIVE_S] = {.name = "keepalive_s", .fallback = 30, .min = 5, .max = 3600,
        .help_en = "Seconds of silence after which the connection is checked.",
        .help_ko = "이 시간(초) 동안 조용하면 연결을 확인합니다."},
    [MQTT_MODE] = {.name = "mode", .words = "plain,sparkplug",
        .help_en = "sparkplug: be a Sparkplug B host application.",
        .help_ko = "sparkplug: Sparkplug B 호스트 애플리케이션으로 동작합니다."},
    [MQTT_HOST_ID] = {.name = "host_id", .is_text = true,
        .help_en = "Sparkplug host id under which STATE is published; without it no STATE.",
        .help_ko = "STATE를 게시할 Sparkplug 호스트 ID입니다. 없으면 게시하지 않습니다."},
    [MQTT_ENCODING] = {.name = "encoding", .words = "utf8,cp949",
        .help_en = "Encoding of the payloads.",
        .help_ko = "페이로드의 문자 인코딩입니다."},
    [MQTT_TIME] = {.name = "time", .is_text = true,
        .help_en = "Where messages carry their time: time=\"$.ts ms\" (ms, s, us, ns, iso).",
        .help_ko = "메시지 안의 시각 위치입니다. 예: time=\"$.ts ms\"(ms, s, us, ns, iso)."},
    {.name = NULL}};
/* clang-format on */

bool mqtt_is_sparkplug(const struct driver_settings *settings) {
    return settings->values[MQTT_MODE] != 0;
}

/* --- filters --- */

bool mqtt_filter_is_good(struct str filter) {
    if (filter.size == 0 || filter.size > MQTT_TOPIC_BYTES_MAX || !str_is_utf8(filter, NULL) ||
        str_find(filter, '\0') < filter.size) {
        return false;
    }
    struct str rest = filter;
    while (rest.data != NULL) {
        struct str level = str_cut(&rest, '/');
        bool wild = str_find(level, '+') < level.size || str_find(level, '#') < level.size;
        if (wild && level.size != 1) {
            return false;
        }
        if (wild && level.data[0] == '#' && rest.data != NULL) {
            return false;
        }
    }
    return true;
}

/* Clause 4.7.2: wildcards at the beginning do not match topics that begin with `$`. */
bool mqtt_filter_matches(struct str filter, struct str topic) {
    bool wild = filter.size > 0 && (filter.data[0] == '#' || filter.data[0] == '+');
    if (wild && topic.size > 0 && topic.data[0] == '$') {
        return false;
    }
    while (filter.data != NULL) {
        struct str level = str_cut(&filter, '/');
        if (str_eq(level, STR("#"))) {
            return true; // Also the parent: `a/#` matches `a`.
        }
        if (topic.data == NULL) {
            return false;
        }
        struct str part = str_cut(&topic, '/');
        if (!str_eq(level, STR("+")) && !str_eq(level, part)) {
            return false;
        }
    }
    return topic.data == NULL;
}

bool mqtt_filter_covers(struct str outer, struct str inner) {
    bool wild = outer.size > 0 && (outer.data[0] == '#' || outer.data[0] == '+');
    if (wild && inner.size > 0 && inner.data[0] == '$') {
        return false;
    }
    while (outer.data != NULL) {
        struct str level = str_cut(&outer, '/');
        if (str_eq(level, STR("#"))) {
            return true;
        }
        if (inner.data == NULL) {
            return false;
        }
        struct str part = str_cut(&inner, '/');
        bool same = str_eq(level, part);
        if (!same && (!str_eq(level, STR("+")) || str_eq(part, STR("#")))) {
            return false;
        }
    }
    return inner.data == NULL;
}

/* --- sources --- */

/* Cuts the next word: in quotes, or up to a blank outside of brackets. */
static struct str cut_word(struct str *rest) {
    *rest = str_trim(*rest);
    if (rest->size == 0) {
        return STR_NONE;
    }
    char quote = rest->data[0];
    if (quote == '"' || quote == '\'') {
        size_t size = str_find(str_slice(*rest, 1, rest->size), quote);
        if (size + 1 < rest->size) {
            struct str word = str_slice(*rest, 1, 1 + size);
            *rest = str_trim(str_slice(*rest, size + 2, rest->size));
            return word;
        }
    }
    size_t end = 0;
    char open = '\0'; // The quote that is open inside of brackets.
    for (; end < rest->size; end++) {
        char c = rest->data[end];
        if (open != '\0') {
            open = c == open ? '\0' : open;
        } else if ((c == '"' || c == '\'') && end > 0 && rest->data[end - 1] == '[') {
            open = c;
        } else if (c == ' ' || c == '\t') {
            break;
        }
    }
    struct str word = str_slice(*rest, 0, end);
    *rest = str_trim(str_slice(*rest, end, rest->size));
    return word;
}

/* The unit of a number; 0: not a unit. */
static int64_t unit_of(struct str word) {
    static const struct {
        const char *name;
        int64_t unit_ns;
    } UNITS[] = {{"ms", 1000000}, {"s", 1000000000}, {"us", 1000}, {"ns", 1}, {"iso", 1000000}};
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (str_eq(word, str_of(UNITS[i].name))) {
            return UNITS[i].unit_ns;
        }
    }
    return 0;
}

/* Path and unit off the front of *rest. */
static int cut_time(struct str *rest, struct mqtt_time *ret_time, struct err *err) {
    struct mqtt_time time = {.is_given = true, .unit_ns = 1000000};
    struct str path = cut_word(rest);
    if (str_eq(path, STR("none"))) {
        *ret_time = (struct mqtt_time){.is_given = false};
        return 0;
    }
    int result = json_path_parse(path, &time.path, err);
    if (result < 0) {
        return result;
    }
    struct str ahead = *rest;
    int64_t unit_ns = unit_of(cut_word(&ahead));
    if (unit_ns != 0) {
        time.unit_ns = unit_ns;
        *rest = ahead;
    }
    *ret_time = time;
    return 0;
}

int mqtt_parse_time(struct str text, struct mqtt_time *ret_time, struct err *err) {
    struct str rest = text;
    int result = cut_time(&rest, ret_time, err);
    if (result == 0 && rest.size > 0) {
        return err_set(err, ERR_INVALID, MSG_MQTT_TIME_UNIT, ARGS(A_STR(rest)));
    }
    return result;
}

static int parse_sparkplug(struct str rest, const struct driver_settings *settings,
    struct mqtt_source *source, struct err *err) {
    if (!mqtt_is_sparkplug(settings)) {
        return err_set(err, ERR_INVALID, MSG_MQTT_NEEDS_SPARKPLUG, NO_ARGS);
    }
    struct str whole = rest;
    struct str ids = cut_word(&rest);
    source->is_sparkplug = true;
    source->group = str_cut(&ids, '/');
    source->edge = str_cut(&ids, '/');
    source->device = ids.data != NULL ? ids : STR_NONE;
    source->metric = rest;
    bool good = sparkplug_is_id(source->group) && sparkplug_is_id(source->edge) &&
                (ids.data == NULL || sparkplug_is_id(source->device)) && rest.size > 0;
    return good ? 0 : err_set(err, ERR_INVALID, MSG_MQTT_SPARKPLUG_FORM, ARGS(A_STR(whole)));
}

/* What may follow the topic, word by word. */
static int parse_word(
    struct str word, struct str *rest, struct mqtt_source *source, struct err *err) {
    if (word.size > 0 && word.data[0] == '$' && !source->has_path) {
        source->has_path = true;
        return json_path_parse(word, &source->path, err);
    }
    if (str_starts(word, STR("time="))) {
        /* The path may have been cut at a blank inside of quotes: read on from its beginning. */
        struct str again = {
            .data = word.data + 5, .size = (size_t)(rest->data + rest->size - (word.data + 5))};
        if (rest->size == 0) {
            again = str_slice(word, 5, word.size);
        }
        int result = cut_time(&again, &source->time, err);
        *rest = again;
        return result;
    }
    if (str_eq(word, STR("text")) && source->form == MQTT_FORM_AUTO) {
        source->form = MQTT_FORM_TEXT;
        return 0;
    }
    if (str_eq(word, STR("number")) && source->form == MQTT_FORM_AUTO) {
        source->form = MQTT_FORM_NUMBER;
        return 0;
    }
    return err_set(err, ERR_INVALID, MSG_MQTT_WORD, ARGS(A_STR(word)));
}

int mqtt_parse_source(struct str source, const struct driver_settings *settings,
    struct mqtt_source *ret_source, struct err *err) {
    struct mqtt_source parsed = {.filter = STR_NONE};
    struct str rest = str_trim(source);
    int result = 0;
    if (str_starts(rest, STR("sparkplug:"))) {
        rest = str_trim(str_slice(rest, strlen("sparkplug:"), rest.size));
        result = parse_sparkplug(rest, settings, &parsed, err);
    } else {
        struct str time = settings->texts[MQTT_TIME];
        if (time.size > 0) {
            result = mqtt_parse_time(time, &parsed.time, err);
        }
        parsed.filter = cut_word(&rest);
        if (result == 0 && !mqtt_filter_is_good(parsed.filter)) {
            result = err_set(err, ERR_INVALID, MSG_MQTT_FILTER, ARGS(A_STR(parsed.filter)));
        }
        while (result == 0 && rest.size > 0) {
            struct str word = cut_word(&rest);
            result = parse_word(word, &rest, &parsed, err);
        }
    }
    if (result == 0) {
        *ret_source = parsed;
    }
    return result;
}

/* Messages say what type they carry only when they come: a whole number feeds every type. */
int mqtt_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    struct mqtt_source parsed;
    int result = mqtt_parse_source(source, settings, &parsed, err);
    if (result == 0) {
        *ret_point = (struct point){
            .length = 1, .natural_type = parsed.form == MQTT_FORM_TEXT ? TYPE_TEXT : TYPE_I64};
    }
    return result;
}

int mqtt_check_address(
    struct str address, const struct driver_settings *settings, struct err *err) {
    int result = link_host_check(address, err);
    struct mqtt_time time;
    struct str text = settings->texts[MQTT_TIME];
    if (result == 0 && text.size > 0) {
        result = mqtt_parse_time(text, &time, err);
    }
    if (result == 0 &&
        (settings->texts[MQTT_CERT_FILE].size > 0) != (settings->texts[MQTT_KEY_FILE].size > 0)) {
        result = err_set(err, ERR_INVALID, MSG_MQTT_CERT_PAIR, NO_ARGS);
    }
    bool has_tls =
        settings->texts[MQTT_CA_FILE].size > 0 || settings->texts[MQTT_CERT_FILE].size > 0;
    if (result == 0 && has_tls && settings->values[MQTT_TLS] == 0) {
        result = err_set(err, ERR_INVALID, MSG_MQTT_TLS_OFF, NO_ARGS);
    }
    struct str host = settings->texts[MQTT_HOST_ID];
    if (result == 0 && host.size > 0 && !sparkplug_is_id(host)) {
        result = err_set(err, ERR_INVALID, MSG_MQTT_HOST_ID, ARGS(A_STR(host)));
    }
    if (result == 0 && settings->texts[MQTT_PASSWORD].size > 0 &&
        settings->texts[MQTT_USER].size == 0) {
        result = err_set(err, ERR_INVALID, MSG_MQTT_PASSWORD_ALONE, NO_ARGS);
    }
    return result;
}
