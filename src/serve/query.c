/*
 * Parsing of request lines and headers, pure and without recursion; each loop is bounded by the
 * 16 KB that a header may have.
 *
 * Names and values are decoded before they are looked at, so "%74ag=x" is "tag=x" and nothing
 * passes a check in one form and is used in another. Control characters are refused even where
 * they are well encoded: no name, time or text of ours holds one, but a log line could be forged
 * with them. Of a cookie that stands twice the first counts, as RFC 6265 section 5.4 sorts the more
 * specific path first.
 */
#include "serve/query.h"

#include <arpa/inet.h>
#include <string.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int query_decode(
    struct str text, bool plus, struct arena *arena, struct str *ret_text, struct err *err) {
    char *to = arena_try(arena, text.size + 1);
    if (!to) {
        return err_set(err, ERR_LIMIT, MSG_SERVE_QUERY_TOO_LONG, NO_ARGS);
    }
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.size ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return err_set(err, ERR_INVALID, MSG_SERVE_QUERY_ESCAPE, ARGS(A_STR(text)));
            }
            c = (char)(unsigned char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if ((unsigned char)c < 0x20 || c == 0x7F) {
            return err_set(err, ERR_INVALID, MSG_SERVE_QUERY_CONTROL, NO_ARGS);
        }
        to[size++] = c;
    }
    struct str result = {to, size};
    size_t bad = 0;
    if (!str_is_utf8(result, &bad)) {
        return err_set(err, ERR_INVALID, MSG_TEXT_NOT_UTF8, ARGS(A_INT(bad)));
    }
    *ret_text = result;
    return 0;
}

int query_parse(struct str text, struct arena *arena, struct query *ret_query, struct err *err) {
    ret_query->count = 0;
    struct str rest = text;
    while (rest.size > 0) {
        struct str value = str_cut(&rest, '&');
        struct str name = str_cut(&value, '=');
        if (name.size == 0 && value.size == 0) {
            continue; // "a=1&&b=2": nothing between.
        }
        if (ret_query->count == QUERY_PARAMS_MAX) {
            return err_set(err, ERR_LIMIT, MSG_SERVE_QUERY_TOO_MANY, ARGS(A_INT(QUERY_PARAMS_MAX)));
        }
        struct query_param *param = &ret_query->params[ret_query->count];
        int rc = query_decode(name, true, arena, &param->name, err);
        if (rc >= 0) {
            rc = query_decode(value.data ? value : STR_NONE, true, arena, &param->value, err);
        }
        if (rc < 0) {
            return rc;
        }
        ret_query->count++;
    }
    return 0;
}

bool query_find(const struct query *query, struct str name, struct str *ret_value) {
    for (uint32_t i = 0; i < query->count; i++) {
        if (str_eq(query->params[i].name, name)) {
            *ret_value = query->params[i].value;
            return true;
        }
    }
    return false;
}

struct str query_time(struct str value, char to[QUERY_TIME_MAX]) {
    enum { OFFSET_SIZE = 6, DATE_SIZE = 10 }; // " 09:00" behind more than "2026-11-20".
    bool may_be = value.size > DATE_SIZE + OFFSET_SIZE && value.size < QUERY_TIME_MAX;
    if (!may_be || value.data[value.size - OFFSET_SIZE] != ' ' ||
        value.data[value.size - OFFSET_SIZE / 2] != ':') {
        return value;
    }
    (void)str_copy_z(value, to, QUERY_TIME_MAX);
    to[value.size - OFFSET_SIZE] = '+';
    return (struct str){to, value.size};
}

struct str cookie_find(struct str header, struct str name) {
    struct str rest = header;
    while (rest.size > 0) {
        struct str value = str_trim(str_cut(&rest, ';'));
        struct str key = str_cut(&value, '=');
        if (value.data && str_eq(key, name)) {
            if (value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"') {
                value = str_slice(value, 1, value.size - 1);
            }
            return value;
        }
    }
    return STR_NONE;
}

/* Weight of one language range in thousandths, from "q=0.8"; 1000 when absent, 0 when broken. */
static int language_weight(struct str parameters) {
    struct str rest = parameters;
    while (rest.size > 0) {
        struct str value = str_trim(str_cut(&rest, ';'));
        struct str key = str_cut(&value, '=');
        double weight = 0;
        if (str_eq_nocase(str_trim(key), STR("q"))) {
            if (!str_to_f64(str_trim(value), &weight) || !(weight >= 0 && weight <= 1)) {
                return 0;
            }
            return (int)(weight * 1000);
        }
    }
    return 1000;
}

enum lang accept_language(struct str header) {
    int korean = -1;
    int english = -1;
    int any = -1;
    struct str rest = header;
    while (rest.size > 0) {
        struct str parameters = str_trim(str_cut(&rest, ','));
        struct str range = str_trim(str_cut(&parameters, ';'));
        int weight = language_weight(parameters);
        struct str primary = str_slice(range, 0, str_find(range, '-'));
        if (str_eq_nocase(primary, STR("ko"))) {
            korean = weight > korean ? weight : korean;
        } else if (str_eq_nocase(primary, STR("en"))) {
            english = weight > english ? weight : english;
        } else if (str_eq(primary, STR("*"))) {
            any = weight;
        }
    }
    korean = korean < 0 ? any : korean;
    return english > 0 && english > korean ? LANG_EN : LANG_KO;
}

bool accept_html(struct str header) {
    struct str rest = header;
    while (rest.size > 0) {
        struct str range = str_cut(&rest, ',');
        if (str_eq_nocase(str_trim(str_cut(&range, ';')), STR("text/html"))) {
            return true;
        }
    }
    return false;
}

static bool host_is_address(struct str host) {
    char text[64];
    uint8_t bytes[16];
    if (host.size >= sizeof text) {
        return false;
    }
    if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']') {
        (void)str_copy_z(str_slice(host, 1, host.size - 1), text, sizeof text);
        return inet_pton(AF_INET6, text, bytes) == 1;
    }
    (void)str_copy_z(host, text, sizeof text);
    return inet_pton(AF_INET, text, bytes) == 1;
}

bool host_is_ours(struct str header, const char *own_name) {
    struct str host = str_trim(header);
    size_t bracket = str_find(host, ']');
    size_t colon = bracket < host.size
                       ? bracket + str_find(str_slice(host, bracket, host.size), ':')
                       : str_find(host, ':');
    if (colon < host.size) {
        uint64_t port = 0;
        if (!str_to_u64(str_slice(host, colon + 1, host.size), &port) || port > 65535) {
            return false;
        }
        host = str_slice(host, 0, colon);
    }
    if (str_eq_nocase(host, STR("localhost"))) {
        return true;
    }
    if (own_name && str_eq_nocase(host, str_of(own_name))) {
        return true;
    }
    return host_is_address(host);
}
