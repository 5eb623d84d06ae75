/*
 * Polling a JSON document over HTTP: gateways, energy meters, robots and small servers that answer
 * a GET with their present values (RFC 9110, RFC 8259).
 *
 * The device's address is the URL; one request a period fetches the document, in which every tag
 * has its path: `$.temp`, `$.line[0].count i64`, `$.name text`. `time=$.ts` (in the source or as an
 * option of the device) names the document's own time, a number of ms or s or a text of RFC 3339;
 * without it a value has the time of the answer. A path that is not in the document is no data; a
 * document that cannot be read gives no value at all.
 */
#include <math.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "device/driver.h"
#include "device/http_get.h"
#include "wire/json_path.h"

enum http_option { HTTP_USER = 0, HTTP_PASSWORD, HTTP_HEADER, HTTP_CA_FILE, HTTP_TIME, HTTP_UNIT };
enum { DETAIL_TYPE = 0, BODY_BYTES_MAX = 8 << 20, TEXT_BYTES = LIMIT_TEXT_VALUE_BYTES + 1 };

static const int64_t UNIT_NS[] = {NS_PER_MS, NS_PER_S, 1000, 1};

/* A source taken apart; the path borrows it. */
struct http_source {
    struct json_path path;
    struct json_path time;
    bool has_time;
    enum value_type type;
};

struct http_private {
    struct http_get *client;
};

/* `$['x y']` may hold blanks, so the path ends at a blank outside brackets. */
static struct str cut_path(struct str *rest) {
    size_t end = 0;
    bool inside = false;
    while (end < rest->size && (inside || rest->data[end] != ' ')) {
        inside = rest->data[end] == '[' || (inside && rest->data[end] != ']');
        end++;
    }
    struct str path = str_slice(*rest, 0, end);
    *rest = str_trim(str_slice(*rest, end, rest->size));
    return path;
}

static int parse_source(struct str source, const struct driver_settings *settings,
    struct http_source *ret_source, struct err *err) {
    *ret_source = (struct http_source){.type = TYPE_F64};
    struct str rest = str_trim(source);
    struct str time = settings->texts[HTTP_TIME];
    int result = json_path_parse(cut_path(&rest), &ret_source->path, err);
    while (result == 0 && rest.size > 0) {
        bool is_time = str_starts(rest, STR("time="));
        if (is_time) {
            rest = str_slice(rest, 5, rest.size);
            time = cut_path(&rest);
            continue;
        }
        struct str word = str_cut(&rest, ' ');
        rest = str_trim(rest);
        if (!value_type_of_name(word, &ret_source->type)) {
            return err_set(err, ERR_INVALID, MSG_HTTP_WORD, ARGS(A_STR(word)));
        }
    }
    if (result == 0 && time.size > 0) {
        ret_source->has_time = true;
        result = json_path_parse(time, &ret_source->time, err);
    }
    return result;
}

static int http_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    struct http_source parsed;
    int result = parse_source(source, settings, &parsed, err);
    if (result < 0) {
        return result;
    }
    ret_point->length = 1; // One document holds all points.
    ret_point->detail[DETAIL_TYPE] = parsed.type;
    ret_point->natural_type = parsed.type;
    return 0;
}

static struct driver_span http_span(const struct driver_settings *settings, uint32_t space) {
    (void)settings;
    (void)space;
    return (struct driver_span){.max_length = 1};
}

static int http_check_address(
    struct str address, const struct driver_settings *settings, struct err *err) {
    (void)settings;
    return http_get_check(address, err);
}

static int http_open(struct driver_io *io, struct err *err) {
    (void)err; // The first request will say.
    const struct driver_settings *settings = io_settings(io);
    struct http_private *http = io_private(io);
    http->client = http_get_new(&(struct http_get_options){.user = settings->texts[HTTP_USER],
        .password = settings->texts[HTTP_PASSWORD],
        .header = settings->texts[HTTP_HEADER],
        .ca_file = settings->texts[HTTP_CA_FILE]});
    return 0;
}

static void http_close(struct driver_io *io) {
    struct http_private *http = io_private(io);
    http_get_free(http->client);
    http->client = NULL;
}

/* The document's time at the path; 0: none that can be read. */
static int64_t read_time(const struct json_value *value, int64_t unit_ns) {
    int64_t time_ns = 0;
    if (value->kind == JSON_NUMBER && fabs(value->number) < 9.2e18 / (double)unit_ns) {
        return value->is_whole ? value->whole * unit_ns
                               : (int64_t)(value->number * (double)unit_ns);
    }
    bool good = value->kind == JSON_STRING && time_parse(value->text, NULL, &time_ns);
    return good ? time_ns : 0;
}

static void give_text(
    struct point_sink *sink, const struct point *point, const struct json_value *value) {
    AUTO_BUF struct buf text;
    buf_init(&text, TEXT_BYTES);
    if (value->kind == JSON_STRING) {
        json_value_put_text(value, &text);
    } else {
        buf_put_str(&text, value->text);
    }
    if (text.overflow) {
        sink_bad(sink, point, STATUS_BAD_DATA_ENCODING, NULL);
        return;
    }
    sink_text(sink, point, buf_str(&text));
}

/* A number, or a text that is one, as many gateways write. */
static bool as_number(const struct json_value *value, double *ret_number) {
    *ret_number = value->number;
    return value->kind == JSON_NUMBER ||
           (value->kind == JSON_STRING && str_to_f64(str_trim(value->text), ret_number));
}

static void give(
    struct point_sink *sink, const struct point *point, const struct json_value *value) {
    enum value_type type = (enum value_type)point->detail[DETAIL_TYPE];
    double number = 0;
    int64_t whole = 0;
    if (value->kind == JSON_ABSENT || value->kind == JSON_NULL) {
        struct err words = ERR_INIT;
        (void)err_set(&words, ERR_NOT_FOUND, MSG_HTTP_NO_PATH, ARGS(A_STR(point->source)));
        sink_bad(sink, point, STATUS_BAD_NO_DATA, value->kind == JSON_NULL ? NULL : &words);
    } else if (type == TYPE_TEXT) {
        give_text(sink, point, value);
    } else if (value->kind == JSON_BOOL && type == TYPE_BOOL) {
        sink_bool(sink, point, value->boolean);
    } else if (value->kind == JSON_BOOL) {
        sink_i64(sink, point, value->boolean);
    } else if (type == TYPE_I64 && value->is_whole) {
        sink_i64(sink, point, value->whole);
    } else if (type == TYPE_I64 && value->kind == JSON_STRING &&
               str_to_i64(str_trim(value->text), &whole)) {
        sink_i64(sink, point, whole);
    } else if (as_number(value, &number) && type == TYPE_F64) {
        sink_f64(sink, point, number);
    } else if (value->kind == JSON_NUMBER && value->is_whole && type == TYPE_BOOL) {
        sink_bool(sink, point, value->whole != 0);
    } else {
        struct err words = ERR_INIT;
        (void)err_set(&words, ERR_TYPE, MSG_HTTP_TYPE,
            ARGS(A_STR(point->source), A_CSTR(value_type_name(type))));
        sink_bad(sink, point, STATUS_BAD_DATA_ENCODING, &words);
    }
}

/* Up to JSON_SCAN_PATHS_MAX / 2 points in one pass over the document. */
static int give_points(struct driver_io *io, const struct point *points, uint32_t count,
    struct str document, struct point_sink *sink, struct err *err) {
    const struct driver_settings *settings = io_settings(io);
    AUTO_FREE struct http_source *sources = MEM_ARRAY(struct http_source, count);
    AUTO_FREE struct json_value *values = MEM_ARRAY(struct json_value, 2 * (size_t)count);
    AUTO_FREE const struct json_path **paths =
        MEM_ARRAY(const struct json_path *, 2 * (size_t)count);
    for (uint32_t i = 0; i < count; i++) {
        (void)parse_source(points[i].source, settings, &sources[i], NULL); // It was good before.
        paths[2 * i] = &sources[i].path;
        paths[2 * i + 1] = sources[i].has_time ? &sources[i].time : &sources[i].path;
    }
    int result = json_scan(document, paths, 2 * count, values, err);
    for (uint32_t i = 0; i < count && result == 0; i++) {
        int64_t time_ns = sources[i].has_time
                              ? read_time(&values[2 * i + 1], UNIT_NS[settings->values[HTTP_UNIT]])
                              : 0;
        sink_time(sink, time_ns);
        give(sink, &points[i], &values[2 * i]);
    }
    sink_time(sink, 0);
    return result;
}

static int http_read_groups(struct driver_io *io, const struct point_group *groups, uint32_t count,
    struct point_sink *sink, struct err *err) {
    struct http_private *http = io_private(io);
    AUTO_BUF struct buf body;
    buf_init(&body, BODY_BYTES_MAX);
    int status = http_get(http->client, io, io_address(io), &body, err);
    if (status < 0) {
        return status;
    }
    struct err words = ERR_INIT;
    int result =
        status >= 200 && status < 300 ? 0 : http_get_refused(io_address(io), status, &words);
    for (uint32_t i = 0; i < count; i++) {
        const struct point_group *group = &groups[i];
        for (uint32_t done = 0; done < group->count && result == 0;) {
            uint32_t part = group->count - done;
            part = part < JSON_SCAN_PATHS_MAX / 2 ? part : JSON_SCAN_PATHS_MAX / 2;
            result = give_points(io, group->points + done, part, buf_str(&body), sink, &words);
            done += part;
        }
        if (result < 0) {
            (void)err_context(&words, MSG_HTTP_DOCUMENT, ARGS(A_STR(io_address(io))));
            sink_group_failed(sink, group,
                words.code == ERR_DEVICE ? STATUS_BAD_DEVICE_FAILURE : STATUS_BAD_DATA_ENCODING,
                &words);
        }
    }
    return 0;
}

struct browsing {
    struct browse_list *list;
    bool full;
};

static void browse_leaf(void *context, const struct json_leaf *leaf) {
    struct browsing *browsing = context;
    const struct json_value *value = &leaf->value;
    enum value_type type = value->kind == JSON_STRING ? TYPE_TEXT
                           : value->kind == JSON_BOOL ? TYPE_BOOL
                                                      : TYPE_F64;
    AUTO_BUF struct buf source;
    buf_init(&source, LIMIT_SOURCE_BYTES);
    buf_put_str(&source, leaf->path);
    if (type != TYPE_F64) {
        buf_printf(&source, " %s", value_type_name(type));
    }
    struct browse_item item = {.source = buf_str(&source), .sample = value->text, .type = type};
    if (!browsing->full && !source.overflow) {
        browsing->full = !browse_add(browsing->list, &item);
    }
}

static int http_browse(
    struct driver_io *io, struct str under, struct browse_list *list, struct err *err) {
    (void)under;
    enum { LEAVES_MAX = 10000 };
    struct http_private *http = io_private(io);
    AUTO_BUF struct buf body;
    buf_init(&body, BODY_BYTES_MAX);
    int status = http_get(http->client, io, io_address(io), &body, err);
    if (status >= 300 || (status >= 0 && status < 200)) {
        return http_get_refused(io_address(io), status, err);
    }
    struct browsing browsing = {.list = list};
    return status < 0 ? status
                      : json_leaves(buf_str(&body), LEAVES_MAX, browse_leaf, &browsing, err);
}

static const struct driver_option http_options[] = {
    [HTTP_USER] = {.name = "user",
        .help_en = "User name, where the server asks for one.",
        .help_ko = "서버가 요구하는 사용자 이름입니다.",
        .is_text = true},
    [HTTP_PASSWORD] = {.name = "password",
        .help_en = "Its password.",
        .help_ko = "그 비밀번호입니다.",
        .is_text = true,
        .is_secret = true},
    [HTTP_HEADER] = {.name = "header",
        .help_en = "One more header line, such as \"X-Api-Key: abc\".",
        .help_ko = "추가 헤더 한 줄입니다. 예: \"X-Api-Key: abc\"",
        .is_text = true,
        .is_secret = true},
    [HTTP_CA_FILE] = {.name = "ca_file",
        .help_en = "File of certificates to trust for https, instead of the system's.",
        .help_ko = "https에서 신뢰할 인증서 파일입니다(없으면 시스템의 것).",
        .is_text = true,
        .is_file = true},
    [HTTP_TIME] = {.name = "time",
        .help_en = "Path of the document's own time, such as $.ts.",
        .help_ko = "문서 자체 시각의 경로입니다. 예: $.ts",
        .is_text = true},
    [HTTP_UNIT] = {.name = "time_unit",
        .help_en = "Unit of that time where it is a number.",
        .help_ko = "그 시각이 숫자일 때의 단위입니다.",
        .fallback = 0,
        .words = "ms,s,us,ns"},
    {.name = NULL},
};

const struct driver driver_http;
const struct driver driver_http = {
    .name = "http",
    .help_en = "Polls a JSON document (http:// or https:// URL as the address). A source is a path "
               "in it: $.temp, $.line[0].count i64, $.name text, $.run bool; time=$.ts names the "
               "document's own time.",
    .help_ko =
        "JSON 문서를 주기적으로 읽습니다(주소는 http:// 또는 https:// URL). 태그 주소는 문서 "
        "안의 경로입니다: $.temp, $.line[0].count i64, $.name text, $.run bool. time=$.ts는 "
        "문서 자체의 시각을 가리킵니다.",
    .options = http_options,
    .private_bytes = sizeof(struct http_private),
    .check_address = http_check_address,
    .parse_address = http_parse_address,
    .span = http_span,
    .open = http_open,
    .read_groups = http_read_groups,
    .close = http_close,
    .browse = http_browse,
};
